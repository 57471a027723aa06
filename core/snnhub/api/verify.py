"""Verify: measure what is the same between a network and a peer that runs it, or between two networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from snnhub.api.equal_rates import by_rates
from snnhub.api.load import Loaded
from snnhub.api.options import ImportOptions
from snnhub.api.robustness import certificate, explained, robust_findings
from snnhub.api.sides import is_integer, port_of, run_against, run_networks
from snnhub.compare.align import Pair, align, spike_keys
from snnhub.compare.isolate import isolated, matched_sources, recorded_sources, with_isolated
from snnhub.compare.verdict import Verdict, judge
from snnhub.engine.robust.certificate import Robustness
from snnhub.engine.stimulus import Stimulus
from snnhub.errors import UsageError
from snnhub.findings import Finding, loss, ordered
from snnhub.hub.catalogue import find, require
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.graph import Graph, Match
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.ir.topology import topological_order
from snnhub.passes.base import promise_of

REFERENCE = "reference"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class VerifyResult:
    """``passed``: the rung reached is at least ``expected``. ``state_samples``: how many had states compared.

    ``robust``: whether the order of float sums can change a spike; None if that was not asked. ``explained``:
    whether the first spike that differs is a tie that ``robust`` flagged; None if that was not asked, nothing
    differs, or the layers of that sample were not recorded.
    """

    a: str
    b: str
    reading: str
    expected: Rung
    verdict: Verdict
    samples: int
    state_samples: int
    findings: tuple[Finding, ...]
    robust: Robustness | None = None
    explained: bool | None = None

    @property
    def passed(self) -> bool:
        return self.verdict.reached.reaches(self.expected) and not self.verdict.silent

    def to_json(self) -> dict[str, Any]:
        return {
            "a": self.a,
            "b": self.b,
            "input": self.reading,
            "samples": self.samples,
            "state_samples": self.state_samples,
            "expected": self.expected.value,
            "passed": self.passed,
            "verdict": self.verdict.to_json(),
            "robust": None if self.robust is None else self.robust.to_json() | {"explains": self.explained},
            "findings": [finding.to_json() for finding in self.findings],
        }


def verify(
    a: Any,
    b: Any = None,
    *,
    stimulus: Array,
    against: str | None = None,
    expect: str | Rung | None = None,
    from_: str | None = None,
    options: ImportOptions | None = None,
    runner_options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    engine: str = REFERENCE,
    isolate: bool = False,
    robust: bool = False,
) -> VerifyResult:
    """Compare ``a`` in the engine with the runner ``against``, or with the network ``b`` in the engine.

    Where ``distribution`` is the pass mark and spikes are not the same, rates of the outputs are tested over the
    samples; ``snnhub.distribution`` has margin, runs and draws of mismatch.

    ``stimulus``: (time, batch, features…) or (time, features…). ``expect``: the pass mark; by default ``bits`` for
    an integer network and ``spikes`` for a float one against a runner, and what the conversion promised between
    two networks. ``engine``: ``reference``, or a runner of graphs such as ``torch``, whose options go with the
    runner's. ``isolate``: also run every layer of neurons alone, fed with what the reference (the runner, or
    ``a``) fed it. ``robust``: carry a bound on the order of float sums beside every value, and tell whether any
    order gives the same spikes (``docs/order-robust.md``). Raises ``UsageError`` unless exactly one of ``b`` and
    ``against`` is given, for another engine than the reference, or ``robust``, between two networks, and for
    another engine with ``isolate``, and for a runner whose runs differ from one another: what can be said of those
    is the verdict ``distribution``, of many runs.
    """
    if (b is None) == (against is None):
        raise UsageError(
            "compare with a second network or with a runner", allowed="verify A B, or verify A --against RUNNER"
        )
    rung = None if expect is None else _rung(expect)
    options = options or ImportOptions()
    if isolate and engine != REFERENCE:
        raise UsageError("layers are run alone in the reference engine", found=f"engine {engine}")
    if against is not None:
        given = dict(runner_options or {})
        return _against_runner(
            a, against, stimulus, rung, from_, options, given, progress, _engine(engine), isolate, robust
        )
    if robust:
        raise UsageError(
            "order-robustness is told for one network",
            found="verify A B --robust",
            remedy="Run each: snnhub run A --robust.",
        )
    if engine != REFERENCE:
        raise UsageError("two networks are compared in the reference engine", found=f"engine {engine}")
    return _two_networks(a, b, stimulus, rung, from_, options, dict(runner_options or {}), progress, isolate)


def _engine(name: str) -> Runner | None:
    """The runner that stands for the engine; None for the reference engine. Raises ``UsageError``."""
    if name == REFERENCE:
        return None
    engine = find(load().runners, name, "engine")
    require(engine)
    if engine.takes != "graph":
        raise UsageError("not an engine: it runs no graphs", found=name, allowed="reference, torch")
    return engine


def _rung(text: str | Rung) -> Rung:
    try:
        return Rung(text)
    except ValueError:
        raise UsageError("unknown rung", found=str(text), allowed=", ".join(item.value for item in Rung)) from None


def _against_runner(
    a: Any,
    against: str,
    stimulus: Array,
    expect: Rung | None,
    from_: str | None,
    options: ImportOptions,
    given: dict[str, str],
    progress: Progress | None,
    engine: Runner | None,
    isolate: bool,
    robust: bool,
) -> VerifyResult:
    if not find(load().runners, against, "runner").deterministic:
        raise UsageError(
            "its runs differ from one another, so that one of them shows nothing",
            where=against,
            remedy="Run it many times, and compare rates: snnhub.compare.distribution.equivalence.",
        )
    run = run_against(a, against, stimulus, from_, options, given, progress, engine)
    loaded, prepared, ours, theirs = run.loaded, run.prepared, run.ours, run.theirs
    verdict = judge_same(loaded.graph, ours, theirs, run.whole, run.shown, loaded if engine is None else None)
    if isolate:
        own = [Match(port_of(row.a_key), port_of(row.a_key)) for row in verdict.rows]
        sources, lookup = recorded_sources(loaded.graph, theirs, run.shown.values), loaded.options.lookup
        steps = run.steps, run.steps
        verdict = with_isolated(verdict, loaded.graph, own, theirs, sources, lookup, steps, progress)
    findings = [*loaded.graph.findings, *prepared.findings, *ours.findings, *theirs.findings, *_silent(verdict)]
    default = Rung.BITS if is_integer(loaded.graph) else Rung.SPIKES
    expected = expect or default
    outputs = run.whole or (ours, theirs)
    verdict, tested = by_rates(verdict, expected, *outputs, _seconds(loaded.graph, prepared))
    findings += tested
    order = certificate(loaded, prepared, run.steps) if robust else None
    explains = None if order is None or engine is not None else explained(loaded.graph, verdict, order)
    findings += [] if order is None else robust_findings(loaded.graph, verdict, order, explains)
    return VerifyResult(
        f"{engine.name if engine else 'engine'}: {loaded.source.name}",
        f"{run.runner.name}: {loaded.source.name}",
        prepared.reading,
        expected,
        verdict,
        run.samples,
        run.shown.values.shape[1],
        ordered(findings),
        order,
        explains,
    )


def judge_same(
    graph: Graph,
    ours: Recording,
    theirs: Recording,
    whole: tuple[Recording, Recording] | None,
    stimulus: Stimulus,
    loaded: Loaded | None,
) -> Verdict:
    """The verdict where both sides have the same keys and no lag. ``loaded``: what the reference engine ran, in
    which the first layer that differs is tried by itself.
    """
    pairs, problems = pairs_same(graph, ours, theirs, whole)
    verdict = judge(pairs, decoder=graph.decoder, problems=problems)
    if verdict.first is None or loaded is None:
        return verdict
    alone = isolated(graph, verdict.first, theirs, stimulus.values, loaded.options.lookup)
    return replace(verdict, first=replace(verdict.first, alone=alone))


def pairs_same(
    graph: Graph, ours: Recording, theirs: Recording, whole: tuple[Recording, Recording] | None
) -> tuple[list[Pair], list[str]]:
    """Every quantity that both sides have, in the order of a step, without lag; and problems.

    ``whole``: the outputs of all samples, where ``ours`` and ``theirs`` have fewer.
    """
    rank = {name: number for number, name in enumerate(topological_order(graph))}
    keys = sorted((key for key in theirs if "/" in key), key=lambda key: rank[key.rpartition("/")[0]])
    matches = [Match(port_of(key), port_of(key)) for key in (*keys, *([] if whole else ["output"]))]
    pairs, problems = align(ours, theirs, matches, spike_keys(graph), ours.steps)
    if whole is not None:
        more, others = align(
            whole[0],
            whole[1],
            [Match(port_of("output"), port_of("output"))],
            spike_keys(graph),
            whole[0].steps,
        )
        pairs, problems = [*pairs, *more], [*problems, *others]
    return pairs, problems


def _two_networks(
    a: Any,
    b: Any,
    stimulus: Array,
    expect: Rung | None,
    from_: str | None,
    options: ImportOptions,
    given: dict[str, str],
    progress: Progress | None,
    isolate: bool,
) -> VerifyResult:
    run = run_networks(a, b, stimulus, from_, options, given, progress)
    first, second, same, lag = run.first, run.second, run.same, run.lag
    pairs, problems = align(run.left, run.right, run.matches, spike_keys(first.graph), run.steps)
    promise = promise_of(second.graph)
    verdict = judge(
        pairs,
        decoder=first.graph.decoder or second.graph.decoder,
        comparable_states=same,
        problems=problems,
        overlap_bound=promise.overlap if promise else None,
    )
    if isolate:
        sources = matched_sources(second.graph, run.right, run.left, run.matches, run.other.values)
        lookup, lengths = options.lookup, (run.steps, run.steps + lag)
        verdict = with_isolated(verdict, second.graph, run.matches, run.left, sources, lookup, lengths, progress)
    findings = [*run.notes, *run.prepared.findings, *_silent(verdict)]
    default = Rung.BITS if same and not lag else promise.rung if promise else Rung.DECISION
    expected = expect or default
    seconds = _seconds(first.graph, run.prepared)
    verdict, tested = by_rates(verdict, expected, run.left, run.right, seconds)
    samples = run.prepared.values.shape[1]
    return VerifyResult(
        first.source.name,
        second.source.name,
        run.prepared.reading,
        expected,
        verdict,
        samples,
        samples if same else 0,
        ordered([*findings, *tested]),
    )


def _seconds(graph: Graph, stimulus: Stimulus) -> float | None:
    """Length of a sample; None without dt."""
    return None if graph.dt is None else graph.dt * len(stimulus.values)


def _silent(verdict: Verdict) -> list[Finding]:
    if not verdict.silent:
        return []
    return [
        loss(
            "SNN-5006",
            "recordings",
            "nothing fired and no state moved on either side: equality shows nothing",
            remedy="Give an input that makes the network fire.",
        )
    ]
