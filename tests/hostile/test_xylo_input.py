"""Networks that no Xylo takes: everything that is wrong is said at once, and nothing is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.cli.main import invoke
from snnhub.errors import FormatError, SnnhubError, UnsupportedError
from snnhub.findings import Severity
from snnhub_formats import container
from snnhub_xylo.document import graph_of

from tests.networks.multispike_nets import network
from tests.networks.rockpool_files import F, lif, linear, write
from tests.unit.test_xylo_targets import made

FAMILIES = ("xylo-a2", "xylo-imu", "xylo-a3")


def saved(folder: Path, first: dict[str, Any], inputs: int = 5, size: int = 8) -> Path:
    """Two layers; ``first``: what is changed in the first one."""
    modules = {
        "0_LinearTorch": linear(inputs, size),
        "1_LIFTorch": lif(size, **first),
        "2_LinearTorch": linear(size, 3, seed=1),
        "3_LIFTorch": lif(3),
    }
    return write(folder / "net.json", modules)


def refused(path: Path, out: Path, family: str) -> list[tuple[str, str]]:
    with pytest.raises(UnsupportedError) as caught:
        snnhub.convert(path, out, from_="rockpool", to=family)
    assert not out.exists()
    errors = [item for item in caught.value.findings if item.severity is Severity.ERROR]
    assert family not in FAMILIES or all(item.remedy for item in errors if item.code.startswith("SNN-2")), errors
    return [(item.code, item.place) for item in errors]


def test_what_rockpool_itself_fails_at_is_said_at_once(tmp_path: Path) -> None:
    nan = np.zeros(8, F)
    nan[3] = np.nan
    wrong = {"threshold": np.full(8, -1.0, F), "bias": nan, "max_spikes_per_dt": np.inf, "noise_std": 0.5}
    found = refused(saved(tmp_path, wrong), tmp_path / "out.json", "xylo-a3")
    assert {code for code, _ in found} == {"SNN-3204", "SNN-3205", "SNN-3206", "SNN-3207"}


@pytest.mark.parametrize("family", FAMILIES)
def test_what_the_chip_does_not_have_is_said_at_once(tmp_path: Path, family: str) -> None:
    short = {"tau_mem": np.full(8, 0.001, F), "tau_syn": np.full((8, 1), 0.0005, F)}
    found = refused(saved(tmp_path, short, inputs=17), tmp_path / "out.json", family)
    assert found == [
        ("SNN-2410", "1_LIFTorch/alpha"),
        ("SNN-2410", "1_LIFTorch/beta"),
        ("SNN-2201", "network"),
    ]


def test_fan_out_65_and_a_short_time_constant_together(tmp_path: Path) -> None:
    graph = network("two", 0, (5, 80, 3))
    container.save(graph, tmp_path / "net.snn")
    with pytest.raises(UnsupportedError) as caught:
        snnhub.convert(tmp_path / "net.snn", tmp_path / "out.json", to="xylo-a2")
    assert not (tmp_path / "out.json").exists()
    errors = [item for item in caught.value.findings if item.severity is Severity.ERROR]
    assert len(errors) == 1
    assert int(errors[0].old) > 64
    assert "sparse" in errors[0].remedy


def test_an_alias_to_a_lower_neuron_and_17_inputs(tmp_path: Path) -> None:
    core = made(inputs=17)
    alias = core.alias.copy()
    alias[5] = 2
    container.save(graph_of(replace(core, alias=alias)), tmp_path / "net.snn")
    with pytest.raises(UnsupportedError) as caught:
        snnhub.convert(tmp_path / "net.snn", tmp_path / "out.json", to="xylo-a2")
    assert {item.code for item in caught.value.findings} == {"SNN-2201", "SNN-2402"}
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"0_LinearTorch": {"weight": "NaN"}}', "\x00"])
def test_files_that_are_no_networks(tmp_path: Path, text: str) -> None:
    path = tmp_path / "net.json"
    path.write_text(text)
    with pytest.raises(SnnhubError):
        snnhub.convert(path, tmp_path / "out.json", from_="rockpool", to="xylo-a2")
    assert not (tmp_path / "out.json").exists()


def test_a_file_of_one_family_is_checked_against_another(tmp_path: Path) -> None:
    container.save(network("synapses", 0), tmp_path / "net.snn")
    snnhub.convert(tmp_path / "net.snn", tmp_path / "a3.json", to="xylo-a3")
    result = invoke(["check", str(tmp_path / "a3.json"), "--target", "xylo-imu"])
    assert result == 1
    with pytest.raises(UnsupportedError, match="synapses"):
        snnhub.convert(tmp_path / "a3.json", tmp_path / "imu.json", to="xylo-imu")
    text = (tmp_path / "a3.json").read_text().replace("xylo-a3", "xylo-imu")
    (tmp_path / "a3.json").write_text(text)
    with pytest.raises(FormatError):
        snnhub.load(tmp_path / "a3.json")


def test_an_unknown_option_of_a_lowering_is_refused(tmp_path: Path) -> None:
    container.save(network("two", 0), tmp_path / "net.snn")
    out = str(tmp_path / "out.snn")
    assert invoke(["convert", str(tmp_path / "net.snn"), "-o", out, "--to", "snn", "--quantiser", "auto"]) == 2
    assert invoke(["convert", str(tmp_path / "net.snn"), "-o", out, "--to", "snn", "--float-spec", "x.npz"]) == 2
    assert not Path(out).exists()


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "net.json")
    assert invoke(["convert", missing, "--from", "rockpool", "--to", "xylo-a2", "-o", "o.json"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_a_finding_with_one_value_says_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    container.save(network("two", 0, (17, 9, 3)), tmp_path / "net.snn")
    assert invoke(["convert", str(tmp_path / "net.snn"), "--to", "xylo-a2", "-o", str(tmp_path / "o.json")]) == 4
    words = capsys.readouterr().err
    assert "found: 17" in words
    assert "Merge channels" in words
