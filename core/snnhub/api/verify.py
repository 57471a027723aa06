"""Verify: measure what is the same between a network and a peer that runs it, or between two networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snnhub.api.load import Loaded, load_graph
from snnhub.api.options import ImportOptions
from snnhub.api.robustness import certificate, explained, robust_findings
from snnhub.api.run import run_loaded, split_options
from snnhub.api.source import resolve
from snnhub.compare.align import align, by_order, spike_keys
from snnhub.compare.isolate import isolated
from snnhub.compare.proof import held
from snnhub.compare.verdict import Verdict, judge
from snnhub.engine.reference import Plan, prepare
from snnhub.engine.robust.certificate import Robustness
from snnhub.engine.stimulus import Stimulus, read_stimulus
from snnhub.errors import UsageError
from snnhub.findings import Finding, info, loss, ordered
from snnhub.hub.catalogue import find, require
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.graph import TERMINAL_PORT, Graph, Match, Port
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.ir.timing import lag_to_output
from snnhub.ir.topology import topological_order
from snnhub.passes.base import promise_of

REFERENCE = "reference"
STATE_BYTES = 2**28
"""States are compared for as many samples as fit in this; outputs for all."""
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
    robust: bool = False,
) -> VerifyResult:
    """Compare ``a`` in the engine with the runner ``against``, or with the network ``b`` in the engine.

    ``stimulus``: (time, batch, features…) or (time, features…). ``expect``: the pass mark; by default ``bits`` for
    an integer network and ``spikes`` for a float one against a runner, and what the conversion promised between
    two networks. ``engine``: ``reference``, or a runner of graphs such as ``torch``, whose options go with the
    runner's. ``robust``: carry a bound on the order of float sums beside every value, and tell whether any order
    gives the same spikes (``docs/order-robust.md``). Raises ``UsageError`` unless exactly one of ``b`` and
    ``against`` is given, and for another engine than the reference, or ``robust``, between two networks.
    """
    if (b is None) == (against is None):
        raise UsageError(
            "compare with a second network or with a runner", allowed="verify A B, or verify A --against RUNNER"
        )
    rung = None if expect is None else _rung(expect)
    options = options or ImportOptions()
    if against is not None:
        given = dict(runner_options or {})
        return _against_runner(
            a, against, stimulus, rung, from_, options, given, progress, _engine(engine), robust
        )
    if robust:
        raise UsageError(
            "order-robustness is told for one network",
            found="verify A B --robust",
            remedy="Run each: snnhub run A --robust.",
        )
    if engine != REFERENCE:
        raise UsageError("two networks are compared in the reference engine", found=f"engine {engine}")
    return _two_networks(a, b, stimulus, rung, from_, options, dict(runner_options or {}), progress)


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
    robust: bool,
) -> VerifyResult:
    runner = find(load().runners, against, "runner")
    require(runner)
    for_import, for_runner = split_options(a, from_, runner, given, *([engine] if engine else []))
    loaded = load_graph(
        a, importer=from_, options=replace(options, given={**options.given, **for_import}), stimulus=stimulus
    )
    prepared = read_stimulus(stimulus, loaded.graph.inputs[0])
    plan = prepare(loaded.graph, loaded.options.lookup)
    few = _samples_with_states(plan, prepared)
    first = _only(prepared, few)
    steps = prepared.values.shape[0] + lag_to_output(loaded.graph)  # so that all of the input reaches the output
    theirs = run_loaded(loaded, runner, first, ("*",), for_runner, steps=steps, progress=progress)
    run_ours = _ours(loaded, plan, engine, given, steps)
    ours = run_ours(first, tuple(key for key in plan.record_keys() if key in theirs))
    whole: tuple[Recording, Recording] | None = None
    samples = prepared.values.shape[1]
    if few < samples:
        output = run_loaded(loaded, runner, prepared, ("output",), for_runner, steps=steps, progress=progress)
        whole = (run_ours(prepared, ("output",)), output)
    verdict = _judge_same(loaded.graph, ours, theirs, whole, first, loaded if engine is None else None)
    findings = [*loaded.graph.findings, *prepared.findings, *ours.findings, *theirs.findings, *_silent(verdict)]
    order = certificate(loaded, prepared, steps) if robust else None
    explains = None if order is None or engine is not None else explained(loaded.graph, verdict, order)
    findings += [] if order is None else robust_findings(loaded.graph, verdict, order, explains)
    default = Rung.BITS if is_integer(loaded.graph) else Rung.SPIKES
    return VerifyResult(
        f"{engine.name if engine else 'engine'}: {loaded.source.name}",
        f"{runner.name}: {loaded.source.name}",
        prepared.reading,
        expect or default,
        verdict,
        samples,
        few,
        ordered(findings),
        order,
        explains,
    )


def _ours(
    loaded: Loaded, plan: Plan, engine: Runner | None, given: Mapping[str, str], steps: int
) -> Callable[[Stimulus, tuple[str, ...]], Recording]:
    """What runs our side: the plan of the reference engine, or another engine with those options that it knows."""
    if engine is None:
        return lambda part, keys: _batched(plan.run(part.values, record=keys, steps=steps)[0])
    known = {option.name for option in engine.options}
    options = {name: value for name, value in given.items() if name in known}
    return lambda part, keys: run_loaded(loaded, engine, part, keys, options, steps=steps)


def _batched(recording: Recording) -> Recording:
    return replace(recording, batched=True)


def _samples_with_states(plan: Plan, stimulus: Stimulus) -> int:
    sizes = [int(np.prod(shape)) for shape in plan.analysis.shapes.values()]
    per_sample = 4 * sum(sizes) * stimulus.values.shape[0]
    return int(min(stimulus.values.shape[1], max(1, STATE_BYTES // max(1, per_sample))))


def _only(stimulus: Stimulus, samples: int) -> Stimulus:
    return replace(stimulus, values=stimulus.values[:, :samples])


def _judge_same(
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
    rank = {name: number for number, name in enumerate(topological_order(graph))}
    keys = sorted((key for key in theirs if "/" in key), key=lambda key: rank[key.rpartition("/")[0]])
    matches = [Match(_port(key), _port(key)) for key in (*keys, *([] if whole else ["output"]))]
    pairs, problems = align(ours, theirs, matches, spike_keys(graph), ours.steps)
    if whole is not None:
        more, others = align(
            whole[0],
            whole[1],
            [Match(_port("output"), _port("output"))],
            spike_keys(graph),
            whole[0].steps,
        )
        pairs, problems = [*pairs, *more], [*problems, *others]
    verdict = judge(pairs, decoder=graph.decoder, problems=problems)
    if verdict.first is None or loaded is None:
        return verdict
    alone = isolated(graph, verdict.first, theirs, stimulus.values, loaded.options.lookup)
    return replace(verdict, first=replace(verdict.first, alone=alone))


def _port(key: str) -> Port:
    node, _, name = key.rpartition("/")
    return Port(node, name) if node else Port(key, TERMINAL_PORT)


def _for_second_and_first(
    a: Any, b: Any, from_: str | None, given: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Options go to the second network, except those that only the first one's importer knows."""
    ours, theirs = ({option.name for option in resolve(*item).importer.options} for item in ((a, from_), (b,)))
    first = {name for name in given if name in ours - theirs}
    return (
        {name: value for name, value in given.items() if name not in first},
        {name: given[name] for name in first},
    )


def _two_networks(
    a: Any,
    b: Any,
    stimulus: Array,
    expect: Rung | None,
    from_: str | None,
    options: ImportOptions,
    given: dict[str, str],
    progress: Progress | None,
) -> VerifyResult:
    given, for_a = _for_second_and_first(a, b, from_, given)
    first = load_graph(
        a, importer=from_, options=replace(options, given={**options.given, **for_a}), stimulus=stimulus
    )
    second = load_graph(b, options=ImportOptions(given=given, lookup=options.lookup), stimulus=stimulus)
    shown = held(stimulus, first.graph.inputs[0], second.graph.inputs[0])
    prepared, other = (read_stimulus(shown, item.graph.inputs[0]) for item in (first, second))
    matches, notes = correspondence(first.graph, second.graph)
    rank = {node.id: position for position, node in enumerate(first.graph.nodes)}
    recorded = [match for match in matches if match.old.node not in first.graph.input]
    matches = tuple(sorted(recorded, key=lambda match: rank.get(match.old.node, len(rank))))
    same = first.graph.network() == second.graph.network() or _same_meaning(first.graph, second.graph, matches)
    spikes = spike_keys(first.graph)
    if not same:
        matches = tuple(match for match in matches if _key(match.old) in spikes)
    lag = max((match.lag for match in matches), default=0)
    steps = prepared.values.shape[0]
    left, _ = prepare(first.graph).run(prepared.values, record={_key(m.old) for m in matches}, progress=progress)
    right, _ = prepare(second.graph).run(
        other.values, record={_key(m.new) for m in matches}, steps=steps + lag, progress=progress
    )
    pairs, problems = align(_batched(left), _batched(right), matches, spikes, steps)
    promise = promise_of(second.graph)
    verdict = judge(
        pairs,
        decoder=first.graph.decoder or second.graph.decoder,
        comparable_states=same,
        problems=problems,
        overlap_bound=promise.overlap if promise else None,
    )
    findings = [*notes, *prepared.findings, *_silent(verdict)]
    default = Rung.BITS if same and not lag else promise.rung if promise else Rung.DECISION
    samples = prepared.values.shape[1]
    return VerifyResult(
        first.source.name,
        second.source.name,
        prepared.reading,
        expect or default,
        verdict,
        samples,
        samples if same else 0,
        ordered(findings),
    )


def correspondence(a: Graph, b: Graph) -> tuple[tuple[Match, ...], list[Finding]]:
    """What of ``b`` is what of ``a``: the table that ``b`` carries, equal names, or the order of layers."""
    names = {*a.node, *a.input, *(output.id for output in a.outputs)}
    known = tuple(match for match in b.correspondence if match.old.node in names)
    if any(match.old.node in a.node for match in known):
        return known, []
    from snnhub.ir.correspondence import identity
    from snnhub.ops.registry import REGISTRY

    shared = tuple(m for m in identity(a, REGISTRY) if m.old.node in b.node or m.old.node not in a.node)
    if all(node.id in b.node for node in a.nodes):
        return shared, []
    note = info(
        "SNN-5005",
        b.name,
        "no table leads from the first network to this one; layers of neurons are matched in order",
    )
    return by_order(a, b), [note]


def _same_meaning(a: Graph, b: Graph, matches: tuple[Match, ...]) -> bool:
    """Whether states can be compared bit by bit: integers on both sides at equal scale."""
    return is_integer(a) and is_integer(b) and all(match.scale == 1.0 for match in matches)


def is_integer(graph: Graph) -> bool:
    """Whether every parameter and input is an integer: such a graph can claim ``bits`` against a simulator."""
    params = all(tensor.type.is_int for node in graph.nodes for _, tensor in node.params)
    return params and all(item.type.is_int for item in graph.inputs)


def _key(port: Port) -> str:
    from snnhub.compare.align import key_of

    return key_of(port)


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
