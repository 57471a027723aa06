"""The families of graphs: two engines agree, every class of wrong engines fails what it should and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from snnhub.engine import reference, wires
from snnhub.engine.exact import add_exactly
from snnhub.engine.reference import Plan
from snnhub.engine.runner import Block, Runner, States, make_runner
from snnhub.ir.graph import Graph, Node
from snnhub.ir.numtype import F32, signed
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub_conformance import suite as suites
from snnhub_conformance.case import Case
from snnhub_conformance.diagnose import suspects
from snnhub_conformance.execute import run_cases
from snnhub_conformance.generate import graphs, loops, timing
from snnhub_conformance.generate.write import ATOMIC_BYTES, Writer
from snnhub_conformance.kill import EVERYTHING, UNFLAGGED, flags, inseparable, noticed, unnoticed, wrong_engine
from snnhub_conformance.mutants.engine_class import Arrays, plain, with_transform
from snnhub_conformance.mutants.engines import ENGINES
from snnhub_conformance.mutants.programs import CLASSES
from snnhub_conformance.outcome import Outcome, Status
from snnhub_conformance.packing import Packed
from snnhub_conformance.second import SecondEngine, check_graph
from snnhub_conformance.second_transforms import TRANSFORMS, added, numbers
from snnhub_conformance.subjects import FunctionRunner
from snnhub_formats import container

FAMILIES = ("transform", "time", "loihi")
SUITE = suites.load()
CASES = [case for case in SUITE.cases if case.family in FAMILIES]
SAMPLE = (
    "compare.ge-as-gt",
    "compare.gt-as-ge",
    "round.shr_trunc-as-floor",
    "width.no-wrap",
    "width.clip-high+1",
    "order.stale-state",
    "reset.none",
    "reset.subtract",
    "time.input-late",
    "time.counter-stopped",
    "init.zero",
    "operation.add-as-sub",
)
"""Classes of wrong programs that are tried as runners here; all of the engines are."""


def run(name: str, function: Callable[..., Arrays], cases: list[Case] = CASES) -> list[Outcome]:
    """The outcomes of a function as a runner."""
    return run_cases(FunctionRunner(name, function), cases)


def failed(outcomes: list[Outcome]) -> set[str]:
    """Ids of what did not pass."""
    return {item.id for item in outcomes if item.status is not Status.PASS}


def test_the_engine_passes() -> None:
    cases = [case for case in SUITE.cases if case.family in (*FAMILIES, *UNFLAGGED)]
    outcomes = run("engine", plain, cases)
    assert failed(outcomes) == set()
    assert len(outcomes) >= 340


@pytest.mark.parametrize("family", FAMILIES)
def test_a_second_engine_that_shares_no_arithmetic_agrees(family: str) -> None:
    """On every fifth case; the generator asks it on all."""
    for case in [case for case in CASES if case.family == family][::5]:
        graph = container.load(case.path(case.subject["snn"]))
        check_graph(graph, case.stimulus(), case.records(), case.expect.steps)


def test_the_second_engine_disagrees_where_something_is_wrong() -> None:
    case = next(case for case in CASES if "delay.dropped" in case.flags)
    graph = container.load(case.path(case.subject["snn"]))
    wrong = wrong_engine("delay.dropped")(graph, case.stimulus(), tuple(case.records()), case.expect.steps)
    with pytest.raises(AssertionError):
        check_graph(graph, case.stimulus(), wrong, case.expect.steps)


@pytest.mark.parametrize("name", [*(item.name for item in ENGINES), *SAMPLE])
def test_a_wrong_engine_fails_precisely_what_its_flag_says_and_is_found(name: str) -> None:
    asked = [case for place, case in enumerate(CASES) if name in case.flags or place % 3 == len(name) % 3]
    outcomes = run(name, wrong_engine(name), asked)
    expected = {case.id for case in asked if name in case.flags}
    assert expected
    assert failed(outcomes) == expected
    ranked = suspects(outcomes, most=len(EVERYTHING))
    assert name in {item.name for item in ranked if item.score == ranked[0].score}


def test_flags_are_what_is_computed() -> None:
    for case in CASES[::9]:
        assert flags(case) == case.flags, case.id
    assert all(case.flags == () for case in SUITE.cases if case.family in UNFLAGGED)


def test_every_class_of_engines_is_noticed_and_the_pairs_that_cannot_be_told_apart_are_listed() -> None:
    assert not {item.name for item in ENGINES} & set(unnoticed(CASES))
    table = SUITE.matrix["inseparable"]
    assert table["classes"] == inseparable(SUITE.cases)
    assert table["unnoticed"] == unnoticed(SUITE.cases)


def test_most_classes_of_engines_have_a_case_that_notices_little_else() -> None:
    fewest = {item.name: min(len(case.flags) for case in CASES if item.name in case.flags) for item in ENGINES}
    assert sum(count == 1 for count in fewest.values()) >= 10, fewest
    assert sorted(fewest.values())[len(fewest) // 2] <= 4, fewest


def shared_lines(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays:
    """One delay line for all samples: they hear what the first one said."""

    def of_the_first(found: Array, wire: wires.Wire, axis: int) -> Array:
        return np.broadcast_to(found.take([0], axis), found.shape) if wire.edge.delay else found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "delayed", lambda w, *rest: of_the_first(wires.delayed(w, *rest), w, 1))
        patch.setattr(reference, "delayed_at", lambda w, *rest: of_the_first(wires.delayed_at(w, *rest), w, 0))
        return plain(graph, inputs, keys, steps)


def padded_with_ones(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays:
    """Padding of convolutions is 1."""

    def wrong(node: Node, given: Mapping[str, Array], right: Array) -> Array:
        pads = node.integers("padding")
        bare = replace(node, attributes=tuple({**node.attribute, "padding": (0,) * len(pads)}.items()))
        around = [(0, 0), *((pad, pad) for pad in pads)]
        kind = F32 if right.dtype.kind == "f" else signed(32)
        frames = [numbers(np.pad(x, around, constant_values=1)) for x in given["x"]]
        return np.stack([TRANSFORMS[node.op](bare, {"x": x}, right.shape[1:], kind) for x in frames])

    found = with_transform(wrong, "core.Conv")(graph, inputs, keys, steps)
    return plain(graph, inputs, keys, steps) if found is None else found


@dataclass(frozen=True)
class HalfReset:
    """Runs a layer with a right program and one that never resets; the second half gets what the latter says."""

    right: Runner
    wrong: Runner

    def initial(self, samples: int) -> States:
        return self.right.initial(samples)

    def run(self, inputs: Block, states: States, wanted: frozenset[str]) -> dict[str, Array]:
        others = {name: array.copy() for name, array in states.items()}
        found, instead = self.right.run(inputs, states, wanted), self.wrong.run(inputs, others, wanted)
        for ours, theirs, lead in ((found, instead, 2), (states, others, 1)):
            for name, array in ours.items():
                flat = array.reshape(*array.shape[:lead], -1)
                half = flat.shape[-1] // 2
                flat[..., half:] = theirs[name].reshape(flat.shape)[..., half:]
        return found


def half_reset(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays:
    """The reset forgets the second half of the neurons."""
    never = next(item for item in CLASSES if item.name == "reset.none")
    plan = Plan(graph, REGISTRY)
    for node in graph.nodes:
        program = never.everywhere(node.program) if node.program is not None else None
        if program is not None:
            wrong = make_runner(replace(node, program=program), REGISTRY, plan.analysis)
            plan.runners[node.id] = HalfReset(plan.runners[node.id], wrong)
    return dict(plan.run(inputs, record=keys, steps=steps)[0].arrays)


@pytest.mark.parametrize("wrong", [shared_lines, padded_with_ones, half_reset])
def test_mistakes_that_no_class_describes_fail_some_cases(wrong: Callable[..., Arrays]) -> None:
    outcomes = run(wrong.__name__, wrong)
    assert 0 < len(failed(outcomes)) < len(CASES)
    assert suspects(outcomes)


def test_packing_changes_nothing() -> None:
    single = run("engine", plain)
    subject = Packed(FunctionRunner("engine", plain), CASES)
    packed = run_cases(subject, CASES)
    assert [(item.id, item.status) for item in packed] == [(item.id, item.status) for item in single]
    assert subject.failed == []
    assert sum(subject.runs) >= 40
    assert len(subject.runs) <= sum(subject.runs) // 2


def test_a_wrong_engine_fails_the_same_cases_packed() -> None:
    cases = [case for case in CASES if case.family == "loihi"]
    for name in ("delay.one-late", "round.shr_trunc-as-floor", "reset.none"):
        single, subject = run(name, wrong_engine(name), cases), FunctionRunner(name, wrong_engine(name))
        assert failed(run_cases(Packed(subject, cases), cases)) == failed(single)


def test_what_cannot_run_packed_runs_alone() -> None:
    cases = [case for case in CASES if case.family == "loihi"]

    def refuses(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays:
        if graph.name == "packed":
            raise MemoryError("too large")
        return plain(graph, inputs, keys, steps)

    subject = Packed(FunctionRunner("small", refuses), cases)
    assert failed(run_cases(subject, cases)) == set()
    assert subject.failed
    assert subject.runs == []


def test_generating_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        writer = Writer(folder)
        graphs.add(writer, "time", loops.loop_cases(), {})
        writer.finish({"time"})
    files = [{path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")} for folder in folders]
    assert files[0] == files[1]
    stored = {case.title: case for case in CASES if case.family == "time"}
    made = suites.load(folders[0]).cases
    assert len(made) >= 20
    for case in made:
        assert replace(case, id="", folder=Path()) == replace(stored[case.title], id="", folder=Path())


def test_atomic_cases_are_small() -> None:
    for case in CASES:
        size = sum(case.path(file).stat().st_size for file in case.files())
        assert size <= graphs.BYTES.get(case.family, ATOMIC_BYTES), case.id
        assert case.expect.steps <= 32, case.id


def test_sums_of_the_two_engines_are_rounded_once() -> None:
    """What the second engine stands on, against the first one's own sums, on numbers that cancel."""
    random = np.random.default_rng(4)
    terms = [
        (random.normal(0, 1, 200) * 2.0 ** random.integers(-40, 40, 200)).astype(np.float32) for _ in range(5)
    ]
    ours = add_exactly(terms, np.dtype(np.float32))
    assert [added(list(map(float, column)), F32) for column in zip(*terms, strict=True)] == ours.tolist()


def test_noticing_is_judging(tmp_path: Path) -> None:
    """A class that a graph gives no occasion for is not noticed; the right engine never is."""
    sketch = next(item for item in timing.sketches() if item.title.startswith("2 layers"))
    drawn = sketch.draw(np.random.default_rng(1))
    x = {drawn.graph.inputs[0].id: drawn.x}
    found = SecondEngine(drawn.graph).run(x, ("output",), len(drawn.x))
    expected = plain(drawn.graph, x, ("output",), len(drawn.x))
    assert (found["output"] == expected["output"]).all()
    assert "batch.first" not in noticed(drawn.graph, x, expected, len(drawn.x))


LAYERS = next(case for case in CASES if case.title.startswith("3 layers of IF neurons without delay"))


def spoilt(node: str, alone: bool) -> Callable[..., Arrays]:
    """A runner whose record of a node is wrong; unless ``alone``, only where other neurons are in front of it."""

    def run(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays:
        found = {key: array.copy() for key, array in plain(graph, inputs, keys, steps).items()}
        if f"{node}/v" in found and (alone or "n0" in graph.node):
            found[f"{node}/v"][-1] += 1
        return found

    return run


@pytest.mark.parametrize(("node", "alone"), [("n0", True), ("n1", True), ("n1", False), ("n2", False)])
def test_a_failing_node_is_tried_alone(node: str, alone: bool) -> None:
    (outcome,) = run("spoilt", spoilt(node, alone), [LAYERS])
    assert outcome.first is not None
    assert (outcome.first.node, outcome.first.alone) == (node, alone)
    assert ("right when fed" in outcome.detail) is not alone
    assert outcome.to_json()["first"]["alone"] is alone


def test_where_nobody_knows_what_to_feed_it_says_nothing() -> None:
    def once(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays:
        if "n0" not in graph.node:
            raise ValueError("takes no parts")
        return spoilt("n1", True)(graph, inputs, keys, steps)

    (outcome,) = run("once", once, [LAYERS])
    assert outcome.first is not None
    assert outcome.first.alone is None
    unrecorded = replace(LAYERS, expect=replace(LAYERS.expect, records={"n1/v": LAYERS.expect.records["n1/v"]}))
    (outcome,) = run("spoilt", spoilt("n1", True), [unrecorded])
    assert outcome.first is not None
    assert outcome.first.alone is None
