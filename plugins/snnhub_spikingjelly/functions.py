"""Functions and methods in a forward: additions, shapes, and the few uses of the time axis that can be held."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from snnhub.ir.graph import Decoder

from snnhub_spikingjelly.layers import flatten
from snnhub_spikingjelly.signals import Lead, RefusedError, Signal
from snnhub_spikingjelly.site import Site
from snnhub_spikingjelly.tracer import ONE_STEP

if TYPE_CHECKING:
    from torch import fx

TIME_REMEDY = "Held are: a leading unsqueeze(0).repeat(T, …) and a trailing mean(0) or sum(0) over time."


OTHERS = "Numbers and tensors that are no activations belong into a layer."


class Call:
    """One call_function or call_method: its arguments as signals or plain values, and its output shape."""

    def __init__(self, node: fx.Node, args: Sequence[Any], kwargs: dict[str, Any], shape: tuple[int, ...]) -> None:
        self.node = node
        self.args = list(args)
        self.kwargs = kwargs
        self.shape = shape
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


def handle(call: Call, site: Site) -> Signal:
    """Add what a call means and return its output. Raises ``RefusedError`` for what cannot be held."""
    handler = FUNCTIONS.get(call.name)
    if handler is None:
        raise RefusedError(
            "SNN-3002",
            f"function {call.name} cannot be held",
            REMEDIES.get(call.name, f"Held: {', '.join(sorted(FUNCTIONS))}."),
        )
    return handler(call, site)


def known(name: str) -> bool:
    """Whether a function or method has a handler."""
    return name in FUNCTIONS


REMEDIES = {
    "getitem": "Indexing a tensor takes the time axis (or the batch) apart. " + TIME_REMEDY,
    "stack": ONE_STEP,
    "relu": "Activations that do not spike have no place in a spiking layer. Use a neuron.",
}


def _add(call: Call, site: Site) -> Signal:
    if len(call.args) != 2 or call.kwargs.get("alpha", 1) != 1:
        raise RefusedError("SNN-3002", "addition with a factor", "Scale the layer before it.")
    a, b = call.signal(0), call.signal(1)
    if a.lead is not b.lead or a.features != b.features:
        raise RefusedError(
            "SNN-3010",
            f"summands differ: {a.lead.value} {list(a.features)}, {b.lead.value} {list(b.features)}",
            "Only equal shapes are added; broadcasting is not held.",
        )
    port = site.builder.node(site.name, "core.Add", {"a": a.port, "b": b.port}, origin=site.origin)
    return a.moved(port, a.features)


def _flatten(call: Call, site: Site) -> Signal:
    signal = call.signal()
    rank = signal.lead.axes + len(signal.features)
    start, end = call.value(1, "start_dim", 0) % rank, call.value(2, "end_dim", -1) % rank
    if signal.lead is Lead.TIME_BATCH and (start, end) == (0, 1):
        return Signal(signal.port, Lead.MERGED, signal.features)
    return flatten(signal, site, start - signal.lead.axes, end - signal.lead.axes)


def _view(call: Call, site: Site) -> Signal:
    """A view that keeps the leading axes and flattens features, or that splits time from batch again."""
    signal, lead = call.signal(), call.signal().lead.axes
    rank = len(call.shape)
    same = call.shape[rank - len(signal.features) :] == signal.features
    if signal.lead is Lead.MERGED and same and rank == len(signal.features) + 2:
        return Signal(signal.port, Lead.TIME_BATCH, signal.features)
    if signal.lead is Lead.TIME_BATCH and same and rank == len(signal.features) + 1:
        return Signal(signal.port, Lead.MERGED, signal.features)
    features = call.shape[lead:]
    if features == signal.features:
        return signal
    end = len(signal.features) - 1
    for start in range(len(signal.features)):
        merged = flatten_shape(signal.features, start, end)
        if features == merged:
            return flatten(signal, site, start, end)
    raise RefusedError(
        "SNN-3010",
        f"view from {list(signal.features)} to {list(call.shape)} is no flattening of features",
        "Views may merge the last feature axes into one.",
    )


def flatten_shape(features: tuple[int, ...], start: int, end: int) -> tuple[int, ...]:
    """Shape after merging axes start .. end."""
    from math import prod

    return (*features[:start], prod(features[start : end + 1]), *features[end + 1 :])


def _unsqueeze(call: Call, site: Site) -> Signal:
    signal = call.signal()
    if call.value(1, "dim", None) != 0 or signal.lead is not Lead.BATCH:
        raise RefusedError("SNN-3003", "a new axis that is not time in front of a single frame", TIME_REMEDY)
    return Signal(signal.port, Lead.FRAME, signal.features)


def _repeat(call: Call, site: Site) -> Signal:
    """``x.unsqueeze(0).repeat(T, 1, …)``, ``.expand(T, -1, …)``, or ``x.repeat(T, 1, …)`` with a new axis."""
    signal = call.signal()
    sizes = call.args[1] if len(call.args) == 2 and isinstance(call.args[1], tuple | list) else call.args[1:]
    neutral = (1,) if call.name == "repeat" else (-1, *call.shape)
    rank = (2 if signal.lead is Lead.FRAME else signal.lead.axes + 1) + len(signal.features)
    if (
        signal.lead not in (Lead.FRAME, Lead.BATCH)
        or len(sizes) != rank
        or any(size not in neutral for size in sizes[1:])
    ):
        raise RefusedError("SNN-3003", f"{call.name} that does more than hold a frame in time", TIME_REMEDY)
    call.hold = int(sizes[0])
    return Signal(signal.port, Lead.TIME_BATCH, signal.features)


def _reduce(call: Call, site: Site) -> Signal:
    """``mean(0)`` or ``sum(0)`` over time: the decoder. It must be the last thing that happens."""
    signal = call.signal()
    axis = call.value(1, "dim", None)
    axis = axis[0] if isinstance(axis, tuple | list) and len(axis) == 1 else axis
    if signal.lead is not Lead.TIME_BATCH or axis != 0 or call.value(2, "keepdim", False):
        raise RefusedError("SNN-3003", f"{call.name} over axis {axis} of {signal.lead.value}", TIME_REMEDY)
    call.decoder = Decoder(call.name, argmax=len(signal.features) == 1)
    return Signal(signal.port, Lead.DECODED, signal.features)


def _same(call: Call, site: Site) -> Signal:
    return call.signal()


def _dropout(call: Call, site: Site) -> Signal:
    if call.value(2, "training", True):
        raise RefusedError("SNN-3009", "dropout that is always active", "Pass training=self.training.")
    return call.signal()


def _cat(call: Call, site: Site) -> Signal:
    """Concatenation along a feature axis, two at a time."""
    signals = call.args[0] if call.args else call.kwargs.get("tensors")
    if not isinstance(signals, tuple | list) or not signals or not all(isinstance(s, Signal) for s in signals):
        raise RefusedError("SNN-3002", "concatenation of something else than the network's tensors", OTHERS)
    total: Signal = signals[0]
    axis = call.value(1, "dim", 0) % (total.lead.axes + len(total.features)) - total.lead.axes
    if axis < 0:
        raise RefusedError(
            "SNN-3003", f"concatenation along {total.lead.value}", "Join features, not time or batch."
        )
    for count, part in enumerate(signals[1:], 2):
        if part.lead is not total.lead or len(part.features) != len(total.features):
            found = f"{total.lead.value} {list(total.features)}, {part.lead.value} {list(part.features)}"
            raise RefusedError("SNN-3010", f"parts differ: {found}", "Join tensors of one rank.")
        name = site.name if count == len(signals) else f"{site.name}/part{count}"
        sources = {"a": total.port, "b": part.port}
        sizes = (total.features[axis], part.features[axis])
        port = site.builder.node(name, "core.Concat", sources, origin=site.origin, axis=axis, sizes=sizes)
        total = total.moved(port, (*total.features[:axis], sum(sizes), *total.features[axis + 1 :]))
    return total


FUNCTIONS: dict[str, FunctionHandler] = {
    "add": _add,
    "add_": _add,
    "iadd": _add,
    operator.add.__name__: _add,
    "cat": _cat,
    "concat": _cat,
    "concatenate": _cat,
    "flatten": _flatten,
    "view": _view,
    "reshape": _view,
    "unsqueeze": _unsqueeze,
    "unsqueeze_": _unsqueeze,
    "repeat": _repeat,
    "expand": _repeat,
    "mean": _reduce,
    "sum": _reduce,
    "contiguous": _same,
    "detach": _same,
    "clone": _same,
    "dropout": _dropout,
}
