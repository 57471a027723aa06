"""Live norse: 0 differing words of spikes and states for every cell, typical networks, and a trained one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.hub.catalogue import register_ops
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker
from snnhub_nir.reader import import_nir
from snnhub_nir.writer import export_nir

from tests.differential.nir_peer import in_their_call_shape, open_frameworks
from tests.differential.nir_peer import theirs as read_from_nir
from tests.differential.norse_peer import DIGITS, MODEL, digits, imported, ours, theirs, words_apart
from tests.networks.norse_cells import EXPONENTIAL, EXPONENTIAL_TOO, GAIN, SIZE, cells
from tests.networks.norse_nets import NETS, SHAPES

pytestmark = [pytest.mark.peer]
STEPS = 40
DRIVES = ("random", "grid", "overshoot", "negative")


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One process for all of them, on one thread."""
    register_ops()
    patch = pytest.MonkeyPatch()
    patch.setenv("OMP_NUM_THREADS", "1")
    with open_frameworks() as opened:
        patch.undo()
        yield opened


def drives(gain: float) -> Array:
    """(STEPS, 4, SIZE): a sample of each kind."""
    chance = np.random.default_rng(3)
    shape = (STEPS, SIZE)
    found = {
        "random": chance.normal(0.3, 1, shape),
        "grid": chance.integers(-2, 4, shape) / 4,
        "overshoot": (chance.random(shape) < 0.3) * 50.0,
        "negative": -np.abs(chance.normal(0, 3, shape)),
    }
    return np.stack([found[kind] * gain for kind in DRIVES], axis=1).astype(np.float32)


def test_every_cell_word_by_word(worker: Worker) -> None:
    """Random drive, sums on the threshold, overshoot and negative drive; every state of every step."""
    apart, spikes = {}, 0
    for kind, name, dt in cells():
        options = ImportOptions(input_shape=(SIZE,), settings={"kind": kind, "name": name, "dt": str(dt)})
        graph = imported(worker, "norse_cells.py:cell", options)
        assert graph.dt == dt
        x = drives(GAIN.get(kind, 1.0))
        found = theirs(worker, "norse_cells.py:cell", graph, x, options)
        made = ours(graph, x, list(found))
        assert len(found) >= 2 or "LIBox" in kind
        wrong = {key: words_apart(found[key], made[key]) for key in found}
        if any(wrong.values()):
            apart[kind, name] = wrong
        spikes += sum(int(found[key].sum()) for key in found if key.endswith("/s"))
    assert apart == {}
    assert spikes > 10_000


def test_cells_with_an_exponential_give_every_spike(worker: Worker) -> None:
    """Their last bits are nobody's, which a note says."""
    spikes = 0
    for kind in (*EXPONENTIAL, *EXPONENTIAL_TOO):
        options = ImportOptions(input_shape=(SIZE,), settings={"kind": kind})
        graph = imported(worker, "norse_cells.py:exponential", options)
        assert "SNN-3542" in {finding.code for finding in graph.findings}
        x = drives(1.0)[:, :3]
        found = theirs(worker, "norse_cells.py:exponential", graph, x, options)
        made = ours(graph, x, list(found))
        for key in found:
            if key.endswith("/s"):
                np.testing.assert_array_equal(made[key], found[key])
            np.testing.assert_allclose(made[key], found[key], rtol=1e-5, atol=1e-5)
        spikes += sum(int(found[key].sum()) for key in found if key.endswith("/s"))
    assert spikes > 1000


@pytest.mark.parametrize("name", NETS)
def test_typical_networks_word_by_word(name: str, worker: Worker) -> None:
    """Sequences of cells, loops with states passed by hand, whole sequences, convolutions, loops, norse's own."""
    shape = SHAPES.get(name, (12,))
    options = ImportOptions(input_shape=shape)
    reference = f"norse_nets.py:{NETS[name].__name__}"
    graph = imported(worker, reference, options)
    assert graph.dt == 1e-3
    steps = 5 if name == "tutorial" else STEPS
    x = np.random.default_rng(1).normal(0.5, 2, (steps, 3, *shape)).astype(np.float32)
    found = theirs(worker, reference, graph, x, options)
    made = ours(graph, x, list(found), "m" if name == "whole" else "s")
    assert {key: words_apart(found[key], made[key]) for key in found} == dict.fromkeys(found, 0)
    assert sum(int(found[key].sum()) for key in found if key.endswith("/s")) > 40


def test_everything_that_is_refused_in_one_report(worker: Worker) -> None:
    with pytest.raises(UnsupportedError) as caught:
        imported(worker, "norse_nets.py:unholdable", ImportOptions(input_shape=(12,)))
    found = {(item.place, item.code) for item in caught.value.findings}
    assert found == {
        ("1", "SNN-3541"),
        ("2", "SNN-3540"),
        ("3", "SNN-3541"),
        ("5", "SNN-3540"),
        ("6", "SNN-3002"),
        ("7", "SNN-3002"),
        ("8", "SNN-3540"),
    }
    assert all(item.remedy for item in caught.value.findings)


@pytest.mark.parametrize("network", ["tutorial", "boxed"])
def test_trained_networks_on_digits(network: str, worker: Worker) -> None:
    """0 differing words, the same decisions; the reference engine, which sums exactly, has the same spikes."""
    x, labels = digits(DIGITS[network])
    options = ImportOptions(input_shape=(1, 28, 28), weights=MODEL.parent / f"{network}.pt")
    graph = imported(worker, f"{MODEL}:{network}", options)
    found = theirs(worker, f"{MODEL}:{network}", graph, x, options)
    made = ours(graph, x, list(found))
    assert {key: words_apart(found[key], made[key]) for key in found} == dict.fromkeys(found, 0)
    score = found["output"].max(0) if network == "tutorial" else found["output"].sum(0)
    assert (score.argmax(1) == labels).mean() > 0.85
    spikes = [key for key in found if key.endswith("/s")]
    exact, _ = prepare(graph).run(x[:, :8], record=spikes)
    for key in spikes:
        np.testing.assert_array_equal(exact[key], found[key][:, :8])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cells", ["box", "iaf", "cuba"])
def test_into_norse_by_its_own_nir_importer(cells: str, bias: bool, worker: Worker, tmp_path: Path) -> None:
    """From norse to snnhub to NIR to norse: 0 differing spikes with the same dt."""
    settings = {"cells": cells, "bias": "true" if bias else ""}
    graph = imported(worker, "norse_nets.py:boxes", ImportOptions(input_shape=(12,), settings=settings))
    path = tmp_path / "net.nir"
    found = export_nir(graph, path, {"for": "norse"})
    assert "SNN-4511" in {item.code for item in found}
    x = np.random.default_rng(2).normal(0.5, 2, (100, 12)).astype(np.float32)
    back = read_from_nir(worker, "norse", path, x, 1e-3)
    assert not isinstance(back, str), back
    wanted = in_their_call_shape(import_nir(path, ImportOptions()), x)
    np.testing.assert_array_equal(back.reshape(wanted.shape), wanted)
    assert wanted.sum() > 40


def test_a_trained_network_by_nir_into_norse(worker: Worker, tmp_path: Path) -> None:
    """Convolutions and Flatten, too, one digit per call."""
    x, _ = digits(6)
    options = ImportOptions(input_shape=(1, 28, 28), weights=MODEL.parent / "boxed.pt")
    graph = imported(worker, f"{MODEL}:boxed", options)
    export_nir(graph, tmp_path / "net.nir", {"for": "norse"})
    for sample in range(x.shape[1]):
        back = read_from_nir(worker, "norse", tmp_path / "net.nir", x[:, sample], 1e-3)
        assert not isinstance(back, str), back
        wanted = in_their_call_shape(graph, x[:, sample])
        np.testing.assert_array_equal(back.reshape(wanted.shape), wanted)
        assert wanted.sum() > 0
