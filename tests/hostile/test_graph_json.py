"""Attacks on graph-json: every one ends in a FormatError, in time, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import snnhub
from snnhub.errors import FormatError, SnnhubError
from snnhub.ops.registry import REGISTRY
from snnhub_conformance.damage import mutated
from snnhub_formats import graph_json_read
from snnhub_formats.graph_json import from_graph_json, is_graph_json, to_graph_json

from tests.build import loihi_mlp, mlp
from tests.hostile.test_programs import in_time

Document = dict[str, Any]


def refused(data: bytes, words: str | None = None) -> None:
    with pytest.raises(FormatError, match=words):
        from_graph_json(data, REGISTRY)


def document() -> Document:
    found: Document = json.loads(to_graph_json(mlp((3, 2))))
    return found


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not strict JSON"),
        (b"{", "not strict JSON"),
        (b"[]", "not a network"),
        (b"null", "not a network"),
        (b'{"schema":"graph-json/2"}', "not a network"),
        (b'{"schema":"graph-json/1"}', "keys"),
        (b'{"schema":"graph-json/1","schema":"graph-json/1"}', "duplicate"),
        (b'{"schema":1.5}', "floats"),
        (b'{"schema":1e999}', "floats"),
        (b'{"schema":NaN}', "floats"),
        (b'{"schema":-Infinity}', "floats"),
        (b'{"schema":9007199254740993}', "2\\^53"),
        (b'{"schema":' + b"9" * 1_000_000 + b"}", "2\\^53"),
        (b'{"schema":-0}', "allowed"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        (b"[" * 1_000_000, "deep"),
        (b'{"a":' * 1_000_000, "deep"),
        (b"\xef\xbb\xbf{}", "not strict JSON"),
    ],
)
def test_texts_that_are_not_strict_json(data: bytes, words: str) -> None:
    with in_time(5.0):
        refused(data, words)


def test_a_text_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_json_read, "LIMIT", 100)
    refused(b" " * 101, "too large")


Attack = Callable[[Document], object]


def at(path: str, value: Any) -> Attack:
    """An attack that puts ``value`` at a place such as ``nodes/0/id``; a last key ``+`` appends."""
    *keys, last = path.split("/")

    def attack(doc: Document) -> None:
        place: Any = doc
        for key in keys:
            place = place[int(key) if isinstance(place, list) else key.replace("|", "/")]
        if last == "+":
            place.append(value)
        else:
            place[int(last) if isinstance(place, list) else last.replace("|", "/")] = value

    return attack


def without(key: str) -> Attack:
    return lambda doc: doc.pop(key)


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (at("evil", 1), "keys"),
        (without("decoder"), "keys"),
        (at("digest", "sha256:0"), "digest"),
        (at("digest", None), "digest"),
        (at("name", 7), "not a text"),
        (at("name", "\ud800"), "UTF-8"),
        (at("dt", 0.5), "floats"),
        (at("dt", "0.5"), "not a float"),
        (at("dt", "0x1p-1"), "not a float"),
        (at("dt", " 0x1.0000000000000p-1"), "not a float"),
        (at("dt", "0x1." + "0" * 100_000 + "p-1"), "not a float"),
        (at("dt", "0x1.0000000000000p+99999"), "not a float"),
        (at("dt", True), "not a float"),
        (at("types", {}), "not a list"),
        (at("types/0", "f16"), "unknown type"),
        (at("types/0", {"int": [0]}), "right length"),
        (at("types/0", {"int": [1, 0]}), "range"),
        (at("types/0", {"int": ["9", 10]}), "not an integer"),
        (at("types/0", {"int": ["-9223372036854775809", 10]}), "out of range"),
        (at("types/0", {"int": ["9" * 100_000, 10]}), "not an integer"),
        (at("types/0", {"int": ["+90071992547409930", 10]}), "not an integer"),
        (at("types/0", {"int": ["\u0669007199254740993", 10]}), "not an integer"),
        (at("types/0", {"int": [True, 10]}), "not an integer"),
        (at("types/0", {"int": [0, 1], "x": 1}), "keys"),
        (at("programs/0/code/2", ["add", [0, 2], 0, []]), "operand of instruction 2"),
        (at("programs/0/code/2", ["add", [0, 6], 0, []]), "operand of instruction 2"),
        (at("programs/0/code/2", ["add", [0, -1], 0, []]), "operand of instruction 2"),
        (at("programs/0/code/2", ["add", [0, True], 0, []]), "operand of instruction 2"),
        (at("programs/0/code/2", ["add", [0], 0, []]), "takes 2 operands"),
        (at("programs/0/code/2", ["add", [0, 1], 99, []]), "type is out of range"),
        (at("programs/0/code/2", ["add", [0, 1], 1, []]), "declared type"),
        (at("programs/0/code/2", ["add", [0, 1], 0, [1]]), "no immediate"),
        (at("programs/0/code/2", ["add", [0, 1], 0]), "right length"),
        (at("programs/0/code/2", ["system", [0, 1], 0, []]), "unknown micro-operation"),
        (at("programs/0/code/2", [["add"], [0, 1], 0, []]), "unknown micro-operation"),
        (at("programs/0/code/2", ["wrap", [0], 0, [10**9]]), "float|int|wrap"),
        (at("programs/0/code/2", ["cast", [0], 0, ["f16"]]), "unknown target"),
        (at("programs/0/code/2", ["check", [0], 0, ["nan", "nan"]]), "bounds"),
        (at("programs/0/code/2", ["const", [], 0, ["0x1.0000000000001p+0"]]), "not an f32"),
        (at("programs/0/code/2", ["const", [], 0, [1]]), "not a float"),
        (at("programs/0/code/2", ["const", [0], 0, ["0x0.0p+0"]]), "leaf"),
        (at("programs/0/code/0", ["state", [], 0, [1]]), "no such slot"),
        (at("programs/0/code", []), "refer"),
        (at("programs/0/code", [["input", [], 0, [0]]] * 10_001), "too long"),
        (at("programs/0/next/0", 2**53), "next"),
        (at("programs/0/next", []), "refer"),
        (at("programs/0/outputs", []), "without outputs"),
        (at("programs/0/outputs/0/name", "v"), "disjoint"),
        (at("programs/0/states/0/init", {"param": "nothing"}), "initial value"),
        (at("programs/0/states/0/init", {"value": 0}), "keys"),
        (at("programs/0/states/0/init", 0), "not a float"),
        (at("programs/0/states/0/scope", "world"), "scope"),
        (at("programs/0/states/0/scope", ["node"]), "scope"),
        (at("programs/0/code/+", ["input", [], 0, [0]]), "canonical"),
        (at("tensors/fc0|weight/dtype", "object"), "dtype"),
        (at("tensors/fc0|weight/dtype", ["float32"]), "dtype"),
        (at("tensors/fc0|weight/dtype", "int8"), "not an integer"),
        (at("tensors/fc0|weight/dtype", "float64"), "digest"),
        (at("tensors/fc0|weight/dtype", "float16"), "not a float16"),
        (at("tensors/fc0|weight/shape", [3, 3]), "right length"),
        (at("tensors/fc0|weight/shape", [2**40, 2**40]), "too large"),
        (at("tensors/fc0|weight/shape", [2**52, 0]), "size"),
        (at("tensors/fc0|weight/shape", [-2, -3]), "size"),
        (at("tensors/fc0|weight/shape", [1] * 64), "too large"),
        (at("tensors/fc0|weight/shape", [6]), "digest"),
        (at("tensors/fc0|weight/data/0", "inf"), "digest"),
        (at("tensors/fc0|weight/data/0", "0x1.0000000000000p+500"), "not a float32"),
        (at("tensors/fc0|weight/data/0", [0]), "not a float"),
        (at("nodes/0/id", 0), "not a text"),
        (at("nodes/0/version", 2**40), "version"),
        (at("nodes/0/program", 1), "program"),
        (at("nodes/0/program", 0), "digest"),
        (at("nodes/1/program", None), "digest"),
        (at("nodes/0/params/weight", "nothing"), "no such tensor"),
        (at("nodes/0/params/weight", 0), "not a text"),
        (at("nodes/0/params", []), "not an object"),
        (at("nodes/0/attributes/shift", 0.5), "floats"),
        (at("nodes/0/attributes/shift", None), "not an integer"),
        (at("nodes/0/attributes/shift", {"int": "1"}), "not an integer"),
        (at("nodes/0/attributes/shift", [[0]]), "not an integer"),
        (at("nodes/0/attributes/\ud800", 0), "UTF-8"),
        (at("edges/0/delay", 2**30), "delay"),
        (at("edges/0/delay", -1), "delay"),
        (at("edges/0/from", ["input"]), "right length"),
        (at("edges/0/from", "ab"), "right length"),
        (at("inputs/0/shape", [2**52]), "size"),
        (at("inputs/0/shape", [2**30, 2**30]), "too large"),
        (at("inputs/0/shape", [0]), "size"),
        (at("inputs/0/hold", 2**17), "hold"),
        (at("outputs/0", {}), "not a text"),
        (at("decoder/argmax", 1), "neither true nor false"),
        (at("decoder", []), "keys"),
    ],
)
def test_broken_parts(attack: Attack, words: str) -> None:
    doc = document()
    attack(doc)
    refused(json.dumps(doc).encode(), words)


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (at("edges/0/from", ["nobody", "x"]), "does not exist"),
        (at("edges/+", {"from": ["n0", "s"], "to": ["fc0", "x"], "delay": 0}), "cycle|digest"),
        (at("inputs/0/shape", [4]), "do not fit"),
        (at("outputs", []), "no output"),
        (at("tensors/fc0|weight/data/0", "inf"), "NaN or infinity"),
        (at("nodes/0/op", "acme.Unknown"), "no installed plugin"),
        (at("nodes/0/attributes/shift", 3), "not shifted"),
        (at("decoder/reduce", "product"), "found reduction"),
    ],
)
def test_a_right_digest_makes_no_network_right(attack: Attack, words: str) -> None:
    """Whoever changes a file can work the digest out again: then the verifier refuses it."""
    doc = document()
    attack(doc)
    with pytest.raises(FormatError, match="digest"):
        from_graph_json(json.dumps(doc).encode())
    doc["digest"] = digest_of(doc)
    refused(json.dumps(doc).encode(), words)


def digest_of(doc: Document) -> str:
    """The digest that our own reader works out."""
    from snnhub.ir.digest import network_digest

    return network_digest(graph_json_read._graph(doc))


def test_many_long_programs_are_refused_before_they_are_proved() -> None:
    doc = document()
    doc["programs"] = [{**doc["programs"][0], "code": [["input", [], 0, [0]]] * 9_000}] * 40
    with in_time(5.0):
        refused(json.dumps(doc).encode(), "too long")


@pytest.mark.parametrize("graph", [mlp((3, 2)), loihi_mlp((3, 2))], ids=["float", "integer"])
def test_damaged_files(graph: Any) -> None:
    """3,000 mutants of each: the same network, or a FormatError."""
    whole = to_graph_json(graph)
    survivors = 0
    start = time.process_time()
    for case in range(3_000):
        try:
            found = from_graph_json(mutated(whole, case), REGISTRY)
        except FormatError:
            continue
        survivors += 1
        assert found.network() == graph.network()
    assert survivors < 300, "spaces, and letters of the name"
    assert time.process_time() - start < 120


def test_detection_and_the_importer(tmp_path: Path) -> None:
    assert is_graph_json(to_graph_json(mlp()))
    assert not is_graph_json(b'{"a":1,"schema":"graph-json/1"}')
    (tmp_path / "a.net").write_bytes(to_graph_json(mlp()))
    assert snnhub.inspect(tmp_path / "a.net").importer == "graph-json"
    (tmp_path / "b.json").write_bytes(to_graph_json(mlp())[:500])
    with pytest.raises(FormatError, match=r"b\.json"):
        snnhub.load(tmp_path / "b.json")
    (tmp_path / "c.json").write_bytes(b'{"schema":"other"}')
    with pytest.raises(SnnhubError, match="no importer"):
        snnhub.load(tmp_path / "c.json")
