"""One side or two of a picture: networks in the engine or a runner, and recordings, aligned as when compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnhub.api.options import ImportOptions
from snnhub.api.recorded import Said
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import Finding, info
from snnhub.hub.catalogue import detect
from snnhub.hub.loader import load
from snnhub.ir.tensor import Array
from snnhub.plot.couple import Couple

Progress = Callable[[int, int], None]
TABLES = (".npy", ".csv")
"""Suffixes of what is never a network."""


@dataclass(frozen=True)
class Potential:
    """A state of one sample. ``thresholds``: one number per neuron for each side (f64), None where none is."""

    couple: Couple
    thresholds: tuple[Array | None, Array | None] = (None, None)


@dataclass(frozen=True)
class Sides:
    """``spikes``: every spike train. ``states``: called with record keys (none: membrane potentials) and a sample,
    gives those states of that sample. ``names``: one side or two; ``reading``: how the input was read.
    """

    names: tuple[str, ...]
    spikes: tuple[Couple, ...]
    states: Callable[[tuple[str, ...], int], list[Potential]]
    findings: tuple[Finding, ...] = ()
    reading: str = ""


@dataclass(frozen=True)
class Asked:
    """What is to be shown: ``a``, and beside it the network or recording ``against``, or ``a`` in ``runner``.

    ``stimulus``: for networks, (time, batch, features…) or (time, features…). ``axes`` and ``columns``: of
    recordings, as ``compare_recordings`` takes them. ``options``: of the importer of ``a``; ``given``: of the
    runner, or of the importer of ``against``. ``quantities``: what to show, as ``kind`` (``spikes`` or ``state``).
    """

    a: Any
    kind: str
    stimulus: Array | None = None
    against: Any = None
    runner: str | None = None
    quantities: tuple[str, ...] = ()
    from_: str | None = None
    options: ImportOptions | None = None
    given: Mapping[str, str] | None = None
    axes: Said = None
    columns: str | None = None
    progress: Progress | None = None


def take_sides(asked: Asked) -> Sides:
    """Run or read both sides. Raises what ``verify`` and ``compare_recordings`` raise, and ``UsageError`` for a
    network without input, input without a network, and a runner beside a second side.
    """
    from snnhub.api.plot_networks import of_network, of_networks, of_runner
    from snnhub.api.plot_recorded import of_recordings

    against, runner = _second(asked)
    recorded = [is_recording(asked.a, asked.from_), against is not None and is_recording(against)]
    networks = [not recorded[0], against is not None and not recorded[1]]
    _ensure_used(asked, any(networks), any(recorded))
    if runner is not None:
        if recorded[0]:
            raise UsageError("a recording cannot be run", found=f"runner {runner}", remedy="Give the network.")
        return of_runner(asked, runner)
    if any(recorded):
        return of_recordings(asked, against, (recorded[0], recorded[1]))
    return of_network(asked) if against is None else of_networks(asked, against)


def _ensure_used(asked: Asked, networks: bool, recordings: bool) -> None:
    """Raise ``UsageError`` for what is missing, and for what nothing here would listen to."""
    if networks and asked.stimulus is None:
        raise UsageError("a network is run on an input", allowed="--input X.npy")
    if not networks and asked.stimulus is not None:
        raise UsageError("recordings are not run", found="an input", remedy="Leave --input out.")
    if not networks and asked.runner is None and (asked.given or asked.options not in (None, ImportOptions())):
        raise UsageError("recordings are not imported", found="options of an importer or runner", allowed="none")
    if not recordings and (asked.axes or asked.columns):
        found = "--axes" if asked.axes else "--columns"
        raise UsageError("is said of recordings, and there is none", where=found)


def _second(asked: Asked) -> tuple[Any, str | None]:
    """The second side: a network or recording, or a runner; ``against`` takes its name too, as in ``verify``."""
    against, runner = asked.against, asked.runner
    if against is not None and runner is not None:
        raise UsageError("there are two sides at most", found="--against and --runner", allowed="one of them")
    if isinstance(against, str) and not Path(against).exists() and against in load().runners:
        return None, against
    return against, runner


def is_recording(given: Any, importer: str | None = None) -> bool:
    """Arrays by name, or a file of them: ``.npy``, ``.csv``, or a ``.npz`` that no importer knows as a network."""
    if isinstance(given, Mapping):
        return True
    if importer is not None or not isinstance(given, str | Path):
        return False
    path = Path(given)
    if path.suffix.lower() in TABLES:
        return True
    if path.suffix.lower() != ".npz":
        return False
    try:
        detect(path)
    except UnsupportedError:
        return True
    return False


def select(spikes: Iterable[Couple], wanted: Iterable[str]) -> list[Couple]:
    """Those of the given record keys, of either side, in the order of the network; all without any.

    Raises ``UsageError`` for keys that are no spike train of these sides, and where there is none at all.
    """
    found, names = list(spikes), list(wanted)
    known = list(dict.fromkeys(key for couple in found for key in (couple.a_key, couple.b_key) if key))
    unknown = [name for name in names if name not in known]
    if unknown or not found:
        raise UsageError(
            "no spike train of this name" if unknown else "no spike train to draw",
            found=", ".join(unknown),
            allowed=", ".join(known[:40]) or "none here",
        )
    return [couple for couple in found if not names or couple.a_key in names or couple.b_key in names]


def not_drawn(names: Iterable[str], problems: Iterable[str]) -> list[Finding]:
    """What could not be lined up."""
    place = " and ".join(names)
    return [info("SNN-6201", place, f"not drawn: {problem}") for problem in problems]
