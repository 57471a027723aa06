"""Where a module is called, and what every handler of modules needs: axes and tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Origin
from snnhub.ir.tensor import Tensor, tensor
from snnhub.torchnet.signals import RefusedError, Signal


@dataclass(frozen=True)
class Site:
    """Where a module is called: node id in the graph, origin, and the builder to add to."""

    name: str
    origin: Origin
    builder: GraphBuilder


Handler = Callable[[Any, Signal, Site], Signal]


def merged(module: Any, signal: Signal, *ranks: int) -> None:
    """Torch's spatial layers take one leading axis. ``ranks``: how many feature axes are allowed.

    Raises ``RefusedError`` for other axes.
    """
    if signal.lead.axes != 1:
        name = type(module).__name__
        raise RefusedError(
            "SNN-3010",
            f"torch.nn.{name} takes (N, …), found {signal.lead.value}",
            f"Merge time and batch before it, or use the framework's own: SpikingJelly has layer.{name}.",
        )
    if len(signal.features) not in ranks:
        wanted = " or ".join(str(rank) for rank in ranks)
        raise RefusedError("SNN-3010", f"needs features of {wanted} axes, found {list(signal.features)}")


def array(value: Any) -> Tensor:
    """A torch tensor of f32, which has been checked, as a stored one."""
    return tensor(value.detach().cpu().numpy())


def scalar(value: float) -> Tensor:
    """A number as a 0-d f32 tensor, rounded as torch rounds it when it meets an f32 tensor."""
    return tensor(float(value), "float32")
