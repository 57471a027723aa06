"""Commands on NIR files as a stranger gives them: equations, own metadata passed over, two files under one
profile, what profiles choose, what a framework has to be told.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from snnhub import convert, load, save
from snnhub.api.agree import agree
from snnhub.api.discretise import choices_apart, discretise
from snnhub.api.options import ImportOptions
from snnhub.api.run import run
from snnhub.api.verify import verify
from snnhub.cli.main import invoke
from snnhub.errors import UsageError
from snnhub.hub.catalogue import register_ops
from snnhub_nir.writer import export_nir

from tests.networks.nir_nets import DT, Net, chain, continuous, cuba, integrate, lif, stimulus
from tests.networks.nir_zoo import zoo

SOME = ("exponential", "nir-euler", "norse-1", "spikingjelly-2")
NORSE = ImportOptions(profile="norse-1", dt=DT)


def codes(found: tuple[object, ...]) -> set[str]:
    return {str(getattr(item, "code", "")) for item in found}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A file in which snnhub's own metadata have steps, as SpikingJelly computes them."""
    register_ops()
    export_nir(discretise(continuous(zoo()["lif"]), DT, "spikingjelly-2"), tmp_path / "own.nir", {"lossy": "true"})
    return tmp_path / "own.nir"


def test_semantics_without_a_profile_are_equations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = zoo()["rec_cuba"].write(tmp_path / "a.nir")
    assert invoke(["inspect", str(path), "--semantics"]) == 0
    shown = capsys.readouterr().out
    assert "--profile NAME --dt SECONDS prints its program" in shown
    assert "ct.LIF/1   lif2" in shown
    assert "tau dv/dt = v_leak - v + R x" in shown
    assert invoke(["inspect", str(path), "--semantics", "--profile", "norse-1", "--dt", "1e-4"]) == 0
    shown = capsys.readouterr().out
    assert "norse.CubaLIF/1" in shown
    assert "i     <- " in shown
    assert "dv/dt" not in shown
    assert "Choose a profile" not in shown, "one was chosen"


def test_what_the_file_left_open_is_said_until_a_profile_is_chosen(tmp_path: Path) -> None:
    path, x = zoo()["lif"].write(tmp_path / "a.nir"), stimulus(zoo()["lif"], 20, 1)
    assert "SNN-3505" not in codes(run(path, x, options=NORSE).findings)
    graph = continuous(zoo()["lif"])
    assert codes(discretise(graph, DT, "norse-1").findings) == set()


def test_metadata_of_ours_are_passed_over_by_name(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = stimulus(zoo()["lif"], 30, 1)
    np.save(own.with_suffix(".npy"), x)
    assert invoke(["inspect", str(own)]) == 0
    assert "core.LIF/1" in capsys.readouterr().out
    assert invoke(["inspect", str(own), "--ignore-metadata"]) == 0
    assert "ct.LIF/1" in capsys.readouterr().out
    with h5py.File(own, "r+") as file:
        file["node/nodes/n0/v_threshold"][0] = 0.75
    call = ["run", str(own), "--input", str(own.with_suffix(".npy")), "--profile", "norse-1", "--dt", "1e-4"]
    assert invoke(call) == 1
    assert "--ignore-metadata" in capsys.readouterr().err
    assert invoke([*call, "--ignore-metadata"]) == 0
    assert "SNN-3511" in capsys.readouterr().out


def test_agree_takes_the_plain_fields_of_such_a_file(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = stimulus(zoo()["lif"], 60, 1)
    with pytest.raises(UsageError, match=r"steps already.*--ignore-metadata"):
        agree(own, x, DT, live=False)
    plain = zoo()["lif"].write(own.with_name("plain.nir"))
    found, expected = (
        agree(path, x, DT, profiles=SOME, live=False, ignore_metadata=flag)
        for path, flag in ((own, True), (plain, False))
    )
    assert found.groups == expected.groups
    np.save(own.with_suffix(".npy"), x)
    call = ["agree", str(own), "--input", str(own.with_suffix(".npy")), "--dt", "1e-4", "--no-live", "--json"]
    assert invoke([*call, "--ignore-metadata", "--profile", "norse-1", "--profile", "nir-euler"]) == 0
    assert json.loads(capsys.readouterr().out)["groups"] == [["norse-1", "nir-euler"]]


def test_two_files_are_verified_under_one_profile(tmp_path: Path) -> None:
    """The profile goes to the second network where it needs one, and to no other."""
    x = stimulus(zoo()["lif"], 60, 1)
    a, b = (zoo()[name].write(tmp_path / f"{name}.nir") for name in ("lif", "lif_leak"))
    same = verify(a, a, stimulus=x, options=NORSE)
    assert same.passed
    apart = verify(a, b, stimulus=x, options=NORSE, expect="spikes")
    assert not apart.passed
    assert apart.verdict.first is not None
    steps = tmp_path / "steps.nir"
    export_nir(discretise(continuous(zoo()["lif"]), DT, "nir-euler"), steps)
    assert verify(a, steps, stimulus=x, options=replace(NORSE, profile="snntorch-1"), expect="spikes").passed
    with pytest.raises(UsageError, match=r"lif_leak\.nir: the network is in continuous time"):
        verify(steps, b, stimulus=x)


def test_profiles_are_told_apart_by_what_the_network_has() -> None:
    """Loops and fan-in only where there are some, and comparisons in words."""
    register_ops()
    told = {
        name: {
            item.place: (item.a, item.b) for item in choices_apart("norse-1", "spikingjelly-2", continuous(net))
        }
        for name, net in {"chain": zoo()["mlp"], "loop": zoo()["rec_lif"], "ends": zoo()["two_out"]}.items()
    }
    assert told["chain"]["LIF/compare"] == ("above the threshold (>)", "at the threshold, too (>=)")
    assert not {"graph/cycle_step", "graph/before_start", "graph/fan_in", "graph/multi_output"} & set(
        told["chain"]
    )
    assert {"graph/cycle_step", "graph/before_start", "graph/fan_in"} <= set(told["loop"])
    assert "graph/multi_output" in told["ends"]
    assert "graph/cycle_step" not in told["ends"]


def remarks(net: Net, consumer: str, folder: Path) -> dict[str, str]:
    """What is told of a file for a framework, by code."""
    found = export_nir(continuous(net), folder / f"{consumer}.nir", {"for": consumer})
    return {item.code: f"{item.place}: {item.message} {item.new}".strip() for item in found}


def test_what_a_framework_has_to_be_told(tmp_path: Path) -> None:
    """SpikingJelly reads r = 3 with the one dt that fits; it fires at equality; norse's IF knows no dt."""
    register_ops()
    three = remarks(chain(lif(4, r=3.0, tau=3e-3), shape=[4]), "spikingjelly", tmp_path)
    assert three["SNN-4515"].endswith("0.001 s")
    assert ">=" in three["SNN-4516"]
    fitting = remarks(chain(cuba(4, r=20.0, w_in=10.0), shape=[4]), "spikingjelly", tmp_path)
    assert "SNN-4515" not in fitting
    assert "SNN-4515" not in remarks(chain(lif(4), shape=[4]), "spikingjelly", tmp_path)
    assert "r = 1 / dt" in remarks(chain(integrate(4), shape=[4]), "norse", tmp_path)["SNN-4516"]
    assert "SNN-4516" not in remarks(chain(lif(4), shape=[4]), "norse", tmp_path)


def test_two_profiles_of_which_one_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What they choose is told, and then the refusal."""
    path = zoo()["lif"].write(tmp_path / "a.nir")
    assert invoke(["diff", str(path), "--profile", "norse-1", "--profile", "rockpool-3", "--dt", "1e-4"]) == 4
    shown = capsys.readouterr()
    assert "rockpool-3 refuses this network" in shown.err
    assert "what the profiles choose" in shown.out
    assert "LIF" in shown.out


def test_save_does_not_write_neutral_files_under_other_names(tmp_path: Path) -> None:
    register_ops()
    with pytest.raises(UsageError, match=r"save writes neutral files.*\.snn.*writes nir"):
        save(continuous(zoo()["lif"]), tmp_path / "a.nir")
    assert not (tmp_path / "a.nir").exists()
    save(continuous(zoo()["lif"]), tmp_path / "a.snn")
    convert(tmp_path / "a.snn", tmp_path / "a.nir")
    assert "ct.LIF" in {node.op for node in load(tmp_path / "a.nir").nodes}
