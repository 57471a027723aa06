"""A function or method in a forward, as its handler sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from snnhub.ir.graph import Decoder

from snnhub_spikingjelly.signals import RefusedError, Signal
from snnhub_spikingjelly.site import Site

if TYPE_CHECKING:
    from torch import fx

OTHERS = "Numbers and tensors that are no activations belong into a layer."


class Call:
    """One call_function or call_method: its arguments as signals or plain values.

    ``shape``: of its output in the probe; ``before``: of its first argument.
    """

    def __init__(
        self,
        node: fx.Node,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        shape: tuple[int, ...],
        before: tuple[int, ...] = (),
    ) -> None:
        self.node = node
        self.args = list(args)
        self.kwargs = kwargs
        self.shape = shape
        self.before = before
        self.decoder: Decoder | None = None
        self.hold = 0

    @property
    def name(self) -> str:
        target = self.node.target
        return target if isinstance(target, str) else getattr(target, "__name__", str(target))

    def signal(self, position: int = 0) -> Signal:
        """An argument that must be a tensor of the network. Raises ``RefusedError`` otherwise."""
        value = self.args[position] if position < len(self.args) else None
        if not isinstance(value, Signal):
            raise RefusedError("SNN-3002", f"{self.name} of something else than the network's tensors", OTHERS)
        return value

    def value(self, position: int, name: str, default: Any) -> Any:
        """A plain argument by position or keyword."""
        if name in self.kwargs:
            return self.kwargs[name]
        return self.args[position] if position < len(self.args) else default


FunctionHandler = Callable[[Call, Site], Signal]
