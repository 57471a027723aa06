"""Live snnTorch: every neuron with every attribute, whole networks, there and back as code and through NIR."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.errors import UnsupportedError
from snnhub.ir.digest import network_digest
from snnhub.ir.rung import Rung
from snnhub.peers.env import interpreter, status
from snnhub.peers.recipe import read_recipe
from snnhub_profiles import ENVIRONMENT

from tests.conftest import ROOT

pytestmark = pytest.mark.peer
NETS = ROOT / "tests" / "networks" / "snntorch_nets.py"
MNIST = ROOT / "docs" / "examples" / "snntorch_mnist"
DIGITS = ROOT / "docs" / "examples" / "mnist_csnn" / "digits.npz"
FOLDERS = [ROOT / folder for folder in ("core", "formats", "plugins", "conformance")]
Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def python() -> Path:
    recipe = read_recipe(ENVIRONMENT.path())
    if status(recipe).state != "ready":
        words = f"environment {recipe.name} is {status(recipe).state}. Run: snnhub env create {recipe.name}"
        if os.environ.get("SNNHUB_REQUIRE_PEERS") == "1":
            pytest.fail(words)
        pytest.skip(words)
    return interpreter(recipe)


def asked(python: Path, what: str, folder: Path) -> Rows:
    """What the process beside snnTorch answers."""
    path = os.pathsep.join(str(item) for item in (*FOLDERS, ROOT))
    done = subprocess.run(
        [python, "-W", "ignore", "-m", "tests.differential.snntorch_peer", what, folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: Rows = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def networks(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return asked(python, "networks", tmp_path_factory.mktemp("written"))


def test_every_neuron_with_every_attribute_bit_for_bit(python: Path, tmp_path: Path) -> None:
    """Spikes, potentials and currents of snnTorch's modules beside the torch engine, words of f32."""
    rows = asked(python, "neurons", tmp_path)
    classes = {name.split()[0] for name in rows}
    assert classes == {"Leaky", "Synaptic", "Alpha", "Lapicque", "DeltaLeaky", "RLeaky", "RSynaptic"}
    assert {name.split()[1] for name in rows} == {"random", "grid", "overshoot", "negative"}
    assert {name: row["differ"] for name, row in rows.items() if row["differ"]} == {}
    assert all(row["spikes"] > 0 for row in rows.values())
    assert sum(row["cases"] for row in rows.values()) > 1000
    assert sum(row["words"] for row in rows.values()) > 1_300_000


HELD = ("fc", "regression", "static", "conv", "recurrent", "resetting", "changes", "sequential", "parallel")


@pytest.mark.parametrize("name", HELD)
def test_networks_of_the_tutorials(name: str, networks: Rows) -> None:
    """Imported by watching them run; every quantity that both can record is the same number."""
    row = networks[name]
    assert row["differ"] == 0
    assert row["words"] > 1000
    assert all(count > 0 for count in row["spikes"].values())
    assert "SNN-3006" in row["codes"]


@pytest.mark.parametrize("name", [name for name in HELD if name != "parallel"])
def test_written_code_is_the_same_network(name: str, networks: Rows) -> None:
    """Graph to code, run in snnTorch: the spikes of the network that came first; imported: the same graph."""
    row = networks[name]
    assert row["same"]
    assert row["again"]["differ"] == 0
    assert row["again"]["spikes"] == row["spikes"]


def test_what_cannot_be_held_is_told_in_one_report(networks: Rows) -> None:
    assert networks["refused"]["refused"] == [
        *(f"SNN-3530 {place}" for place in "1278"),
        "SNN-3531 3",
        "SNN-3532 4",
        "SNN-3533 6",
        "SNN-3535 5",
    ]
    told = networks["parallel"]["code"]
    assert [item for item in told if "->" not in item] == ["SNN-4520 0", "SNN-4520 1"]


def test_soft_reset_survives_nir_and_comes_back_as_code(python: Path, tmp_path: Path) -> None:
    """net.py -> .nir -> net2.py: NIR has no soft reset, so the plain file is refused; ours keeps the program."""
    options = ImportOptions(input_shape=(20,))
    given = {"from_": "snntorch", "options": options}
    between, last = tmp_path / "x.nir", tmp_path / "net2.py"
    with pytest.raises(UnsupportedError) as problem:
        snnhub.convert(f"{NETS}:fc", between, **given, exporting={"for": "snntorch"})
    words = " ".join(finding.message for finding in problem.value.findings)
    assert "soft reset" in words
    assert "reset_delay" in words
    result = snnhub.convert(f"{NETS}:fc", between, **given, exporting={"lossy": "true"})
    assert {"SNN-4506", "SNN-6005"} <= {finding.code for finding in result.findings}
    x = np.random.default_rng(3).normal(0.3, 1.2, (12, 4, 20)).astype(np.float32)
    written = snnhub.convert(between, last, verify=x)
    assert written.proof is not None
    assert written.proof.passed
    assert "SNN-4521" in {finding.code for finding in written.findings}
    back = snnhub.import_model(f"{last}:net", "snntorch", (20,), weights=last.with_suffix(".pt"))
    assert network_digest(back) == network_digest(result.graph)


def test_a_trained_network_decides_the_same(python: Path) -> None:
    """784-100-10 with learnt decay and threshold, 25 steps: 200 test images, no spike and no potential differs."""
    with np.load(DIGITS) as file:
        images, labels = file["images"], file["labels"]
    x = (images.astype(np.float32) / 255).reshape(1, -1, 784)
    options = ImportOptions(input_shape=(784,), weights=MNIST / "fc.pt")
    source = f"{MNIST / 'model.py'}:fc"
    result = snnhub.verify(
        source, stimulus=x, against="snntorch", from_="snntorch", options=options, engine="torch"
    )
    assert result.verdict.reached is Rung.BITS
    ran = snnhub.run(source, x, runner="snntorch", from_="snntorch", options=options)
    counts = ran.recording["output"].sum(0)
    assert (counts.argmax(1) == labels).mean() > 0.95
