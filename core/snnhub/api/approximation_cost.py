"""What approximations cost: spikes of every layer and decisions beside those of the network before them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from snnhub.api.quant_measure import measured
from snnhub.api.target import TargetSpec
from snnhub.compare.tally import Tally
from snnhub.compare.verdict import DecisionCount
from snnhub.findings import Finding, loss
from snnhub.ir.graph import Graph, Stage
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array

STAGE = "approximate"
MEASURE = "Pass --calibrate X.npy or --input X.npy to measure it."
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Data:
    """Input (time, batch, features…) or (time, features…) to measure on, and what it is, in words."""

    values: Array
    words: str

    def few(self, graph: Graph, most: int) -> Data:
        """At most so many samples of it."""
        if self.values.ndim != len(graph.inputs[0].shape) + 2 or self.values.shape[1] <= most:
            return self
        return Data(self.values[:, :most], f"the first {most} of {self.values.shape[1]} samples of {self.words}")


@dataclass(frozen=True)
class Cost:
    """``layers``: by node of the network before; ``decisions``: None where there are no classes.

    The whole conversion is measured: the approximations, and what the target makes of the numbers besides.
    """

    names: tuple[str, ...]
    data: str
    samples: int
    layers: Mapping[str, Tally]
    decisions: DecisionCount | None
    problems: tuple[str, ...] = ()

    @property
    def worst(self) -> tuple[str, Tally] | None:
        """The layer with the smallest overlap, of those that fired on either side; None if none did."""
        busy = [(name, tally) for name, tally in self.layers.items() if tally.either]
        return min(busy, key=lambda item: item[1].overlap, default=None)

    def words(self) -> str:
        """All of it in one line."""
        found = [f"spike overlap {tally.overlap:.4f} in {name}" for name, tally in self.layers.items()]
        found = [*found[:1], *(words.removeprefix("spike overlap ") for words in found[1:])]
        silent = [name for name, tally in self.layers.items() if not tally.either]
        parts = [", ".join(found)] if self.worst is not None else ["nothing fired: this says nothing"]
        if silent and self.worst is not None:
            parts.append(f"silent on both sides: {', '.join(silent)}")
        if self.decisions is not None:
            parts.append(f"decisions {self.decisions.equal} of {self.decisions.total} equal")
        return "; ".join([*parts, *self.problems, f"measured on {self.data}"])

    def finding(self, place: str, what: str) -> Finding:
        """The loss that ``convert`` reports."""
        asked = ", ".join(self.names)
        return loss("SNN-5301", place, f"approximated ({asked}): {what}", bound=self.words())

    def stage(self) -> Stage:
        """What the file's history says."""
        options = [("approximations", ", ".join(self.names)), ("measured on", self.data)]
        if self.worst is not None:
            options.append(("lowest spike overlap", f"{self.worst[1].overlap:.4f} in {self.worst[0]}"))
        if self.decisions is not None:
            options.append(("decisions equal", f"{self.decisions.equal} of {self.decisions.total}"))
        return Stage(STAGE, "1", tuple(options))

    def to_json(self) -> dict[str, Any]:
        worst = self.worst
        return {
            "names": list(self.names),
            "measured": True,
            "data": self.data,
            "samples": self.samples,
            "layers": {name: tally.to_json() for name, tally in self.layers.items()},
            "worst_layer": None if worst is None else worst[0],
            "worst_overlap": None if worst is None else worst[1].overlap,
            "decisions": None
            if self.decisions is None
            else {"total": self.decisions.total, "equal": self.decisions.equal, "ties": list(self.decisions.ties)},
            "problems": list(self.problems),
        }


def cost_of(
    before: Graph,
    after: Graph,
    names: Iterable[str],
    spec: TargetSpec,
    data: Data,
    lookup: OpLookup,
    progress: Progress | None = None,
) -> Cost:
    """Run the network before and after the conversion over ``data``; spikes and decisions compared at their lag.

    Raises ``UsageError`` for data that one of them does not take.
    """
    values = data.values
    if values.ndim == len(before.inputs[0].shape) + 1:
        values = values[:, None]
    found = measured(before, {STAGE: after}, spec, values, lookup, progress)[STAGE]
    samples = int(values.shape[1])
    return Cost(tuple(names), data.words, samples, dict(found.layers), found.decisions, found.problems)


def unmeasured(names: Iterable[str], place: str, what: str) -> Finding:
    """The loss that ``convert`` reports without data."""
    words = f"approximated ({', '.join(names)}): {what}"
    return loss("SNN-5302", place, words, bound="not measured", remedy=MEASURE)


def with_history(graph: Graph, stage: Stage, finding: Finding) -> Graph:
    """The graph with the cost in its history and among its findings, so that files carry both."""
    return replace(graph, provenance=graph.provenance.after(stage)).with_findings([finding])


def unmeasured_stage(names: Iterable[str]) -> Stage:
    """What the file's history says without data."""
    return Stage(STAGE, "1", (("approximations", ", ".join(names)), ("measured on", "nothing")))
