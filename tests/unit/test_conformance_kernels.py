"""The families of kernel ops: engine and definition agree, every wrong rule is noticed where cases say so."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from snnhub.hub.catalogue import register_ops
from snnhub.ir.graph import Graph
from snnhub.ir.op import KernelOp
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub_conformance import suite
from snnhub_conformance.diagnose import suspects
from snnhub_conformance.execute import run_cases
from snnhub_conformance.kill import flags, wrong_engine
from snnhub_conformance.mutants.engine_class import Arrays, plain
from snnhub_conformance.mutants.kernels import KERNELS
from snnhub_conformance.outcome import Status
from snnhub_conformance.second import check_graph
from snnhub_conformance.second_kernels import DEFINITIONS, by_definition, kernel_of
from snnhub_conformance.subjects import FunctionRunner
from snnhub_formats import container
from snnhub_xylo.core import CAP_HIDDEN, CAP_INPUT, HIGH, LOW

from tests.build import loihi_mlp

register_ops()
SUITE = suite.load()
CASES = [case for case in SUITE.cases if case.family.startswith("kernel.")]
OWN = {item.name: item for item in KERNELS}
GRAPHS = {case.id: container.load(case.path(case.subject["snn"])) for case in CASES}


def test_every_kernel_op_has_a_definition_and_cases_alone() -> None:
    known = {f"{op.name}/{op.version}" for op in REGISTRY.all() if isinstance(op, KernelOp)}
    assert known == set(DEFINITIONS)
    alone = [kernel_of(graph) for graph in GRAPHS.values()]
    assert None not in alone
    assert {node.kind for node in alone if node is not None} == known
    assert len(CASES) >= 40


def test_every_choice_and_extreme_is_among_them() -> None:
    nodes = [graph.nodes[0] for graph in GRAPHS.values()]
    assert {(node.attribute["core"], node.attribute["synapses"]) for node in nodes} == {
        (version, count) for version in ("v1", "v2") for count in (1, 2)
    }
    records = [case.records() for case in CASES]
    states = np.concatenate([found[f"xylo/{name}"].ravel() for found in records for name in ("isyn", "vmem")])
    assert (states.min(), states.max()) == (LOW, HIGH)
    assert max(found["xylo/s"].max() for found in records) == CAP_HIDDEN
    assert max(case.stimulus()["input"].max() for case in CASES) > CAP_INPUT
    dashes = np.concatenate([node.param["dash_mem"].array for node in nodes])
    assert (dashes.min(), dashes.max()) == (0, 15)
    assert {case.batched for case in CASES} == {True, False}


@pytest.mark.parametrize("part", range(4))
def test_the_definition_gives_what_is_expected(part: int) -> None:
    for case in CASES[part::4]:
        check_graph(GRAPHS[case.id], case.stimulus(), case.records(), case.expect.steps)


def test_the_definition_disagrees_where_something_is_wrong() -> None:
    case = CASES[0]
    wrong = {key: array + (key == "xylo/vmem") for key, array in case.records().items()}
    with pytest.raises(AssertionError, match="xylo/vmem"):
        check_graph(GRAPHS[case.id], case.stimulus(), wrong, case.expect.steps)


def test_networks_of_more_than_a_kernel_have_no_definition() -> None:
    graph = loihi_mlp()
    assert kernel_of(graph) is None
    assert by_definition(graph, {"input": np.zeros((2, 6), np.uint8)}, ("output",), 2) is None
    assert all(item.records(graph, {}, ("output",), 2) is None for item in KERNELS)


@pytest.mark.parametrize("part", range(4))
def test_flags_of_wrong_kernels_are_what_they_do(part: int) -> None:
    for case in CASES[part::4]:
        assert flags(case, OWN) == tuple(flag for flag in case.flags if flag in OWN), case.id


def test_every_wrong_kernel_is_noticed() -> None:
    assert set(OWN) <= {flag for case in CASES for flag in case.flags}


@pytest.mark.parametrize("name", ["xylo.leak-toward-zero", "xylo.hidden-uncapped", "xylo.alias-after"])
def test_a_wrong_kernel_fails_its_cases_and_is_found(name: str) -> None:
    outcomes = run_cases(FunctionRunner(name, wrong_engine(name)), CASES)
    failed = {item.id for item in outcomes if item.status is not Status.PASS}
    assert failed == {case.id for case in CASES if name in case.flags}
    ranked = suspects(outcomes)
    assert name in {item.name for item in ranked if item.score == ranked[0].score}


def rolled(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays:
    """A mistake that is in no list: neurons are recorded under the number of the next one."""
    found = plain(graph, inputs, keys, steps)
    return {key: np.roll(array, 1, axis=-1) for key, array in found.items()}


def test_a_mistake_that_is_in_no_list_fails_too() -> None:
    outcomes = run_cases(FunctionRunner("rolled", rolled), CASES)
    assert sum(item.status is Status.FAIL for item in outcomes) > len(CASES) // 2
