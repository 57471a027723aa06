"""The samna runner over a double: the board alone, and the whole way through guard and worker."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.engine.reference import prepare
from snnhub.errors import MissingPeerError, RunError, UnsupportedError, UsageError
from snnhub.findings import Severity
from snnhub_formats import container
from snnhub_xylo.core import Core
from snnhub_xylo.document import graph_of
from snnhub_xylo.families import FAMILIES
from snnhub_xylo.samna.board import run_board
from snnhub_xylo.writer import export

from tests.build import mlp
from tests.conftest import ROOT
from tests.networks.samna_board_double import Board
from tests.networks.samna_double import samna_double
from tests.networks.samna_installed import INSTALLER, PURE, installed
from tests.networks.xylo_cores import random_core
from tests.unit.test_samna_loader import everything
from tests.unit.test_xylo_json import fitting
from tests.unit.test_xylo_targets import made


def silent(done: int, total: int) -> None:
    pass


def ours(core: Core, x: Any) -> Any:
    return prepare(graph_of(core)).run(x[:, None], record=("output",))[0]["output"][:, 0]


@pytest.mark.parametrize("seed", range(26))
def test_a_board_computes_what_the_engine_computes(seed: int) -> None:
    """The double's chip reads the configuration by itself, and flags that are off switch numbers off."""
    core, x = fitting(seed), random_core(seed)[1][:, 0]
    for family in ("xylo-a2", "xylo-a3" if core.synapses == 2 or seed % 2 else "xylo-imu"):
        samna = samna_double(families=[family])
        spikes, loaded = run_board(samna, core, family, x.astype(np.int64), 20.0, silent)
        assert loaded.complete
        np.testing.assert_array_equal(spikes, ours(core, x))


def test_something_happened() -> None:
    cores = [(fitting(seed), random_core(seed)[1][:, 0]) for seed in range(26)]
    assert sum(int(ours(core, x).sum()) for core, x in cores) > 500


@pytest.mark.parametrize("family", ["xylo-imu", "xylo-a3"])
def test_what_is_missing_stops_it_at_once(family: str) -> None:
    lacking = ["HiddenNeuron.threshold", "ReadoutConfig.weights", "XyloConfiguration.operation_mode"]
    samna = samna_double(families=[family], without=lacking)
    with pytest.raises(UnsupportedError, match="cannot be put into samna's configuration") as caught:
        run_board(samna, made(), family, np.ones((3, 4), np.int64), 5.0, silent)
    errors = [item for item in caught.value.findings if item.severity is Severity.ERROR]
    assert {item.place for item in errors} == {
        "samna/hidden.neurons[].threshold",
        "samna/readout.weights",
        "samna/operation_mode",
    }
    assert samna.opened == []


def test_a_configuration_that_samna_finds_invalid() -> None:
    samna = samna_double(families=["xylo-a3"])
    samna.xyloAudio3.validate_configuration = lambda config: (False, "too many spikes")
    with pytest.raises(UnsupportedError) as caught:
        run_board(samna, made(), "xylo-a3", np.ones((3, 4), np.int64), 5.0, silent)
    assert [(item.code, item.old) for item in caught.value.findings] == [("SNN-4305", "too many spikes")]


@pytest.mark.parametrize("boards", [[], ["XyloAudio3TestBoard"], ["XyloImuTestBoard"] * 2])
def test_one_board_of_the_family_is_needed(boards: list[str]) -> None:
    samna: Any = samna_double()
    samna.boards = boards
    with pytest.raises(MissingPeerError, match="needs one XyloImuTestBoard"):
        run_board(samna, made(), "xylo-imu", np.ones((3, 4), np.int64), 5.0, silent)


def test_a_board_that_does_not_answer() -> None:
    samna: Any = samna_double()
    samna.silent = True
    for family in FAMILIES:
        with pytest.raises(RunError, match="did not send an answer to a TriggerReadout within"):
            run_board(samna, made(), family, np.ones((3, 4), np.int64), 0.05, silent)


def test_a_board_whose_steps_do_not_all_come(monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(self: Board, end: int) -> None:
        """Nothing is ever processed."""

    monkeypatch.setattr(Board, "_process", deaf)
    for family, words in (("xylo-a2", "3 steps"), ("xylo-a3", "the readouts of 3 steps")):
        with pytest.raises(RunError, match=f"did not send {words} within"):
            run_board(samna_double(), made(), family, np.ones((3, 4), np.int64), 0.05, silent)


def test_readouts_that_do_not_fit() -> None:
    samna = samna_double(families=["xylo-a3"])
    readout = samna.xyloAudio3.event.Readout

    class Wide(readout):  # type: ignore[misc, valid-type]
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.output_spikes = [1] * 7

    samna.xyloAudio3.event.Readout = Wide
    with pytest.raises(RunError, match="another number of outputs"):
        run_board(samna, made(), "xylo-a3", np.ones((3, 4), np.int64), 5.0, silent)


def test_more_than_15_events_are_what_the_core_takes() -> None:
    core = made(1, 4, 2)
    x = np.full((12, 1), 200, np.uint8)
    for family in FAMILIES:
        spikes, _ = run_board(samna_double(), core, family, x.astype(np.int64), 5.0, silent)
        np.testing.assert_array_equal(spikes, ours(core, x))
        assert spikes.any()


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, of this process and of workers, in which the double is installed as samna."""
    folder = installed(tmp_path / "site")
    monkeypatch.syspath_prepend(str(folder))
    path = [str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    yield folder
    assert "samna" not in sys.modules


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.usefixtures("beside")
def test_the_whole_way(family: str, tmp_path: Path) -> None:
    """Through guard, worker and loader, from a xylo.json; and samna is never imported in this process."""
    core = everything(family)
    export(graph_of(core), tmp_path / "net.json", FAMILIES[family])
    x = np.random.default_rng(3).integers(0, 6, (40, 4)).astype(np.uint8)
    report = tmp_path / "load.json"
    result = snnhub.run(tmp_path / "net.json", x, runner="samna", runner_options={"report": str(report)})
    np.testing.assert_array_equal(result.recording["output"], ours(core, x))
    assert result.recording["output"].any()
    codes = [item.code for item in result.findings]
    assert [codes.count(code) for code in ("SNN-4306", "SNN-4307", "SNN-4308")] == [1, 1, 1]
    told = next(item.new for item in result.findings if item.code == "SNN-4307").split(", ")
    assert set(told) >= {"bias_enable", "readout.weights", "operation_mode", "readout.neurons[].v_mem_bias"}
    assert json.loads(report.read_text())["complete"] is True
    assert snnhub.verify(tmp_path / "net.json", against="samna", stimulus=x).passed


def test_without_the_real_one_it_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installer of the index is told by its files; it is not run."""
    folder = installed(tmp_path / "site", init=INSTALLER, wheel=PURE, extension=b"")
    monkeypatch.syspath_prepend(str(folder))
    container.save(graph_of(made()), tmp_path / "net.snn")
    options = {"family": "xylo-a3"}
    with pytest.raises(MissingPeerError, match=r"purely Python.*vendor's wheel"):
        snnhub.run(tmp_path / "net.snn", np.ones((3, 4), np.uint8), runner="samna", runner_options=options)
    assert "samna" not in sys.modules


def run(path: Path, x: Any, **options: str) -> Any:
    return snnhub.run(path, x, runner="samna", runner_options=options)


@pytest.mark.usefixtures("beside")
def test_what_the_runner_refuses(tmp_path: Path) -> None:
    container.save(graph_of(made()), tmp_path / "net.snn")
    container.save(mlp(), tmp_path / "mlp.snn")
    path, x = tmp_path / "net.snn", np.ones((3, 4), np.uint8)
    with pytest.raises(UsageError, match="which board"):
        run(path, x)
    with pytest.raises(UsageError, match="no family"):
        run(path, x, family="xylo-a4")
    with pytest.raises(UsageError, match="seconds"):
        run(path, x, family="xylo-a3", timeout="soon")
    with pytest.raises(UsageError, match="one sample"):
        run(path, np.ones((3, 2, 4), np.uint8), family="xylo-a3")
    with pytest.raises(UnsupportedError):
        run(tmp_path / "mlp.snn", np.ones((3, 6), np.float32), family="xylo-a3")
    with pytest.raises(UsageError, match="does not record"):
        snnhub.run(path, x, runner="samna", runner_options={"family": "xylo-a3"}, record="xylo/vmem")
    container.save(graph_of(made(17, 600)), path)
    with pytest.raises(UnsupportedError) as caught:
        run(path, np.ones((3, 17), np.uint8), family="xylo-imu")
    assert {item.old for item in caught.value.findings} >= {"17", "600"}
