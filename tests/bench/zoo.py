"""Networks that SpikingJelly ships: importing against building them, the engine against SpikingJelly's forward.

The import ends with its comparison on random input, which is counted too. What is built is SpikingJelly's own
constructor with its own initialisation, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.ir.tensor import Array

from tests.bench.timing import Ratio, Work, compare, seconds

SHAPE = (3, 32, 32)
STEPS, SAMPLES = 4, 2


def networks() -> Iterator[tuple[str, Work, Callable[[], Any]]]:
    """Name, SpikingJelly's constructor, and the same network with weights that make every layer fire."""
    from spikingjelly.activation_based import neuron

    from tests.networks import zoo

    sew = zoo.model("sew_resnet").sew_resnet18
    yield "SEW-ResNet18", partial(sew, cnf="ADD", spiking_neuron=neuron.IFNode, num_classes=10), zoo.sew_resnet18
    vgg = zoo.model("spiking_vgg")
    whole = {"spiking_neuron": neuron.IFNode, "num_classes": 10}
    yield "Spiking VGG11", partial(vgg.spiking_vgg11, **whole), zoo.vgg11_for_imagenet
    yield "Spiking VGG11-BN", partial(vgg.spiking_vgg11_bn, **whole), partial(zoo.vgg11_for_imagenet, True)
    yield "Spiking VGG11, small head", zoo.small_vgg11, zoo.vgg11


def measure(folder: Path) -> Iterator[Ratio]:
    """For each network: import and conversion to build time, and a run to the forward."""
    given: dict[str, Any] = {"from_": "spikingjelly", "options": ImportOptions(input_shape=SHAPE)}
    for name, build, lively in networks():
        net = lively()
        net.eval()
        importing = partial(snnhub.import_model, net, "spikingjelly", SHAPE)
        yield compare(
            f"{name}, import", "SpikingJelly builds it", partial(seconds, importing), partial(seconds, build)
        )
        converting = partial(snnhub.convert, net, folder / "net.snn", **given)
        yield compare(
            f"{name}, convert to .snn",
            "SpikingJelly builds it",
            partial(seconds, converting),
            partial(seconds, build),
        )
        x = np.random.default_rng(0).random((STEPS, SAMPLES, *SHAPE), dtype=np.float32)
        run = partial(prepare(importing()).run, x)
        what = f"{name}, {STEPS} steps of {SAMPLES} images"
        yield compare(what, "SpikingJelly's forward", partial(seconds, run), partial(_forward, net, x))


def _forward(net: Any, x: Array) -> float:
    """Seconds of one forward from the initial state."""
    import torch
    from spikingjelly.activation_based import functional

    functional.reset_net(net)
    with torch.no_grad():
        return seconds(lambda: net(torch.from_numpy(x)))
