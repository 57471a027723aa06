"""Why two profiles part: the smallest sets of choices that, switched, turn one spike train into the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from snnhub.api.agree_runs import ProfileRun
from snnhub.errors import SnnhubError
from snnhub.findings import Finding, info
from snnhub.hub.loader import load
from snnhub.hub.objects import resolve
from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class Explanation:
    """``sets``: every smallest set of fields that does it, found by running variants. Without any, ``reason``."""

    a: str
    b: str
    sets: tuple[tuple[str, ...], ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        return " or ".join(" + ".join(names) for names in self.sets) or f"not explained: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        sets = [list(names) for names in self.sets]
        return {"a": self.a, "b": self.b, "sets": sets, "reason": self.reason or None}

    def findings(self) -> list[Finding]:
        """A word on a pair that stays unexplained."""
        return [] if self.sets else [info("SNN-5428", f"{self.a} and {self.b}", self.reason)]


def explanations(
    pairs: Iterable[tuple[str, str]], runs: Mapping[str, ProfileRun], values: Array
) -> tuple[Explanation, ...]:
    """Explain pairs of profiles that ran, over ``values`` (time, features…)."""
    return tuple(_explained(runs[a], runs[b], values) for a, b in pairs)


def _explained(a: ProfileRun, b: ProfileRun, values: Array) -> Explanation:
    entries = [load().profiles[run.profile].switches for run in (a, b)]
    if not all(entries) or len(set(entries)) > 1:
        without = [run.profile for run, entry in zip((a, b), entries, strict=True) if not entry]
        words = f"{', '.join(without) or 'both'} cannot be said in the switches of the other"
        return Explanation(a.profile, b.profile, reason=words)
    try:
        found = resolve(entries[0], f"profile {a.profile}")(a.graph, b.graph, values)
    except SnnhubError as problem:
        return Explanation(a.profile, b.profile, reason=str(problem))
    return Explanation(a.profile, b.profile, tuple(tuple(names) for names in found))
