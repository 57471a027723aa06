"""Attacks on the neutral file: every one ends in a FormatError, none is executed, none exhausts memory."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.errors import FormatError, SnnhubError, UnsupportedError
from snnhub.ir.verify import verify
from snnhub.ops.registry import REGISTRY
from snnhub_conformance.damage import mutated
from snnhub_formats._gen import snnhub_v1_graph_pb2 as pb
from snnhub_formats.container import load, save, to_bytes

from tests.build import loihi_mlp, mlp

MANIFEST, GRAPH, WEIGHTS = "manifest.json", "graph.binpb", "weights.safetensors"
Members = dict[str, bytes]


@pytest.fixture
def members(tmp_path: Path) -> Members:
    save(loihi_mlp((5, 4)), tmp_path / "base.snn")
    with zipfile.ZipFile(tmp_path / "base.snn") as archive:
        return {name: archive.read(name) for name in (MANIFEST, GRAPH, WEIGHTS)}


def packed(path: Path, members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
    return path


def refused(path: Path, words: str | None = None) -> None:
    with pytest.raises(FormatError, match=words):
        load(path)


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (lambda m: [*m.items(), ("extra.txt", b"hi")], "number of members"),
        (lambda m: [(MANIFEST, m[MANIFEST]), (GRAPH, m[GRAPH])], "number of members"),
        (lambda m: [(GRAPH, m[GRAPH]), (MANIFEST, m[MANIFEST]), (WEIGHTS, m[WEIGHTS])], "unexpected member"),
        (lambda m: [(MANIFEST, m[MANIFEST]), (MANIFEST, m[MANIFEST]), (WEIGHTS, m[WEIGHTS])], "unexpected member"),
        (
            lambda m: [("../../etc/passwd", m[MANIFEST]), (GRAPH, m[GRAPH]), (WEIGHTS, m[WEIGHTS])],
            "unexpected member",
        ),
        (lambda m: [(MANIFEST, b"{}"), (GRAPH, m[GRAPH]), (WEIGHTS, m[WEIGHTS])], "not the manifest"),
        (lambda m: [(MANIFEST, b"[" * 5000), (GRAPH, m[GRAPH]), (WEIGHTS, m[WEIGHTS])], "not JSON"),
        (lambda m: [(MANIFEST, b" " * 70000), (GRAPH, m[GRAPH]), (WEIGHTS, m[WEIGHTS])], "too large"),
        (lambda m: [(MANIFEST, m[MANIFEST]), (GRAPH, m[GRAPH] + b"x"), (WEIGHTS, m[WEIGHTS])], "digest"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members(
    attack: Callable[[Members], list[tuple[str, bytes]]], words: str, members: Members, tmp_path: Path
) -> None:
    refused(packed(tmp_path / "x.snn", attack(members)), words)


def test_compression_is_refused(members: Members, tmp_path: Path) -> None:
    """A bomb of a thousand to one is an ordinary deflated member."""
    refused(packed(tmp_path / "x.snn", [*members.items()], zipfile.ZIP_DEFLATED), "compressed")


@pytest.mark.parametrize("junk", [b"MZ", b"#!/bin/sh\n", b"\0" * 64])
def test_junk_before_or_after(junk: bytes, tmp_path: Path) -> None:
    data = to_bytes(mlp())
    for content in (junk + data, data + junk):
        (tmp_path / "x.snn").write_bytes(content)
        refused(tmp_path / "x.snn")


def test_a_gap_between_members(members: Members, tmp_path: Path) -> None:
    """Bytes that belong to no member could smuggle anything: local headers must follow each other."""
    path = packed(tmp_path / "x.snn", [*members.items()])
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\3\4", 4)
    with zipfile.ZipFile(path) as archive:
        directory = archive.start_dir
    shifted = data[:second] + b"HIDDEN" + data[second:]
    central = directory + 6
    position = central
    for _ in range(3):
        name, extra = struct.unpack_from("<HH", shifted, position + 28)
        offset = struct.unpack_from("<I", shifted, position + 42)[0]
        if offset:
            struct.pack_into("<I", shifted, position + 42, offset + 6)
        position += 46 + name + extra
    struct.pack_into("<I", shifted, len(shifted) - 6, central)
    path.write_bytes(bytes(shifted))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None, "Python's own reader takes it"
    refused(path, "gap or overlap")


def test_names_that_disagree(members: Members, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.snn", [*members.items()])
    data = path.read_bytes()
    path.write_bytes(data.replace(b"manifest.json", b"manifest.jsoX", 1))
    refused(path, "disagree")


def header(entries: object, payload: bytes = b"") -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + payload


def entry(**changes: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (b"", "header"),
        (struct.pack("<Q", 2**60) + b"{}", "header"),
        (struct.pack("<Q", 0), "header"),
        (header(b"{"), "not JSON"),
        (header(b"[]"), "not an object"),
        (header(b'{"a":' * 4000), "not JSON"),
        (header(b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{}}'), "not JSON"),
        (header({"a": entry(dtype="F8")}, b"12345678"), "unknown dtype"),
        (header({"a": entry(shape=[2**40, 2**40])}, b"12345678"), "does not fit"),
        (header({"a": entry(shape=[-2])}, b"12345678"), "broken shape"),
        (header({"a": entry(shape=[2.0])}, b"12345678"), "broken shape"),
        (header({"a": entry(shape=[1] * 64)}, b"12345678"), "broken shape"),
        (header({"a": entry(data_offsets=[0, 80], shape=[20])}, b"12345678"), "does not fit"),
        (header({"a": entry(data_offsets=[8, 16])}, b"1234567812345678"), "hole or overlap"),
        (header({"a": entry(), "b": entry()}, b"12345678"), "hole or overlap"),
        (header({"a": entry()}, b"123456789"), "after the last"),
        (header({"a": entry(evil=1)}, b"12345678"), "broken tensor"),
        (header({"__metadata__": {"x": "y"}}), "broken tensor"),
    ],
)
def test_payloads(weights: bytes, words: str, members: Members, tmp_path: Path) -> None:
    refused(packed(tmp_path / "x.snn", [*{**members, WEIGHTS: weights}.items()]), words)


def with_graph(members: Members, path: Path, change: Callable[[pb.Graph], None]) -> Path:
    """A file whose graph was changed, with a manifest that fits."""
    import hashlib

    graph = pb.Graph()
    graph.ParseFromString(members[GRAPH])
    change(graph)
    data = graph.SerializeToString(deterministic=True)
    manifest = {**json.loads(members[MANIFEST]), "graph_sha256": hashlib.sha256(data).hexdigest()}
    return packed(path, [(MANIFEST, json.dumps(manifest).encode()), (GRAPH, data), (WEIGHTS, members[WEIGHTS])])


def set_(path: str, value: object) -> Callable[[pb.Graph], None]:
    """Assign to a field by path, such as ``programs[0].code[3].args[0]``."""

    def change(graph: pb.Graph) -> None:
        exec(f"graph.{path} = value", {"graph": graph, "value": value})  # noqa: S102  paths are written below

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_("programs[0].code[3].op", 99), "unknown micro-operation"),
        (set_("programs[0].code[3].op", 0), "unknown micro-operation"),
        (set_("programs[0].code[3].args[0]", 40), "earlier"),
        (set_("programs[0].code[3].args[0]", 3), "earlier"),
        (set_("programs[0].code[3].type", 9999), "no such type"),
        (set_("programs[0].code[3].type", 0), "type"),
        (set_("programs[0].next[0]", 4000), "no instruction"),
        (set_("programs[0].outputs[0].instr", 4000), "no instruction"),
        (set_("programs[0].states[0].scope", 7), "scope"),
        (set_("programs[0].states[0].value.integer", 2**40), "initial value"),
        (set_("programs[0].inputs[0].name", "u"), "disjoint"),
        (set_("types[0].kind", 12), "kind of number"),
        (set_("types[0].lo", 2**62), "range"),
        (set_("nodes[1].program", 5), "no such program"),
        (set_("nodes[0].params[0].tensor", 77), "no such tensor"),
        (set_("tensors[0].shape[0]", 2**40), "differs"),
        (set_("tensors[0].dtype", "object"), "differs"),
        (set_("tensors[0].name", "elsewhere"), "missing from the payload"),
        (set_("tensors[0].sha256", b"short"), "digest"),
        (set_("opsets[0].version", 9), "op-set"),
        (lambda g: g.nodes[0].attributes.add(name="bias", truth=True), "occurs twice"),
        (lambda g: g.nodes[0].attributes.add(name="x"), "without a value"),
        (lambda g: g.findings.add(code="SNN-9999", severity=1), "unknown finding"),
        (lambda g: g.findings.add(code="SNN-1001", severity=9), "unknown severity"),
        (lambda g: [g.programs[0].code.add(op=5) for _ in range(10_001)], "too long"),
        (lambda g: g.tensors.add(name="n0/bias", dtype="int8", sha256=b"\0" * 32), "digest|differ|missing"),
        (lambda g: g.ClearField("types"), "no such type"),
    ],
)
def test_graphs(change: Callable[[pb.Graph], None], words: str, members: Members, tmp_path: Path) -> None:
    refused(with_graph(members, tmp_path / "x.snn", change), words)


def test_unknown_fields_are_refused(members: Members, tmp_path: Path) -> None:
    import hashlib

    data = members[GRAPH] + bytes([0xA2, 0x3E, 0x03]) + b"new"  # field 996, three bytes
    manifest = {**json.loads(members[MANIFEST]), "graph_sha256": hashlib.sha256(data).hexdigest()}
    refused(
        packed(
            tmp_path / "x.snn",
            [(MANIFEST, json.dumps(manifest).encode()), (GRAPH, data), (WEIGHTS, members[WEIGHTS])],
        ),
        "not known here",
    )


def test_a_division_by_zero_cannot_be_written_into_a_program(members: Members, tmp_path: Path) -> None:
    def change(graph: pb.Graph) -> None:
        graph.programs[0].code[3].op = pb.OP_FLOORDIV

    refused(with_graph(members, tmp_path / "x.snn", change), "division by zero|inferred")


def test_nothing_in_a_file_is_executed_and_unknown_ops_are_only_described(
    members: Members, tmp_path: Path
) -> None:
    path = with_graph(members, tmp_path / "x.snn", set_("nodes[0].op", "os.system"))
    with pytest.raises(FormatError, match="op-set"):
        load(path)

    def rename(graph: pb.Graph) -> None:
        graph.nodes[0].op = "os.system"
        del graph.opsets[:]
        graph.opsets.add(domain="loihi", version=1)
        graph.opsets.add(domain="os", version=1)

    graph = load(with_graph(members, tmp_path / "y.snn", rename))
    assert {f.code for f in verify(graph, REGISTRY)} == {"SNN-1003"}


@pytest.mark.parametrize("case", range(400))
def test_mutated_files_never_crash(case: int, tmp_path: Path) -> None:
    """Flip, cut or splice a valid file: it loads, or it is a FormatError."""
    path = tmp_path / "x.snn"
    path.write_bytes(mutated(to_bytes(loihi_mlp((4, 3)) if case % 2 else mlp((4, 3))), case))
    try:
        graph = load(path)
    except FormatError:
        return
    try:
        verify(graph, REGISTRY)
        to_bytes(graph)
    except SnnhubError:
        return


@pytest.mark.parametrize("change", ["numbers", "range"])
def test_numbers_that_are_not_what_the_graph_states(change: str, members: Members, tmp_path: Path) -> None:
    """Programs are proved and kernels chosen by the stated range: a lie must not reach the engine."""
    if change == "numbers":
        weights = bytearray(members[WEIGHTS])
        weights[-1] ^= 0x40
        members[WEIGHTS] = bytes(weights)
    else:
        message = pb.Graph.FromString(members[GRAPH])
        next(item for item in message.tensors if item.max.integer > 8).max.integer = 8
        members[GRAPH] = message.SerializeToString(deterministic=True)
        manifest = json.loads(members[MANIFEST])
        manifest["graph_sha256"] = hashlib.sha256(members[GRAPH]).hexdigest()
        members[MANIFEST] = json.dumps(manifest).encode()
    path = packed(tmp_path / "x.snn", [*members.items()])
    assert "SNN-4106" in {finding.code for finding in snnhub.check(path).findings}
    with pytest.raises(FormatError) as caught:
        snnhub.convert(path, tmp_path / "y.snn")
    assert {finding.code for finding in caught.value.findings} == {"SNN-4106"}
    assert not (tmp_path / "y.snn").exists()
    if change == "range":
        with pytest.raises(FormatError, match="range"):
            snnhub.run(path, np.zeros((3, 5), np.uint8))


def test_a_program_of_its_own_runs_and_is_not_lowered_by_its_name(tmp_path: Path) -> None:
    """A node called core.IF that computes something else would become an IF neuron on the chip."""
    graph = mlp((4, 3))
    other = REGISTRY("core.IF", 1).program({"reset": "none", "compare": "ge"})  # type: ignore[union-attr]
    save(replace(graph, nodes=(graph.nodes[0], replace(graph.nodes[1], program=other))), tmp_path / "x.snn")
    result = snnhub.run(tmp_path / "x.snn", np.ones((6, 4), np.float32))
    assert "SNN-1014" in {finding.code for finding in result.findings}
    with pytest.raises(UnsupportedError, match="by its name"):
        snnhub.convert(tmp_path / "x.snn", tmp_path / "x.net")
    snnhub.convert(tmp_path / "x.snn", tmp_path / "y.snn")
    assert not snnhub.check(tmp_path / "x.snn", "loihi2").passed


def with_manifest(members: Members, path: Path, **changes: object) -> Path:
    manifest = {**json.loads(members[MANIFEST]), **changes}
    return packed(path, [(MANIFEST, json.dumps(manifest).encode()), *list(members.items())[1:]])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"requires": ["time travel"]}, "not known here"),
        ({"requires": [{}]}, "not known here"),
        ({"requires": [[]]}, "not known here"),
        ({"requires": 7}, "not known here"),
        ({"version": [99, 0]}, "version"),
        ({"version": "1.0"}, "broken version"),
        ({"version": [1e999, 0]}, "broken version"),
        ({"graph_sha256": None}, "digest"),
        ({"graph_sha256": [1]}, "digest"),
        ({"more": 1}, "not the manifest"),
    ],
)
def test_manifests(changes: dict[str, object], words: str, members: Members, tmp_path: Path) -> None:
    refused(with_manifest(members, tmp_path / "x.snn", **changes), words)


def signed(members: Members, data: bytes, path: Path) -> Path:
    """Any bytes as the graph, with the manifest that fits."""
    manifest = {**json.loads(members[MANIFEST]), "graph_sha256": hashlib.sha256(data).hexdigest()}
    return packed(path, [(MANIFEST, json.dumps(manifest).encode()), (GRAPH, data), (WEIGHTS, members[WEIGHTS])])


@pytest.mark.parametrize(
    "data",
    [
        b"\x0b" * 100_000,  # groups within groups
        b"\xa3\x3e" * 50_000,
        b"\x22\x80\x80\x80\x80\x01",  # a node of 256 MiB
        b"\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\xff" * 1000,
    ],
)
def test_messages_that_nest_or_claim_too_much(data: bytes, members: Members, tmp_path: Path) -> None:
    refused(signed(members, data, tmp_path / "x.snn"))


def test_a_graph_of_millions_of_empty_nodes(members: Members, tmp_path: Path) -> None:
    """Two bytes each in the file, a kilobyte each in memory."""
    from tests.hostile.sandbox import attempt

    number = pb.Graph.DESCRIPTOR.fields_by_name["nodes"].number
    data = bytes([number << 3 | 2, 0]) * 4_000_000
    path = signed(members, data, tmp_path / "x.snn")
    assert attempt("snnhub.api.load:load", path).startswith("FormatError")


def test_two_tensors_of_one_payload(members: Members, tmp_path: Path) -> None:
    """A second entry of the same name could state other digests and ranges for the same numbers."""

    def change(graph: pb.Graph) -> None:
        graph.tensors.append(graph.tensors[0])

    refused(with_graph(members, tmp_path / "x.snn", change))


def test_a_payload_that_the_graph_does_not_know(members: Members, tmp_path: Path) -> None:
    import safetensors.numpy
    from snnhub_formats.tensors import encode

    arrays = safetensors.numpy.load(members[WEIGHTS])
    members[WEIGHTS] = encode({**arrays, "smuggled": np.zeros(4, np.int8)})
    refused(packed(tmp_path / "x.snn", [*members.items()]))


def test_nan_and_infinity_in_parameters(tmp_path: Path) -> None:
    from snnhub.ir.tensor import tensor

    for value in (np.nan, np.inf):
        graph = mlp((4, 3))
        weight = graph.nodes[0].param["weight"].array.copy()
        weight[0, 0] = value
        nodes = (graph.nodes[0].with_params(weight=tensor(weight)), *graph.nodes[1:])
        save(replace(graph, nodes=nodes), tmp_path / "x.snn")
        with pytest.raises(SnnhubError) as caught:
            snnhub.run(tmp_path / "x.snn", np.ones((2, 4), np.float32))
        assert "SNN-1013" in {finding.code for finding in caught.value.findings}


@pytest.mark.parametrize(
    "change",
    [
        set_("edges[0].delay", 2**31 - 1),
        set_("edges[0].delay", 2**20 + 1),
        set_("inputs[0].hold", 2**16 + 1),
        set_("inputs[0].shape[0]", 2**62),
        set_("inputs[0].shape[0]", 0),
    ],
)
def test_steps_and_sizes_out_of_range(
    change: Callable[[pb.Graph], None], members: Members, tmp_path: Path
) -> None:
    path = with_graph(members, tmp_path / "x.snn", change)
    with pytest.raises(SnnhubError):
        snnhub.run(path, np.zeros((2, 5), np.uint8))
