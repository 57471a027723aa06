"""The suite and what it says: the engine passes, wrong engines fail what they must, and every op has its cases."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.cli.main import invoke
from snnhub.errors import FormatError, SnnhubError, UnsupportedError, UsageError
from snnhub.hub.catalogue import register_ops
from snnhub.hub.objects import Availability
from snnhub.ir.graph import Graph
from snnhub.ir.op import StepOp
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub_conformance import overview, report, suite
from snnhub_conformance.case import Case
from snnhub_conformance.diagnose import MISTAKES, suspects
from snnhub_conformance.execute import run_case, run_cases
from snnhub_conformance.expected import Expected, excuse, read
from snnhub_conformance.generate import micro, steps
from snnhub_conformance.generate.prove import equivalent
from snnhub_conformance.kill import OF_ENGINES, flags
from snnhub_conformance.mutants.engine_class import plain
from snnhub_conformance.mutants.programs import CLASSES
from snnhub_conformance.outcome import Outcome, Status
from snnhub_conformance.subjects import FunctionRunner, HubRunner
from snnhub_formats import container

register_ops()
SUITE = suite.load()
STEPS = [case for case in SUITE.cases if case.family in ("op.integer", "op.float")]
SHARE = 1 if os.environ.get("SNNHUB_THOROUGH") else 8
"""Of how many cases one is worked out again: a choice by name, or all of them (``make thorough``)."""
OPEN_SHARE = 0.01
"""At most so many mutants may be neither noticed nor proved equal: 67 of 12,138 are. What is left are mostly
flushed quotients and sums in another order, whose last bits differ where the solver finds no input in its time.
"""


def mutated(change: Any) -> Any:
    """A run of a graph with every program changed where ``change`` changes it."""

    def run(graph: Graph, inputs: dict[str, Array], keys: tuple[str, ...], length: int) -> dict[str, Array]:
        nodes = tuple(
            replace(node, program=change(node.program) or node.program) if node.program else node
            for node in graph.nodes
        )
        return plain(replace(graph, nodes=nodes), inputs, keys, length)

    return run


def kills_by_program() -> dict[str, set[str]]:
    """Mutants that some case notices."""
    found: dict[str, set[str]] = {}
    for case in STEPS:
        found.setdefault(case.title.partition(": ")[0], set()).update(case.kills)
    return found


def failures(runner: FunctionRunner, cases: list[Case]) -> set[str]:
    return {outcome.id for outcome in run_cases(runner, cases) if outcome.status is not Status.PASS}


@pytest.mark.parametrize("family", sorted({case.family for case in SUITE.cases if case.kind == "runner"}))
def test_the_engine_passes(family: str) -> None:
    outcomes = run_cases(HubRunner.named("engine"), SUITE.select(families=[family]).cases)
    assert [str(item) for item in outcomes if item.status is not Status.PASS] == []
    assert outcomes


def chosen() -> list[Case]:
    """Cases of step ops, a part of each op's."""
    return [case for case in STEPS if zlib.crc32(case.id.encode()) % SHARE == 0]


@pytest.mark.parametrize("part", range(8))
def test_flags_and_kills_are_what_the_mutants_say(part: int) -> None:
    """The kill matrix of the step ops, worked out again."""
    wrong = []
    for case in chosen()[part::8]:
        graph = container.load(case.path(case.subject["snn"]))
        program = graph.node[steps.NODE].program
        assert program is not None
        own = tuple(flag for flag in case.flags if flag in {item.name for item in CLASSES})
        if (own, case.kills) != steps.noticed(program, steps.pool_of(case, graph)):
            wrong.append(case.id)
    assert wrong == []


@pytest.mark.parametrize("part", range(4))
def test_flags_of_wrong_engines_are_what_they_do(part: int) -> None:
    """Flags of the second kind, worked out again: they are found with the graph, not the program."""
    wrong = []
    for case in chosen()[part::4]:
        own = tuple(flag for flag in case.flags if flag in OF_ENGINES)
        if own != flags(case, OF_ENGINES):
            wrong.append(case.id)
    assert wrong == []


def test_wrong_engines_are_noticed_by_op_cases_too() -> None:
    """An op alone hears little of an engine."""
    noticed = {flag for case in STEPS for flag in case.flags} & set(OF_ENGINES)
    assert noticed >= {"parameter.first", "bias.dropped", "input.binary", "time.layer-latency"}


def variants() -> list[steps.Variant]:
    ops = [op for op in (*REGISTRY.all(), *micro.OPS) if isinstance(op, StepOp)]
    return [variant for op in ops for variant in steps.variants(op)]


def test_every_step_op_has_its_cases_and_its_mutants_are_noticed() -> None:
    """From now on an op does not come in without them: python -m snnhub_conformance.generate op."""
    table = SUITE.matrix["op"]
    kills = kills_by_program()
    mutants = unproved = 0
    for variant in variants():
        entry = table[variant.name]
        assert entry["program"] == variant.program.digest, f"{variant.name} changed"
        names = {site for item in CLASSES for site, _ in item.each(variant.program)}
        noticed = kills[variant.name]
        assert names == noticed | set(entry["equivalent"]) | set(entry["open"]), variant.name
        mutants, unproved = mutants + len(names), unproved + len(entry["open"])
    assert unproved <= OPEN_SHARE * mutants, f"{unproved} of {mutants} are open"
    assert set(table) == {variant.name for variant in variants()}


def test_every_mutant_is_counted_once_in_the_summary() -> None:
    rows = SUITE.mutants.values()
    assert sum(row["programs"] for row in rows) == len(SUITE.matrix["op"])
    for row in rows:
        assert row["mutants"] == row["noticed"] + row["equal"] + row["open"]
    assert sum(row["noticed"] for row in rows) == sum(len(kills) for kills in kills_by_program().values())


def test_mutants_that_count_as_equal_are_proved_again() -> None:
    """A sample, chosen by name: the solver answers some in milliseconds and some in seconds."""
    pytest.importorskip("z3")
    checked = 0
    for variant in variants():
        for name in SUITE.matrix["op"][variant.name]["equivalent"]:
            if zlib.crc32(f"{variant.name} {name}".encode()) % 12 == 0:
                mutants = {site: mutant for item in CLASSES for site, mutant in item.each(variant.program)}
                assert equivalent(variant.program, mutants[name]) == "proved", f"{variant.name} {name}"
                checked += 1
    assert checked > 5


@pytest.mark.parametrize("name", ["compare.ge-as-gt", "reset.late", "round.shr_trunc-as-floor", "width.int32"])
def test_a_wrong_runner_fails_exactly_the_cases_of_its_class(name: str) -> None:
    (item,) = [item for item in CLASSES if item.name == name]
    failed = failures(FunctionRunner(name, mutated(item.everywhere)), STEPS)
    assert failed == {case.id for case in STEPS if name in case.flags}


def test_every_class_of_mistakes_is_noticed_and_named() -> None:
    carried = {flag for case in SUITE.cases for flag in case.flags}
    assert {item.name for item in CLASSES} - carried == set()
    assert carried <= set(MISTAKES)


def reset_for_the_even_only(graph: Graph, inputs: Any, keys: tuple[str, ...], length: int) -> Any:
    """A mistake that is in no list: only every other step of the membrane potential is recorded right."""
    found = plain(graph, inputs, keys, length)
    return {
        key: np.where((np.arange(len(a)) % 2 == 0).reshape(-1, *[1] * (a.ndim - 1)), a, 0)
        for key, a in found.items()
    }


def test_a_mistake_that_is_in_no_list_fails_and_something_near_is_named() -> None:
    outcomes = run_cases(FunctionRunner("odd", reset_for_the_even_only), STEPS)
    assert sum(item.status is Status.FAIL for item in outcomes) > len(STEPS) // 20


@pytest.mark.parametrize("name", ["compare.ge-as-gt", "reset.subtract", "time.output-late", "order.contracted"])
def test_what_is_wrong_is_ranked_first(name: str) -> None:
    (item,) = [item for item in CLASSES if item.name == name]
    ranked = suspects(run_cases(FunctionRunner(name, mutated(item.everywhere)), STEPS))
    best = [suspect.name for suspect in ranked if suspect.score == ranked[0].score]
    assert name in best
    assert ranked[0].others == 0


def test_a_mistake_in_one_op_alone_is_still_named() -> None:
    """A runner that compares wrongly in one op fails a part of the cases of its class, and no others."""
    (item,) = [item for item in CLASSES if item.name == "compare.ge-as-gt"]
    cases = [case for case in STEPS if "core." in case.title]

    def wrong(graph: Graph, inputs: Any, keys: tuple[str, ...], length: int) -> Any:
        run = mutated(item.everywhere) if graph.node[steps.NODE].op == "core.LIF" else plain
        return run(graph, inputs, keys, length)

    names = [suspect.name for suspect in suspects(run_cases(FunctionRunner("wrong", wrong), cases))]
    assert "compare.ge-as-gt" in names[:3]


class Limited(FunctionRunner):
    """Says that it takes nothing, and either answers all the same or refuses."""

    def lacks(self, case: Case, graph: Graph) -> str:
        return "everything"


def test_what_is_declared_unsupported_is_probed_and_never_passes() -> None:
    def refuse(*_: Any) -> Any:
        raise UnsupportedError("not this")

    honest = run_cases(Limited("honest", refuse), STEPS)
    assert {item.status for item in honest} == {Status.UNSUPPORTED}
    boaster = run_cases(Limited("boaster", plain), STEPS)
    answered = [item for item in boaster if item.status is Status.FAIL]
    assert len(STEPS) / 40 < len(answered) < len(STEPS) / 10
    assert report.make(SUITE, "boaster", "runner", "R4", {}, boaster).counts["total"] == len(STEPS)


def test_errors_and_absence_are_not_passes() -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("oh")

    def strange(*_: Any) -> Any:
        raise SnnhubError("cannot")

    class Absent(FunctionRunner):
        def availability(self) -> Availability:
            return Availability(False, "no chip", "Plug one in.")

    few = STEPS[:5]
    assert {item.status for item in run_cases(FunctionRunner("a", broken), few)} == {Status.ERROR}
    assert {item.status for item in run_cases(FunctionRunner("b", strange), few)} == {Status.ERROR}
    absent = run_cases(Absent("c", plain), few)
    assert {item.status for item in absent} == {Status.UNAVAILABLE}
    made = report.make(SUITE, "c", "runner", "R4", {}, absent)
    assert report.badge(made)["message"] == "not measured"
    row = report.compact(made)
    assert overview.cell(row, few[0].family, SUITE) == overview.UNMEASURED


def test_what_is_missing_or_misshapen_fails() -> None:
    case = STEPS[0]
    nothing = run_case(FunctionRunner("a", lambda *_: {}), case)
    assert nothing.status is Status.FAIL
    assert "was not recorded" in nothing.detail
    short = run_case(
        FunctionRunner("b", lambda g, i, k, n: {key: a[:0] for key, a in plain(g, i, k, n).items()}), case
    )
    assert "expected shape" in short.detail


def test_a_failure_says_where_and_how_to_repeat_it() -> None:
    case = next(case for case in STEPS if case.expect.rung == "bits" and len(case.expect.records) == 2)

    def off(graph: Graph, inputs: Any, keys: tuple[str, ...], length: int) -> Any:
        found = {key: array.copy() for key, array in plain(graph, inputs, keys, length).items()}
        if "n/v" in found:
            found["n/v"].flat[0] += 1
        return found

    outcome = run_case(FunctionRunner("off", off), case)
    assert outcome.first is not None
    assert (outcome.first.step, outcome.first.node, outcome.first.state) == (0, "n", "v")
    assert outcome.rung == "spikes"
    made = report.make(SUITE, "off", "runner", "R4", {"python": "3"}, [outcome])
    assert f"--case {case.id}" in report.markdown(made)
    assert run_case(FunctionRunner("off", off), case, "R3").status is Status.PASS


def test_expected_failures(tmp_path: Path) -> None:
    path = tmp_path / "conformance_xfail.toml"
    path.write_text(f'[[xfail]]\ncase = "{STEPS[0].id}"\nreason = "wraps"\nexpires = 2030-01-01\n')
    (entry,) = read(path)
    failed = Outcome(STEPS[0].id, STEPS[0].family, Status.FAIL, "R4")
    (found,) = excuse([failed], [entry], SUITE)
    assert found.status is Status.XFAIL
    (passed,) = excuse([replace(failed, status=Status.PASS)], [entry], SUITE)
    assert passed.status is Status.XPASS
    assert report.make(SUITE, "x", "runner", "R4", {}, [passed]).failed
    old = Expected(entry.case, "wraps", replace_year(entry, 2020))
    assert excuse([failed], [old], SUITE)[0].status is Status.FAIL
    with pytest.raises(FormatError, match="name no case"):
        excuse([failed], [Expected("op.integer.9999", "x", entry.expires)], SUITE)
    path.write_text('[[xfail]]\ncase = "a"\nreason = " "\nexpires = 2030-01-01\n')
    with pytest.raises(FormatError, match="needs a reason"):
        read(path)


def replace_year(entry: Expected, year: int) -> Any:
    return entry.expires.replace(year=year)


def test_reports_are_compared(tmp_path: Path) -> None:
    good = run_cases(FunctionRunner("x", plain), STEPS[:4])
    bad = [replace(good[0], status=Status.FAIL), *good[1:]]
    for name, outcomes in (("old", good), ("new", bad)):
        report.write(report.make(SUITE, "x", "runner", "R4", {}, outcomes), tmp_path / name)
    old, new = (str(tmp_path / name / "report.json") for name in ("old", "new"))
    assert invoke(["conformance", "diff", old, new]) == 1
    assert invoke(["conformance", "diff", new, old]) == 0
    with pytest.raises(FormatError):
        report.read(tmp_path / "old" / "badge.json")


def test_what_passed_against_expectation_counts_as_failed_in_tables() -> None:
    kinds = (Status.PASS, Status.PASS, Status.FAIL, Status.XPASS, Status.ERROR, Status.XFAIL, Status.UNSUPPORTED)
    outcomes = [Outcome(f"a.{number}", "a", status, "R4") for number, status in enumerate(kinds)]
    made = report.make(SUITE, "x", "runner", "R4", {}, outcomes)
    row = dict(zip(report.COLUMNS, made.row("a"), strict=True))
    assert row == {
        "passed": 2,
        "failed": 2,
        "error": 1,
        "xfail": 1,
        "unsupported": 1,
        "unavailable": 0,
        "total": 7,
    }
    assert f"| a | {' | '.join(map(str, row.values()))} |" in report.markdown(made)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = STEPS[0].id
    assert invoke(["conformance", "run", "--runner", "engine", "--case", name, "--report", str(tmp_path)]) == 0
    assert (tmp_path / "badge.json").exists()
    assert invoke(["conformance", "run", "--runner", "engine", "--case", name, "--json"]) == 0
    text = capsys.readouterr().out
    assert json.loads(text[text.index("{") :])["counts"]["pass"] == 1
    capsys.readouterr()
    assert invoke(["conformance", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mutants"] == SUITE.mutants
    assert invoke(["conformance", "list"]) == 0
    assert str(SUITE.mutants["loihi"]["mutants"]) in capsys.readouterr().out
    assert invoke(["conformance", "list", "--family", "op"]) == 0
    assert invoke(["conformance", "show", name]) == 0
    assert STEPS[0].title in capsys.readouterr().out
    assert invoke(["conformance", "run"]) == 2
    assert invoke(["conformance", "run", "--runner", "engine", "--case", "op.integer.99999"]) == 2
    assert invoke(["conformance", "run", "--runner", "engine", "--level", "F1"]) == 2


def test_families_and_cases_that_do_not_exist() -> None:
    with pytest.raises(UsageError, match="no family"):
        SUITE.select(families=["op.imaginary"])
    assert len(SUITE.select(families=["op"]).cases) == len(STEPS)


def test_a_framework_s_runner_is_given_its_own_networks_alone() -> None:
    """A factory of another framework would be run in the wrong one."""
    frameworks = ("rockpool", "spikingjelly")
    for own in frameworks:
        subject = HubRunner.named(own)
        for other in frameworks:
            case = next(c for c in SUITE.cases if c.family == f"importer.{other}" and c.kind == "runner")
            graph = container.load(case.path(case.subject["snn"]))
            assert (subject.lacks(case, graph) == "") == (own == other)
