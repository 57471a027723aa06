"""Input arrays: which axes they have, and whether every value is one that the graph input takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.ir.graph import Input
from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class Stimulus:
    """Input values (time, samples, *features) in the dtype of the input's type. ``reading`` says how the
    axes were understood; ``batched`` whether the array had a batch axis.
    """

    values: Array
    batched: bool
    reading: str
    findings: tuple[Finding, ...] = ()


def read_stimulus(array: Array, item: Input) -> Stimulus:
    """Check an array (time, batch, features…) or (time, features…) against a graph input.

    Raises ``UsageError`` for a wrong rank or shape, an object or text dtype, NaN or infinity, and values
    outside the input's type. An f64 array into an f32 input is rounded, which is a finding.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "fiub":
        raise UsageError(
            "input must hold numbers", where=item.id, found=str(array.dtype), allowed="float, int, bool"
        )
    rank = len(item.shape)
    batched = array.ndim == rank + 2
    if array.ndim not in (rank + 1, rank + 2) or array.shape[array.ndim - rank :] != item.shape:
        raise UsageError(
            "input has the wrong shape",
            where=item.id,
            found=str(list(array.shape)),
            allowed=f"[time, batch, {_listed(item.shape)}] or [time, {_listed(item.shape)}]",
        )
    if array.shape[0] < 1 or (batched and array.shape[1] < 1):
        raise UsageError(
            "input is empty", where=item.id, found=str(list(array.shape)), allowed="at least one step and sample"
        )
    values, findings = _typed(array, item)
    if item.hold and values.shape[0] == 1:
        values = np.broadcast_to(values, (item.hold, *values.shape[1:]))
        held = info(
            "SNN-5003",
            item.id,
            "one frame is shown in every step, as the network does it",
            new=f"{item.hold} steps",
        )
        findings = (*findings, held)
    samples = f", {array.shape[1]} samples" if batched else ", no batch axis"
    reading = f"{values.shape[0]} steps{samples}, features {list(item.shape)}"
    return Stimulus(values if batched else values[:, None], batched, reading, findings)


def _listed(shape: tuple[int, ...]) -> str:
    return ", ".join(str(size) for size in shape)


def _typed(array: Array, item: Input) -> tuple[Array, tuple[Finding, ...]]:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise UsageError("input holds NaN or infinity", where=f"{item.id}{list(where)}", found=str(array[where]))
    target = item.type.numpy
    if item.type.is_float:
        with np.errstate(over="ignore"):
            values = array.astype(target)
        rounded = int(np.count_nonzero(values.astype(np.float64) != array.astype(np.float64)))
        if not rounded:
            return values, ()
        message = f"{rounded} of {array.size} input values were rounded to {item.type}"
        return values, (info("SNN-5001", item.id, message, old=str(array.dtype), new=str(item.type)),)
    low, high = item.type.range
    outside = (array < low) | (array > high) | (array != np.rint(array) if array.dtype.kind == "f" else False)
    if np.any(outside):
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        raise UsageError(
            f"input holds {int(np.count_nonzero(outside))} values that the network does not take",
            where=f"{item.id}{list(where)}",
            found=str(array[where]),
            allowed=str(item.type),
        )
    return array.astype(target), ()
