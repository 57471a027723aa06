"""The error of a missing profile: the list, and who agrees on the input that stands with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from snnhub.api import profile_choice
from snnhub.api.agree import agree
from snnhub.api.discretise import profiles
from snnhub.api.options import ImportOptions
from snnhub.api.profile_choice import ProfileNeededError
from snnhub.api.run import run
from snnhub.api.verify import verify
from snnhub.cli.main import invoke

from tests.networks.nir_nets import DT, affine, chain, lif, stimulus, weights
from tests.networks.nir_zoo import zoo

NAMES = {item.name for item in profiles()}


def told(name: str, folder: Path, array: np.ndarray | None = None) -> ProfileNeededError:
    """The error of a network of the zoo over 60 steps."""
    net = zoo()[name]
    path = net.write(folder / f"{name}.nir")
    with pytest.raises(ProfileNeededError) as caught:
        run(path, stimulus(net, 60, 1) if array is None else array, options=ImportOptions(dt=DT))
    return caught.value


@pytest.mark.parametrize("name", ["lif", "rec_lif"])
def test_the_groups_are_those_of_agree(name: str, tmp_path: Path) -> None:
    error = told(name, tmp_path)
    full = agree(tmp_path / f"{name}.nir", stimulus(zoo()[name], 60, 1), DT, live=False)
    assert error.choices is not None
    assert error.choices["trial"]["groups"] == [list(group) for group in full.groups]
    entries = {entry["profile"]: entry for entry in error.choices["profiles"]}
    assert set(entries) == NAMES
    for one in full.runs:
        entry = entries[one.profile]
        assert (entry["state"] == "refused") == bool(one.refused)
        assert entry["spikes"] == (None if one.refused else one.spikes)
    reference = full.groups[0][0]
    assert error.choices["trial"]["beside"] == reference
    beside = {frozenset((pair.a, pair.b)): pair for pair in full.pairs}
    for group in full.groups[1:]:
        pair = beside[frozenset((reference, group[0]))]
        assert pair.worst_overlap == entries[group[0]]["beside"]["worst_overlap"]
        assert (pair.first is None) == (entries[group[0]]["beside"]["first_divergence"] is None)


def test_the_words_name_groups_overlap_first_difference_and_refusals(tmp_path: Path) -> None:
    lines = str(told("lif", tmp_path)).splitlines()
    heads = [line for line in lines if line.startswith("  ") and not line.startswith("   ")]
    assert heads[0].startswith("  every spike equal, ")
    assert heads[0].endswith("spikes, on 60 steps of 0.0001 s:")
    first = lines[lines.index(heads[0]) + 1 : lines.index(heads[1])]
    assert {line.split()[0] for line in first} >= {"nir-euler", "norse-1", "snntorch-1"}
    assert all("beside nir-euler, " in head and "overlap 0." in head for head in heads[1:-1])
    assert any("first apart in step" in head for head in heads[1:-1])
    assert heads[-1] == "  refused, or stopped:"
    assert "tau_mem" in lines[-2]


def test_silence_is_no_agreement(tmp_path: Path) -> None:
    error = told("lif", tmp_path, np.zeros((20, 6), np.float32))
    assert error.choices is not None
    assert error.choices["trial"]["groups"] == []
    states = {entry["profile"]: entry["state"] for entry in error.choices["profiles"]}
    assert states.pop("rockpool-3") == "refused"
    assert set(states.values()) == {"silent"}
    assert "every spike equal" not in str(error)
    assert "nothing is called equal" in str(error)


def test_a_long_input_is_cut_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_choice, "MAX_STEPS", 25)
    x = stimulus(zoo()["lif"], 60, 1)
    error = told("lif", tmp_path, np.stack([x, x], axis=1))
    assert error.choices is not None
    assert (error.choices["trial"]["steps"], error.choices["trial"]["of_steps"]) == (25, 60)
    ((code, words),) = [(item.code, item.message) for item in error.findings]
    assert code == "SNN-5429"
    assert words == "the profiles were run on 25 of 60 steps of the first of 2 samples"


def test_a_large_network_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of a step: 300 x 200 weights, and the neurons. What is too much for ten steps is not started."""
    net = chain(affine(weights(300, 200, 1)), lif(300), shape=[200], out=[300])
    path = net.write(tmp_path / "a.nir")
    monkeypatch.setattr(profile_choice, "MAX_WORK", 10 * 60_000)
    with pytest.raises(ProfileNeededError) as caught:
        run(path, stimulus(net, 50, 1), options=ImportOptions(dt=DT))
    assert [item.code for item in caught.value.findings] == ["SNN-5429"]
    assert "69,000 products in each step" in caught.value.findings[0].message
    assert caught.value.choices is not None
    assert {entry["state"] for entry in caught.value.choices["profiles"]} == {"left out"}
    assert "not run:" in str(caught.value)


def test_time_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_choice, "MAX_SECONDS", -1.0)
    error = told("lif", tmp_path)
    assert error.choices is not None
    assert error.choices["trial"]["groups"] == []
    assert all(entry["left_out"] for entry in error.choices["profiles"])
    assert [item.code for item in error.findings] == ["SNN-5429"]


def test_without_dt_or_with_an_input_that_does_not_fit(tmp_path: Path) -> None:
    path = zoo()["lif"].write(tmp_path / "a.nir")
    x = np.ones((3, 6), np.float32)
    with pytest.raises(ProfileNeededError, match="With --dt SECONDS this list says"):
        run(path, x)
    with pytest.raises(ProfileNeededError, match=r"not run on this input.*wrong shape.*\[3, 5\]"):
        run(path, np.ones((3, 5), np.float32), options=ImportOptions(dt=DT))
    with pytest.raises(ProfileNeededError, match="dt must be a positive number"):
        run(path, x, options=ImportOptions(dt=-1.0))


def test_values_are_compared_where_there_are_no_spikes(tmp_path: Path) -> None:
    error = told("li", tmp_path)
    assert error.choices is not None
    assert all(len(group) == 1 for group in error.choices["trial"]["groups"])
    assert "values, no spikes, beside" in str(error)


def test_verify_and_the_command_line_say_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, x = zoo()["lif"].write(tmp_path / "a.nir"), tmp_path / "x.npy"
    np.save(x, stimulus(zoo()["lif"], 30, 1))
    with pytest.raises(ProfileNeededError, match="every spike equal"):
        verify(path, against="engine", stimulus=np.load(x), options=ImportOptions(dt=DT))
    assert invoke(["run", str(path), "--dt", "1e-4", "--input", str(x), "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["error"] == "ProfileNeededError"
    assert len(document["choices"]["trial"]["groups"]) > 1
    snn = str(tmp_path / "o.net")
    assert invoke(["convert", str(path), "--to", "netx", "-o", snn, "--dt", "1e-4", "--calibrate", str(x)]) == 2
    assert "every spike equal" in capsys.readouterr().err
