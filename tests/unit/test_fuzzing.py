"""Fuzzing of two runners: differences are found, made small, and saved as cases."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from snnhub.api import neutral
from snnhub.api.request import RunRequest
from snnhub.cli.main import invoke
from snnhub.errors import UnsupportedError, UsageError
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.microop import MicroOp
from snnhub.ir.recording import Recording
from snnhub_conformance import suite
from snnhub_conformance.execute import run_cases
from snnhub_conformance.fuzz import fuzz, save
from snnhub_conformance.mutants.rewriting import rewrite
from snnhub_conformance.outcome import Status
from snnhub_conformance.subjects import HubRunner

SEED = 20261121


def strict(request: RunRequest) -> Recording:
    """Fires above the threshold only."""

    def change(draft: Any, instr: Any, args: Any) -> int | None:
        return draft.emit(MicroOp.GT, args, instr.type) if instr.op is MicroOp.GE else None

    nodes = tuple(
        replace(node, program=rewrite(node.program, change) or node.program) if node.program else node
        for node in request.graph.nodes
    )
    return neutral.run_engine(replace(request, graph=replace(request.graph, nodes=nodes)))


def picky(request: RunRequest) -> Recording:
    """Takes networks of one layer only."""
    if len(request.graph.nodes) > 2:
        raise UnsupportedError("too many layers")
    return neutral.run_engine(request)


@pytest.fixture
def runners(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {name: Runner(name, name, entry=f"tests.unit.test_fuzzing:{name}") for name in ("strict", "picky")}
    monkeypatch.setattr(load(), "runners", {**load().runners, **own})


@pytest.mark.usefixtures("runners")
def test_a_difference_is_found_made_small_and_kept(tmp_path: Path) -> None:
    result = fuzz("engine", "strict", seed=SEED, count=300)
    assert result.found is not None, f"seed {SEED}"
    assert result.found.first is not None
    assert len(result.found.graph.nodes) <= 4
    folder = save(result, tmp_path)
    (case,) = suite.load(tmp_path).cases
    assert case.folder == folder
    statuses = {name: run_cases(HubRunner.named(name), [case])[0].status for name in ("engine", "strict")}
    assert statuses == {"engine": Status.PASS, "strict": Status.FAIL}


@pytest.mark.usefixtures("runners")
def test_refusals_are_counted_and_are_no_differences() -> None:
    result = fuzz("engine", "picky", seed=SEED, count=30)
    assert result.found is None
    assert result.skipped > 0
    assert result.ran > 0
    with pytest.raises(UsageError, match="nothing to save"):
        save(result, Path("nowhere"))


@pytest.mark.parametrize("graphs", ["float", "layers", "netx"])
def test_the_engine_agrees_with_itself(graphs: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["fuzz", "--runner", "engine", "--against", "engine", "--graphs", graphs, "--count", "10"]
    assert invoke([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["found"] is None


def test_unknown_names_are_refused() -> None:
    assert invoke(["fuzz", "--runner", "engine", "--against", "nobody"]) == 2
    assert invoke(["fuzz", "--runner", "engine", "--against", "engine", "--graphs", "round"]) == 2
