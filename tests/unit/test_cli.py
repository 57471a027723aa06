"""The command line: outputs, exit codes, one JSON document always, no traceback, no partial output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.cli.main import cli, invoke
from snnhub.passes.base import PassContext, run_passes
from snnhub_formats.container import save
from snnhub_loihi.lowering import passes as loihi
from snnhub_netx.arrange import passes as netx
from snnhub_netx.writer import export_netx

from tests.build import mlp, spikes

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in this process; exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = invoke([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float network, the NetX file made of it, input, and calibration data."""
    folder = tmp_path_factory.mktemp("cli")
    graph = mlp((10, 12, 4), seed=3)
    save(graph, folder / "net.snn")
    context = PassContext(calibration=spikes((8, 10, 10), seed=4))
    export_netx(run_passes(graph, [*loihi(), *netx()], context), folder / "net.net")
    np.save(folder / "x.npy", spikes((12, 6, 10)))
    np.save(folder / "one.npy", spikes((12, 10)))
    np.save(folder / "step.npy", spikes((10,)))
    np.save(folder / "cal.npy", spikes((8, 10, 10), seed=4))
    return folder


def test_help_and_version(call: Call) -> None:
    assert call("--version")[1].startswith("snnhub")
    for command in cli.commands:
        code, out, _ = call(command, "--help")
        assert code == 0
        assert "Usage:" in out


def test_convert_to_netx_and_back(call: Call, files: Path, tmp_path: Path) -> None:
    code, out, _ = call("convert", files / "net.snn", "-o", tmp_path / "a.net", "--calibrate", files / "cal.npy")
    assert code == 0
    assert "wrote" in out
    assert "overlap" in out
    assert (tmp_path / "a.net").read_bytes() == (files / "net.net").read_bytes()
    code, out, _ = call("convert", tmp_path / "a.net", "-o", tmp_path / "a.snn", "--json")
    assert code == 0
    assert json.loads(out)["from"] == "netx"
    code, out, _ = call("verify", tmp_path / "a.net", tmp_path / "a.snn", "--input", files / "x.npy")
    assert code == 0
    assert "verdict: bits" in out


def test_dry_run_writes_nothing(call: Call, files: Path, tmp_path: Path) -> None:
    code, out, _ = call("convert", files / "net.snn", "--to", "netx", "-o", tmp_path / "a.net", "--dry-run")
    assert code == 0
    assert "nothing written" in out
    assert list(tmp_path.iterdir()) == []


def test_strict_refuses_losses_before_writing(call: Call, tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "lossy.net", "w") as file:
        group = file.create_group("layer/0")
        group["type"] = np.array(["dense"], "S10")
        group["shape"] = np.array([2])
        group["weight"] = np.full((2, 2), -8, np.float32)
        for key, value in {"iDecay": 4096, "vDecay": 0, "vThMant": 10}.items():
            group[f"neuron/{key}"] = value
        group["neuron/type"] = "CUBA"
    code, _, err = call("convert", tmp_path / "lossy.net", "-o", tmp_path / "a.snn", "--strict")
    assert code == 3
    assert "SNN-3111" in err
    assert not (tmp_path / "a.snn").exists()
    assert call("convert", tmp_path / "lossy.net", "-o", tmp_path / "a.snn")[0] == 0


def test_inspect_shows_what_a_person_wants_to_know(call: Call, files: Path) -> None:
    code, out, _ = call("inspect", files / "net.net", "--semantics", "--schedule")
    assert code == 0
    for words in (
        "layer1/synapse",
        "loihi.CubaLIF/1",
        "levels",
        "u     <-",
        "lag to output: 2 steps",
        "decoder mean",
        "vThMant",
    ):
        assert words in out, words
    document = json.loads(call("inspect", files / "net.net", "--json")[1])
    assert document["layers"][0]["weight"]["levels"] > 10
    assert document["schedule"]["lag_to_output"] == {"output": [2, 2]}
    assert document["semantics"][0]["program"]
    assert document["outputs"][0]["shape"] == [4]


def test_check_prints_use_of_limits(call: Call, files: Path) -> None:
    code, out, _ = call("check", files / "net.net", "--target", "loihi2")
    assert code == 0
    assert "target loihi2: fits" in out
    assert "17 bits" in out
    code, out, _ = call("check", files / "net.snn", "--target", "loihi2", "--json")
    assert code == 1
    report = json.loads(out)["targets"][0]
    assert {f["code"] for f in report["findings"]} == {"SNN-2101"}
    assert call("check", files / "net.snn")[0] == 0


def test_run_records_what_was_asked_for(call: Call, files: Path, tmp_path: Path) -> None:
    code, out, _ = call(
        "run", files / "net.net", "--input", files / "x.npy", "-o", tmp_path / "r.npz", "--record", "all"
    )
    assert code == 0
    assert "12 steps, 6 samples" in out
    with np.load(tmp_path / "r.npz", allow_pickle=False) as recording:
        assert {"output", "layer1/u", "layer1/v", "layer1/s", "layer2/s"} <= set(recording.files)
        assert recording["output"].shape == (12, 6, 4)
        assert recording["layer1/s"].dtype == np.uint8
    assert call("run", files / "net.net", "--input", files / "one.npy", "-o", tmp_path / "one.npz")[0] == 0
    assert np.load(tmp_path / "one.npz")["output"].shape == (12, 4)
    code, out, _ = call("run", files / "net.net", "--input", files / "x.npy", "--steps", 14, "--json")
    assert json.loads(out)["steps"] == 14


def test_verify_float_against_integer(call: Call, files: Path) -> None:
    code, out, _ = call("verify", files / "net.snn", files / "net.net", "--input", files / "x.npy", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["expected"] == "bounded"
    assert document["verdict"]["lag"] == 2
    assert [row["a"] for row in document["verdict"]["rows"]] == ["n0/s", "n1/s", "output"]
    code, out, _ = call(
        "verify", files / "net.snn", files / "net.net", "--input", files / "x.npy", "--expect", "spikes+lag"
    )
    assert code == 1
    assert "first divergence" in out
    assert "FAILED" in out


def test_verify_shows_a_single_frame_to_both_networks_as_often(call: Call, tmp_path: Path) -> None:
    graph = mlp((10, 12, 4), seed=3)
    for hold in (0, 7, 9):
        save(replace(graph, inputs=(replace(graph.inputs[0], hold=hold),)), tmp_path / f"{hold}.snn")
    np.save(tmp_path / "frame.npy", spikes((1, 6, 10), 0.5))
    for a, b, reached in ((9, 9, "bits"), (9, 0, "spikes"), (0, 9, "spikes")):
        files = tmp_path / f"{a}.snn", tmp_path / f"{b}.snn"
        code, out, _ = call("verify", *files, "--input", tmp_path / "frame.npy", "--json")
        verdict = json.loads(out)["verdict"]
        assert (code, verdict["reached"]) == (0, reached)
        assert verdict["rows"][0]["compared"] == 9 * 6 * 12
    code, _, err = call("verify", tmp_path / "7.snn", tmp_path / "9.snn", "--input", tmp_path / "frame.npy")
    assert code == 2
    assert "7 and 9 steps" in err


def test_verify_engine_against_engine_is_bits(call: Call, files: Path) -> None:
    code, out, _ = call("verify", files / "net.net", "--against", "engine", "--input", files / "x.npy")
    assert code == 0
    assert "verdict: bits" in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["inspect", "nowhere.snn"], 2, "No such file"),
        (["inspect", "."], 2, "folder"),
        (["convert", "{net}", "-o", "a.xyz"], 2, "cannot tell what to convert to"),
        (["convert", "{net}", "-o", "nowhere/a.net"], 2, "folder does not exist"),
        (["convert", "{net}", "--to", "netx"], 2, "where to write"),
        (["convert", "{net}", "--to", "netxx", "-o", "a"], 2, "Did you mean netx"),
        (["convert", "{net}", "--from", "nothing", "-o", "a.net"], 2, "no importer"),
        (["convert", "model.py", "-o", "a.net"], 2, "a factory is missing"),
        (["convert", "{net}", "-o", "a.net", "--input-shape", "1,x"], 2, "--input-shape"),
        (["convert", "{net}", "-o", "a.net", "--set", "x"], 2, "NAME=VALUE"),
        (["convert", "{net}", "-o", "a.net", "--option", "x=1"], 2, "no such option"),
        (["convert", "{net}", "-o", "a.net", "--calibrate", "{step}"], 2, "time, batch, features"),
        (["run", "{net}", "--input", "nothing.npy"], 2, "no such file"),
        (["run", "{net}", "--input", "{net}"], 2, "not an array"),
        (["run", "{net}", "--input", "{x}", "--record", "n9/v"], 2, "nothing to record"),
        (["run", "{net}", "--input", "{x}", "--runner", "laav"], 2, "Did you mean lava"),
        (["run", "{net}", "--input", "{x}", "--option", "speed=9"], 2, "unknown option"),
        (["verify", "{net}", "--input", "{x}"], 2, "second network or with a runner"),
        (["verify", "{net}", "{net}", "--input", "{x}", "--expect", "perfect"], 2, "unknown rung"),
        (["check", "{net}", "--target", "loihi3"], 2, "Did you mean loihi2"),
        (["frobnicate"], 2, "No such command"),
        (["run", "{net}"], 2, "Missing option"),
        (["env", "create", "lavaa"], 2, "Did you mean lava"),
    ],
)
def test_usage_errors(
    arguments: list[str],
    code: int,
    words: str,
    call: Call,
    files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"net": files / "net.snn", "x": files / "x.npy", "one": files / "one.npy", "step": files / "step.npy"}
    filled = [argument.format(**names) for argument in arguments]
    found, out, err = call(*filled)
    assert found == code
    assert words in err
    assert "Traceback" not in err + out
    assert list(tmp_path.iterdir()) == []
    found, out, err = call(*filled, "--json")
    assert found == code
    document = json.loads(out)
    assert document["exit_code"] == code
    assert err == ""


def test_the_mean_of_a_missing_peer_is_exit_5(
    call: Call, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNNHUB_ENVS", str(tmp_path))
    code, _, err = call("verify", files / "net.net", "--against", "lava", "--input", files / "x.npy")
    assert code == 5
    assert "snnhub env create lava" in err
    code, out, _ = call("env", "list", "--json")
    assert json.loads(out)["environments"][0]["state"] == "missing"


def test_internal_errors_keep_their_traceback(call: Call, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*arguments: Any, **options: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("snnhub.api.inspect.inspect", explode)
    code, out, err = call("inspect", files / "net.snn")
    assert code == 70
    assert "ZeroDivisionError: a bug" in err
    assert "Traceback" in err
    code, out, _ = call("inspect", files / "net.snn", "--json")
    assert json.loads(out)["exit_code"] == 70


def test_plugins_and_doctor(call: Call) -> None:
    code, out, _ = call("plugins", "list")
    assert code == 0
    assert "netx" in out
    assert "loihi2" in out
    listed = json.loads(call("plugins", "list", "--json")[1])
    assert {item["kind"] for item in listed["objects"]} == {"importer", "exporter", "runner", "target", "profile"}
    assert call("plugins", "doctor")[0] == 0
    code, out, _ = call("doctor", "--json")
    assert code == 0
    assert {line["topic"] for line in json.loads(out)["lines"]} >= {"core", "plugin", "environment"}


def test_text_from_files_cannot_style_the_terminal(call: Call, tmp_path: Path) -> None:
    from dataclasses import replace

    save(replace(mlp(), name="[red]evil[/red]\x1b[31m net.py:a: made"), tmp_path / "a.snn")
    _, out, _ = call("inspect", tmp_path / "a.snn")
    assert "[red]evil" in out
    assert "net.py:a:" in out, "a factory's name is no emoji"  # the line may break behind it
    assert "\x1b[31m" not in out


LIGHT = (
    "import sys; from snnhub.cli.main import invoke; invoke({arguments}); "
    "bad = [m for m in {heavy} if m in sys.modules]; sys.exit(bad or 0)"
)
HEAVY = ["numpy", "h5py", "google.protobuf", "torch", "jax", "samna", "lava", "rockpool", "spikingjelly"]


@pytest.mark.parametrize("arguments", [["--help"], ["convert", "--help"], ["plugins", "list"], ["--version"]])
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    line = LIGHT.format(arguments=arguments, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_read_only_folders_are_named(files: Path, tmp_path: Path, call: Call) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    code, _, err = call("convert", files / "net.snn", "-o", tmp_path / "a.net")
    assert code == 2
    assert "cannot be written" in err
