"""The graph verifier: every rule, all problems at once, each naming its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from snnhub.errors import GraphError
from snnhub.findings import Severity
from snnhub.ir.analysis import analyse
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Edge, Graph, Match, Node, Output, Port
from snnhub.ir.numtype import F32, SPIKE, integer
from snnhub.ir.tensor import tensor
from snnhub.ir.topology import topological_order
from snnhub.ir.verify import ensure, verify
from snnhub.ops.registry import REGISTRY

from tests.build import conv, cuba, dense, loihi_mlp, mlp, neurons, scalar


def codes(graph: Graph) -> dict[str, str]:
    """Error codes with their places."""
    return {f.code: f.place for f in verify(graph, REGISTRY) if f.severity is Severity.ERROR}


def test_a_sound_graph_has_no_findings() -> None:
    assert verify(mlp(), REGISTRY) == ()


def test_graphs_are_equal_by_content() -> None:
    assert mlp(seed=1) == mlp(seed=1)
    assert mlp(seed=1) != mlp(seed=2)
    assert hash(mlp().nodes[0].param["weight"]) == hash(mlp().nodes[0].param["weight"])


def test_seven_faults_in_one_report() -> None:
    """One error per attempt is what users complain about most: all faults are reported together."""
    graph = mlp((4, 4, 4))
    nodes = list(graph.nodes)
    nodes[0] = replace(nodes[0], attributes=(*nodes[0].attributes, ("colour", 3)))
    nodes[1] = replace(nodes[1], params=nodes[1].params[:1])
    nodes[2] = nodes[2].with_params(weight=tensor(np.full((4, 4), np.nan, np.float32)))
    nodes[3] = replace(nodes[3], program=None)
    nodes.append(replace(nodes[0], id="input/x", attributes=graph.nodes[0].attributes))
    edges = (*graph.edges, Edge(Port("ghost", "s"), Port("fc0", "x")), Edge(Port("n1", "s"), Port("fc0", "x"), -1))
    found = codes(replace(graph, nodes=tuple(nodes), edges=edges))
    assert found == {
        "SNN-1001": "input/x",
        "SNN-1004": "fc0",
        "SNN-1005": "n0/v_threshold",
        "SNN-1013": "fc1/weight",
        "SNN-1014": "n1",
        "SNN-1002": "ghost.s -> fc0.x",
        "SNN-1015": "n1.s -> fc0.x (delay -1)",
        "SNN-1008": "input/x.x",
    }


def test_ensure_raises_with_every_problem() -> None:
    graph = mlp()
    with pytest.raises(GraphError) as caught:
        ensure(replace(graph, edges=graph.edges[1:], decoder=Decoder("mean", quantity="n9/v")), REGISTRY)
    assert caught.value.findings


def test_cycle_without_delay_is_printed() -> None:
    builder = GraphBuilder("loop", REGISTRY)
    port = neurons(builder, "a", dense(builder, "fa", builder.input((3,), F32), np.eye(3, dtype=np.float32)))
    back = dense(builder, "fb", port, np.eye(3, dtype=np.float32))
    builder.edge(back, Port("a", "x"))
    builder.output(port)
    with pytest.raises(GraphError) as caught:
        builder.graph()
    assert "a -> fb -> a" in str(caught.value.findings[0])


def test_order_is_topological_with_ties_by_node_order() -> None:
    graph = mlp((3, 3, 3, 3))
    shuffled = replace(graph, nodes=tuple(reversed(graph.nodes)))
    assert topological_order(shuffled) == ("fc0", "n0", "fc1", "n1", "fc2", "n2")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda g: replace(g, inputs=()), "SNN-1016"),
        (lambda g: replace(g, outputs=(), edges=g.edges[:-1]), "SNN-1016"),
        (lambda g: replace(g, edges=(*g.edges, g.edges[0])), "SNN-1018"),
        (lambda g: replace(g, decoder=Decoder("mean", quantity="n7/v")), "SNN-1017"),
        (lambda g: replace(g, decoder=Decoder("max")), "SNN-1017"),
        (lambda g: replace(g, correspondence=(Match(Port("a", "s"), Port("b", "s")),)), "SNN-1019"),
        (lambda g: replace(g, nodes=(*g.nodes, Node("x", "acme.Op", 1))), "SNN-1003"),
        (lambda g: replace(g, outputs=(*g.outputs, Output("second"))), "SNN-1008"),
        (lambda g: replace(g, inputs=(replace(g.inputs[0], shape=(7,)),)), "SNN-1009"),
        (lambda g: replace(g, inputs=(replace(g.inputs[0], shape=(0,)),)), "SNN-1009"),
        (lambda g: replace(g, inputs=(replace(g.inputs[0], hold=-1),)), "SNN-1015"),
        (lambda g: replace(g, inputs=(replace(g.inputs[0], hold=10**9),)), "SNN-1015"),
        (
            lambda g: replace(
                g,
                nodes=(g.nodes[0], g.nodes[1].with_params(v_reset=tensor(np.zeros(3, np.float32))), *g.nodes[2:]),
            ),
            "SNN-1007",
        ),
        (
            lambda g: replace(
                g, nodes=(g.nodes[0], g.nodes[1].with_params(v_reset=tensor(0, "int8")), *g.nodes[2:])
            ),
            "SNN-1005",
        ),
    ],
)
def test_each_fault_has_its_code(change: object, code: str) -> None:
    assert code in codes(change(mlp()))  # type: ignore[operator]


def test_parameters_outside_their_range_are_named() -> None:
    builder = GraphBuilder("x", REGISTRY)
    weight = np.ones((2, 2), np.int8)
    builder.output(cuba(builder, "n", dense(builder, "fc", builder.input((2,), SPIKE), weight, 1), i_decay=4097))
    with pytest.raises(GraphError) as caught:
        builder.graph()
    assert [(f.code, f.place) for f in caught.value.findings] == [("SNN-1006", "n/iDecay")]


def test_integer_ranges_are_inferred_from_weights() -> None:
    graph = loihi_mlp((6, 5), seed=3)
    types = analyse(graph, REGISTRY).types
    weight = graph.node["fc0"].param["weight"].array.astype(int)
    low, high = types[Port("fc0", "y")].range
    assert low <= int(np.minimum(weight, 0).sum(axis=1).min())
    assert high >= int(np.maximum(weight, 0).sum(axis=1).max())


def test_integers_too_wide_for_a_float_port_are_refused() -> None:
    builder = GraphBuilder("wide", REGISTRY)
    builder.output(neurons(builder, "n", builder.input((2,), integer(0, 2**25))))
    with pytest.raises(GraphError) as caught:
        builder.graph()
    assert caught.value.findings[0].code == "SNN-1010"


def test_several_edges_add_their_types() -> None:
    builder = GraphBuilder("sum", REGISTRY)
    source = builder.input((2,), SPIKE)
    first = dense(builder, "a", source, np.full((2, 2), 3, np.int8))
    second = dense(builder, "b", source, np.full((2, 2), 5, np.int8))
    port = cuba(builder, "n", first)
    builder.edge(second, Port("n", "a"))
    builder.output(port)
    assert analyse(builder.graph(), REGISTRY).types[Port("n", "a")] == integer(0, 16)


def test_convolution_shapes_follow_torch() -> None:
    builder = GraphBuilder("conv", REGISTRY)
    weight = np.ones((4, 2, 3, 2), np.float32)
    port = conv(
        builder,
        "c",
        builder.input((4, 11, 9), F32),
        weight,
        stride=(2, 1),
        padding=(1, 0),
        dilation=(2, 3),
        groups=2,
    )
    builder.output(neurons(builder, "n", port))
    assert analyse(builder.graph(), REGISTRY).shapes[Port("n", "s")] == (4, 5, 6)


def test_misfits_say_found_and_allowed() -> None:
    builder = GraphBuilder("misfit", REGISTRY)
    builder.output(dense(builder, "fc", builder.input((5,), F32), np.ones((3, 4), np.float32)))
    with pytest.raises(GraphError) as caught:
        builder.graph()
    text = str(caught.value.findings[0])
    assert "found 5 features" in text
    assert "allowed 4" in text


def test_a_program_that_differs_from_the_installed_op_is_noticed() -> None:
    graph = mlp()
    other = REGISTRY("core.IF", 1).program({"reset": "none", "compare": "ge"})  # type: ignore[union-attr]
    node = replace(graph.nodes[1], program=other)
    found = [
        f
        for f in verify(replace(graph, nodes=(graph.nodes[0], node, *graph.nodes[2:])), REGISTRY)
        if f.code == "SNN-1014"
    ]
    assert found[0].severity is Severity.INFO


def test_unknown_step_ops_with_a_program_are_only_remarked() -> None:
    graph = mlp()
    nodes = tuple(replace(node, op="acme.IF") if node.program else node for node in graph.nodes)
    found = verify(replace(graph, nodes=nodes), REGISTRY)
    assert {f.code for f in found} == {"SNN-1003"}
    assert {f.severity for f in found} == {Severity.INFO}


def test_unreachable_nodes_are_remarked() -> None:
    builder = GraphBuilder("side", REGISTRY)
    source = builder.input((2,), F32)
    builder.output(neurons(builder, "n", source))
    neurons(builder, "aside", source)
    assert [(f.code, f.place) for f in verify(builder.graph(), REGISTRY)] == [("SNN-1012", "aside")]


def test_attribute_choices_are_exact() -> None:
    graph = mlp()
    node = replace(graph.nodes[0], attributes=(("bias", 0), ("accumulate", "exact"), ("shift", 0)))
    assert codes(replace(graph, nodes=(node, *graph.nodes[1:])))["SNN-1004"] == "fc0"
    assert scalar(1.0).shape == ()
