"""Event lists as rasters: times and neurons of spikes, put on the grid of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnhub.errors import FormatError, UsageError
from snnhub.findings import Finding, info, note
from snnhub.ir.tensor import Array

TIMES, UNITS = ("times", "time", "t"), ("units", "unit", "neurons", "neuron", "ids", "id")
"""Last parts of the names of the two arrays of an event list."""
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "step": None}
"""Units of time, in seconds; None: counted in steps."""
MAX_BINS = 2**28
"""Steps times neurons of one raster: event lists may name any time and any neuron."""
ON_GRID = 1e-3
"""Part of a step by which a time may miss the grid before it is said to lie between two steps."""


@dataclass(frozen=True)
class Events:
    """Spikes as (step, neuron); ``spikes[i]`` is in step ``steps[i]`` of neuron ``units[i]``."""

    name: str
    steps: Array
    units: Array

    @property
    def size(self) -> tuple[int, int]:
        """Fewest steps and neurons that hold all events."""
        if not self.steps.size:
            return 0, 0
        return int(self.steps.max()) + 1, int(self.units.max()) + 1

    def raster(self, steps: int, neurons: int, where: str) -> tuple[Array, list[Finding]]:
        """Counts (time, neuron). Raises ``FormatError`` for a raster that would be too large."""
        if steps * neurons > MAX_BINS:
            raise FormatError(
                "events span too many steps and neurons",
                where=f"{where}:{self.name}",
                found=f"{steps} steps x {neurons} neurons",
                allowed=f"{MAX_BINS} bins",
                remedy="Is the unit of time right? --time-unit s|ms|us|step",
            )
        flat = np.bincount(self.steps * max(neurons, 1) + self.units, minlength=steps * neurons)
        raster = flat.astype(np.uint8 if flat.max(initial=0) < 256 else np.int64).reshape(steps, neurons)
        several = int(np.count_nonzero(flat > 1))
        if not several:
            return raster, []
        message = f"{several} bins hold more than one event: they are compared as counts"
        return raster, [note("SNN-5111", f"{where}:{self.name}", message)]


def find_events(arrays: Mapping[str, Array]) -> dict[str, tuple[str, str]]:
    """Pairs of arrays that are event lists: name of the quantity, with the names of its times and its units."""
    found: dict[str, tuple[str, str]] = {}
    for name in arrays:
        prefix, _, last = name.rpartition("/")
        if last.lower() not in TIMES:
            continue
        for other in arrays:
            other_prefix, _, other_last = other.rpartition("/")
            if other_prefix == prefix and other_last.lower() in UNITS and other != name:
                found[prefix or "spikes"] = (name, other)
    return found


def read_events(
    name: str, times: Array, units: Array, dt: float | None, unit: str | None, where: str
) -> tuple[Events, list[Finding]]:
    """An event list on the grid. Whole-number times are steps, unless ``unit`` says otherwise.

    Raises ``FormatError`` for lists that do not fit each other, ``UsageError`` for times in seconds without dt.
    """
    place = f"{where}:{name}"
    if times.ndim != 1 or times.shape != units.shape:
        raise FormatError(
            "times and units are not two lists of one length", where=place, found=f"{times.shape}, {units.shape}"
        )
    if unit is not None and unit not in SECONDS:
        raise UsageError("unknown unit of time", found=unit, allowed=", ".join(SECONDS))
    if not (np.isfinite(times).all() and np.isfinite(units).all()):
        raise FormatError("an event has no time or no neuron", where=place, found="NaN or infinity")
    whole = times.size == 0 or (times.dtype.kind in "iu" or bool((times == np.rint(times)).all()))
    unit = unit or ("step" if whole else "s")
    seconds, findings = SECONDS[unit], list[Finding]()
    exact = times.astype(np.float64)
    if seconds is not None:
        if dt is None:
            raise UsageError(
                "times are not steps, and the length of a step is not known",
                where=place,
                found=f"times up to {float(times.max(initial=0)):g} {unit}",
                remedy="Pass --dt SECONDS; if they are steps, --time-unit step",
            )
        exact = exact * seconds / dt
    steps = np.rint(exact)
    off = int(np.count_nonzero(np.abs(exact - steps) > ON_GRID))
    if off:
        message = f"{off} of {times.size} events lie between two steps and were put on the nearest"
        findings.append(note("SNN-5111", place, message, remedy="Check --dt and --time-unit."))
    findings.append(info("SNN-5111", place, f"event list read with times in {unit}", new=f"{times.size} events"))
    bad = np.rint(units) != units
    if bool(bad.any()) or bool((units < 0).any()) or bool((steps < 0).any()):
        raise FormatError("events need times and neurons from 0 on", where=place, found="a negative or broken one")
    return Events(name, steps.astype(np.int64), units.astype(np.int64)), findings
