"""Families of files, targets and refusals: ours pass, and lax readers, writers, targets and runners fail."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub_loihi.lowering
import snnhub_loihi.target
from snnhub.api import neutral
from snnhub.api.options import ImportOptions
from snnhub.errors import FormatError, GraphError
from snnhub.findings import error
from snnhub.ir.graph import Graph
from snnhub_conformance import suite
from snnhub_conformance.execute import run_cases, unlike, unreported
from snnhub_conformance.generate.make import MAKERS
from snnhub_conformance.generate.write import INDEX, Writer
from snnhub_conformance.outcome import Status
from snnhub_conformance.report import Report
from snnhub_conformance.session import measure
from snnhub_conformance.subjects import FunctionRunner, HubRunner, WorkerRunner
from snnhub_formats import container
from snnhub_netx import reader

from tests.build import loihi_mlp, mlp

SUITE = suite.load()
REFUSE = [case for case in SUITE.cases if case.family == "graph.refuse"]


def failed(report: Report) -> set[str]:
    return {item.id for item in report.outcomes if item.status is Status.FAIL}


def refused(family: str) -> set[str]:
    return {case.id for case in SUITE.cases if case.family == family and case.expect.result == "invalid"}


@pytest.mark.parametrize(
    ("kind", "name", "least"),
    [
        ("importer", "snn", 130),
        ("importer", "graph-json", 120),
        ("importer", "netx", 80),
        ("exporter", "snn", 20),
        ("exporter", "graph-json", 20),
        ("exporter", "netx", 19),
        ("target", "loihi2", 100),
    ],
)
def test_ours_pass(kind: str, name: str, least: int) -> None:
    report = measure(kind, name)
    assert [str(item) for item in report.outcomes if item.status is not Status.PASS] == []
    assert report.counts["pass"] >= least


def test_files_alone_are_level_f0() -> None:
    everything, alone = measure("importer", "netx"), measure("importer", "netx", level="F0")
    assert {item.id for item in alone.outcomes} == refused("file.netx")
    assert len(everything.outcomes) > len(alone.outcomes)


@pytest.mark.parametrize(
    ("name", "family", "module", "function"),
    [
        ("snn", "file.snn", neutral, "import_snn"),
        ("graph-json", "file.json", neutral, "import_graph_json"),
        ("netx", "file.netx", reader, "import_netx"),
    ],
)
def test_a_reader_that_accepts_everything_fails(
    name: str, family: str, module: Any, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, function, lambda path, options: mlp())
    cases = {case.id for case in SUITE.cases if case.family == family}
    of_options = {case.id for case in SUITE.cases if "no_such_option" in case.options}
    assert failed(measure("importer", name)) == cases - of_options, "the hub itself refuses unknown options"


def test_a_reader_that_refuses_everything_fails_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, options: ImportOptions) -> Graph:
        raise FormatError("no")

    monkeypatch.setattr(neutral, "import_snn", refuse)
    accepted = {case.id for case in SUITE.cases if case.family == "file.snn"} - refused("file.snn")
    assert failed(measure("importer", "snn")) == accepted


def test_a_reader_that_crashes_has_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(path: Path, options: ImportOptions) -> Graph:
        raise IndexError("tuple index out of range")

    monkeypatch.setattr(neutral, "import_snn", crash)
    assert {item.status for item in measure("importer", "snn").outcomes} == {Status.ERROR}


def without_decoder(graph: Graph, path: Path) -> tuple[()]:
    container.save(replace(graph, decoder=None), path)
    return ()


def with_the_time(graph: Graph, path: Path) -> tuple[()]:
    container.save(replace(graph, name=path.name), path)
    return ()


def test_writers_that_lose_something_or_are_not_deterministic_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neutral, "export_snn", without_decoder)
    lost = [item for item in measure("exporter", "snn").outcomes if item.status is not Status.PASS]
    assert {SUITE.by_id[item.id].title for item in lost} >= {"decoder of a state", "float network"}
    monkeypatch.setattr(neutral, "export_snn", with_the_time)
    report = measure("exporter", "snn")
    assert {item.id for item in report.outcomes if item.status is Status.PASS} == refused("exporter.snn")


def test_a_target_without_limits_and_a_lowering_without_passes_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = snnhub_loihi.target.spec()
    monkeypatch.setattr(snnhub_loihi.target, "spec", lambda: replace(spec, limits=()))
    beyond = {case.id for case in SUITE.cases if case.expect.code == "SNN-2201"}
    assert failed(measure("target", "loihi2")) == beyond
    monkeypatch.setattr(snnhub_loihi.lowering, "passes", lambda: ())
    lowered = failed(measure("target", "loihi2", families=["lowering"]))
    assert lowered >= refused("lowering.loihi2")
    assert len(lowered) == sum(case.family == "lowering.loihi2" for case in SUITE.cases) - 1, (
        "one is lowered already"
    )


def test_a_runner_that_answers_everything_fails_the_refused_cases() -> None:
    outcomes = run_cases(FunctionRunner("lax", lambda *_: {}), REFUSE)
    answered = {item.id for item in outcomes if item.status is Status.FAIL}
    unreadable = {SUITE.by_id[item.id].title for item in outcomes if item.status is Status.PASS}
    assert unreadable == {"truncated file", "payload missing"}
    assert len(answered) == len(REFUSE) - len(unreadable)


def test_a_runner_that_refuses_with_other_words_fails() -> None:
    def other(*_: Any) -> Any:
        raise GraphError("something", findings=[error("SNN-1001", "nowhere", "something")])

    outcomes = run_cases(FunctionRunner("other", other), REFUSE)
    passed = [SUITE.by_id[item.id] for item in outcomes if item.status is Status.PASS]
    assert {case.expect.error for case in passed} <= {"FormatError"}


def test_a_runner_of_frameworks_cannot_take_broken_graphs() -> None:
    outcomes = run_cases(HubRunner.named("lava"), REFUSE[:3])
    assert {item.status for item in outcomes} <= {Status.UNSUPPORTED, Status.UNAVAILABLE}


LAX = """
import numpy as np
from pathlib import Path
from snnhub.peers.worker import PROTOCOL, private_pipe, serve
def hello(params, report): return {"protocol": PROTOCOL, "name": "lax", "environment": {}}
def capabilities(params, report): return {"models": FORMS, "records": ["*"], "options": []}
def run(params, report): END
pipe = private_pipe()
serve({"hello": hello, "capabilities": capabilities, "run": run}, pipe)
"""


def lax(folder: Path, forms: list[str], end: str) -> list[str]:
    path = folder / "lax.py"
    path.write_text(LAX.replace("FORMS", repr(forms)).replace("END", end))
    return [sys.executable, str(path)]


@pytest.mark.parametrize(
    ("forms", "end", "status"),
    [
        (["snn/1"], "return {'arrays': {}}", Status.FAIL),
        (["snn/1"], "raise ValueError('no')", Status.PASS),
        (["snn/1"], "import os; os._exit(3)", Status.ERROR),
        (["graph-json/1"], "return {'arrays': {}}", Status.FAIL),
    ],
)
def test_a_worker_gets_the_file_itself(forms: list[str], end: str, status: Status, tmp_path: Path) -> None:
    """Nothing on this side may refuse in its place, and a worker that ends has refused nothing."""
    kind = "json" if forms == ["graph-json/1"] else "snn"
    cases = [case for case in REFUSE if kind in case.subject and case.expect.error != "UsageError"][:5]
    with WorkerRunner(lax(tmp_path, forms, end)) as worker:
        outcomes = run_cases(worker, cases[:1] if status is Status.ERROR else cases)
    assert {item.status for item in outcomes} == {status}


def test_what_a_worker_cannot_read_or_is_never_sent_is_unsupported(tmp_path: Path) -> None:
    kept = [case for case in REFUSE if "json" not in case.subject or case.expect.error == "UsageError"][:40]
    with WorkerRunner(lax(tmp_path, ["graph-json/1"], "return {'arrays': {}}")) as worker:
        outcomes = run_cases(worker, kept)
    assert {item.status for item in outcomes} == {Status.UNSUPPORTED}


def test_findings_are_compared_by_code_and_place() -> None:
    findings = [error("SNN-1009", "a", "x"), error("SNN-1010", "b", "y")]
    assert unreported(["SNN-1009", "SNN-1010 b"], findings) == []
    assert unreported(["SNN-1009 b", "SNN-1011"], findings) == ["SNN-1009 b", "SNN-1011"]
    case = next(case for case in REFUSE if case.expect.code == "SNN-1009")
    right = GraphError("x", findings=[error("SNN-1009", case.expect.place, "x")])
    assert unlike(case, right) == ""
    assert "not GraphError" in unlike(case, FormatError("x", findings=right.findings))
    assert "refused without" in unlike(case, GraphError("x", findings=[error("SNN-1009", "elsewhere", "x")]))


OF_PEERS = (
    "op",
    "profiles",
    "spikingjelly",
    "rockpool",
    "dynapse2",
    "snntorch",
    "norse",
    "sinabs",
    "lava-dl",
    "xylo",
    "inseparable",
)
"""Made with what is not in this environment, or with much time."""


@pytest.mark.parametrize("maker", [name for name in MAKERS if name not in OF_PEERS])
def test_making_a_family_again_gives_the_same_bytes(maker: str, tmp_path: Path) -> None:
    families, make = MAKERS[maker]
    if not families <= set(SUITE.families):
        pytest.skip("not made yet")
    shutil.copy(SUITE.folder / INDEX, tmp_path)  # which keeps the numbers
    writer = Writer(tmp_path)
    make(writer, {})
    writer.finish(families)
    made = contents(tmp_path)
    kept = {path: data for path, data in contents(SUITE.folder).items() if path.partition("/")[0] in families}
    assert sorted(set(kept) ^ (set(made) - {INDEX})) == []
    changed = [path for path, data in kept.items() if stated(path, made[path]) != stated(path, data)]
    assert [path for path in changed if not written_by_hdf5(path)] == []


def stated(path: str, data: bytes) -> Any:
    """A file of a case; of networks of several ops without the flags, which ``inseparable`` finds afterwards."""
    if not path.startswith("difference.slayer/") or not path.endswith("/case.json"):
        return data
    return {key: value for key, value in json.loads(data).items() if key != "flags"}


def written_by_hdf5(path: str) -> bool:
    """Files whose bytes depend on the version of HDF5, or hold the time, and the digests of them."""
    return path.startswith(("file.netx/", "importer.nir/"))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_a_shape_that_does_not_fit_is_no_crash() -> None:
    """Found by graph.refuse: the rule of types looked at a second axis that a vector does not have."""
    from snnhub.ir.tensor import tensor
    from snnhub.ir.verify import verify
    from snnhub.ops.registry import REGISTRY

    graph = mlp((3, 2))
    wrong = graph.nodes[0].with_params(weight=tensor(np.ones(7, np.float32)))
    found = verify(replace(graph, nodes=(wrong, *graph.nodes[1:])), REGISTRY)
    assert ("SNN-1009", "fc0") in {(finding.code, finding.place) for finding in found}


def test_a_transform_with_a_program_of_its_own_is_refused() -> None:
    """Found by graph.refuse: the engine ran the program, and exporters would have gone by the name."""
    from snnhub.ir.verify import verify
    from snnhub.ops.registry import REGISTRY

    graph = mlp((3, 2))
    nodes = (replace(graph.nodes[0], program=graph.nodes[1].program), *graph.nodes[1:])
    found = verify(replace(graph, nodes=nodes), REGISTRY)
    assert ("SNN-1014", "fc0") in {(finding.code, finding.place) for finding in found}


def test_integers_beyond_64_bits_are_refused_by_the_writer(tmp_path: Path) -> None:
    from snnhub.ir.tensor import tensor

    graph = loihi_mlp((3, 2))
    wide = graph.nodes[0].with_params(weight=tensor(np.full((2, 3), 2**64 - 1, np.uint64)))
    with pytest.raises(FormatError, match="too large"):
        container.save(replace(graph, nodes=(wide, *graph.nodes[1:])), tmp_path / "a.snn")
