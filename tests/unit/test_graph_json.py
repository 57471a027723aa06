"""graph-json: round trip of everything that computes, same bytes, digest of the .snn file, conversion."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from hypothesis import given
from hypothesis import strategies as st
from snnhub.engine.reference import prepare
from snnhub.errors import FormatError
from snnhub.findings import Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.numtype import F32, integer
from snnhub.ir.op import Attribute, StepOp
from snnhub.ir.program import Program, Scope, Slot, State
from snnhub.ir.tensor import STORED_DTYPES, tensor
from snnhub.ir.trace import trace
from snnhub.ops.registry import REGISTRY
from snnhub_conformance.strategies import float_graphs, layered_graphs, netx_graphs
from snnhub_formats import graph_json
from snnhub_formats.graph_json import from_graph_json, to_graph_json

from tests.build import loihi_mlp, mlp, neurons, spikes
from tests.unit.test_container import everything


def same(graph: Graph) -> Graph:
    """What a file holds of the graph: all that computes, and the name."""
    return replace(graph.network(), name=graph.name)


def round_trip(graph: Graph) -> Graph:
    data = to_graph_json(graph)
    found = from_graph_json(data, REGISTRY)
    assert found == same(graph)
    assert to_graph_json(found) == data
    assert json.loads(data)["digest"] == network_digest(graph)
    return found


def variants() -> Iterator[Any]:
    """Every step op with every combination of its choices; integers of a range at both ends."""
    for op in REGISTRY.all():
        if isinstance(op, StepOp):
            for values in product(*(choices(attribute) for attribute in op.attributes)):
                chosen = dict(zip((attribute.name for attribute in op.attributes), values, strict=True))
                yield pytest.param(op, chosen, id=f"{op.name}-{'-'.join(str(value) for value in values)}")


def choices(attribute: Attribute) -> tuple[Any, ...]:
    return attribute.allowed or tuple(dict.fromkeys(attribute.range or ()))


@pytest.mark.parametrize(("op", "chosen"), list(variants()))
def test_every_variant_of_every_step_op(op: StepOp, chosen: dict[str, Any]) -> None:
    program = op.program(chosen)
    params = {item.name: number(item.type or F32) for item in op.parameters(chosen)}
    builder = GraphBuilder(op.name, REGISTRY)
    ports = {slot.name: builder.input((2, 3), slot.type, f"in_{slot.name}") for slot in program.inputs}
    builder.output(builder.node("n", op.name, ports, version=op.version, params=params, **chosen))
    found = round_trip(builder.graph())
    assert found.nodes[0].program == program
    assert found.nodes[0].program.digest == program.digest


def number(type_: Any) -> Any:
    """A parameter that a slot takes."""
    return (
        tensor(np.int64(type_.range[1]))
        if type_.is_int
        else tensor(0.75, "float32" if type_ == F32 else "float64")
    )


@given(st.one_of(float_graphs(), netx_graphs(), layered_graphs()))
def test_random_networks(graph: Graph) -> None:
    round_trip(graph)


@pytest.mark.parametrize("graph", [mlp(), loihi_mlp(), everything()], ids=["float", "integer", "everything"])
def test_the_digest_links_to_the_neutral_file(graph: Graph, tmp_path: Path) -> None:
    """Records differ, the network does not: ``inspect`` of either file shows one digest."""
    snnhub.save(replace(graph, correspondence=(), decoder=None), tmp_path / "a.snn")
    result = snnhub.convert(tmp_path / "a.snn", tmp_path / "a.json")
    shown = [snnhub.inspect(tmp_path / f"a.{suffix}").to_json() for suffix in ("snn", "json")]
    assert shown[0]["network"] == shown[1]["network"] == json.loads((tmp_path / "a.json").read_bytes())["digest"]
    assert [item["importer"] for item in shown] == ["snn", "graph-json"]
    left_out = [finding for finding in result.findings if finding.code == "SNN-4201"]
    assert len(left_out) == (graph.nodes[0].origin.path != "")
    for finding in left_out:
        assert finding.severity is Severity.INFO
        assert finding.old == "origins, recipes, quantisation, findings, provenance"


def test_the_same_answer_from_both_files(tmp_path: Path) -> None:
    snnhub.save(loihi_mlp(), tmp_path / "a.snn")
    snnhub.convert(tmp_path / "a.snn", tmp_path / "a.json", to="graph-json", verify=spikes((9, 2, 6)))
    assert snnhub.verify(tmp_path / "a.snn", tmp_path / "a.json", stimulus=spikes((9, 2, 6)), expect="bits").passed
    snnhub.convert(tmp_path / "a.json", tmp_path / "b.snn")
    assert snnhub.load(tmp_path / "b.snn").network() == loihi_mlp().network()


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    line = (
        "import tests.conftest; from tests.build import loihi_mlp; import sys;"
        "from snnhub_formats.graph_json import to_graph_json; sys.stdout.buffer.write(to_graph_json(loihi_mlp()))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", line],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "77")
    }
    assert texts == {to_graph_json(loihi_mlp())}


def test_other_spacing_and_order_of_keys_is_the_same_network() -> None:
    document = json.loads(to_graph_json(everything()))
    text = json.dumps(document, sort_keys=True, indent=2).encode()
    assert from_graph_json(text, REGISTRY) == same(everything())


def constants(*values: Any) -> Graph:
    """A node that adds constants up, outside any registered op: only its program says what it is."""

    def body(x: Any, state: Any, param: Any) -> Any:
        total = state.v
        for value in values:
            total = total + value
        return {"v": total * 0.5, "n": state.n}, {"y": total}

    states = [State("v", F32, -0.0), State("n", integer(-(2**63), 2**63 - 1), -(2**63), Scope.NODE)]
    program = trace(body, [Slot("x", F32)], [], states)
    return foreign(program)


def foreign(program: Program, **params: Any) -> Graph:
    builder = GraphBuilder("odd", REGISTRY)
    port = builder.input((2,), F32)
    builder.output(neurons(builder, "n", port))
    node = Node("n", "acme.Odd", 7, (("many", (1, -(2**60))), ("size", 2**62)), tuple(params.items()), program)
    output = Port("n", program.outputs[0][0])
    edges = tuple(replace(e, src=output) if e.src.node == "n" else e for e in builder.edges)
    return Graph('odd \u2603 "name"', (node,), edges, tuple(builder.inputs), tuple(builder.outputs), 5e-324)


def test_numbers_at_the_edges() -> None:
    graph = constants(math.inf, -math.inf, -0.0, 2.0**-149, 2.0**127)
    found = round_trip(graph)
    assert found.nodes[0].attribute["size"] == 2**62
    text = to_graph_json(graph).decode()
    for wanted in ('["inf"]', '["-inf"]', '"-0x0.0p+0"', '"0x1.0000000000000p-149"'):
        assert wanted in text
    assert '"-9223372036854775808"' in text
    assert "9223372036854775807," not in text
    data = to_graph_json(constants(math.nan))
    assert b'["nan"]' in data
    assert to_graph_json(from_graph_json(data, REGISTRY)) == data, "NaN is unequal to itself, its text is not"


@pytest.mark.parametrize("dtype", sorted(STORED_DTYPES))
def test_tensors_of_every_dtype_keep_their_bytes(dtype: str) -> None:
    if dtype.startswith("float"):
        info = np.finfo(dtype)
        numbers = np.array([info.max, info.min, info.smallest_subnormal, -0.0, 1 / 3, 0], dtype)
    else:
        bounds = np.iinfo(dtype)
        numbers = np.array([bounds.max, bounds.min, 0, 1, bounds.max - 1, bounds.min + 1], dtype)
    program = trace(lambda x, state, param: ({}, {"y": x}), [Slot("x", F32)], [], [])
    graph = foreign(program, w=tensor(numbers.reshape(3, 2)), empty=tensor(np.zeros((0, 4), dtype)))
    found = from_graph_json(to_graph_json(graph)).nodes[0].param["w"]
    assert (found.dtype, found.shape) == (numbers.dtype, (3, 2))
    assert found.array.tobytes() == numbers.tobytes()


def test_names_that_meet_in_the_table_of_tensors() -> None:
    """``a/b`` with parameter ``c``, and ``a`` with parameter ``b/c``."""
    program = trace(lambda x, state, param: ({}, {"y": x}), [Slot("x", F32)], [], [])
    one = foreign(program, **{"b/c": tensor(np.int8(1))})
    second = Node("n/b", "acme.Odd", 7, (), (("c", tensor(np.int8(2))),), program)
    graph = replace(one, nodes=(replace(one.nodes[0], params=(("b/c", tensor(np.int8(1))),)), second))
    found = from_graph_json(to_graph_json(graph))
    assert [int(node.params[0][1].array) for node in found.nodes] == [1, 2]


def test_a_step_before_the_first_run_verifies_what_was_read_without_the_ops() -> None:
    broken = replace(mlp(), outputs=())
    data = to_graph_json(broken)
    assert from_graph_json(data) == same(broken)
    with pytest.raises(FormatError, match="no output"):
        from_graph_json(data, REGISTRY)


def test_a_large_network_is_kept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_json, "LIMIT", 1000)
    with pytest.raises(FormatError, match="too large for JSON"):
        to_graph_json(mlp())


def test_what_was_read_runs() -> None:
    graph = mlp()
    x = spikes((7, 2, 6)).astype(np.float32)
    found, _ = prepare(from_graph_json(to_graph_json(graph))).run(x, record=["output", "n0/v"])
    wanted, _ = prepare(graph).run(x, record=["output", "n0/v"])
    for key in wanted:
        np.testing.assert_array_equal(found[key], wanted[key])
