"""What NIR's own package writes comes back field by field; what we write, it reads, and writes as we wrote it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from snnhub import convert, load
from snnhub.errors import MissingPeerError
from snnhub.ir.digest import network_digest
from snnhub.ir.tensor import tensor
from snnhub.peers.env import interpreter
from snnhub.peers.recipe import read_recipe
from snnhub_nir import CONSUMERS, semantics
from snnhub_nir.writer import export_nir
from snnhub_profiles import ENVIRONMENT

from tests.build import mlp
from tests.conftest import REQUIRE_PEERS, ROOT, SHARED
from tests.networks.nir_files import affine, chain, dump, neuron, write_nir
from tests.unit.test_nir import NETWORKS, braille

pytestmark = pytest.mark.peer
SCRIPT = ROOT / "tests" / "networks" / "nir_official.py"
COUNT = 40


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter that has NIR's package."""
    try:
        return interpreter(read_recipe(ENVIRONMENT.path()))
    except MissingPeerError as problem:
        if REQUIRE_PEERS:
            pytest.fail(str(problem))
        pytest.skip(str(problem))


def official(python: Path, *arguments: str | Path) -> str:
    """Run a command of the script. Fails the test, with what the package said, if it fails."""
    words = [str(python), str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_what_it_writes_comes_back_field_by_field(python: Path, tmp_path: Path) -> None:
    official(python, "make", tmp_path, str(COUNT))
    for number in range(COUNT):
        path = tmp_path / f"{number}.nir"
        convert(path, tmp_path / "between.snn")
        convert(tmp_path / "between.snn", tmp_path / "after.nir")
        assert dump(tmp_path / "after.nir") == dump(path), number


def without_version(path: Path) -> dict[str, Any]:
    return {name: value for name, value in dump(path).items() if name != "version"}


@pytest.mark.parametrize("compression", ["gzip", "lzf", "none"])
def test_what_we_write_it_reads_and_writes_the_same(compression: str, python: Path, tmp_path: Path) -> None:
    spec = braille()
    spec["nodes"]["fc1"]["weight"] = np.random.default_rng(0).normal(size=(38, 12)).astype(np.float32)
    spec["nodes"] = {name: {**node} for name, node in spec["nodes"].items()}
    for name in ("lif1.lif", "lif2"):
        spec["nodes"][name]["v_reset"] = np.zeros(len(spec["nodes"][name]["tau_mem"]))
    graph = load(write_nir(tmp_path / "a.nir", spec))
    graph = semantics.attached(graph, {"profile": "norse-1", "dt": 1e-4})
    export_nir(graph, tmp_path / "b.nir", {"compression": compression})
    official(python, "again", tmp_path / "b.nir", tmp_path / "c.nir")
    assert without_version(tmp_path / "c.nir") == without_version(tmp_path / "b.nir")
    assert semantics.content_of(load(tmp_path / "c.nir")) == {"profile": "norse-1", "dt": 1e-4}


def test_large_arrays_are_the_same_numbers_there(python: Path, tmp_path: Path) -> None:
    """Several chunks in both directions, the last of them not full."""
    random = np.random.default_rng(1)
    for dtype in ("float32", "float64", "int8", "float16"):
        weight = (random.normal(size=(700, 1900)) * 20).astype(dtype)
        spec = chain(("fc", {"type": "Linear", "weight": weight}), into=(1900,), out=(700,))
        graph = load(write_nir(tmp_path / "a.nir", spec, compression="gzip"))
        assert graph.node["fc"].param["weight"] == tensor(weight)
        for compression in ("gzip", "lzf"):
            export_nir(graph, tmp_path / "b.nir", {"compression": compression})
            official(python, "again", tmp_path / "b.nir", tmp_path / "c.nir")
            assert without_version(tmp_path / "c.nir") == without_version(tmp_path / "a.nir")


def test_a_network_of_steps_survives_it(python: Path, tmp_path: Path) -> None:
    """Metadata included: written from steps, read and written by NIR's package, it is the same network here."""
    graph = replace(mlp((20, 30, 7)), dt=1e-3)
    export_nir(graph, tmp_path / "b.nir")
    official(python, "again", tmp_path / "b.nir", tmp_path / "c.nir")
    assert without_version(tmp_path / "c.nir") == without_version(tmp_path / "b.nir")
    assert network_digest(load(tmp_path / "c.nir")) == network_digest(graph)


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_files_for_a_framework_pass_its_type_check(consumer: str, python: Path, tmp_path: Path) -> None:
    """``--for``: from single numbers and odd names to a file that ``nir.read`` takes with its checks."""
    kind = "CubaLIF" if consumer == "rockpool" else "IF" if consumer == "sinabs" else "LIF"
    path = write_nir(tmp_path / "a.nir", chain(("fc.1", affine()), ("a/b", neuron(kind, None, v_reset=None))))
    convert(path, tmp_path / "b.nir", exporting={"for": consumer, "lossy": "true"})
    official(python, "again", tmp_path / "b.nir", tmp_path / "c.nir")
    after = without_version(tmp_path / "c.nir")
    assert after == without_version(tmp_path / "b.nir")
    assert after["node/edges"] == [["input", "fc_1"], ["fc_1", "a_b"], ["a_b", "output"]]


@pytest.mark.parametrize("name", ["scnn", "lif, single numbers"])
def test_files_that_it_refuses_are_read_here(name: str, python: Path, tmp_path: Path) -> None:
    path = write_nir(tmp_path / "a.nir", NETWORKS[name], "0.2.0")
    done = subprocess.run(
        [str(python), str(SCRIPT), "again", str(path), str(tmp_path / "b.nir")], capture_output=True, check=False
    )
    assert done.returncode != 0
    convert(path, tmp_path / "b.nir")
    assert dump(tmp_path / "b.nir") == dump(path)


def test_the_papers_files(python: Path, tmp_path: Path) -> None:
    folder = SHARED / "nir"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    for path in sorted(folder.glob("*.nir")):
        convert(path, tmp_path / path.name)
        assert dump(tmp_path / path.name) == dump(path)
        official(python, "again", tmp_path / path.name, tmp_path / "c.nir")
        with h5py.File(tmp_path / "c.nir") as file:
            assert len(file["node/edges"]) == len(dump(path)["node/edges"])
