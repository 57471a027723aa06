"""Ranks what a failing runner probably does wrong, by the mistakes that each failed case is known to notice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from snnhub_conformance.mutants.engines import ENGINES
from snnhub_conformance.mutants.kernels import KERNELS
from snnhub_conformance.mutants.programs import CLASSES
from snnhub_conformance.outcome import Outcome, Status

MISTAKES: dict[str, str] = {
    **{item.name: item.mistake for item in CLASSES},
    **{item.name: item.mistake for item in (*ENGINES, *KERNELS)},
}
"""What each flag stands for."""
WORTH_NAMING = 0.05


@dataclass(frozen=True)
class Suspect:
    """A mistake. ``failed`` of the ``noticing`` cases that notice it failed; ``others`` failed that do not."""

    name: str
    mistake: str
    failed: int
    noticing: int
    others: int

    @property
    def score(self) -> float:
        """Share of the cases that notice it or failed, which did both: 1 if exactly these failed."""
        return self.failed / (self.noticing + self.others)

    def __str__(self) -> str:
        return f"{self.name}: {self.mistake} ({self.failed} of {self.noticing} cases failed, {self.others} others)"


def suspects(outcomes: Iterable[Outcome], most: int = 5) -> list[Suspect]:
    """The likeliest mistakes first. Only cases that carry flags and were answered tell anything."""
    told = [item for item in outcomes if item.flags and item.status in (Status.PASS, Status.FAIL, Status.XFAIL)]
    failed = [item for item in told if item.status is not Status.PASS]
    if not failed:
        return []
    found = []
    for name in sorted({flag for item in failed for flag in item.flags}):
        noticing = sum(name in item.flags for item in told)
        hits = sum(name in item.flags for item in failed)
        found.append(Suspect(name, MISTAKES.get(name, ""), hits, noticing, len(failed) - hits))
    ranked = sorted(found, key=lambda item: (-item.score, item.noticing, item.name))
    return [item for item in ranked if item.score >= WORTH_NAMING][:most]
