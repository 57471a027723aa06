"""``file.json``: graph-json files that must be read as the network that they hold, and broken ones."""

from __future__ import annotations

import json
from typing import Any

from snnhub.errors import FormatError
from snnhub_formats import graph_json_read
from snnhub_formats.graph_json import to_graph_json

from snnhub_conformance.generate import snn_accepted
from snnhub_conformance.generate.build import spiking
from snnhub_conformance.generate.entry import Answer, Family, Refusal
from snnhub_conformance.generate.write import Writer

Document = dict[str, Any]
SPEC = {"kind": "specification", "ref": "formats/snnhub_formats/spec/graph-json.md"}
NAME = "model.json"


def add(writer: Writer) -> None:
    """Accepted, refused as text, refused in a part, refused though the digest fits."""
    family = Family(writer, "file.json", "reader", ("importer", "graph-json"), SPEC)
    for title, (make, landmine) in snn_accepted.GRAPHS.items():
        graph = make()
        about = (make.__doc__ or title).strip()
        family.add(title, about, {"json": (NAME, to_graph_json(graph))}, Answer(graph), landmine=landmine)
    spaced = json.dumps(json.loads(to_graph_json(spiking())), indent=1).encode()
    family.add("white space", "Line breaks and indents mean nothing.", {"json": (NAME, spaced)}, Answer(spiking()))
    for title, data in TEXTS.items():
        family.add(f"text: {title}", "The JSON is strict.", {"json": (NAME, data)}, Refusal(FormatError))
    for title, (place, value) in PARTS.items():
        data = json.dumps(_changed(place, value)).encode()
        about = f"{place or title}: every part has one form."
        family.add(f"part: {title}", about, {"json": (NAME, data)}, Refusal(FormatError))
    for title, (place, value, code) in SIGNED.items():
        document = _changed(place, value)
        document["digest"] = _digest(document)
        about = "Whoever changes a file can work its digest out again: then the rules of graphs refuse it."
        family.add(
            f"graph: {title}", about, {"json": (NAME, json.dumps(document).encode())}, Refusal(FormatError, code)
        )


def _changed(place: str, value: Any) -> Document:
    """The document with ``value`` at a place such as ``nodes/0/id``; ``+`` appends, ``-`` removes the key."""
    document: Document = json.loads(to_graph_json(spiking()))
    *keys, last = place.split("/")
    part: Any = document
    for key in keys:
        part = part[int(key) if isinstance(part, list) else key.replace("|", "/")]
    if last == "+":
        part.append(value)
    elif value is REMOVED:
        del part[last]
    else:
        part[int(last) if isinstance(part, list) else last.replace("|", "/")] = value
    return document


def _digest(document: Document) -> str:
    from snnhub.ir.digest import network_digest

    return network_digest(graph_json_read._graph(document))


REMOVED = object()
TEXTS: dict[str, bytes] = {
    "nothing": b"",
    "no end": b"{",
    "a list": b"[]",
    "null": b"null",
    "later version": b'{"schema":"graph-json/2"}',
    "the schema alone": b'{"schema":"graph-json/1"}',
    "a key twice": b'{"schema":"graph-json/1","schema":"graph-json/1"}',
    "a float": b'{"schema":1.5}',
    "a float beyond f64": b'{"schema":1e999}',
    "NaN": b'{"schema":NaN}',
    "infinity": b'{"schema":-Infinity}',
    "a number above 2^53": b'{"schema":9007199254740993}',
    "a number of 5,000 digits": b'{"schema":' + b"9" * 5_000 + b"}",
    "minus zero": b'{"schema":-0}',
    "UTF-16": b"\xff\xfe{\x00}\x00",
    "lists within lists": b"[" * 5_000,
    "objects within objects": b'{"a":' * 5_000,
    "byte order mark": b"\xef\xbb\xbf{}",
    "no end of a file": to_graph_json(spiking())[:-30],
    "something behind": to_graph_json(spiking()) + b"{}",
}
FIRST, WEIGHT = "programs/0/code/2", "tensors/d0|weight"
PARTS: dict[str, tuple[str, Any]] = {
    "unknown key": ("evil", 1),
    "missing key": ("decoder", REMOVED),
    "wrong digest": ("digest", "sha256:0"),
    "no digest": ("digest", None),
    "name that is a number": ("name", 7),
    "lone surrogate": ("name", "\ud800"),
    "dt as a JSON float": ("dt", 0.5),
    "dt as a decimal": ("dt", "0.5"),
    "dt in another hex form": ("dt", "0x1p-1"),
    "dt beyond f64": ("dt", "0x1.0000000000000p+99999"),
    "types as an object": ("types", {}),
    "unknown type": ("types/0", "f16"),
    "range of one number": ("types/0", {"int": [0]}),
    "empty range": ("types/0", {"int": [1, 0]}),
    "small integer as text": ("types/0", {"int": ["9", 10]}),
    "integer below -2^63": ("types/0", {"int": ["-9223372036854775809", 10]}),
    "integer with a plus": ("types/0", {"int": ["+90071992547409930", 10]}),
    "integer in other digits": ("types/0", {"int": ["\u0669007199254740993", 10]}),
    "true as an integer": ("types/0", {"int": [True, 10]}),
    "operand that is the instruction itself": (FIRST, ["add", [0, 2], 0, []]),
    "operand that comes later": (FIRST, ["add", [0, 6], 0, []]),
    "operand below 0": (FIRST, ["add", [0, -1], 0, []]),
    "operand true": (FIRST, ["add", [0, True], 0, []]),
    "operand missing": (FIRST, ["add", [0], 0, []]),
    "type beyond the table": (FIRST, ["add", [0, 1], 99, []]),
    "declared type is not the inferred one": (FIRST, ["add", [0, 1], 1, []]),
    "immediate where none belongs": (FIRST, ["add", [0, 1], 0, [1]]),
    "instruction of three parts": (FIRST, ["add", [0, 1], 0]),
    "unknown micro-operation": (FIRST, ["system", [0, 1], 0, []]),
    "wrap of a float": (FIRST, ["wrap", [0], 0, [10**9]]),
    "cast to an unknown type": (FIRST, ["cast", [0], 0, ["f16"]]),
    "check between NaN": (FIRST, ["check", [0], 0, ["nan", "nan"]]),
    "constant that f32 does not hold": (FIRST, ["const", [], 0, ["0x1.0000000000001p+0"]]),
    "operand of a constant": (FIRST, ["const", [0], 0, ["0x0.0p+0"]]),
    "state beyond the table": ("programs/0/code/0", ["state", [], 0, [1]]),
    "no instructions": ("programs/0/code", []),
    "next state far away": ("programs/0/next/0", 2**53),
    "no next state": ("programs/0/next", []),
    "no outputs": ("programs/0/outputs", []),
    "two slots of one name": ("programs/0/outputs/0/name", "v"),
    "initial value of an unknown parameter": ("programs/0/states/0/init", {"param": "nothing"}),
    "initial value of another kind": ("programs/0/states/0/init", 0),
    "unknown scope": ("programs/0/states/0/scope", "world"),
    "unused instruction": ("programs/0/code/+", ["input", [], 0, [0]]),
    "unknown dtype": (f"{WEIGHT}/dtype", "object"),
    "dtype that its numbers do not have": (f"{WEIGHT}/dtype", "int8"),
    "another dtype of the same kind": (f"{WEIGHT}/dtype", "float64"),
    "shape of other size": (f"{WEIGHT}/shape", [3, 3]),
    "shape of 2^80 entries": (f"{WEIGHT}/shape", [2**40, 2**40]),
    "negative sizes": (f"{WEIGHT}/shape", [-2, -3]),
    "64 axes": (f"{WEIGHT}/shape", [1] * 64),
    "another shape of the same size": (f"{WEIGHT}/shape", [6]),
    "infinity in a tensor": (f"{WEIGHT}/data/0", "inf"),
    "number that f32 does not hold": (f"{WEIGHT}/data/0", "0x1.0000000000000p+500"),
    "list as a number": (f"{WEIGHT}/data/0", [0]),
    "id that is a number": ("nodes/0/id", 0),
    "version of 40 bits": ("nodes/0/version", 2**40),
    "program beyond the table": ("nodes/0/program", 1),
    "program of a transform": ("nodes/0/program", 0),
    "step op without a program": ("nodes/1/program", None),
    "unknown tensor": ("nodes/0/params/weight", "nothing"),
    "parameters as a list": ("nodes/0/params", []),
    "attribute as a float": ("nodes/0/attributes/shift", 0.5),
    "attribute null": ("nodes/0/attributes/shift", None),
    "delay beyond 2^20": ("edges/0/delay", 2**30),
    "delay below 0": ("edges/0/delay", -1),
    "port of one part": ("edges/0/from", ["input"]),
    "input of size 0": ("inputs/0/shape", [0]),
    "input of 2^60 entries": ("inputs/0/shape", [2**30, 2**30]),
    "hold beyond 2^16": ("inputs/0/hold", 2**17),
    "output that is no text": ("outputs/0", {}),
    "argmax as a number": ("decoder/argmax", 1),
    "decoder as a list": ("decoder", []),
}
SIGNED: dict[str, tuple[str, Any, str]] = {
    "edge from nowhere": ("edges/0/from", ["nobody", "x"], "SNN-1002"),
    "cycle without a delay": ("edges/+", {"from": ["n0", "s"], "to": ["d0", "x"], "delay": 0}, "SNN-1011"),
    "shapes that do not fit": ("inputs/0/shape", [4], "SNN-1009"),
    "no output": ("outputs", [], "SNN-1016"),
    "infinity in a parameter": (f"{WEIGHT}/data/0", "inf", "SNN-1013"),
    "unknown op": ("nodes/0/op", "acme.Unknown", "SNN-1003"),
    "shift of floats": ("nodes/0/attributes/shift", 3, "SNN-1010"),
    "unknown reduction": ("decoder/reduce", "product", "SNN-1017"),
    "duplicate edge": ("edges/+", {"from": ["input", "x"], "to": ["d0", "x"], "delay": 0}, "SNN-1018"),
    "unknown attribute value": ("nodes/1/attributes/compare", "le", "SNN-1004"),
}
