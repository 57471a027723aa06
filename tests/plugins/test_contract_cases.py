"""Cases of the suite inside the contract: a right runner passes, a wrong one fails, an excused one may."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.ops.registry import REGISTRY
from snnhub_conformance.contracts.samples import events, feedforward
from snnhub_conformance.generate.write import Writer, runner_case

from tests.plugins.broken import install
from tests.plugins.installed import environment, run

PLUGIN = """
from snnhub.hub import Runner, hookimpl

@hookimpl
def snnhub_register_runners():
    nothing = {"ops": [], "transforms": {}, "batch": True}
    return [
        Runner("right", "the engine", entry="own:right", level="R4"),
        Runner("late", "one step late", entry="own:late", level="R4"),
        Runner("few", "declares nothing", entry="own:right", level="R4", capabilities=nothing),
        Runner("excused", "one step late, and says so", entry="excused:late", level="R4"),
    ]
"""
OWN = """
from dataclasses import replace
import numpy as np
from snnhub.api.neutral import run_engine

def right(request):
    return run_engine(request)

def late(request):
    found = run_engine(request)
    return replace(found, arrays={k: np.concatenate([0 * a[:1], a[:-1]]) for k, a in found.items()})
"""
TESTS = """
from pathlib import Path
from snnhub_conformance import suite
from snnhub_conformance.contracts import RunnerContract

suite.VECTORS = Path(__file__).parent / "vectors"

class Own(RunnerContract):
    def cases(self):
        return suite.load(suite.VECTORS).cases

class TestRight(Own):
    runner = "right"

class TestLate(Own):
    runner = "late"

class TestFew(Own):
    runner = "few"

class TestExcused(Own):
    runner = "excused"
"""
XFAIL = """
[[xfail]]
case = "toy.0001"
reason = "one step late: acme#1"
expires = 2099-01-01
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of four runners and one case."""
    folder = tmp_path_factory.mktemp("cases")
    graph = feedforward()
    stimulus = events((6,), graph.inputs[0].type)
    recording, _ = prepare(graph, REGISTRY).run(stimulus, record=["n0/v", "n1/s", "output"])
    writer = Writer(folder / "vectors")
    records = {key: np.asarray(array) for key, array in recording.items()}
    writer.add(*runner_case("toy", "a network", "toy", graph, {"input": stimulus}, records, batched=True))
    (folder / "vectors").mkdir()
    writer.finish({"toy"})
    install(folder, "toy_plugin", PLUGIN)
    for name in ("own", "excused"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(OWN)
    (folder / "excused" / "conformance_xfail.toml").write_text(XFAIL)
    (folder / "test_toy.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-v", "-rsx", "-p", "no:cacheprovider", "-k", "test_case", "."]
    return run(command, folder, environment(folder)).stdout


@pytest.mark.parametrize(("name", "status"), [("Right", "PASSED"), ("Late", "FAILED"), ("Excused", "XFAIL")])
def test_one_test_per_case(name: str, status: str, output: str) -> None:
    assert re.search(rf"Test{name}::test_case\[toy.0001\] {status}", output), output


def test_what_is_declared_to_be_left_out_is_left_out(output: str) -> None:
    """All but one case in twenty, which must be refused."""
    assert "TestFew::test_case[toy.0001]" not in output


def test_a_failure_says_where_and_how_to_repeat_it(output: str) -> None:
    assert "repeat: snnhub conformance run --runner late --case toy.0001" in output
    assert re.search(r"step \d+, sample \d+, n\d/\w\[\d+\]: expected", output), output
    assert "one step late: acme#1" in output
