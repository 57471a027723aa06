"""Describes Rockpool networks as plain lists of layers, and builds them again. Only where Rockpool is installed.

A layer is ``{"name", "class", …}``: ``shape`` and ``arguments`` of a leaf, ``of`` (a list of layers) of a
container, ``arguments`` of a SynNet. A file that Rockpool saved holds the parameters; this holds what that file
leaves out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

Layer = dict[str, Any]
NEURONS = ("LIFTorch", "LIFBitshiftTorch")
CONTAINERS = {"TorchSequential": "Sequential", "TorchResidual": "Residual"}


def described(net: Any) -> list[Layer]:
    """The layers of a live Sequential."""
    return [_described(name, module) for name, module in net.modules().items()]


def _described(name: str, module: Any) -> Layer:
    kind = type(module).__name__
    if kind in CONTAINERS:
        return {"name": name, "class": CONTAINERS[kind], "of": described(module)}
    layer: Layer = {"name": name, "class": kind, "shape": [int(size) for size in module.shape]}
    if kind == "LinearTorch":
        layer["arguments"] = {"has_bias": getattr(module, "bias", None) is not None}
    elif kind in NEURONS:
        # modules without a cap of their own share one tensor, and loading any of them would change all
        cap = int(module.max_spikes_per_dt)
        layer["arguments"] = {"has_rec": bool(module._has_rec), "dt": float(module.dt), "max_spikes_per_dt": cap}
    return layer


def built(layers: Sequence[Layer]) -> Any:
    """The network of a list of layers; its parameters come with ``load``."""
    from rockpool.nn.networks import SynNet

    if len(layers) == 1 and layers[0]["class"] == "SynNet":
        return SynNet(**layers[0]["arguments"])
    return _module({"class": "Sequential", "of": layers})


def _module(layer: Layer) -> Any:
    from rockpool.nn import modules
    from rockpool.nn.combinators.residual import TorchResidual
    from rockpool.nn.combinators.sequential import TorchSequential
    from rockpool.nn.modules.torch.dropout import TimeStepDropout

    if "of" in layer:
        inner = OrderedDict((each["name"], _module(each)) for each in layer["of"])
        kind = TorchSequential if layer["class"] == "Sequential" else TorchResidual
        return kind(inner)
    if layer["class"] == "TimeStepDropout":
        return TimeStepDropout(tuple(layer["shape"]))
    return getattr(modules, layer["class"])(tuple(layer["shape"]), **layer.get("arguments", {}))
