"""NetX files: reading what others write, writing what Lava reads, and every way a file can be wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.engine.reference import prepare
from snnhub.errors import FormatError, UnsupportedError, UsageError
from snnhub.findings import Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub_netx.arrange import passes
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import conv, cuba, dense, loihi_mlp, mlp, spikes
from tests.networks.netx_files import CUBA, conv_layer, dense_layer, write


def read(path: Path, **options: Any) -> Graph:
    return import_netx(path, ImportOptions(**options))


def arranged(graph: Graph) -> Graph:
    return run_passes(graph, passes(), PassContext())


def round_trip(graph: Graph, path: Path) -> Graph:
    export_netx(graph, path)
    return read(path)


def test_reading_back_gives_the_lowered_graph(tmp_path: Path) -> None:
    graph = replace(arranged(loihi_mlp((6, 5, 4), i_decay=1024, v_decay=10)), decoder=Decoder("mean"))
    found = round_trip(graph, tmp_path / "a.net")
    assert found.network() == graph.network()
    assert found.correspondence == graph.correspondence
    assert found.name == graph.name


def convolutional(**changes: Any) -> Graph:
    random = np.random.default_rng(0)
    builder = GraphBuilder("conv", REGISTRY)
    weight = (2 * random.integers(-20, 20, (4, 2, 3, 2))).astype(np.int16)
    source = builder.input((2, 7, 6), SPIKE)
    port = conv(
        builder,
        "c",
        source,
        weight,
        1,
        accumulate="wrap24",
        stride=(2, 1),
        padding=(1, 0),
        dilation=(1, 2),
        **changes,
    )
    port = cuba(
        builder,
        "n",
        port,
        v_decay=np.array([[[1]], [[2]], [[3]], [[4]]]),
        bias=np.array([[[5]], [[0]], [[-6]], [[7]]]),
    )
    port = builder.node("f", "core.Flatten", port, start=0, end=2)
    last = (2 * random.integers(-20, 20, (3, 64))).astype(np.int16)
    builder.output(
        cuba(builder, "m", dense(builder, "d", port, last, delay=4), i_decay=[100, 200, 300], bias=[0, 1, -2])
    )
    return builder.graph()


def test_convolution_flatten_delay_biases_and_channel_decays_survive(tmp_path: Path) -> None:
    graph = arranged(convolutional())
    assert [node.id for node in graph.nodes] == ["layer1/synapse", "layer1", "layer2", "layer3/synapse", "layer3"]
    assert round_trip(graph, tmp_path / "a.net").network() == graph.network()
    with h5py.File(tmp_path / "a.net") as file:
        assert file["layer/0/type"][0] == b"input"
        assert file["layer/0/shape"][()].tolist() == [2, 7, 6]
        assert file["layer/1/stride"][()].tolist() == [2, 1]
        assert file["layer/1/neuron/vDecay"][()].tolist() == [1, 2, 3, 4]
        assert file["layer/1/neuron/type"][()] == b"CUBA"
        assert file["layer/3/delay"][()] == 3
        assert file["layer/3/weight"].dtype == np.float32


def test_a_held_frame_survives_beside_the_network(tmp_path: Path) -> None:
    graph = arranged(loihi_mlp((6, 5)))
    held = replace(graph, inputs=(replace(graph.inputs[0], hold=7),))
    findings = export_netx(held, tmp_path / "a.net")
    assert [(f.code, f.old) for f in findings] == [("SNN-4104", "held for 7 steps")]
    found = read(tmp_path / "a.net")
    assert found.inputs[0].hold == 7
    assert found.network() == held.network()


def test_recurrent_layers_survive(tmp_path: Path) -> None:
    builder = GraphBuilder("rec", REGISTRY)
    port = cuba(builder, "n", dense(builder, "d", builder.input((3,), SPIKE), np.full((2, 3), 8, np.int8), 1))
    back = dense(builder, "r", port, np.array([[0, -6], [4, 0]], np.int8), delay=1)
    builder.edge(back, Port("n", "a"))
    builder.output(port)
    graph = arranged(builder.graph())
    assert {node.id for node in graph.nodes} == {"layer1", "layer1/synapse", "layer1/synapse_rec"}
    assert round_trip(graph, tmp_path / "a.net").network() == graph.network()


def test_same_graph_same_bytes(tmp_path: Path) -> None:
    graph = arranged(convolutional())
    export_netx(graph, tmp_path / "a.net")
    export_netx(graph, tmp_path / "b.net")
    assert (tmp_path / "a.net").read_bytes() == (tmp_path / "b.net").read_bytes()


def test_edited_files_lose_their_records(tmp_path: Path) -> None:
    graph = replace(arranged(loihi_mlp()), decoder=Decoder("mean"))
    export_netx(graph, tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net", "r+") as file:
        file["layer/1/weight"][0, 0] += 2
    found = read(tmp_path / "a.net")
    assert found.decoder is None
    assert found.correspondence == ()
    assert [f.severity for f in found.findings if f.code == "SNN-3113"] == [Severity.LOSS]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema":"snnhub-netx/1"}', '{"schema":"x","network":"y"}', "[" * 3000]
)
def test_broken_records_are_left_out(text: str, tmp_path: Path) -> None:
    export_netx(arranged(loihi_mlp()), tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net", "r+") as file:
        del file["snnhub/record"]
        file["snnhub"].create_dataset("record", data=text, dtype=h5py.string_dtype("ascii"))
    assert "SNN-3113" in {f.code for f in read(tmp_path / "a.net").findings}


def test_reset_interval_is_what_lava_does_and_netx_cannot_say_it(tmp_path: Path) -> None:
    export_netx(arranged(loihi_mlp()), tmp_path / "a.net")
    graph = read(tmp_path / "a.net", given={"reset_interval": "8", "reset_offset": "1"})
    assert [node.attribute["reset_offset"] for node in graph.nodes if node.op == "loihi.CubaLIF"] == [2, 3]
    assert graph.correspondence != ()
    findings = export_netx(graph, tmp_path / "b.net")
    assert {f.code for f in findings} == {"SNN-4104"}


@pytest.mark.parametrize("option", ["x", "-3", "1.5"])
def test_bad_options_are_refused(option: str, tmp_path: Path) -> None:
    export_netx(arranged(loihi_mlp()), tmp_path / "a.net")
    with pytest.raises(UsageError, match="non-negative integer"):
        read(tmp_path / "a.net", given={"reset_interval": option})


def test_forms_that_other_writers_use(tmp_path: Path) -> None:
    """Scalar geometry, 5-d kernels, shapes (N, 1, 1), 1-d weights of one neuron, old names, no neuron group."""
    loihi = {**CUBA, "type": "LOIHI", "wgtExp": 0, "theta": 1600, "tauRho": 0.5, "scaleRho": 1.0}
    layers = [
        {"type": "input", "shape": np.array([1, 5, 5])},
        conv_layer(np.full((2, 1, 3, 3, 1), 4), (2, 3, 3), stride=1, padding=0, dilation=1, neuron=loihi),
        {"type": "flatten"},
        dense_layer(np.full((4, 18), 2), shape=np.array([4, 1, 1])),
        dense_layer([2, 4, 6, 8], shape=np.array([1]), bias=np.array([0.0])),
    ]
    del layers[4]["neuron"]
    graph = read(write(tmp_path / "a.net", layers))
    assert graph.node["layer4"].param["vThMant"].array == 2**17
    assert graph.node["layer4"].param["iDecay"].array == 0
    assert prepare(graph).run(spikes((4, 1, 5, 5)))[0]["output"].shape == (4, 1)


def test_input_shape_is_worked_out_or_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", [conv_layer(np.full((2, 1, 3, 3), 4), (2, 3, 3))])
    assert read(path).inputs[0].shape == (1, 5, 5)
    strided = write(tmp_path / "b.net", [conv_layer(np.full((2, 1, 3, 3), 4), (2, 3, 3), stride=np.array([2, 2]))])
    with pytest.raises(InputShapeMissingError) as caught:
        read(strided)
    assert caught.value.rank == 3
    assert read(strided, input_shape=(1, 8, 7)).inputs[0].shape == (1, 8, 7)
    result = snnhub.run(strided, spikes((3, 2, 1, 7, 8)))
    assert "(time, batch, features)" in " ".join(f.message for f in result.findings)
    assert result.recording["output"].shape == (3, 2, 2, 3, 3)


def test_weights_that_lava_changes_are_read_as_lava_has_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", [dense_layer(np.full((3, 2), 8)), dense_layer(np.full((2, 3), -8))])
    graph = read(path)
    assert not graph.node["layer1/synapse"].param["weight"].array.any()
    finding = next(f for f in graph.findings if f.code == "SNN-3111")
    assert finding.severity is Severity.LOSS
    assert "6 of 6" in finding.message


def test_bias_wraps_to_16_bits_as_in_lava(tmp_path: Path) -> None:
    graph = read(write(tmp_path / "a.net", [dense_layer(np.full((2, 2), 8), bias=np.array([40000.0, 5.0]))]))
    assert graph.node["layer0"].param["bias"].array.tolist() == [40000 - 65536, 5]
    assert "SNN-3112" in {f.code for f in graph.findings}


def test_a_uniform_delay_sits_on_the_edge(tmp_path: Path) -> None:
    graph = read(write(tmp_path / "a.net", [dense_layer(np.full((2, 2), 8), delay=np.array([3.0, 3.0]))]))
    assert graph.feeding("layer0/synapse")[0].delay == 4


def test_many_faults_are_reported_at_once(tmp_path: Path) -> None:
    layers = [
        dense_layer(np.full((2, 2), 2.5)),
        {"type": "pool", "shape": np.array([2, 1, 1])},
        {"type": "affine"},
        dense_layer(np.full((2, 2), 4), neuron={**CUBA, "type": "ALIF"}),
        dense_layer(np.full((2, 2), np.nan)),
        conv_layer(np.full((1, 1, 1, 1), 2), (1, 1, 1), groups=np.array([1])),
        {"type": "dense", "shape": np.array([3])},
    ]
    del layers[5]["stride"]
    with pytest.raises(UnsupportedError) as caught:
        read(write(tmp_path / "a.net", layers))
    places = {finding.place for finding in caught.value.findings if finding.severity is Severity.ERROR}
    assert places == {
        "/layer/0/weight[0, 0]",
        "/layer/1",
        "/layer/2",
        "/layer/3/neuron",
        "/layer/4/weight[0, 0]",
        "/layer/5",
        "/layer/6",
    }


@pytest.mark.parametrize(
    ("layers", "names", "words"),
    [
        ([dense_layer([[2]])] * 2, ["0", "2"], "without gaps"),
        ([dense_layer([[2]])], ["1"], "without gaps"),
        ([dense_layer([[2]])] * 2, ["0", "x"], "without gaps"),
        ([], [], "no group /layer"),
        ([{"type": "flatten"}], ["0"], "flatten layer needs"),
        ([{"shape": np.array([3])}], ["0"], "no type"),
        ([dense_layer([[2, 2]]), dense_layer([[2, 2]])], ["0", "1"], "does not fit"),
        (
            [{"type": "input", "shape": np.array([1, 3, 3])}, dense_layer(np.full((1, 9), 2))],
            ["0", "1"],
            "needs a flatten",
        ),
        ([dense_layer([[2]]), {"type": "input", "shape": np.array([1])}], ["0", "1"], "must come first"),
        ([dense_layer([[2]]), {"type": "flatten"}], ["0", "1"], "followed by a dense"),
        ([dense_layer([[2]], neuron={**CUBA, "iDecay": 5000})], ["0"], "found int"),
        ([dense_layer([[2]], neuron={**CUBA, "vThMant": -1})], ["0"], "found int"),
    ],
)
def test_broken_files(layers: list[dict[str, Any]], names: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises((FormatError, UnsupportedError), match=words):
        read(write(tmp_path / "a.net", layers, names))


def test_a_conv_whose_declared_shape_is_wrong(tmp_path: Path) -> None:
    layers = [
        {"type": "input", "shape": np.array([1, 5, 5])},
        conv_layer(np.full((2, 1, 3, 3), 4), (2, 4, 4)),
        {"type": "flatten"},
        dense_layer(np.full((3, 32), 2)),
    ]
    with pytest.raises(FormatError, match="declares"):
        read(write(tmp_path / "a.net", layers))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b, s: b.output(s), "synapse"),
        (lambda b, s: (b.output(s), b.output(s, "second")), "one output"),
    ],
)
def test_graphs_that_are_no_chain_are_refused(change: Any, words: str, tmp_path: Path) -> None:
    builder = GraphBuilder("x", REGISTRY)
    change(builder, dense(builder, "d", builder.input((2,), SPIKE), np.full((2, 2), 2, np.int8), 1))
    with pytest.raises(UnsupportedError, match=words):
        export_netx(builder.graph(), tmp_path / "a.net")
    assert not (tmp_path / "a.net").exists()


def test_float_graphs_are_refused_by_the_writer(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError):
        export_netx(mlp(), tmp_path / "a.net")


def test_a_silent_neuron_saves_inhibition(tmp_path: Path) -> None:
    """A layer of only -8 would be lost in Lava; with a silent neuron in the layer before nothing changes."""
    builder = GraphBuilder("inhibit", REGISTRY)
    source = builder.input((3,), SPIKE)
    first = cuba(builder, "a", dense(builder, "d", source, np.array([[8, 2, 4], [2, 6, -2]], np.int8), 1), vth=4)
    second = cuba(builder, "b", dense(builder, "e", first, np.full((2, 2), -8, np.int8), 1), vth=10, bias=[11, 9])
    builder.output(second)
    graph = builder.graph()
    safe = arranged(graph)
    assert {f.code for f in safe.findings} == {"SNN-4103"}
    assert safe.node["layer1/synapse"].param["weight"].shape == (3, 3)
    found = round_trip(safe, tmp_path / "a.net")
    assert found.network() == safe.network()
    assert "SNN-3111" not in {f.code for f in found.findings}
    x = spikes((30, 4, 3))
    before, _ = prepare(graph).run(x, record=["output", "b/v", "a/s"])
    after, _ = prepare(found).run(x, record=["output", "layer2/v", "layer1/s"])
    np.testing.assert_array_equal(before["output"], after["output"])
    np.testing.assert_array_equal(before["b/v"], after["layer2/v"])
    np.testing.assert_array_equal(before["a/s"], after["layer1/s"][:, :, :2])
    assert not after["layer1/s"][:, :, 2].any()
    match = next(m for m in found.correspondence if m.old == Port("a", "s"))
    assert match.select == (0, 2)


def test_a_silent_channel_is_flattened_at_the_end(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    builder = GraphBuilder("inhibit", REGISTRY)
    port = conv(
        builder,
        "c",
        builder.input((1, 4, 4), SPIKE),
        (2 * random.integers(0, 9, (2, 1, 2, 2))).astype(np.int8),
        1,
        accumulate="wrap24",
    )
    port = cuba(builder, "n", port, vth=8, bias=np.array([[[1]], [[2]]]))
    port = builder.node("f", "core.Flatten", port, start=0, end=2)
    builder.output(
        cuba(builder, "m", dense(builder, "d", port, np.full((3, 18), -2, np.int8), 1), bias=[30, 40, 50])
    )
    safe = arranged(builder.graph())
    assert safe.node["layer3/synapse"].param["weight"].shape == (3, 27)
    x = spikes((20, 2, 1, 4, 4))
    np.testing.assert_array_equal(
        prepare(builder.graph()).run(x)[0]["output"],
        prepare(round_trip(safe, tmp_path / "a.net")).run(x)[0]["output"],
    )


def test_a_first_layer_of_inhibition_cannot_be_saved(tmp_path: Path) -> None:
    builder = GraphBuilder("first", REGISTRY)
    builder.output(
        cuba(builder, "n", dense(builder, "d", builder.input((2,), SPIKE), np.full((2, 2), -8, np.int8), 1))
    )
    with pytest.raises(UnsupportedError, match="no silent neuron"):
        arranged(builder.graph())


@pytest.mark.parametrize("key", ["weight", "bias"])
def test_the_transform_of_an_input_layer_is_one_number_as_in_lava(key: str, tmp_path: Path) -> None:
    block = {"type": "input", "shape": np.array([4]), "neuron": CUBA, key: np.array([1.0])}
    graph = read(write(tmp_path / "one.net", [block, dense_layer(np.full((2, 4), 2))]))
    assert [finding.code for finding in graph.findings] == ["SNN-3105"]
    block[key] = np.ones(4)
    with pytest.raises(FormatError, match=f"the {key} of an input layer is one number"):
        read(write(tmp_path / "four.net", [block, dense_layer(np.full((2, 4), 2))]))
