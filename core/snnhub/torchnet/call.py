"""A function or method in a forward, as its handler sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from snnhub.ir.graph import Decoder
from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Site

OTHERS = "Numbers and tensors that are no activations belong into a layer."


class Call:
    """One call of a function or method: its arguments as signals or plain values.

    ``name``: of the function. ``shape``: of its output in the probe; ``before``: of its first argument.
    ``samples``: length of the batch axis in both. ``decoder`` and ``hold`` are set by the handler of a function
    that reduces time, or repeats a frame.
    """

    def __init__(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        shape: tuple[int, ...],
        before: tuple[int, ...] = (),
        samples: int = 0,
    ) -> None:
        self.name = name
        self.args = list(args)
        self.kwargs = kwargs
        self.shape = shape
        self.before = before
        self.samples = samples
        self.decoder: Decoder | None = None
        self.hold = 0

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
