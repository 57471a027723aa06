"""What the quantisation report says: methods side by side, a verdict per layer, and which method is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from snnhub.compare.tally import Ends, Tally
from snnhub.compare.verdict import DecisionCount
from snnhub.findings import Finding, Severity, count, of_severity

OK, DEAD, SATURATED, UNKNOWN = "ok", "dead", "saturated", "not measured"
NO_DATA = "there are no calibration data"


@dataclass(frozen=True)
class LayerReport:
    """One layer by one method. ``numbers``: what the passes' own tables say of it, by column.

    ``verdict``: ``dead`` (never fires although the layer before did), ``saturated`` (states or counts at their
    limits, neurons that fire in every step and did not), ``ok`` (neither), ``not measured``; ``why`` in words.
    """

    layer: str
    numbers: Mapping[str, Any]
    tally: Tally | None
    verdict: str
    why: str

    def to_json(self) -> dict[str, Any]:
        return {
            "layer": self.layer,
            "verdict": self.verdict,
            "why": self.why,
            "numbers": dict(self.numbers),
            "measured": None if self.tally is None else self.tally.to_json(),
        }


@dataclass(frozen=True)
class MethodReport:
    """One way to the integers. ``reason``: why it has no layers: refused, or left out for want of data.

    ``decisions``: None where there are none to compare. ``problems``: quantities that could not be compared.
    """

    name: str
    doc: str
    layers: tuple[LayerReport, ...] = ()
    decisions: DecisionCount | None = None
    problems: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    reason: str = ""
    refused: bool = False

    def number(self, verdict: str) -> int:
        """How many layers have a verdict."""
        return sum(layer.verdict == verdict for layer in self.layers)

    @property
    def worst(self) -> LayerReport | None:
        """The layer with the smallest spike overlap, of those with enough spikes to tell where there are any; None
        if nothing was measured.
        """
        fired = [(layer.tally, layer) for layer in self.layers if layer.tally is not None and layer.tally.either]
        loud = [item for item in fired if not item[0].quiet]
        return min(loud or fired, key=lambda item: item[0].overlap, default=(None, None))[1]

    @property
    def overlap(self) -> float | None:
        """The overlap of the worst layer."""
        worst = self.worst
        return None if worst is None or worst.tally is None else worst.tally.overlap

    @property
    def mismatch(self) -> float | None:
        """Spikes too many and too few over all layers, of the spikes before; None if nothing fired before."""
        tallies = [layer.tally for layer in self.layers if layer.tally is not None]
        spikes = sum(tally.a_spikes for tally in tallies)
        return sum(tally.either - tally.both for tally in tallies) / spikes if spikes else None

    def to_json(self) -> dict[str, Any]:
        worst = self.worst
        return {
            "method": self.name,
            "doc": self.doc,
            "refused": self.refused,
            "reason": self.reason,
            "worst_layer": None if worst is None else worst.layer,
            "worst_overlap": self.overlap,
            "mismatch": self.mismatch,
            "dead": self.number(DEAD),
            "saturated": self.number(SATURATED),
            "decisions": None if self.decisions is None else self.decisions.total,
            "decisions_equal": None if self.decisions is None else self.decisions.equal,
            "ties": None if self.decisions is None else list(self.decisions.ties),
            "problems": list(self.problems),
            "layers": [layer.to_json() for layer in self.layers],
            "tables": {name: [dict(row) for row in rows] for name, rows in self.tables.items()},
            "counts": count(self.findings),
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True)
class QuantResult:
    """``reading``: how the calibration data were understood; empty without. ``best``: a method, or None."""

    source: str
    importer: str
    target: str
    reading: str
    methods: tuple[MethodReport, ...]
    best: str | None
    why: str

    def method(self, name: str) -> MethodReport:
        """The report of a method. Raises ``KeyError``."""
        return {method.name: method for method in self.methods}[name]

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "from": self.importer,
            "target": self.target,
            "calibration": self.reading or None,
            "best": self.best,
            "why": self.why,
            "methods": [method.to_json() for method in self.methods],
        }


def judged(layer: str, numbers: Mapping[str, Any], tally: Tally | None, unread: str) -> LayerReport:
    """The verdict of a layer. ``unread``: why its spikes say nothing, where nothing was counted."""
    verdict, why = _by_numbers(numbers, unread) if tally is None else _by_spikes(numbers, tally)
    return LayerReport(layer, numbers, tally, verdict, why)


def _by_numbers(numbers: Mapping[str, Any], unread: str) -> tuple[str, str]:
    lost = numbers.get("zeros", 0) - numbers.get("zeros_before", 0)
    if lost > 0 and lost == numbers.get("weights", 0) - numbers.get("zeros_before", 0):
        return DEAD, "every weight became 0"
    if numbers.get("never_fire") and numbers["never_fire"] == numbers.get("neurons"):
        return DEAD, "no input can make any of its neurons fire"
    return UNKNOWN, unread


def _by_spikes(numbers: Mapping[str, Any], tally: Tally) -> tuple[str, str]:
    if tally.a_spikes and not tally.b_spikes:
        return DEAD, f"no spike of {tally.a_spikes} is left"
    words = [_end(name, ends) for name, ends in tally.at_limit.items() if ends.share]
    if tally.stuck:
        words.append(f"{tally.stuck} of {tally.neurons} neurons fire in every step; before in less than half")
    if words:
        return SATURATED, "; ".join(words)
    if not tally.a_spikes and not tally.b_spikes:
        return _by_numbers(numbers, "nothing fires, before or after")
    silent = f"{tally.fell_silent} of {tally.neurons} neurons fell silent" if tally.fell_silent else ""
    return OK, silent


def _end(name: str, ends: Ends) -> str:
    sides = [f"{number} at the {side}" for side, number in (("lower", ends.low), ("upper", ends.high)) if number]
    return f"of {ends.of} values of {name}, {', '.join(sides)} end ({ends.share:.2%})"


def best_of(methods: Sequence[MethodReport]) -> tuple[str | None, str]:
    """The method to take, and why: fewest dead layers, then the largest overlap of the worst layer, then fewest
    saturated layers, most equal decisions, and the first one named.
    """
    candidates = [method for method in methods if method.overlap is not None]
    if not candidates:
        return None, "nothing was measured: no method is known to be better"
    chosen = min(candidates, key=_rank)
    if len(candidates) == 1:
        return chosen.name, "the only method that was measured"
    others = [method for method in candidates if method is not chosen]
    second = min(others, key=_rank)
    worst = chosen.worst
    place = "" if worst is None else f" ({worst.layer})"
    if chosen.number(DEAD) < second.number(DEAD):
        return chosen.name, f"fewest dead layers: {chosen.number(DEAD)}, {second.name} {second.number(DEAD)}"
    if chosen.overlap != second.overlap:
        told = ", ".join(f"{method.name} {method.overlap:.4f}" for method in sorted(others, key=_rank))
        return chosen.name, f"largest overlap in its worst layer: {chosen.overlap:.4f}{place}; {told}"
    if _rank(chosen) == _rank(second):
        return chosen.name, f"as good as {second.name}, and named first"
    return chosen.name, f"fewer saturated layers or more equal decisions than {second.name}, at equal overlap"


def _rank(method: MethodReport) -> tuple[int, float, int, int]:
    equal = 0 if method.decisions is None else method.decisions.equal
    return method.number(DEAD), -(method.overlap or 0.0), method.number(SATURATED), -equal


def losses(method: MethodReport) -> int:
    """Findings of a method that say that something is lost."""
    return len(of_severity(method.findings, Severity.LOSS))
