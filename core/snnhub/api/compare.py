"""Compare recordings that were made elsewhere: by any tool, without graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from snnhub.api.recorded import Given, Recorded, Said, Saying, read_all, unknown_dt
from snnhub.compare.kind import SPIKES, Rules
from snnhub.compare.lag import MAX_LAG
from snnhub.compare.quantity import same_axes
from snnhub.compare.traces import PairVerdict, compare_pair
from snnhub.errors import UsageError
from snnhub.findings import Finding, ordered
from snnhub.ir.rung import Rung
from snnhub.plot.canvas import ensure_drawable
from snnhub.plot.raster import PANELS, Panel, compared, draw

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Comparison:
    """All pairs of recordings, in the order of the files. ``passed``: every pair is at least ``expected``."""

    recordings: tuple[Recorded, ...]
    pairs: tuple[PairVerdict, ...]
    expected: Rung
    findings: tuple[Finding, ...]
    plot: Path | None = None

    @property
    def passed(self) -> bool:
        return all(pair.reaches(self.expected) for pair in self.pairs)

    def panels(self) -> Iterator[Panel]:
        """Every spike train of the first recording with that of each other one, for pictures."""
        reference = self.recordings[0]
        for pair, other in zip(self.pairs, self.recordings[1:], strict=False):  # pairs with the first come first
            left, right = reference.dense(other)[0], other.dense(reference)[0]
            single = len(left) == len(right) == 1
            for row in pair.rows:
                if row.kind == SPIKES:
                    key = next(iter(right)) if single else row.key
                    a, b, _, _ = same_axes(left[row.key], right[key], (pair.a, pair.b))
                    yield pair, row, a, b

    def to_json(self) -> dict[str, Any]:
        return {
            "recordings": [item.to_json() for item in self.recordings],
            "expected": self.expected.value,
            "passed": self.passed,
            "pairs": [pair.to_json() for pair in self.pairs],
            "plot": None if self.plot is None else str(self.plot),
            "findings": [finding.to_json() for finding in self.findings],
        }


def compare_recordings(
    *recordings: Given,
    axes: Said = None,
    dt: Said = None,
    columns: str | None = None,
    rename: Mapping[str, str] | None = None,
    spikes: Iterable[str] = (),
    states: Iterable[str] = (),
    only: Iterable[str] = (),
    time_unit: str | None = None,
    max_lag: int = MAX_LAG,
    expect: str | Rung = Rung.SPIKES,
    plot: str | Path | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two or more recordings: paths of ``.npz``, ``.npy`` and ``.csv`` files, or mappings of arrays.

    ``axes``: such as ``time,batch,neuron``, for all or by file; without it time is the first axis, and a finding
    says so. ``dt``: seconds per step. ``columns``: names for ``.csv`` files without a heading. ``rename``: other
    names for quantities, so that they meet. ``spikes``, ``states``: which quantities are which, where names and
    values do not tell. ``only``: the quantities to compare. ``max_lag``: how many steps a lag is searched for,
    either way. ``plot``: where to draw the spikes of the first recording over those of the others.

    Raises ``UsageError`` for fewer than two recordings, different dt, and names that do not occur;
    ``FormatError`` for a broken file; ``MissingPeerError`` where ``plot`` needs matplotlib.
    """
    if len(recordings) < 2:
        raise UsageError("compare needs two recordings or more", found=str(len(recordings)))
    if max_lag < 0:
        raise UsageError("the lag is searched for from 0 steps on", found=f"max_lag {max_lag}")
    expected = _rung(expect)
    picture = None if plot is None else Path(plot)
    if picture is not None:
        ensure_drawable(picture)
    read = read_all(recordings, Saying(axes, dt, columns, rename, time_unit))
    rules, wanted = Rules(frozenset(spikes), frozenset(states), max_lag), frozenset(only)
    _ensure_known(read, rules.spikes | rules.states | wanted)
    couples = list(combinations(read, 2))
    pairs: list[PairVerdict] = []
    for a, b in couples:
        pairs.append(_pair(a, b, rules, wanted))
        if progress is not None:
            progress(len(pairs), len(couples))
    found = [finding for item in read for finding in item.findings]
    found += [finding for pair in pairs for finding in pair.findings]
    result = Comparison(tuple(read), tuple(pairs), expected, ordered([*found, *unknown_dt(read)]), picture)
    if picture is not None:
        shown = sorted(result.panels(), key=lambda panel: not panel[1].different)[:PANELS]  # those that differ
        draw([compared(panel) for panel in shown], [picture])
    return result


def _pair(a: Recorded, b: Recorded, rules: Rules, only: frozenset[str]) -> PairVerdict:
    left, first = a.dense(b, only)
    right, second = b.dense(a, only)
    verdict = compare_pair((a.name, b.name), left, right, rules)
    return replace(verdict, findings=ordered([*verdict.findings, *first, *second]))


def _rung(text: str | Rung) -> Rung:
    allowed = (Rung.BITS, Rung.SPIKES, Rung.SPIKES_LAG)
    if text in allowed or text in [rung.value for rung in allowed]:
        return Rung(text)
    raise UsageError(
        "recordings alone show no such rung",
        found=text.value if isinstance(text, Rung) else text,
        allowed=", ".join(rung.value for rung in allowed),
    )


def _ensure_known(read: Sequence[Recorded], wanted: Iterable[str]) -> None:
    """Raise ``UsageError`` for a name that no recording has."""
    known = {key for item in read for key in (*item.quantities, *item.events)}
    missing = sorted(set(wanted) - known)
    if missing:
        raise UsageError(
            "no recording has a quantity of this name", found=", ".join(missing), allowed=", ".join(sorted(known))
        )
