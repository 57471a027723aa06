"""Compare two noisy networks by what they do on average: many runs each, and an equivalence test of rates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from snnhub.api.counted import OUTPUT, Counts, Mismatch, Wanted, count_graph, count_runner, count_side, take
from snnhub.api.draws import DRAWS
from snnhub.api.options import ImportOptions
from snnhub.api.run import split_options
from snnhub.compare.distribution import ALPHA, MARGIN, Distribution, equivalence
from snnhub.compare.rate_ratio import RateRatio, rate_ratio, summary
from snnhub.errors import UsageError
from snnhub.findings import Finding, ordered
from snnhub.hub.catalogue import find, require
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array

Progress = Callable[[int, int], None]
DECISION_NEURONS = 2
"""Fewest neurons that a ratio of rates can be told of."""


@dataclass(frozen=True)
class DistributionResult:
    """``verdict``: the test, neuron by neuron. ``ratios``: the firing-rate ratio of every run of A and of B,
    samples running fastest; empty for a single neuron. ``record``: whose spikes were counted.
    """

    a: str
    b: str
    reading: str
    record: str
    verdict: Distribution
    ratios: tuple[tuple[RateRatio, ...], tuple[RateRatio, ...]]
    findings: tuple[Finding, ...]

    @property
    def reached(self) -> Rung:
        return self.verdict.reached

    @property
    def passed(self) -> bool:
        return self.verdict.reached is Rung.DISTRIBUTION

    def to_json(self) -> dict[str, Any]:
        return {
            "a": self.a,
            "b": self.b,
            "reading": self.reading,
            "record": self.record,
            "passed": self.passed,
            "verdict": self.verdict.to_json(),
            "ratios": {side: _ratios(found) for side, found in zip("ab", self.ratios, strict=True)},
            "findings": [finding.to_json() for finding in self.findings],
        }


def _ratios(found: tuple[RateRatio, ...]) -> dict[str, Any] | None:
    if not found:
        return None
    return {**summary(found).to_json(), "each": [item.to_json() for item in found]}


def distribution(
    a: Any,
    b: Any,
    stimulus: Array,
    *,
    against: str | None = None,
    mismatch_a: float | None = None,
    mismatch_b: float | None = None,
    runs: int = DRAWS,
    seed: int = 0,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    record: str = OUTPUT,
    from_: str | None = None,
    options: ImportOptions | None = None,
    b_from: str | None = None,
    b_options: ImportOptions | None = None,
    runner_options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> DistributionResult:
    """Run both sides over every sample of ``stimulus`` (time, samples, features…) and test whether each neuron of
    ``record`` fires at the same rate up to a factor of ``margin``.

    A side is a source (file, factory), a graph, or several graphs, such as draws of mismatch. ``b`` is None with
    ``against``, the runner in which ``a`` is the second side, or with ``mismatch_b``: then B is copies of A.
    ``mismatch_a``, ``mismatch_b``: share of mismatch of that side, 0.05 for 5 %, whose ``runs`` draws stand for
    the network; A's come from ``seed``, B's from ``seed + 1``. ``runs`` is also how often a runner is asked that
    does not give the same every time. ``options``: for importing ``a``; ``runner_options``: of ``against``.

    With one network on each side, a run is a sample, and both sides are taken in pairs. With several, a run is a
    network: the samples of one draw of mismatch share its neurons, and are no runs of their own. Raises
    ``UsageError`` for networks without spikes there, or with different numbers of neurons.
    """
    _ensure_two(b, against, mismatch_b, runs)
    array = np.asarray(stimulus)
    wanted = Wanted(array, record, progress)
    drawn = [
        None if percent is None else Mismatch(percent, runs, seed + side)
        for side, percent in enumerate((mismatch_a, mismatch_b))
    ]
    runner = None if against is None else _usable(a, against)
    for_import, for_runner = _options(a, from_, runner, dict(runner_options or {}))
    options = options or ImportOptions()
    first = take(a, array, from_=from_, options=replace(options, given={**options.given, **for_import}))
    second = first if b is None else take(b, array, from_=b_from, options=b_options)
    left = count_side("A", first, wanted, drawn[0])
    right = (
        count_side("B", second, wanted, drawn[1])
        if runner is None
        else count_runner(second, runner, for_runner, wanted, runs, drawn[1])
    )
    return _judged(left, right, margin, alpha, record)


def _judged(left: Counts, right: Counts, margin: float, alpha: float, record: str) -> DistributionResult:
    verdict = _tested(left, right, margin, alpha)
    ratios = tuple(
        tuple(rate_ratio(row) for row in side.flat()) if side.spikes.shape[-1] >= DECISION_NEURONS else ()
        for side in (left, right)
    )
    findings = ordered([*verdict.findings, *left.findings, *right.findings])
    return DistributionResult(
        left.name, right.name, left.reading, record, verdict, (ratios[0], ratios[1]), findings
    )


def _ensure_two(b: Any, against: str | None, mismatch_b: float | None, runs: int) -> None:
    if b is not None and against is not None:
        raise UsageError("there are two sides", found="B and a runner", allowed="distribution A B, or A --against")
    if b is None and against is None and mismatch_b is None:
        allowed = "a second network, a runner (--against), or mismatch of the first (--mismatch-b 0.05)"
        raise UsageError("a second side is missing", allowed=allowed)
    if runs < 1:
        raise UsageError("no run", found=str(runs), allowed="1 or more")


def _usable(a: Any, name: str) -> Runner:
    runner = find(load().runners, name, "runner")
    if not runner.only_replays(a):
        require(runner)
    return runner


def _options(
    a: Any, from_: str | None, runner: Runner | None, given: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Options for the importer, and for the runner. Of a graph that is here, all are the runner's."""
    if runner is None or not (isinstance(a, str | Path) or from_):
        return {}, given
    return split_options(a, from_, runner, given)


def _tested(left: Counts, right: Counts, margin: float, alpha: float) -> Distribution:
    """Raises ``UsageError`` where the lengths of samples differ: their counts are no rates of one kind."""
    if left.seconds is not None and right.seconds is not None and left.seconds != right.seconds:
        found = f"{left.seconds:g} s and {right.seconds:g} s"
        raise UsageError("the steps of both sides differ in length", found=found)
    counts = left.spikes, right.spikes
    alone = left.runs == right.runs == 1
    if alone:
        counts = counts[0][0], counts[1][0]
    seconds = left.seconds if left.seconds is not None else right.seconds
    return equivalence(counts[0], counts[1], margin=margin, alpha=alpha, seconds=seconds, paired=alone)


def rate_ratios(graphs: Graph | Iterable[Graph], stimulus: Array, record: str = OUTPUT) -> tuple[RateRatio, ...]:
    """Firing-rate ratio of every run, with both counts: every graph over every sample."""
    return tuple(rate_ratio(row) for row in count_spikes(graphs, stimulus, record))


def count_spikes(graphs: Graph | Iterable[Graph], stimulus: Array, record: str = OUTPUT) -> Array:
    """Spikes (graphs · samples, neurons) of a record key, samples running fastest."""
    chosen = [graphs] if isinstance(graphs, Graph) else list(graphs)
    return np.concatenate([count_graph(graph, np.asarray(stimulus), record) for graph in chosen])
