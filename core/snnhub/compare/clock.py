"""A column of times beside what was recorded: it says how long a step is, and is no quantity itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnhub.compare.events import SECONDS
from snnhub.errors import UsageError
from snnhub.findings import Finding, info, note
from snnhub.ir.tensor import Array

CLOCKS = ("time", "times", "t", "step", "steps")
COUNTED = ("step", "steps")
EVEN = 1e-3
"""Part of a step by which times may miss an even grid: printed numbers are rounded."""


@dataclass(frozen=True)
class Clock:
    """``dt`` in seconds, None where steps are counted."""

    name: str
    dt: float | None
    findings: tuple[Finding, ...]


def find_clock(arrays: Mapping[str, Array], unit: str | None, where: str) -> Clock | None:
    """The column of times, if there is one beside other quantities of its length.

    Times are in ``unit``; without it seconds, or steps if they are 0, 1, 2 … Raises ``UsageError`` for times that
    are not evenly spaced: then there are no steps that could be compared.
    """
    for name, values in arrays.items():
        others = [array for key, array in arrays.items() if key != name]
        if name.rpartition("/")[2].lower() not in CLOCKS or values.ndim != 1 or values.size < 2:
            continue
        if any(array.ndim and array.shape[0] == values.shape[0] for array in others):
            return _read(name, values.astype(np.float64), unit, where)
    return None


def _read(name: str, times: Array, unit: str | None, where: str) -> Clock:
    place = f"{where}:{name}"
    with np.errstate(all="ignore"):  # what is not finite is not even
        step = float((times[-1] - times[0]) / (times.size - 1))
        grid = times[0] + step * np.arange(times.size)
        even = step > 0 and float(np.abs(times - grid).max()) <= EVEN * step
    if not even:
        raise UsageError(
            "times are not evenly spaced, so there are no steps to compare",
            where=place,
            found=f"from {times[0]:g} to {times[-1]:g} in {times.size} rows",
            remedy="Record on a grid, or give the spikes as events: times and units.",
        )
    counted = name.rpartition("/")[2].lower() in COUNTED or step == 1
    unit = unit or ("step" if counted else "s")
    seconds = SECONDS.get(unit)
    dt = None if seconds is None else step * seconds
    words = "steps are counted" if dt is None else f"times in {unit}, dt {dt:g} s"
    findings = [info("SNN-5101", place, f"taken for the time axis: {words}")]
    if abs(times[0]) > (1 + EVEN) * step:
        message = "the recording begins later than at its first step; its rows are compared from the first on"
        findings.append(note("SNN-5105", place, message, new=f"begins at {times[0]:g}"))
    return Clock(name, dt, tuple(findings))
