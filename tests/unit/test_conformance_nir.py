"""``importer.nir`` and ``profile.*``: what the cases hold down; frameworks as subjects, without any."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from snnhub.api.discretise import discretise, profiles
from snnhub.api.load import load_graph
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import UsageError
from snnhub_conformance import suite
from snnhub_conformance.artefacts import Artefacts
from snnhub_conformance.case import Case
from snnhub_conformance.frameworks import Frameworks, FrameworkSubject
from snnhub_conformance.frameworks import profiles as frameworks_of
from snnhub_conformance.generate.make import PROFILES
from snnhub_conformance.outcome import Status
from snnhub_conformance.session import measure

CASES = [case for case in suite.load().cases if "nir" in case.subject]
TYPES = {
    *(
        "Affine",
        "AvgPool2d",
        "Conv1d",
        "Conv2d",
        "CubaLI",
        "CubaLIF",
        "Delay",
        "Flatten",
        "I",
        "IF",
        "Input",
        "LI",
    ),
    *("LIF", "Linear", "NIRGraph", "Output", "Scale", "SumPool2d", "Threshold"),
}


def of(family: str) -> list[Case]:
    return [case for case in CASES if case.family == family]


def test_every_profile_has_a_family_that_shows_it() -> None:
    assert {item.name for item in profiles()} == set(PROFILES)
    for name in PROFILES:
        kinds = Counter((case.kind, case.expect.result) for case in of(f"profile.{name}"))
        assert kinds["runner", "valid"] == kinds["importer", "valid"] >= 3, name
        assert all(case.options["profile"] == name for case in of(f"profile.{name}"))
    live = [case for case in CASES if case.kind == "runner" and case.source["kind"] == "peer"]
    assert len(live) >= 60
    for case in CASES:
        if case.kind == "runner":
            (output,) = case.records().values()
            assert output.any(), f"{case.id}: silent, which shows nothing"
            assert (output != output.ravel()[0]).any(), case.id


def test_profiles_part_on_these_files() -> None:
    """A family would be no test of a profile if another one passed it."""
    other = {
        "norse-1": "nir-euler",
        "snntorch-1": "norse-1",
        "spikingjelly-2": "exponential",
        "sinabs-3": "norse-1",
    }
    other |= {
        "spyx-1": "nir-euler",
        "rockpool-3": "exponential",
        "nengo-4": "exponential",
        "exponential": "nir-euler",
    }
    for name, wrong in other.items():
        cases = [case for case in of(f"profile.{name}") if case.kind == "runner"]
        assert any(not _gives(case, wrong) for case in cases), f"{wrong} passes all of {name}"


def _gives(case: Case, profile: str) -> bool:
    """Whether a profile gives the records of a case."""
    source = load_graph(case.path(case.subject["nir"]), continuous=True).graph
    made = discretise(source, float(case.options["dt"]), profile)
    found = prepare(made).run(next(iter(case.stimulus().values())), record=["output"])[0]["output"]
    return np.array_equal(np.asarray(found), next(iter(case.records().values())))


def test_every_type_of_nir_is_read() -> None:
    found = set[str]()
    for case in of("importer.nir"):
        if case.expect.result == "valid" and "own" not in case.title:
            graph = load_graph(case.path(case.subject["nir"]), continuous=True).graph
            found |= {node.op.removeprefix("ct.") for node in graph.nodes if node.op.startswith("ct.")}
    assert found == TYPES


def test_the_importer_passes() -> None:
    """On every fourth case; the stored report is on all."""
    asked = [case.id for case in CASES if case.kind == "importer"][::4]
    report = measure("importer", "nir", ids=asked)
    assert report.counts["pass"] == report.counts["total"] == len(asked)


def test_an_importer_that_reads_something_else_fails() -> None:
    """The digest is of dtypes, values, edges in their order and names; a profile's of its findings too."""
    subject = Artefacts.named("importer", "nir")
    case = next(case for case in of("importer.nir") if case.title == "f16")
    other = next(case for case in of("importer.nir") if case.title == "single numbers")
    assert subject.run(case, "F1").status is Status.PASS
    assert subject.run(replace(case, subject=other.subject, folder=other.folder), "F1").status is Status.FAIL
    case = next(case for case in of("profile.norse-1") if case.title == "import: LIF, r = tau / dt")
    assert subject.run(case, "F1").status is Status.PASS
    assert subject.run(replace(case, options={**case.options, "profile": "nir-euler"}), "F1").status is Status.FAIL
    refused = next(case for case in of("profile.snntorch-1") if case.expect.result == "invalid")
    assert subject.run(refused, "F1").status is Status.PASS
    accepted = replace(refused, options={**refused.options, "profile": "nir-euler"})
    assert subject.run(accepted, "F1").status is Status.FAIL


class _Double(Frameworks):
    """A framework that gives what a case recorded, or something else."""

    def __init__(self, answer: np.ndarray | str) -> None:
        super().__init__()
        self.answer = answer

    def output(self, framework: str, data: bytes, x: np.ndarray, dt: float) -> np.ndarray | str:
        return self.answer

    def versions(self) -> dict[str, str]:
        return {"norse": "1.1.0"}


def test_a_framework_is_judged_by_what_was_recorded_of_it() -> None:
    case = next(case for case in of("profile.norse-1") if case.kind == "runner")
    refused = next(case for case in of("profile.snntorch-1") if case.expect.result == "invalid")
    (output,) = case.records().values()
    wrong = output.copy()
    wrong[7, 1] ^= 1
    for answer, status, other in (
        (output.astype("f4"), Status.PASS, Status.FAIL),
        (wrong.astype("f4"), Status.FAIL, Status.FAIL),
        ("KeyError: x", Status.FAIL, Status.PASS),
    ):
        subject = FrameworkSubject("norse", _Double(answer))
        assert subject.run(case).status is status
        assert subject.run(refused).status is other
    told = FrameworkSubject("norse", _Double(wrong.astype("f4"))).run(case)
    assert told.detail.startswith("step 7, sample 0, output/x[1]")


def test_a_framework_is_asked_its_own_family() -> None:
    outcomes = FrameworkSubject("norse", _Double("refused")).run_cases(suite.load().cases)
    assert {item.family for item in outcomes} == {"profile.norse-1"}
    nengo = FrameworkSubject("nengo", _Double("refused")).run_cases(suite.load().cases)
    assert len(nengo) == sum(case.kind == "runner" for case in of("profile.nengo-4")), "it has no importer"
    assert set(frameworks_of().values()) >= {"norse", "nengo", "spyx"}


def test_without_their_environment_they_are_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SNNHUB_ENVS", str(tmp_path))
    report = measure("framework", "norse", ids=["profile.norse-1.0001"])
    assert report.counts["unavailable"] == report.counts["total"] == 1
    assert invoke(["conformance", "run", "--framework", "norse", "--case", "profile.norse-1.0001"]) == 0
    assert "0 of 1 passed" in capsys.readouterr().out
    with pytest.raises(UsageError, match="no framework of this name"):
        measure("framework", "brian")
