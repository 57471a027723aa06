"""NIR files: read field by field, kept through .snn, written again; findings; what frameworks take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from snnhub import convert, inspect, run
from snnhub.api.discretise import discretise
from snnhub.api.options import ImportOptions
from snnhub.api.source import resolve
from snnhub.cli.main import invoke
from snnhub.errors import FormatError, LossError, UnsupportedError, UsageError
from snnhub.ir.ct_flat import flat
from snnhub.ir.graph import Graph
from snnhub_nir import semantics
from snnhub_nir.reader import import_nir
from snnhub_nir.writer import export_nir

from tests.build import mlp
from tests.networks.ct_graphs import ct_graph, ct_node, wire
from tests.networks.nir_files import Spec, affine, chain, conv2d, dump, neuron, terminal, whole, write_nir
from tests.networks.random_nir import random_nir


def read(path: Path, **given: str) -> Graph:
    return import_nir(path, ImportOptions(given=given))


def again(path: Path) -> Path:
    """The file read, saved as ``.snn``, and written as NIR."""
    between, after = path.with_suffix(".snn"), path.with_name(f"again_{path.name}")
    convert(path, between)
    convert(between, after)
    return after


def found(graph: Graph) -> dict[str, str]:
    """What was remarked, by code."""
    told: dict[str, str] = {}
    for finding in graph.findings:
        told[finding.code] = f"{told.get(finding.code, '')}\n{finding.message}".strip()
    return told


@pytest.mark.parametrize("seed", range(12))
def test_random_files_come_back_field_by_field(seed: int, tmp_path: Path) -> None:
    path = write_nir(
        tmp_path / "a.nir", random_nir(seed), None if seed % 5 == 0 else "1.0.6", (None, "gzip")[seed % 2]
    )
    assert dump(again(path)) == dump(path)


def braille() -> Spec:
    """The structure of the paper's recurrent network: names with dots, f64 times, a loop, edges in no order."""
    nodes = {
        "fc1": affine(38, 12),
        "fc2": affine(7, 38, seed=1),
        "lif1.lif": neuron("CubaLIF", 38, "float64", r=np.full(38, 10.0), v_reset=None),
        "lif1.w_rec": affine(38, 38, seed=2),
        "lif2": neuron("CubaLIF", 7, "float64", v_reset=None),
        "input": terminal("Input", 12),
        "output": terminal("Output", 7),
    }
    pairs = "lif1.w_rec lif1.lif,lif2 output,fc2 lif2,input fc1,lif1.lif lif1.w_rec,fc1 lif1.lif,lif1.lif fc2"
    return whole(nodes, [tuple(pair.split()) for pair in pairs.split(",")])  # type: ignore[misc]


def subgraph() -> Spec:
    """The paper's ``_subgraph`` files: a recurrent layer as a graph of its own, with an Input and an Output."""
    inner = {
        "lif": neuron("CubaLIF", 3),
        "w_rec": affine(3, 3),
        "input": terminal("Input", 3),
        "output": terminal("Output", 3),
    }
    edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    return chain(("fc1", affine(3, 2)), ("lif1", whole(inner, edges)), ("fc2", affine(2, 3)), into=(2,), out=(2,))


def scnn() -> Spec:
    """The paper's convolutional network: IF neurons, sum pooling, a number or two per axis, padding in words."""
    pool = {
        "type": "SumPool2d",
        "kernel_size": np.array([2, 2]),
        "stride": np.array([2, 2]),
        "padding": np.array([0, 0]),
    }
    return chain(
        ("0", conv2d(4, 2, (5, 3), (12, 12), stride=np.array(2), padding=np.array([1, 1]))),
        (
            "1",
            neuron(
                "IF", 1, v_reset=None, r=np.ones((4, 5, 6), np.float32), v_threshold=np.ones((4, 5, 6), np.float32)
            ),
        ),
        ("2", conv2d(4, 1, (3, 3), None, groups=np.array(4), padding="same")),
        ("3", pool),
        (
            "4",
            {
                "type": "Flatten",
                "start_dim": np.array(0),
                "end_dim": np.array(-1),
                "input_type": np.array([4, 2, 3]),
            },
        ),
        ("5", affine(10, 24)),
        into=(2, 12, 12),
        out=(10,),
    )


NETWORKS: dict[str, Spec] = {
    "braille": braille(),
    "subgraph": subgraph(),
    "scnn": scnn(),
    "lif, single numbers": chain(("fc", affine(1, 1)), ("lif", neuron("LIF", None)), into=(1,), out=(1,)),
    "two lif": chain(
        ("0", affine(3, 1)),
        ("1", neuron("LIF", 3)),
        ("2", affine(1, 3)),
        ("3", neuron("LIF", 1)),
        into=(1,),
        out=(1,),
    ),
    "float16": chain(("fc", affine(dtype="float16")), ("lif", neuron("LIF", dtype="float16"))),
    "int8": chain(("fc", affine(dtype="int8")), ("lif", neuron("IF", dtype="int32"))),
    "no node": whole({}, []),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
def test_networks_come_back_field_by_field(name: str, compression: str | None, tmp_path: Path) -> None:
    path = write_nir(tmp_path / "a.nir", NETWORKS[name], "0.2.0", compression)
    if name == "no node":
        with h5py.File(path, "r+") as file:
            file["node"].require_group("nodes")
    assert dump(again(path)) == dump(path)


def test_shapes_are_worked_out_where_the_official_reader_is_wrong(tmp_path: Path) -> None:
    """NIR 1.0.8 gives a kernel of 5 x 3 a square result, and a depthwise convolution one input channel."""
    document = inspect(write_nir(tmp_path / "a.nir", scnn())).to_json()
    shapes = {layer["id"]: layer["shapes"].get("y") for layer in document["layers"]}
    assert shapes == {
        "%": None,
        "0": [4, 5, 6],
        "1": [4, 5, 6],
        "2": [4, 5, 6],
        "3": [4, 2, 3],
        "4": [24],
        "5": [10],
        "input~": [2, 12, 12],
        "output~": [10],
    }
    assert [item["code"] for item in document["findings"] if item["code"] == "SNN-1009"] == []


def test_a_single_node_and_a_file_without_terminals(tmp_path: Path) -> None:
    one = write_nir(tmp_path / "a.nir", neuron("LIF"))
    assert [node.kind for node in read(one).nodes] == ["ct.LIF/1"]
    assert dump(again(one)) == dump(one)
    loose = write_nir(tmp_path / "b.nir", whole({"a": neuron("LIF"), "b": neuron("I")}, [("a", "b")]))
    assert (read(loose).inputs, read(loose).outputs) == ((), ())
    assert "its reader adds an Input or Output there): a, b" in found(read(loose))["SNN-3510"]
    assert dump(again(loose)) == dump(loose)


def test_several_inputs_have_names(tmp_path: Path) -> None:
    nodes = {"x": terminal("Input", 2), "input": terminal("Input", 3), "o": terminal("Output", 2)}
    graph = read(write_nir(tmp_path / "a.nir", whole(nodes, [("x", "o")])))
    assert [(item.id, item.shape) for item in graph.inputs] == [("input/input", (3,)), ("input/x", (2,))]
    assert [item.id for item in graph.outputs] == ["output"]


def test_subgraphs_keep_edges_by_name(tmp_path: Path) -> None:
    graph = read(write_nir(tmp_path / "a.nir", subgraph()))
    assert {str(edge) for edge in flat(graph).edges} >= {"fc1.y -> lif1/input.x", "lif1/output.y -> fc2.x"}
    dotted = whole({"a": neuron("LIF"), "G": whole({"B": neuron("LIF"), "C": neuron("LIF")}, [])}, [("a", "G.B")])
    path = write_nir(tmp_path / "b.nir", dotted)
    assert "name nodes within subgraphs" in found(read(path))["SNN-3510"]
    assert "SNN-2621" in found(read(path))
    assert dump(again(path)) == dump(path)


def test_findings_say_what_the_file_leaves_open(tmp_path: Path) -> None:
    spec = braille()
    spec["nodes"]["lif2"]["tau_mem"][0] = -1
    path = write_nir(tmp_path / "a.nir", spec, "99.0.0")
    with h5py.File(path, "r+") as file:
        file["more"] = 1
    told = found(read(path))
    assert set(told) == {"SNN-3505", "SNN-3506", "SNN-3507", "SNN-3508", "SNN-3512", "SNN-3513"}
    assert "where a loop's delay sits" in told["SNN-3505"]
    assert told["SNN-3506"].endswith("not at all: lif1.lif")
    assert told["SNN-3507"].endswith("takes as 0 then: lif1.lif, lif2")
    assert "lif2/tau_mem is not above 0" in told["SNN-3508"]


def test_it_needs_a_profile_to_run(tmp_path: Path) -> None:
    path = write_nir(tmp_path / "a.nir", braille())
    with pytest.raises(UsageError, match=r"continuous time.*--profile"):
        run(path, np.ones((3, 12), np.float32))


def test_the_oldest_files_are_read_as_new_ones(tmp_path: Path) -> None:
    from tests.networks.hostile_nir import legacy

    legacy(tmp_path / "a.nir")
    graph = read(tmp_path / "a.nir")
    assert [(node.id, node.op) for node in graph.nodes] == [
        ("%", "ct.NIRGraph"),
        ("0", "ct.Affine"),
        ("1", "ct.LIF"),
    ]
    assert "0 Linear, 0/weights, 1/theta" in found(graph)["SNN-3509"]
    assert "nir.read refuses" in found(graph)["SNN-2621"]
    with pytest.raises(UnsupportedError, match=r"layout of NIR 0\.0"):
        discretise(graph, 1e-4, "norse-1")
    assert discretise(read(again(tmp_path / "a.nir")), 1e-4, "norse-1").nodes
    assert graph.node["1"].param["v_threshold"].array.tolist() == [1, 1]


def test_netx_and_nir_are_told_apart(tmp_path: Path) -> None:
    from tests.networks.netx_files import dense_layer, write

    nir, netx = (
        write_nir(tmp_path / "a.h5", braille()),
        write(tmp_path / "b.h5", [dense_layer(np.full((3, 2), 4))]),
    )
    assert [resolve(path, None).importer.name for path in (nir, netx)] == ["nir", "netx"]


def test_a_network_of_steps_without_dt_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"nothing says how long a step is") as caught:
        export_nir(mlp(), tmp_path / "a.nir")
    assert [(finding.code, finding.place) for finding in caught.value.findings] == [
        ("SNN-4509", "n0"),
        ("SNN-4509", "n1"),
    ]
    assert not (tmp_path / "a.nir").exists()


@pytest.mark.parametrize("name", ["a//b", ".", "a/../b", "nul\0"])
def test_names_that_hdf5_cannot_hold(name: str, tmp_path: Path) -> None:
    graph = ct_graph((ct_node(name, "I", r=np.ones(2)),), wire("input~", "output~"))
    with pytest.raises(UnsupportedError, match="HDF5 cannot hold the name") as caught:
        export_nir(graph, tmp_path / "a.nir")
    assert caught.value.findings[0].code == "SNN-4502"


def test_names_that_collide_are_refused(tmp_path: Path) -> None:
    graph = ct_graph(
        (ct_node("a", "I", r=np.ones(2)), ct_node("a/r", "I", r=np.ones(2))), wire("input~", "output~")
    )
    with pytest.raises(UnsupportedError, match="a name is that of a field"):
        export_nir(graph, tmp_path / "a.nir")
    assert list(tmp_path.iterdir()) == []


# --- snnhub's own metadata


def test_own_metadata_are_tied_to_the_rest_of_the_file(tmp_path: Path) -> None:
    graph = semantics.attached(
        read(write_nir(tmp_path / "a.nir", braille())), {"profile": "nir-euler", "dt": 1e-4}
    )
    path = tmp_path / "b.nir"
    export_nir(graph, path)
    assert semantics.content_of(read(path)) == {"profile": "nir-euler", "dt": 1e-4}
    with h5py.File(path, "r+") as file:
        file["node/nodes/lif2/tau_mem"][0] = 0.5
    with pytest.raises(FormatError, match=r"b.nir:metadata/snnhub.*changed since.*ignore_metadata") as caught:
        read(path)
    assert caught.value.findings[0].code == "SNN-3511"
    kept = read(path, ignore_metadata="true")
    assert semantics.content_of(kept) is None
    assert "left out" in found(kept)["SNN-3511"]


@pytest.mark.parametrize("what", ["edge", "type", "dtype", "field", "node"])
def test_every_plain_field_counts(what: str, tmp_path: Path) -> None:
    spec = braille()
    graph = read(write_nir(tmp_path / "a.nir", spec))
    if what == "edge":
        spec["edges"] = [*spec["edges"][1:], spec["edges"][0]]
    elif what == "type":
        spec["nodes"]["lif2"] = neuron("CubaLI", 7, "float64")
    elif what == "dtype":
        spec["nodes"]["fc1"]["bias"] = spec["nodes"]["fc1"]["bias"].astype("float64")
    elif what == "field":
        spec["nodes"]["lif2"]["v_reset"] = np.zeros(7)
    else:
        spec["nodes"]["more"] = neuron("I")
    assert semantics.plain_digest(read(write_nir(tmp_path / "b.nir", spec))) != semantics.plain_digest(graph)
    noted = write_nir(tmp_path / "c.nir", {**braille(), "metadata": {"who": "x"}}, "0.9")
    assert semantics.plain_digest(read(noted)) == semantics.plain_digest(graph)


# --- what frameworks take


def lines(error: UnsupportedError) -> list[str]:
    return [f"{finding.code} {finding.place}: {finding.message}" for finding in error.findings]


def test_the_common_part_is_written_for_a_framework(tmp_path: Path) -> None:
    inner = {"in": terminal("Input", 2), "l/f": neuron("LIF", None, v_reset=None), "out": terminal("Output", 2)}
    sub = whole(inner, [("in", "l/f"), ("l/f", "out")])
    nodes = {"x": terminal("Input", 2), "fc.1": affine(), "sub": sub, "y": terminal("Output", 2)}
    path = write_nir(tmp_path / "a.nir", whole(nodes, [("x", "fc.1"), ("fc.1", "sub"), ("sub", "y")]))
    result = convert(path, tmp_path / "b.nir", exporting={"for": "norse"})
    assert [finding.code for finding in result.findings].count("SNN-4505") == 3
    after = dump(tmp_path / "b.nir")
    assert after["node/edges"] == [["input", "fc_1"], ["sub_l_f", "output"], ["fc_1", "sub_l_f"]]
    assert after["node/nodes/sub_l_f/tau"] == ("float32", (2,), np.full(2, 0.02, "f4").tobytes())
    assert after["node/nodes/sub_l_f/v_reset"] == ("float32", (2,), bytes(8))


CONSUMERS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("snntorch", {"fc": affine(), "if": neuron("IF")}, ["SNN-4504 if"]),
    ("snntorch", {"lif": neuron("LIF", v_leak=np.ones(2))}, ["SNN-4503 lif"]),
    ("snntorch", {"lif": neuron("LIF", tau=np.array([0.01, 0.02]))}, ["SNN-4504 lif"]),
    ("snntorch", {"cuba": neuron("CubaLIF")}, ["SNN-4503 cuba"]),
    ("norse", {"lif": neuron("LIF", r=np.ones(3))}, ["SNN-4503 lif"]),
    ("norse", {"lif": neuron("LIF", r=np.full(2, 2.0))}, ["SNN-4504 lif"]),
    ("norse", {"li": neuron("LI")}, ["SNN-4503 li"]),
    ("spikingjelly", {"lif": neuron("LIF", v_threshold=np.array([1.0, 2.0]))}, ["SNN-4503 lif"]),
    (
        "spikingjelly",
        {"if": neuron("IF", r=np.full(2, 1e4)), "lif": neuron("LIF", r=np.full(2, 9.0))},
        ["SNN-4503 if", "SNN-4503 lif"],
    ),
    ("sinabs", {"lif": neuron("LIF")}, ["SNN-4504 lif", "SNN-4504 lif"]),
    ("spyx", {"lif": neuron("LIF", v_leak=np.ones(2))}, ["SNN-4504 lif", "SNN-4504 lif"]),
    ("rockpool", {"lif": neuron("LIF")}, ["SNN-4503 lif", "SNN-4504 lif"]),
]


@pytest.mark.parametrize(("consumer", "nodes", "wanted"), CONSUMERS)
def test_what_a_framework_does_otherwise_is_refused_or_lossy(
    consumer: str, nodes: Spec, wanted: list[str], tmp_path: Path
) -> None:
    path, out = write_nir(tmp_path / "a.nir", chain(*nodes.items())), tmp_path / "b.nir"
    with pytest.raises(UnsupportedError) as caught:
        convert(path, out, exporting={"for": consumer})
    assert [line.partition(":")[0] for line in lines(caught.value)] == wanted
    assert not out.exists()
    lossy = {"for": consumer, "lossy": "true"}
    if "SNN-4503" in str(wanted):
        with pytest.raises(UnsupportedError):
            convert(path, out, exporting=lossy)
        return
    result = convert(path, out, exporting=lossy)
    assert [f.severity.value for f in result.findings if f.code == "SNN-4504"] == ["loss"] * len(wanted)
    with pytest.raises(LossError):
        convert(path, tmp_path / "c.nir", exporting=lossy, strict=True)
    assert not (tmp_path / "c.nir").exists()


def test_the_same_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_nir(tmp_path / "a.nir", chain(("fc", affine()), ("lif", neuron("LIF", v_reset=np.ones(2)))))
    call = ["convert", str(path), "-o", str(tmp_path / "b.nir"), "--for", "norse"]
    assert invoke(call) == 4
    assert "v_reset is ignored" in "".join(capsys.readouterr())
    assert invoke([*call, "--lossy"]) == 0
    capsys.readouterr()
    assert invoke(["inspect", str(tmp_path / "b.nir")]) == 0
    shown = capsys.readouterr().out
    assert "continuous: a profile says what a step computes" in shown
    assert "ct.LIF/1" in shown
    assert invoke(["convert", str(path), "-o", str(tmp_path / "b.snn"), "--for", "norse"]) == 2
    assert "exporter snn has no option for" in "".join(capsys.readouterr())


def test_ids_that_are_no_paths_of_names_are_refused(tmp_path: Path) -> None:
    graph = ct_graph((replace(ct_node("a", "I", r=np.ones(2)), id="a%"),), wire("input~", "output~"))
    with pytest.raises(UnsupportedError, match="id is no path of names"):
        export_nir(graph, tmp_path / "a.nir")
