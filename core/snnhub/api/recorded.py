"""Recordings as ``compare`` takes them: what was read, what was said about it, and what was assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from snnhub_formats.traces import TOLD, Traces, read_traces

from snnhub.compare.clock import find_clock
from snnhub.compare.events import Events, find_events, read_events
from snnhub.compare.quantity import NEURON, TIME, Quantity, axis_names, with_axes
from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.ir.tensor import Array

Given = str | Path | Mapping[str, Array]
Said = Mapping[str, str] | str | None
"""One text for all recordings, or texts by name; the empty name stands for all others."""

SAME_DT = 1e-6
"""Share by which two lengths of a step may differ and be the same: columns of times are printed rounded."""


@dataclass(frozen=True)
class Saying:
    """What the caller says of recordings: see ``compare_recordings``."""

    axes: Said = None
    dt: Said = None
    columns: str | None = None
    rename: Mapping[str, str] | None = None
    time_unit: str | None = None


@dataclass(frozen=True)
class Recorded:
    """One recording as it was understood. ``dt`` in seconds, None if nobody said."""

    name: str
    quantities: Mapping[str, Quantity]
    events: Mapping[str, Events]
    dt: float | None
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        shapes = {key: [list(q.axes), list(q.values.shape)] for key, q in self.quantities.items()}
        return {"name": self.name, "dt": self.dt, "quantities": shapes, "events": list(self.events)}

    def dense(
        self, other: Recorded, only: frozenset[str] = frozenset()
    ) -> tuple[dict[str, Quantity], list[Finding]]:
        """All quantities, event lists as rasters that are as large as what ``other`` has under their name."""
        made, findings = dict(self.quantities), list[Finding]()
        for key, events in self.events.items():
            raster, found = events.raster(*self._extent(key, other), self.name)
            made[key] = Quantity(key, raster, (TIME, NEURON), True)
            findings += found
        return {key: quantity for key, quantity in made.items() if not only or key in only}, findings

    def _extent(self, key: str, other: Recorded) -> tuple[int, int]:
        """Steps and neurons of an event list: those of the other side's raster, if that holds all events."""
        sizes = [self.events[key].size]
        if key in other.events:
            sizes.append(other.events[key].size)
        quantity = other.quantities.get(key)
        if quantity is None and len(other.quantities) == 1 and not other.events and len(self.events) == 1:
            quantity = next(iter(other.quantities.values()))
        if quantity is not None and quantity.values.ndim == 2:
            sizes.append((quantity.values.shape[0], quantity.values.shape[1]))
        return max(size[0] for size in sizes), max(size[1] for size in sizes)


def read_all(given: Sequence[Given], saying: Saying) -> list[Recorded]:
    """Read recordings. Raises ``UsageError`` for different dt, and for names, axes or columns that do not fit."""
    names = _names(given)
    axes, dt = _by_file(saying.axes, names, "--axes"), _by_file(saying.dt, names, "--dt")
    read = [_read(item, name, axes[name], dt[name], saying) for item, name in zip(given, names, strict=True)]
    ensure_one_dt(read)
    return read


def _names(recordings: Sequence[Given]) -> list[str]:
    """A short name for each: its file name, the whole path where two share it, a letter for arrays."""
    short = [Path(item).name if isinstance(item, str | Path) else "" for item in recordings]
    names = []
    for number, (item, name) in enumerate(zip(recordings, short, strict=True)):
        if not isinstance(item, str | Path):
            names.append(chr(ord("A") + number) if number < 26 else f"recording{number}")
        else:
            names.append(name if short.count(name) == 1 else str(item))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError("a recording was given twice", found=", ".join(twice))
    return names


def _by_file(said: Said, names: Sequence[str], option: str) -> dict[str, str | None]:
    """What was said for each file. Raises ``UsageError`` for a file that is not among them."""
    if said is None or isinstance(said, str):
        return dict.fromkeys(names, said)
    unknown = [name for name in said if name and name not in names]
    if unknown:
        raise UsageError(
            "no recording of this name", where=option, found=", ".join(unknown), allowed=", ".join(names)
        )
    return {name: said.get(name, said.get("")) for name in names}


def _read(item: Given, name: str, axes: str | None, dt: str | None, saying: Saying) -> Recorded:
    columns = () if saying.columns is None else tuple(part.strip() for part in saying.columns.split(","))
    rename = saying.rename or {}
    traces = read_traces(Path(item), columns) if isinstance(item, str | Path) else _arrays(item, name)
    seconds = _agreed(None if dt is None else _seconds(dt, name), traces.dt, name)
    names = axis_names(axes) if axes is not None else axis_names(",".join(traces.axes)) if traces.axes else ()
    arrays = {rename.get(key, key): array for key, array in traces.arrays.items()}
    if len(arrays) < len(traces.arrays):
        raise UsageError("two quantities would get one name", where=name, found=", ".join(rename.values()))
    events, findings = _events(arrays, seconds, saying.time_unit, name)
    clock = find_clock(arrays, saying.time_unit, name)
    if clock is not None:
        del arrays[clock.name]
        seconds = _agreed(seconds, clock.dt, name)
        findings += clock.findings
    quantities: dict[str, Quantity] = {}
    for key, array in arrays.items():
        quantities[key], turned = with_axes(key, array, names, name)
        findings += [] if turned is None else [turned]
    if names and not any(quantity.said and len(quantity.axes) == len(names) for quantity in quantities.values()):
        shapes = ", ".join(f"{key} {list(array.shape)}" for key, array in arrays.items()) or "event lists"
        raise UsageError("nothing has these axes", where=name, found=shapes, allowed=",".join(names))
    if traces.named:
        findings.append(info("SNN-5101", name, traces.named, remedy="--columns and --rename give other names."))
    by_rule = [f"{key} {list(q.values.shape)}" for key, q in quantities.items() if not q.said]
    if by_rule:
        words = f"axes not stated: the first one is taken to be time, for {', '.join(by_rule[:8])}"
        findings.append(info("SNN-5101", name, words, remedy=f"Say it: --axes {name}=time,…"))
    return Recorded(name, quantities, events, seconds, tuple(findings))


def _arrays(given: Mapping[str, Array], name: str) -> Traces:
    """A recording in memory: the same names as in a ``.npz`` file."""
    arrays = {key: np.asarray(array) for key, array in given.items() if key not in TOLD}
    for key, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise UsageError("array does not hold numbers", where=f"{name}:{key}", found=str(array.dtype))
    if not arrays:
        raise UsageError("holds no recording", where=name)
    dt = given.get("dt")
    axes = tuple(str(axis) for axis in np.asarray(given.get("axes", ())).reshape(-1))
    return Traces(arrays, axes, None if dt is None else _seconds(str(np.asarray(dt)), name))


def _seconds(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < np.inf:
        raise UsageError("dt is a positive number of seconds", where=name, found=text, allowed="such as 1e-4")
    return value


def _agreed(stated: float | None, found: float | None, name: str) -> float | None:
    """The length of a step from what was said and what the file says. Raises ``UsageError`` if they differ."""
    if not _same_dt(stated, found):
        raise UsageError("the file states another dt", where=name, found=f"{stated:g} s", allowed=f"{found:g} s")
    return found if stated is None else stated


def _same_dt(a: float | None, b: float | None) -> bool:
    return a is None or b is None or abs(a - b) <= SAME_DT * max(a, b)


def ensure_one_dt(read: Sequence[Recorded]) -> None:
    """Raise ``UsageError`` if two recordings state steps of different length: they share no step."""
    stated = [item for item in read if item.dt is not None]
    if any(not _same_dt(stated[0].dt, item.dt) for item in stated):
        raise UsageError(
            "the recordings have steps of different length",
            found=", ".join(f"{item.name} {item.dt:g} s" for item in stated),
            allowed="one dt",
            remedy="Record them again with one dt; --dt FILE=SECONDS corrects what was said.",
        )


def unknown_dt(read: Sequence[Recorded]) -> list[Finding]:
    unknown = [item.name for item in read if item.dt is None]
    if not unknown:
        return []
    words = "length of a step not stated: steps are compared with steps"
    return [info("SNN-5104", ", ".join(unknown), words, remedy="Say it: --dt SECONDS, or --dt FILE=SECONDS")]


def _events(
    arrays: dict[str, Array], dt: float | None, unit: str | None, name: str
) -> tuple[dict[str, Events], list[Finding]]:
    """Take the event lists out of ``arrays``."""
    events: dict[str, Events] = {}
    findings: list[Finding] = []
    for key, (times, units) in find_events(arrays).items():
        events[key], found = read_events(key, arrays.pop(times), arrays.pop(units), dt, unit, name)
        findings += found
    return events, findings
