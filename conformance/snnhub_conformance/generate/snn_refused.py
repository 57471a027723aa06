"""``file.snn``, refused: one valid file, and each time one thing that is wrong with it."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from snnhub.errors import FormatError
from snnhub_formats.container import to_bytes
from snnhub_formats.tensors import encode

from snnhub_conformance.generate.build import loihi
from snnhub_conformance.generate.entry import Family, Refusal
from snnhub_conformance.generate.snn_accepted import SPEC
from snnhub_conformance.generate.snn_parts import (
    FLOORDIV,
    GRAPH,
    MANIFEST,
    WEIGHTS,
    Members,
    Message,
    assign,
    members,
    packed,
    signed,
    with_manifest,
    with_message,
)
from snnhub_conformance.generate.write import Writer

Broken = Iterator[tuple[str, str, bytes]]
"""Title, what is wrong and why it matters, bytes."""


def add(writer: Writer) -> None:
    """Every broken file; each must end in a ``FormatError``."""
    family = Family(writer, "file.snn", "reader", ("importer", "snn"), SPEC)
    parts = members(loihi())
    for make in (_containers, _bytes, _manifests, _payloads, _graphs, _messages):
        for title, comment, data in make(parts):
            family.add(title, comment, {"snn": ("model.snn", data)}, Refusal(FormatError))


def _containers(parts: Members) -> Broken:
    manifest, graph, weights = parts.items()
    yield (
        "a fourth member",
        "Nothing in a file may be left unread.",
        packed([manifest, graph, weights, ("extra.txt", b"hi")]),
    )
    yield "a member missing", "There is no file without numbers.", packed([manifest, graph])
    yield "members in another order", "A reader may rely on the order.", packed([graph, manifest, weights])
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield (
            "a member twice",
            "Readers differ in which of the two they take.",
            packed([manifest, manifest, weights]),
        )
    climbing = packed([("../../etc/passwd", manifest[1]), graph, weights])
    yield "path traversal", "A name that leads out of the folder that one unpacks in.", climbing
    yield "absolute path", "A name that leads anywhere.", packed([("/manifest.json", manifest[1]), graph, weights])
    squeezed = packed(parts, zipfile.ZIP_DEFLATED)
    yield "compressed members", "A bomb of a thousand to one is an ordinary deflated member.", squeezed
    yield (
        "manifest too large",
        "Members have limits before they are read.",
        packed([(MANIFEST, b" " * 70_000), graph, weights]),
    )


def _bytes(parts: Members) -> Broken:
    data = to_bytes(loihi())
    directory = _directory(data)
    yield "empty file", "Nothing at all.", b""
    yield "another format", "Text.", b"not a network\n"
    ends = {"a byte": 1, "a header": 30, "a half": len(data) // 2, "the members": directory}
    ends |= {"the directory": len(data) - 22, "all but a byte": len(data) - 1}
    for words, count in ends.items():
        yield f"cut after {words}", "A copy that stopped early.", data[:count]
    yield (
        "junk in front",
        "Python's zip reader takes a file that begins with something else.",
        b"#!/bin/sh\n" + data,
    )
    yield "junk behind", "Bytes after the end belong to nothing.", data + b"MZ"
    yield "junk between members", "Python's zip reader takes it; anything could be smuggled.", _gap(packed(parts))
    yield (
        "archive comment",
        "A comment is junk with a place of its own.",
        data[:-2] + struct.pack("<H", 4) + b"evil",
    )
    yield "overlapping members", "The second member begins inside the first.", _moved(packed(parts), -6)
    yield (
        "names that disagree",
        "Local header and directory name the member differently.",
        data.replace(b"manifest.json", b"manifest.jsoX", 1),
    )
    yield "wrong CRC", "A bit of the manifest was lost.", data.replace(b'"format"', b'"fOrmat"', 1)
    yield "encrypted", "The flag for encryption is set.", _flagged(data, 0x1)
    yield "data descriptor", "Sizes that come after the data.", _flagged(data, 0x8)
    size = bytearray(data)
    struct.pack_into("<I", size, 22, 2**31)
    yield "local size that disagrees", "A local header that claims two GiB.", bytes(size)
    claimed = bytearray(data)
    struct.pack_into("<II", claimed, directory + 20, 2**31, 2**31)
    yield "size beyond the file", "The directory claims two GiB in a file of some KiB.", bytes(claimed)


def _directory(data: bytes) -> int:
    (place,) = struct.unpack_from("<I", data, len(data) - 6)
    return int(place)


def _entries(data: bytes) -> Iterator[int]:
    position = _directory(data)
    while data[position : position + 4] == b"PK\1\2":
        yield position
        position += 46 + sum(struct.unpack_from("<HHH", data, position + 28))


def _moved(data: bytes, by: int, skip: int = 1) -> bytes:
    """The offsets of all but the first members moved in the directory."""
    changed = bytearray(data)
    for entry in list(_entries(data))[skip:]:
        (offset,) = struct.unpack_from("<I", data, entry + 42)
        struct.pack_into("<I", changed, entry + 42, offset + by)
    return bytes(changed)


def _gap(data: bytes) -> bytes:
    """Six bytes between the first member and the second, known to nobody."""
    second = data.index(b"PK\3\4", 4)
    moved = bytearray(_moved(data, 6))
    struct.pack_into("<I", moved, len(moved) - 6, _directory(data) + 6)
    return bytes(moved[:second]) + b"HIDDEN" + bytes(moved[second:])


def _flagged(data: bytes, flag: int) -> bytes:
    changed = bytearray(data)
    changed[6] |= flag
    changed[_directory(data) + 8] |= flag
    return bytes(changed)


def _manifests(parts: Members) -> Broken:
    rows: dict[str, dict[str, Any]] = {
        "later major version": {"version": [2, 0]},
        "version as text": {"version": "1.0"},
        "version as a float": {"version": [1.0, 0]},
        "version of one number": {"version": [1]},
        "required feature": {"requires": ["time travel"]},
        "required feature that is no text": {"requires": [{}]},
        "required features that are no list": {"requires": 7},
        "another format name": {"format": "nns"},
        "wrong digest of the graph": {"graph_sha256": "0" * 64},
        "no digest of the graph": {"graph_sha256": None},
        "unknown key": {"more": 1},
    }
    for title, changes in rows.items():
        yield f"manifest: {title}", "What a manifest says must be known and true.", with_manifest(parts, **changes)
    manifest = json.loads(parts[MANIFEST])
    for key in manifest:
        left = {name: value for name, value in manifest.items() if name != key}
        about = "A file of an older writer without this field: nothing is guessed."
        yield f"manifest: no {key}", about, packed({**parts, MANIFEST: json.dumps(left).encode()})
    for title, data in {
        "not JSON": b"{",
        "a list": b"[]",
        "nested deeply": b"[" * 1500,
        "not UTF-8": b"\xff{}",
    }.items():
        yield f"manifest: {title}", "A manifest is one JSON object.", packed({**parts, MANIFEST: data})


def _header(entries: object, payload: bytes = b"") -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + payload


def _entry(**changes: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


def _payloads(parts: Members) -> Broken:
    eight, sixteen = b"12345678", b"1234567812345678"
    rows = {
        "empty": b"",
        "header of 2^60 bytes": struct.pack("<Q", 2**60) + b"{}",
        "no header": struct.pack("<Q", 0),
        "header not JSON": _header(b"{"),
        "header a list": _header(b"[]"),
        "header nested deeply": _header(b'{"a":' * 1500),
        "tensor twice": _header(b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{}}'),
        "unknown dtype": _header({"a": _entry(dtype="F8")}, eight),
        "shape of 2^80 entries": _header({"a": _entry(shape=[2**40, 2**40])}, eight),
        "negative size": _header({"a": _entry(shape=[-2])}, eight),
        "size as a float": _header({"a": _entry(shape=[2.0])}, eight),
        "64 axes": _header({"a": _entry(shape=[1] * 64)}, eight),
        "tensor beyond the data": _header({"a": _entry(data_offsets=[0, 80], shape=[20])}, eight),
        "hole in the data": _header({"a": _entry(data_offsets=[8, 16])}, sixteen),
        "overlapping tensors": _header({"a": _entry(), "b": _entry()}, eight),
        "bytes after the last tensor": _header({"a": _entry()}, b"123456789"),
        "unknown key of a tensor": _header({"a": _entry(evil=1)}, eight),
        "metadata": _header({"__metadata__": {"x": "y"}}),
        "a tensor that the graph does not know": encode({"smuggled": np.zeros(4, np.int8)}),
    }
    for title, data in rows.items():
        about = "The numbers must be exactly those that the graph names, without holes."
        yield f"weights: {title}", about, packed({**parts, WEIGHTS: data})


GRAPH_CHANGES: dict[str, tuple[str, object]] = {
    "unknown micro-operation": ("programs/0/code/3/op", 99),
    "no micro-operation": ("programs/0/code/3/op", 0),
    "operand beyond the program": ("programs/0/code/3/args/0", 40),
    "operand that is the instruction itself": ("programs/0/code/3/args/0", 3),
    "type beyond the table": ("programs/0/code/3/type", 9999),
    "declared type is not the inferred one": ("programs/0/code/3/type", 0),
    "next state beyond the program": ("programs/0/next/0", 4000),
    "output beyond the program": ("programs/0/outputs/0/instr", 4000),
    "unknown scope": ("programs/0/states/0/scope", 7),
    "initial value outside the state": ("programs/0/states/0/value/integer", 2**40),
    "two slots of one name": ("programs/0/inputs/0/name", "u"),
    "unknown kind of number": ("types/0/kind", 12),
    "empty range of a type": ("types/0/lo", 2**62),
    "program beyond the table": ("nodes/1/program", 5),
    "tensor beyond the table": ("nodes/0/params/0/tensor", 77),
    "shape that the payload does not have": ("tensors/0/shape/0", 2**40),
    "dtype that the payload does not have": ("tensors/0/dtype", "object"),
    "tensor that the payload does not have": ("tensors/0/name", "elsewhere"),
    "digest of five bytes": ("tensors/0/sha256", b"short"),
    "op-set of another version": ("opsets/0/version", 9),
    "op of an undeclared domain": ("nodes/0/op", "os.system"),
    "division that may be by zero": ("programs/0/code/3/op", FLOORDIV),
}


def _graphs(parts: Members) -> Broken:
    about = "Indices, enums and types are checked before anything is computed."
    for title, (path, value) in GRAPH_CHANGES.items():
        yield f"graph: {title}", about, with_message(parts, assign(path, value))
    yield (
        "graph: attribute twice",
        about,
        with_message(parts, lambda g: g.nodes[0].attributes.add(name="bias", truth=True)),
    )
    yield (
        "graph: attribute without a value",
        about,
        with_message(parts, lambda g: g.nodes[0].attributes.add(name="x")),
    )
    yield (
        "graph: unknown finding",
        about,
        with_message(parts, lambda g: g.findings.add(code=f"SNN-{9999}", severity=1)),
    )
    yield (
        "graph: unknown severity",
        about,
        with_message(parts, lambda g: g.findings.add(code="SNN-1001", severity=9)),
    )
    yield "graph: tensor that nobody stored", about, with_message(parts, _phantom)
    yield "graph: no types", about, with_message(parts, lambda g: g.ClearField("types"))
    yield "graph: tensor listed twice", about, with_message(parts, lambda g: g.tensors.append(g.tensors[0]))


def _phantom(message: Message) -> None:
    """One more tensor in the graph than in the payload."""
    message.tensors.append(message.tensors[0])
    message.tensors[-1].name = "nowhere"


def _messages(parts: Members) -> Broken:
    unknown = parts[GRAPH] + bytes([0xA2, 0x3E, 0x03]) + b"new"
    yield "graph: unknown field", "Field 996: of a later writer, and perhaps needed.", signed(parts, unknown)
    rows = {
        "groups within groups": b"\x0b" * 2_000,
        "groups of an unknown field": b"\xa3\x3e" * 1_000,
        "a node of 256 MiB": b"\x22\x80\x80\x80\x80\x01",
        "a length of ten bytes": b"\x22" + b"\xff" * 9 + b"\x01",
        "no protobuf": b"\xff" * 100,
    }
    for title, data in rows.items():
        yield f"graph: {title}", "A message is not believed when it says how long it is.", signed(parts, data)
