"""Functions and methods in a forward: shapes, and the few uses of the time axis that can be held."""

from __future__ import annotations

from math import prod

from snnhub.ir.graph import Decoder
from snnhub.torchnet.arithmetic import ARITHMETIC
from snnhub.torchnet.call import OTHERS, Call, FunctionHandler
from snnhub.torchnet.functional import FUNCTIONAL
from snnhub.torchnet.pooling import everywhere
from snnhub.torchnet.shaping import flatten, reshape, split
from snnhub.torchnet.signals import MERGES, TURNS, Lead, RefusedError, Signal
from snnhub.torchnet.site import Site

ONE_STEP = (
    "A loop over time belongs outside the network: import the network of one step, whose forward takes (N, …). "
)
TIME_REMEDY = "Held are: a leading unsqueeze(0).repeat(T, …) and a trailing mean(0) or sum(0) over time."


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
    **dict.fromkeys(("softmax", "log_softmax"), "It changes no decision: leave it to the loss."),
    **dict.fromkeys(("max", "amax"), "Return the sequence, or reduce it over time with sum or mean."),
    **dict.fromkeys(("bernoulli", "rand_like", "poisson"), "Turn the input into spikes outside the network."),
    "matmul": "Multiply by weights in a Linear layer.",
    "linear": "Multiply by weights in a Linear layer.",
    "getitem": "Indexing a tensor takes the time axis (or the batch) apart. " + TIME_REMEDY,
    "stack": ONE_STEP,
}


def _flatten(call: Call, site: Site) -> Signal:
    signal = call.signal()
    rank = signal.lead.axes + len(signal.features)
    start, end = call.value(1, "start_dim", 0) % rank, call.value(2, "end_dim", -1) % rank
    if signal.lead in MERGES and (start, end) == (0, 1):
        return Signal(signal.port, MERGES[signal.lead], signal.features)
    return flatten(signal, site, start - signal.lead.axes, end - signal.lead.axes)


def _view(call: Call, site: Site) -> Signal:
    """Another shape of the features, of time and batch merged, or of both split again."""
    signal = call.signal()
    lead = _viewed_lead(call, signal)
    return reshape(Signal(signal.port, lead, signal.features), site, call.shape[lead.axes :])


def _viewed_lead(call: Call, signal: Signal) -> Lead:
    """What leads after the view. Raises ``RefusedError`` if leading axes are moved or cut."""
    axes, before, after = signal.lead.axes, call.before, call.shape
    if after[:axes] == before[:axes]:
        return signal.lead
    if signal.lead in MERGES and after[0] == before[0] * before[1]:
        return MERGES[signal.lead]
    if signal.lead is Lead.MERGED and after[1:2] == (call.samples,) and after[0] * call.samples == before[0]:
        return Lead.TIME_BATCH
    if signal.lead is Lead.BATCH_MERGED and after[0] == call.samples and prod(after[:2]) == before[0]:
        return Lead.BATCH_TIME
    raise RefusedError(
        "SNN-3003",
        f"view of {list(before)} as {list(after)} changes {signal.lead.value}",
        "Views may change the shape of the features, merge (T, N), and split it again in that order.",
    )


def _unsqueeze(call: Call, site: Site) -> Signal:
    signal, dim = call.signal(), call.value(1, "dim", None)
    axes = signal.lead.axes
    if isinstance(dim, int) and dim % (axes + len(signal.features) + 1) >= axes:
        return reshape(signal, site, call.shape[axes:])
    if dim != 0 or signal.lead is not Lead.BATCH:
        raise RefusedError("SNN-3003", "a new axis that is not time in front of a single frame", TIME_REMEDY)
    return Signal(signal.port, Lead.FRAME, signal.features)


def _squeeze(call: Call, site: Site) -> Signal:
    signal, dim = call.signal(), call.value(1, "dim", None)
    if not isinstance(dim, int) or dim % (signal.lead.axes + len(signal.features)) < signal.lead.axes:
        raise RefusedError("SNN-3003", "squeeze may take time or batch away", "Name one feature axis: squeeze(2).")
    return reshape(signal, site, call.shape[signal.lead.axes :])


def _unflatten(call: Call, site: Site) -> Signal:
    """Of time and batch merged, or of one feature axis."""
    if call.signal().lead in MERGES.values() and call.value(1, "dim", None) == 0:
        return _view(call, site)
    return split(call.signal(), site, call.value(1, "dim", None), call.value(2, "sizes", ()))


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
    """``mean(0)`` or ``sum(0)`` over time: the decoder. It must be the last thing that happens.

    A mean over all spatial axes is a pool.
    """
    signal = call.signal()
    axis = call.value(1, "dim", None)
    if call.name == "mean" and _all_spatial(signal, axis):
        return everywhere(signal, site, bool(call.value(2, "keepdim", False)))
    axis = axis[0] if isinstance(axis, tuple | list) and len(axis) == 1 else axis
    time = {Lead.TIME_BATCH: 0, Lead.BATCH_TIME: 1}.get(signal.lead)
    if time is None or axis != time or call.value(2, "keepdim", False):
        raise RefusedError("SNN-3003", f"{call.name} over axis {axis} of {signal.lead.value}", TIME_REMEDY)
    call.decoder = Decoder(call.name, argmax=len(signal.features) == 1)
    return Signal(signal.port, Lead.DECODED, signal.features)


def _all_spatial(signal: Signal, axes: object) -> bool:
    """Whether these are all feature axes behind the channels."""
    listed = axes if isinstance(axes, tuple | list) else (axes,)
    rank = signal.lead.axes + len(signal.features)
    if len(signal.features) < 2 or not all(isinstance(axis, int) for axis in listed):
        return False
    return sorted(axis % rank for axis in listed) == list(range(signal.lead.axes + 1, rank))


def _turn(call: Call, site: Site) -> Signal:
    """``transpose(0, 1)`` and ``permute(1, 0, …)`` of time and batch. Features stay where they are."""
    signal = call.signal()
    rank = signal.lead.axes + len(signal.features)
    if call.name == "permute":
        given = call.args[1] if len(call.args) == 2 and isinstance(call.args[1], tuple | list) else call.args[1:]
        order = [axis % rank for axis in (given or call.kwargs.get("dims", ()))]
    else:
        order = list(range(rank))
        first, second = (int(call.value(place, f"dim{place - 1}", 0)) % rank for place in (1, 2))
        order[first], order[second] = second, first
    if order == list(range(rank)):
        return signal
    if signal.lead in TURNS and order == [1, 0, *range(2, rank)]:
        return Signal(signal.port, TURNS[signal.lead], signal.features)
    raise RefusedError(
        "SNN-3003", f"axes of {signal.lead.value} reordered as {order}", "Only (T, N) and (N, T) turn."
    )


def _same(call: Call, site: Site) -> Signal:
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
    **ARITHMETIC,
    **FUNCTIONAL,
    **dict.fromkeys(("cat", "concat", "concatenate"), _cat),
    "flatten": _flatten,
    "view": _view,
    "reshape": _view,
    "unflatten": _unflatten,
    "unsqueeze": _unsqueeze,
    "unsqueeze_": _unsqueeze,
    "squeeze": _squeeze,
    **dict.fromkeys(("permute", "transpose", "swapaxes"), _turn),
    "repeat": _repeat,
    "expand": _repeat,
    "mean": _reduce,
    "sum": _reduce,
    "contiguous": _same,
    "detach": _same,
    "clone": _same,
}
