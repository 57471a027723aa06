"""Sigma-delta layers: the ops' arithmetic, files read and written, and every way such a file can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.compare.align import spike_keys
from snnhub.engine.reference import prepare
from snnhub.errors import FormatError, SnnhubError, UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import signed
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub_netx.arrange import passes
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.networks.netx_files import conv_layer, dense_layer, write
from tests.networks.random_sigma_delta import group, sdnn, wild

INPUT = {"type": "input", "shape": np.array([2]), "neuron": sdnn(0)}
SIGMA = sdnn(0, sigma_output=True)
EVEN = 2 * np.array([[8, -3], [5, 6]])


def read(path: Path, **given: str) -> Graph:
    return import_netx(path, ImportOptions(given=given))


def codes(graph: Graph) -> set[str]:
    return {finding.code for finding in graph.findings}


def refused(layers: list[dict[str, Any]], folder: Path, kind: type[SnnhubError] = UnsupportedError) -> set[str]:
    """Code and place of every reason."""
    with pytest.raises(kind) as caught:
        read(write(folder / "a.net", layers))
    return {f"{f.code} {f.place}" for f in caught.value.findings if f.severity is Severity.ERROR}


def lava(x: Array, weight: Array, bias: Array, vth: tuple[int, int]) -> dict[str, list[Array]]:
    """Delta, one dense layer of SigmaDelta and a Sigma of all of it, by the equations, in 32-bit words."""
    kept: dict[str, list[Array]] = {"s0": [], "sigma": [], "residue": [], "s1": []}
    n, m = weight.shape[1], weight.shape[0]
    act0, left0, act1, left1, sigma, arriving = (np.zeros(k, np.int32) for k in (n, n, m, m, m, m))
    for frame in x.astype(np.int32):
        new = frame << np.int32(12)
        d = new - act0 + left0
        sent = np.where(np.abs(d) >= np.int32(vth[0] << 12), d, 0)
        act0, left0, s0 = new, d - sent, sent >> 6
        sigma = sigma + arriving
        arriving = (weight.astype(np.int32) @ s0).astype(np.int32)
        new = np.maximum(sigma + (bias.astype(np.int32) << 12), 0)
        d = new - act1 + left1
        sent = np.where(np.abs(d) >= np.int32(vth[1] << 12), d, 0)
        act1, left1 = new, d - sent
        for name, value in (("s0", s0), ("sigma", sigma), ("residue", left1), ("s1", sent >> 6)):
            kept[name].append(value)
    return kept


@pytest.mark.parametrize("vth", [(0, 0), (1, 3), (30, 12)])
def test_the_equations(vth: tuple[int, int], tmp_path: Path) -> None:
    random = np.random.default_rng(vth[1])
    weight, bias = 2 * random.integers(-50, 60, (3, 2)), random.integers(-40, 90, 3)
    layers = [
        {**INPUT, "neuron": sdnn(vth[0])},
        dense_layer(weight, bias=bias.astype(np.float32), neuron=sdnn(vth[1])),
    ]
    x = random.integers(-50, 60, (40, 2)).astype(np.int32)
    ours, _ = prepare(read(write(tmp_path / "a.net", layers))).run(
        x, record=["layer0/s", "layer1/sigma", "layer1/residue", "layer1/s", "output"]
    )
    theirs = lava(x, weight, bias, vth)
    for key, name in (
        ("layer0/s", "s0"),
        ("layer1/sigma", "sigma"),
        ("layer1/residue", "residue"),
        ("layer1/s", "s1"),
        ("output", "s1"),
    ):
        np.testing.assert_array_equal(ours[key], np.stack(theirs[name]), err_msg=key)
    assert ours["layer1/s"].any()
    assert ours["layer1/residue"].any() == (vth[1] > 0)


def test_recordings_made_by_others(netx_data: Path) -> None:
    """PilotNet, 20 frames: sigma of every layer and the output, all of them recorded in Lava."""
    graph = read(netx_data / "pilotnet_sdnn_test.net")
    neurons = [node.id for node in graph.nodes if node.op.startswith("loihi.")]
    assert [graph.node[name].op for name in (neurons[0], neurons[-1])] == ["loihi.Delta", "loihi.Sigma"]
    with np.load(netx_data / "pilotnet_sdnn_test.npz") as file:
        recorded = {f"{neurons[int(k[5])]}/sigma": file[k] for k in file.files if k[5:] in SIGMAS}
        recorded["output"] = file["output"]
        ours, _ = prepare(graph).run(file["input"], record=list(recorded))
    assert len(recorded) == 8
    for key, values in recorded.items():
        assert np.count_nonzero(ours[key] != values) == 0, key
        assert values.any(), key


SIGMAS = {f"{number}_sigma" for number in range(1, 9)}
"""Lava's Delta has a variable sigma, too, which is never used: recorded as ``layer0_sigma``, all 0."""


def test_graded_spikes_are_numbers(tmp_path: Path) -> None:
    """Of both signs, so that no comparison counts them as spikes."""
    path = write(tmp_path / "a.net", [INPUT, dense_layer(EVEN, neuron=sdnn(1))])
    graph = read(path)
    assert spike_keys(graph) == frozenset()
    x = np.array([[9, -4], [0, 0], [-20, 30], [1, 1]], np.int32)
    found = snnhub.run(path, x, record="all").recording
    assert found["layer0/s"].min() < 0 < found["layer0/s"].max()
    assert snnhub.verify(path, path, stimulus=x).passed


@pytest.mark.parametrize("seed", range(12))
def test_reading_back_what_was_written(seed: int, tmp_path: Path) -> None:
    """Graph to file to graph is equal; so is file to file."""
    net = group(seed, 1)[0] if seed < 7 else wild(seed)
    graph = run_passes(read(write(tmp_path / "a.net", net.layers)), passes(), PassContext())
    export_netx(graph, tmp_path / "b.net")
    again = read(tmp_path / "b.net")
    assert again.network() == graph.network()
    export_netx(run_passes(again, passes(), PassContext()), tmp_path / "c.net")
    assert read(tmp_path / "c.net").network() == graph.network()


def test_the_types_that_lava_dl_writes(netx_data: Path, tmp_path: Path) -> None:
    """Every entry of every group of its file is in ours, with its type and shape."""
    snnhub.convert(netx_data / "pilotnet_sdnn_test.net", tmp_path / "b.net")
    with h5py.File(netx_data / "pilotnet_sdnn_test.net") as theirs, h5py.File(tmp_path / "b.net") as ours:
        names: list[str] = []
        theirs["layer"].visit(names.append)
        for name in names:
            if not isinstance(theirs["layer"][name], h5py.Dataset):
                continue
            if name.endswith("5/shape"):  # of a flatten: (2560, 1, 1), which no reader looks at
                continue
            mine, other = ours["layer"][name], theirs["layer"][name]
            assert (mine.dtype.kind, mine.dtype.itemsize) == (other.dtype.kind, other.dtype.itemsize), name
            assert mine.shape == other.shape, name
            if name != "9/neuron/vThMant":  # of a sigma output: read by nobody
                np.testing.assert_array_equal(mine[()], other[()], err_msg=name)


def test_conversions_of_such_files(netx_data: Path, tmp_path: Path) -> None:
    source = netx_data / "pilotnet_sdnn_test.net"
    for target in ("a.snn", "a.net", "a.json"):
        snnhub.convert(source, tmp_path / target)
        assert snnhub.load(tmp_path / target).network() == snnhub.load(source).network()
    report = snnhub.check(source, "loihi2").targets[0]
    assert not [finding for finding in report.findings if finding.severity is Severity.ERROR]
    assert {item[0] for item in report.usage} >= {"layer1/vThMant", "layer1/bias", "layer1/synapse/weight"}


def test_what_lava_ignores(tmp_path: Path) -> None:
    layers = [
        {**INPUT, "weight": np.array([64.0]), "bias": np.array([3.0])},
        dense_layer(EVEN, neuron=sdnn(2, activation="sigmoid", weight_exp=3)),
        dense_layer(EVEN, neuron=sdnn(9, sigma_output=False)),
    ]
    graph = read(write(tmp_path / "a.net", layers))
    assert {(f.code, f.place) for f in graph.findings} == {
        ("SNN-3105", "/layer/0/weight"),
        ("SNN-3105", "/layer/0/bias"),
        ("SNN-3120", "/layer/1/neuron/activation"),
        ("SNN-3105", "/layer/1/neuron/weight_exp"),
        ("SNN-3105", "/layer/2/neuron/vThMant"),
    }
    assert graph.node["layer2"].op == "loihi.Sigma"


def test_numbers_that_wrap(tmp_path: Path) -> None:
    layer = dense_layer(EVEN, bias=np.array([2.0**19, -3]), neuron=sdnn(2**20 + 7))
    graph = read(write(tmp_path / "a.net", [INPUT, layer]))
    assert [(f.code, f.old, f.new) for f in graph.findings] == [
        ("SNN-3123", str(2**20 + 7), "7"),
        ("SNN-3123", str(2**19), str(-(2**19))),
    ]
    assert graph.node["layer1"].param["vThMant"].array == 7


def test_sums_keep_fewer_bits_where_lava_shifts_weights(tmp_path: Path) -> None:
    small, large = np.array([[2, -2], [4, 6]]), np.array([[200, -128], [4, 6]])
    layers = [INPUT, dense_layer(small, neuron=sdnn(1)), dense_layer(large, neuron=sdnn(1))]
    graph = read(write(tmp_path / "a.net", layers))
    assert [graph.node[name].attribute["a_bits"] for name in ("layer1", "layer2")] == [27, 32]
    apart = dense_layer(small, neuron=sdnn(1), delay=np.array([0.0, 2]))
    graph = read(write(tmp_path / "b.net", [INPUT, apart]))
    assert codes(graph) == {"SNN-3125"}
    assert graph.node["layer1"].attribute["a_bits"] == 32


def test_resets_pass_by(tmp_path: Path) -> None:
    layers = [INPUT, dense_layer(EVEN, neuron=sdnn(1))]
    graph = read(write(tmp_path / "a.net", layers), reset_interval="4")
    assert codes(graph) == {"SNN-3109", "SNN-3124"}


def by_hand(bits: int = 32, vth: Any = 3, bias: Any = 0) -> Graph:
    builder = GraphBuilder("hand", REGISTRY)
    source = builder.input((2,), signed(32))
    port = builder.node("in", "loihi.Delta", source, params={"vThMant": tensor(1, "int8")})
    weight = {"weight": tensor(np.array([[2, -2], [4, 6]], np.int8))}
    port = builder.node("d", "core.Dense", port, params=weight, delay=1, bias=False, accumulate="exact", shift=0)
    params = {"vThMant": tensor(vth, "int32"), "bias": tensor(bias, "int32")}
    builder.output(builder.node("n", "loihi.SigmaDelta", port, params=params, a_bits=bits))
    return builder.graph()


def test_the_width_of_sums_is_lavas(tmp_path: Path) -> None:
    """A graph says 32 bits; Lava shifts these weights by 5."""
    run = run_passes(by_hand(), passes(), PassContext())
    assert [(f.code, f.old, f.new) for f in run.findings if f.code == "SNN-4110"] == [
        ("SNN-4110", "32 bits", "27 bits")
    ]
    export_netx(run, tmp_path / "a.net")
    assert read(tmp_path / "a.net").network() == run.network()
    assert not [f for f in run_passes(by_hand(27), passes(), PassContext()).findings if f.code == "SNN-4110"]


@pytest.mark.parametrize("given", [{"vth": np.array([1, 2])}, {"bits": 30}])
def test_graphs_that_netx_cannot_say(given: dict[str, Any], tmp_path: Path) -> None:
    graph = by_hand(**given)
    if "vth" in given:
        graph = run_passes(graph, passes(), PassContext())
    with pytest.raises(UnsupportedError) as caught:
        export_netx(graph, tmp_path / "a.net")
    assert "SNN-4101" in {f.code for f in caught.value.findings}
    assert not (tmp_path / "a.net").exists()


def test_thresholds_beyond_the_chip_are_said(tmp_path: Path) -> None:
    graph = run_passes(by_hand(27, 4000, np.array([5000, 1])), passes(), PassContext())
    found = export_netx(graph, tmp_path / "a.net")
    assert {(f.code, f.place) for f in found} == {("SNN-4105", "layer1/vThMant"), ("SNN-4105", "layer1/bias")}


def conv_sdnn(**changes: Any) -> dict[str, Any]:
    return conv_layer(2 * np.arange(-3, 5).reshape(2, 1, 2, 2), (2, 2, 2), neuron=sdnn(1), **changes)


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([dense_layer(EVEN, neuron=sdnn(1, messageBits=16))], "SNN-3121 /layer/0/neuron/messageBits"),
        ([dense_layer(EVEN, neuron=sdnn(1, messageBits=0))], "SNN-3121 /layer/0/neuron/messageBits"),
        ([INPUT, dense_layer(EVEN, neuron=SIGMA, bias=np.array([1.0, 2]))], "SNN-3122 /layer/1/bias"),
        ([INPUT, dense_layer(EVEN, neuron=sdnn(1, vThMant=[1, 2]))], "SNN-3122 /layer/1/neuron/vThMant"),
        (
            [dense_layer(EVEN, type="dense_rec", weight_rec=EVEN.astype(np.float32), neuron=sdnn(1))],
            "SNN-3122 /layer/0",
        ),
        ([INPUT, dense_layer(EVEN)], "SNN-3122 /layer/1"),
        ([INPUT, {"type": "average", "shape": np.array([2])}], "SNN-3102 /layer/1"),
        ([INPUT, {"type": "pool", "shape": np.array([2])}], "SNN-3102 /layer/1"),
        ([INPUT, {"type": "concat", "shape": np.array([2])}], "SNN-3102 /layer/1"),
    ],
)
def test_what_lava_cannot_run_is_refused_by_name(
    layers: list[dict[str, Any]], reason: str, tmp_path: Path
) -> None:
    assert refused(layers, tmp_path) == {reason}


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([dense_layer(EVEN, neuron={"type": "SDNN"})], "SNN-3101 /layer/0/neuron"),
        ([dense_layer(EVEN, neuron=sdnn(1, vThMant=0.5))], "SNN-3104 /layer/0/neuron/vThMant"),
        ([dense_layer(EVEN, neuron=sdnn(1, vThMant=np.nan))], "SNN-3104 /layer/0/neuron/vThMant"),
        ([dense_layer(EVEN, neuron=sdnn(1, vThMant="3"))], "SNN-3104 /layer/0/neuron/vThMant"),
        ([dense_layer(EVEN, neuron=sdnn(1, activation=np.array([1, 2])))], "SNN-3101 /layer/0/neuron/activation"),
        ([dense_layer(EVEN, neuron=sdnn(1), bias=np.array([0.5, 1]))], "SNN-3104 /layer/0/bias[0]"),
        ([INPUT, dense_layer(np.full((2, 3), 4), neuron=sdnn(1))], "SNN-3107 /layer/1"),
        ([{**INPUT, "shape": np.array([1, 4, 4])}, conv_sdnn()], "SNN-3107 /layer/1"),
        ([{**INPUT, "shape": np.array([1, 3, 3])}, conv_sdnn(groups=2)], "SNN-3107 /layer/1"),
    ],
)
def test_broken_files_are_refused_with_a_place(layers: list[dict[str, Any]], reason: str, tmp_path: Path) -> None:
    assert reason in refused(layers, tmp_path, FormatError)


@pytest.mark.parametrize("size", [3, 5])
def test_a_bias_of_another_length(size: int, tmp_path: Path) -> None:
    layer = dense_layer(EVEN, neuron=sdnn(1), bias=np.ones(size))
    with pytest.raises(FormatError):
        read(write(tmp_path / "a.net", [INPUT, layer]))


def test_scalars_and_arrays_of_one(tmp_path: Path) -> None:
    """Thresholds of shape (1,), geometry as single numbers, kernels of five axes, the old three-axes shape."""
    first = conv_sdnn(stride=1, padding=0, dilation=1, groups=np.array([1]), bias=np.array([3.0, 4]))
    first = {**first, "weight": first["weight"][..., None], "neuron": sdnn(1, vThMant=np.array([4]))}
    last = dense_layer(2 * np.arange(-3, 5).reshape(1, 8), shape=np.array([1, 1, 1]), neuron=SIGMA)
    layers = [
        {**INPUT, "shape": np.array([1, 3, 3])},
        first,
        {"type": "flatten", "shape": np.array([8, 1, 1])},
        last,
    ]
    graph = read(write(tmp_path / "a.net", layers))
    assert graph.node["layer1"].param["vThMant"].shape == ()
    found, _ = prepare(graph).run(np.arange(45).reshape(5, 1, 3, 3).astype(np.int32))
    assert found["output"].shape == (5, 1)
    assert found["output"].any()
