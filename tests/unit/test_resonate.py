"""Resonators in NetX files: read, written, read back; and every way in which Lava's reader goes wrong on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import snnhub
from snnhub.engine.reference import prepare
from snnhub.errors import FormatError, SnnhubError, UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ir.tensor import Array, smallest_integer
from snnhub.ops.registry import REGISTRY
from snnhub_lava.decays import rounded_decays
from snnhub_netx.writer import export_netx

from tests.build import dense, spikes
from tests.networks.netx_files import CUBA, conv_layer, dense_layer, write
from tests.unit.test_netx import arranged, read

RF: dict[str, Any] = {
    "type": "RF_PHASE",
    "sinDecay": 1500.5,
    "cosDecay": 3700.5,
    "vThMant": 20,
    "gradedSpike": False,
}


def even(*shape: int, seed: int = 0) -> Array:
    return np.asarray(2 * np.random.default_rng(seed).integers(-60, 90, shape))


def complex_layer(real: Any, imag: Any, **changes: Any) -> dict[str, Any]:
    """A layer of resonators."""
    parts = {"weight/real": np.asarray(real, np.float32), "weight/imag": np.asarray(imag, np.float32)}
    return {"type": "dense", "shape": np.array([len(real)]), **parts, "neuron": dict(RF), **changes}


def resonating(**neuron: Any) -> dict[str, Any]:
    return complex_layer(even(3, 4), even(3, 4, seed=1), neuron={**RF, **neuron})


def codes(path: Path) -> set[str]:
    return {finding.code for finding in read(path).findings}


def refusal(path: Path) -> SnnhubError:
    with pytest.raises(SnnhubError) as caught:
        read(path)
    return caught.value


@pytest.mark.parametrize("kind", ["RF_PHASE", "RF_IZHIKEVICH"])
def test_a_file_survives_reading_and_writing(kind: str, tmp_path: Path) -> None:
    turns = {"sinDecay": np.array([1500.5, -20.5, 0]), "cosDecay": np.array([3700.5, 0, -4095.5])}
    layers = [dense_layer(even(4, 5)), resonating(type=kind, **turns), dense_layer(even(2, 3))]
    graph = read(write(tmp_path / "a.net", layers))
    assert graph.node["layer1"].param["sinDecay"].array.tolist() == [1500, -20, 0]
    assert graph.node["layer1"].param["cosDecay"].array.tolist() == [3700, 0, -4095]
    found = export_netx(graph, tmp_path / "b.net")
    assert [finding.code for finding in found if finding.place == "layer1"] == ["SNN-4120"]
    assert read(tmp_path / "b.net").network() == graph.network()
    with h5py.File(tmp_path / "a.net") as old, h5py.File(tmp_path / "b.net") as new:
        for key in ("weight/real", "weight/imag", "neuron/sinDecay", "neuron/cosDecay", "neuron/vThMant", "shape"):
            assert np.array_equal(old["layer/1"][key], new["layer/1"][key]), key
            if not key.startswith("neuron"):
                assert old["layer/1"][key].dtype == new["layer/1"][key].dtype, key


def test_a_resonator_rings_and_fires_when_its_phase_passes_zero(tmp_path: Path) -> None:
    """One kick, a turn of a quarter per step and no loss: it fires in every fourth step, and is never reset."""
    neuron = {**RF, "sinDecay": 4096, "cosDecay": 0, "vThMant": 10}
    layer = complex_layer([[-2, 4]], [[-20, 4]], neuron=neuron)
    x = np.zeros((12, 2), np.uint8)
    x[0, 0] = 1
    found, _ = prepare(read(write(tmp_path / "a.net", [layer]))).run(x, record=["layer0/s", "layer0/real"])
    # (-2, -20), then (20, -2), (2, 20), (-20, 2), (-2, -20) …: the imaginary part passes 0 at a real part of 2
    assert found["layer0/real"][:, 0].tolist() == [0, *[64 * part for part in (-2, 20, 2, -20) * 3][:11]]
    assert not found["layer0/s"].any()
    lower = complex_layer([[-2, 4]], [[-20, 4]], neuron={**neuron, "vThMant": 2})
    found, _ = prepare(read(write(tmp_path / "b.net", [lower]))).run(x, record=["layer0/s"])
    assert found["layer0/s"][:, 0].tolist() == [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]


def test_whole_decays_are_the_files_and_lava_may_round_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", [resonating(sinDecay=1500, cosDecay=np.array([3700, 1000, -2000]))])
    graph = read(path)
    assert graph.node["layer0"].param["cosDecay"].array.tolist() == [3700, 1000, -2000]
    (first, second) = [finding for finding in graph.findings if finding.code == "SNN-3131"]
    assert (first.severity, first.old, second.old) == (Severity.NOTE, "1500", "3700")
    (theirs,) = rounded_decays(graph, {"layer0": [[1499, 1500, 1500], [3700, 1000, -2000]]})
    assert (theirs.code, theirs.severity, theirs.place, theirs.old, theirs.new) == (
        "SNN-3131",
        Severity.LOSS,
        "layer0/sinDecay",
        "1500",
        "1499",
    )
    assert not list(rounded_decays(graph, {"layer0": [[1500], [3700, 1000, -2000]]}))


def test_decays_between_whole_numbers_are_cut_toward_zero(tmp_path: Path) -> None:
    graph = read(write(tmp_path / "a.net", [resonating(sinDecay=-1500.25, cosDecay=3700.75)]))
    assert int(graph.node["layer0"].param["sinDecay"].array) == -1500
    assert [f.severity for f in graph.findings if f.code == "SNN-3132"] == [Severity.LOSS] * 2


def test_adaptive_resonators_are_read_as_plain_ones_and_it_is_said(tmp_path: Path) -> None:
    extra = {"thDecay": 100, "refDecay": 200, "vThStep": 30}
    for kind, op in (("ADRF_PHASE", "loihi.RF"), ("ADRF_IZHIKEVICH", "loihi.RFIzhikevich")):
        graph = read(write(tmp_path / f"{kind}.net", [resonating(type=kind, **extra)]))
        assert graph.node["layer0"].op == op
        (finding,) = [f for f in graph.findings if f.code == "SNN-3130"]
        assert (finding.severity, finding.old) == (Severity.LOSS, kind)


@pytest.mark.parametrize("key", ["bias", "delay", "weight_rec"])
def test_what_lava_ignores_in_complex_layers(key: str, tmp_path: Path) -> None:
    kind = "dense_rec" if key == "weight_rec" else "dense"
    value = np.full((3, 3) if key == "weight_rec" else (3,), 2.0, np.float32)
    layer = {**resonating(), "type": kind, key: value}
    graph = read(write(tmp_path / "a.net", [layer]))
    assert [f.place for f in graph.findings if f.code == "SNN-3133"] == [f"/layer/0/{key}"]
    assert graph.network() == read(write(tmp_path / "b.net", [resonating()])).network()


def spatial(neuron: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return conv_layer(np.full((1, 1, 2, 2), 2), (1, 2, 2), neuron=neuron, **changes)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (dense_layer(even(3, 4), neuron=RF), "complex weights"),
        (complex_layer(even(3, 4), even(3, 4), neuron=CUBA), "need resonators"),
        ({k: v for k, v in resonating().items() if k != "neuron"}, "need resonators"),
        (spatial(RF), "outside dense"),
        ({"type": "input", "shape": np.array([4]), "neuron": RF}, "outside dense"),
        (resonating(sinDecay=2.0**20), "no decay"),
        (resonating(vThMant=2**25), "32 bits"),
        (resonating(vThMant=-1), "32 bits"),
        (resonating(vThMant=np.array([1, 2, 3])), "one threshold"),
        (resonating(cosDecay=np.array([1.5, 2.5])), "do not fit"),
        (resonating(cosDecay=np.full((3, 1, 1), 1.5)), "do not fit"),
        (resonating(type="ALIF"), "ALIF"),
        (resonating(type="rf_phase"), "rf_phase"),
    ],
)
def test_what_lavas_reader_fails_on_is_refused_by_name(layer: dict[str, Any], words: str, tmp_path: Path) -> None:
    problem = refusal(write(tmp_path / "a.net", [layer]))
    assert isinstance(problem, UnsupportedError)
    assert any(words in f.message and f.severity is Severity.ERROR for f in problem.findings), problem.findings
    assert {f.code for f in problem.findings} & {"SNN-3134", "SNN-3103"}


def test_broken_resonators_are_reported_at_once(tmp_path: Path) -> None:
    first = {k: v for k, v in resonating().items() if k != "weight/imag"}
    second = resonating()
    del second["neuron"]["sinDecay"]
    third = resonating(vThMant=1.5, cosDecay=np.nan)
    fourth = complex_layer(even(3, 4) + 0.5, even(3, 4))
    problem = refusal(write(tmp_path / "a.net", [first, second, third, fourth]))
    places = {finding.place for finding in problem.findings}
    assert {"/layer/0/weight/imag", "/layer/1/neuron", "/layer/2/neuron/cosDecay"} <= places
    for start in ("/layer/2/neuron/vThMant", "/layer/3/weight/real"):
        assert any(place.startswith(start) for place in places), start


def test_weights_of_both_parts_must_fit(tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", [dense_layer(even(4, 2)), complex_layer(even(3, 4), even(3, 5))])
    with pytest.raises(FormatError, match="does not fit"):
        read(path)


def test_each_part_is_packed_by_itself(tmp_path: Path) -> None:
    """A uniform -8 alone becomes 0 in Lava; beside a positive matrix it would not, were both packed together."""
    graph = read(write(tmp_path / "a.net", [complex_layer(even(3, 4), np.full((3, 4), -8))]))
    assert not graph.node["layer0/synapse_imag"].param["weight"].array.any()
    assert np.array_equal(graph.node["layer0/synapse_real"].param["weight"].array, even(3, 4))
    assert [f.place for f in graph.findings if f.code == "SNN-3111"] == ["/layer/0/weight/imag"]


def resonators(real: Array, imag: Array, op: str = "loihi.RF", delays: tuple[int, int] = (1, 1)) -> Graph:
    """A layer of CUBA neurons and one of resonators, not named as NetX names them."""
    from tests.build import cuba

    builder = GraphBuilder("rf", REGISTRY)
    port = cuba(builder, "n", dense(builder, "d", builder.input((4,), SPIKE), even(real.shape[1], 4), 1), vth=60)
    sources = {
        "a_real": dense(builder, "re", port, real, delays[0]),
        "a_imag": dense(builder, "im", port, imag, delays[1]),
    }
    params = {"sinDecay": 3900, "cosDecay": 1000, "vThMant": 20}
    tensors = {name: smallest_integer(np.asarray(value)) for name, value in params.items()}
    builder.output(builder.node("rf", op, sources, params=tensors))
    return builder.graph()


def test_a_silent_neuron_saves_parts_that_packing_would_lose(tmp_path: Path) -> None:
    """An imaginary part of zeros is quite usual, and Lava fails on it."""
    real, imag = even(3, 4, seed=2), np.zeros((3, 4), np.int64)
    graph = resonators(real, imag)
    safe = arranged(graph)
    assert "SNN-4103" in {finding.code for finding in safe.findings}
    export_netx(safe, tmp_path / "a.net")
    back = read(tmp_path / "a.net")
    assert "SNN-3110" not in {finding.code for finding in back.findings}
    x = spikes((30, 4), 0.5)
    ours, _ = prepare(graph).run(x, record=["rf/real", "rf/imag", "rf/s"])
    theirs, _ = prepare(back).run(x, record=["layer2/real", "layer2/imag", "layer2/s"])
    assert ours["rf/s"].any()
    for name in ("real", "imag", "s"):
        assert np.array_equal(ours[f"rf/{name}"], theirs[f"layer2/{name}"]), name


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (resonators(even(3, 4), even(3, 4), delays=(1, 3)), "ignores delays"),
        (resonators(even(3, 4), even(3, 4), delays=(2, 2)), "ignores delays"),
    ],
)
def test_what_netx_cannot_say_of_resonators(graph: Graph, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError) as caught:
        export_netx(graph, tmp_path / "a.net")
    assert any(words in f.message and f.code == "SNN-4122" for f in caught.value.findings)
    assert not (tmp_path / "a.net").exists()


def test_a_threshold_per_resonator_cannot_be_said(tmp_path: Path) -> None:
    graph = arranged(resonators(even(3, 4), even(3, 4)))
    node = graph.node["layer2"]
    many = node.with_params(vThMant=smallest_integer(np.array([10, 20, 30])))
    graph = replace(graph, nodes=tuple(many if item.id == many.id else item for item in graph.nodes))
    with pytest.raises(UnsupportedError) as caught:
        export_netx(graph, tmp_path / "a.net")
    assert [f.code for f in caught.value.findings if f.severity is Severity.ERROR] == ["SNN-4122"]


def test_two_synapses_at_one_part_are_refused(tmp_path: Path) -> None:
    graph = resonators(even(3, 4), even(3, 4))
    edges = tuple(
        replace(edge, dst=Port("rf", "a_real")) if edge.src.node == "im" else edge for edge in graph.edges
    )
    with pytest.raises(SnnhubError):
        export_netx(replace(graph, edges=edges), tmp_path / "a.net")


def test_resonators_are_not_reset_and_it_is_said(tmp_path: Path) -> None:
    layers = [dense_layer(even(4, 5)), resonating(), dense_layer(even(2, 3))]
    path = write(tmp_path / "a.net", layers)
    graph = read(path, given={"reset_interval": "8"})
    assert [f.place for f in graph.findings if f.code == "SNN-3135"] == ["layer1"]
    phases = [graph.node[name].attribute["reset_offset"] for name in ("layer0", "layer2")]
    assert phases == [1, 3]  # the block between them counts, as in Lava


def test_resonators_beyond_the_chip_are_found(tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", [resonating(vThMant=2**17)])
    found = snnhub.check(path, "loihi2").targets[0].findings
    assert [f.place for f in found if f.code == "SNN-2201"] == ["layer0/vThMant"]
    fine = snnhub.check(write(tmp_path / "b.net", [resonating()]), "loihi2").targets[0].findings
    assert not [f for f in fine if f.severity is Severity.ERROR]


def test_a_file_of_resonators_converts_to_netx(tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", [dense_layer(even(4, 5)), resonating(sinDecay=1500)])
    snnhub.convert(path, tmp_path / "b.net")
    assert "SNN-3131" not in codes(tmp_path / "b.net")
    assert read(tmp_path / "b.net").network() == read(path).network()
