"""The digest of graph-json, worked out from the text alone as section 7 of its specification says."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snnhub.ir.graph import Graph
from snnhub_conformance.strategies import float_graphs, layered_graphs, netx_graphs
from snnhub_formats.graph_json import to_graph_json

from tests.build import loihi_mlp, mlp
from tests.networks.step_programs import graph_of, layer_of, micro_programs, variants
from tests.unit.test_container import everything

Json = Any
WHOLE = (1, 2, 3, 4, 5, 6, 7, 8, 16, 24, 32, 64)


def sha256(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def bound(number: int) -> str:
    """A bound of a range: beyond 4096 with the power of two that is near it."""
    size, sign = abs(number), "-" if number < 0 else ""
    for power in range(64):
        rest = size - 2**power
        if size >= 4096 and abs(rest) <= 1:
            text = f"2^{power}" + (f"{rest:+d}" if rest else "")
            return f"-({text})" if sign and rest else sign + text
    return str(number)


def type_name(item: Json) -> str:
    if isinstance(item, str):
        return item
    low, high = (int(number) for number in item["int"])
    for bits in WHOLE:
        if (low, high) == (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1):
            return f"i{bits}"
        if (low, high) == (0, 2**bits - 1):
            return f"u{bits}"
    return f"int[{bound(low)}..{bound(high)}]"


def plain(value: Json, type_: str = "int") -> Json:
    """A number: integers as they are, whatever their text; floats and truth as in the file."""
    return int(value) if isinstance(value, str) and type_ not in ("f32", "f64") else value


def program_digest(program: Json, types: list[str]) -> str:
    def immediate(op: str, type_: str, value: Json) -> Json:
        return value if op == "cast" else plain(value, type_)

    def initial(state: Json) -> Json:
        if isinstance(state["init"], dict):
            return state["init"]
        return {"value": plain(state["init"], types[state["type"]])}

    return sha256(
        {
            "code": [
                [op, args, types[type_], [immediate(op, types[type_], value) for value in imm]]
                for op, args, type_, imm in program["code"]
            ],
            "inputs": [[slot["name"], types[slot["type"]]] for slot in program["inputs"]],
            "params": [[slot["name"], types[slot["type"]]] for slot in program["params"]],
            "states": [[s["name"], types[s["type"]], initial(s), s["scope"]] for s in program["states"]],
            "next": program["next"],
            "outputs": [[output["name"], output["instr"]] for output in program["outputs"]],
        }
    )


def tensor_entry(name: str, item: Json) -> Json:
    dtype = np.dtype(item["dtype"]).newbyteorder("<")
    read = float.fromhex if dtype.kind == "f" else int
    data = np.array([read(number) for number in item["data"]], dtype).tobytes()
    return [name, item["dtype"], item["shape"], hashlib.sha256(data).hexdigest()]


def attribute(value: Json) -> Json:
    if isinstance(value, dict):
        return int(value["int"])
    return [int(number) for number in value] if isinstance(value, list) else value


def digest(document: Json) -> str:
    types = [type_name(item) for item in document["types"]]
    programs = [program_digest(program, types) for program in document["programs"]]
    decoder = document["decoder"]
    return sha256(
        {
            "decoder": decoder and [decoder["reduce"], decoder["argmax"], decoder["quantity"]],
            "dt": document["dt"],
            "edges": [[*edge["from"], *edge["to"], edge["delay"]] for edge in document["edges"]],
            "inputs": [
                [item["id"], item["shape"], types[item["type"]], item["hold"]] for item in document["inputs"]
            ],
            "nodes": [
                {
                    "attributes": [[name, attribute(value)] for name, value in sorted(node["attributes"].items())],
                    "id": node["id"],
                    "op": f"{node['op']}/{node['version']}",
                    "params": [
                        tensor_entry(name, document["tensors"][key])
                        for name, key in sorted(node["params"].items())
                    ],
                    "program": None if node["program"] is None else programs[node["program"]],
                }
                for node in document["nodes"]
            ],
            "outputs": document["outputs"],
        }
    )


def stated(graph: Graph) -> None:
    document = json.loads(to_graph_json(graph))
    assert digest(document) == document["digest"]


@pytest.mark.parametrize("graph", [mlp(), loihi_mlp(), everything()], ids=["float", "integer", "everything"])
def test_the_digest_follows_from_the_text(graph: Graph) -> None:
    stated(graph)


@given(st.one_of(float_graphs(), netx_graphs(), layered_graphs()))
def test_of_random_networks(graph: Graph) -> None:
    stated(graph)


def test_of_every_micro_operation_and_step_op() -> None:
    for _, program in micro_programs():
        stated(graph_of(program))
    for op, chosen in variants():
        stated(layer_of(op, chosen))
