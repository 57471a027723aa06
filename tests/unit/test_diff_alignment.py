"""Alignment of two networks: by table, by name, by structure; what is ambiguous is said."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import snnhub
from snnhub.differences.difference import Section
from snnhub.differences.report import NetworkDiff
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Edge, Graph, Match, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub.passes.fold_norm import FOLD_NORM

from tests.build import dense, loihi_mlp, mlp, neurons, scalar

EMPTY = Graph("", (), (), (), ())


def renamed(net: Graph, names: Mapping[str, str]) -> Graph:
    def there(port: Port) -> Port:
        return Port(names.get(port.node, port.node), port.name)

    return replace(
        net,
        nodes=tuple(replace(node, id=names.get(node.id, node.id)) for node in net.nodes),
        edges=tuple(Edge(there(edge.src), there(edge.dst), edge.delay) for edge in net.edges),
    )


def whats(result: NetworkDiff) -> set[str]:
    return {item.what for item in result.differences if item.section is not Section.PROVENANCE}


def test_renamed_and_permuted_nodes() -> None:
    """Six layers of one shape, all names new, nodes and edges in another order: every node is found."""
    net = mlp((5, 5, 5, 5, 5, 5, 5), seed=3)
    random = np.random.default_rng(0)
    order, places = random.permutation(len(net.nodes)), random.permutation(len(net.edges))
    names = {node.id: f"x{number}" for number, node in enumerate(net.nodes)}
    other = renamed(net, names)
    other = replace(
        other,
        nodes=tuple(other.nodes[i] for i in order),
        edges=tuple(other.edges[i] for i in places),
    )
    result = snnhub.diff(net, other)
    assert result.alignment.nodes == names
    assert result.alignment.ties == ()
    assert {pair.how for pair in result.alignment.pairs} == {"structure"}
    assert whats(result) == {"node renamed", "order of nodes", "order of edges"}
    assert result.tensors[0] == result.tensors[1] == 18


def test_names_that_were_exchanged_are_not_believed() -> None:
    net = mlp((5, 5, 5, 5))
    other = renamed(net, {"fc0": "fc1", "fc1": "fc0"})
    result = snnhub.diff(net, other)
    assert result.alignment.nodes["fc0"] == "fc1"
    assert whats(result) == {"node renamed"}


def test_a_layer_in_front_shifts_the_numbers() -> None:
    """As in a Sequential: what was 0, 1, 2 is 2, 3, 4."""
    net = renamed(mlp((6, 6, 4)), {"fc0": "0", "n0": "1", "fc1": "2", "n1": "3"})
    front = mlp((6, 6, 6, 4), seed=9)
    longer = renamed(front, {"fc0": "0", "n0": "1", "fc1": "2", "n1": "3", "fc2": "4", "n2": "5"})
    same = {"2": net.node["0"], "4": net.node["2"]}
    longer = replace(
        longer,
        nodes=tuple(node.with_params(**same[node.id].param) if node.id in same else node for node in longer.nodes),
    )
    result = snnhub.diff(net, longer)
    assert result.alignment.nodes == {"0": "2", "1": "3", "2": "4", "3": "5"}
    assert result.alignment.added == ("0", "1")
    assert whats(result) == {"node added", "node renamed", "edge removed"}


def test_without_names_and_with_other_numbers_shapes_and_places_tell() -> None:
    """Another training, another op, another name: position and shapes remain."""
    names = {"fc0": "a", "n0": "b", "fc1": "c", "n1": "d"}
    result = snnhub.diff(mlp(), renamed(loihi_mlp(seed=5), names))
    assert result.alignment.nodes == names
    assert len([item for item in result.differences if item.what == "op"]) == 2
    assert "edge removed" not in whats(result)  # ports of neurons have other names there
    assert [item.old for item in result.differences if item.what == "delay"] == ["0", "0"]


def branches(names: tuple[str, ...], weights: tuple[int, ...]) -> Graph:
    """Dense layers side by side, added up by one neuron."""
    builder = GraphBuilder("branches", REGISTRY)
    port = builder.input((3,), F32)
    for name, seed in zip(names, weights, strict=True):
        dense(builder, name, port, np.random.default_rng(seed).normal(size=(2, 3)).astype(np.float32))
    params = {"v_threshold": scalar(1.0), "v_reset": scalar(0.0)}
    out = builder.node("sum", "core.IF", Port(names[0], "y"), params=params, reset="value", compare="ge")
    builder.output(out)
    net = builder.graph()
    more = tuple(Edge(Port(name, "y"), Port("sum", "x")) for name in names[1:])
    return replace(net, edges=(*net.edges, *more))


def test_equal_branches_are_ambiguous_and_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    a, b = branches(("p", "q", "r"), (1, 1, 2)), branches(("u", "v", "w"), (1, 1, 2))
    result = snnhub.diff(a, b)
    (tie,) = result.alignment.ties
    assert (tie.a, tie.b, tie.chosen) == (("p", "q"), ("u", "v"), ("p", "u"))
    assert result.alignment.nodes == {"p": "u", "q": "v", "r": "w", "sum": "sum"}
    from snnhub.cli.diff import show

    show(result)
    assert "ambiguous: p, q of A and u, v of B fit each other alike; taken: p | u" in capsys.readouterr().out


def test_the_order_of_addition() -> None:
    a = branches(("p", "q", "r"), (1, 2, 3))
    front, *arriving = a.edges[:-2], a.edges[-1], a.edges[-2]
    result = snnhub.diff(a, replace(a, edges=(*front, *arriving)))
    assert [(item.what, item.place) for item in result.differences] == [("order of addition", "sum.x")]


def test_a_batch_norm_folded_into_its_layer() -> None:
    """The table has a row for the norm only; the layer in front of it goes with it."""
    builder = GraphBuilder("norm", REGISTRY)
    weight = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    port = dense(builder, "fc", builder.input((6,), F32), weight)
    params = {"scale": tensor([1, 2, 3, 4], "float32"), "shift": tensor([0, 1, 0, 1], "float32")}
    port = builder.node("bn", "core.BatchNorm", port, params=params)
    builder.output(neurons(builder, "n", port))
    net = builder.graph()
    folded = run_passes(net, [FOLD_NORM], PassContext(REGISTRY))
    result = snnhub.diff(net, replace(folded, correspondence=()))
    assert result.alignment.removed == ("bn",)
    later = {"fc": "layer1", "n": "layer1/neurons"}
    table = tuple(
        replace(m, new=Port(later.get(m.new.node, m.new.node), m.new.name)) for m in folded.correspondence
    )
    result = snnhub.diff(net, replace(renamed(folded, later), correspondence=table))
    (group,) = result.alignment.together
    assert (group.a, group.b) == (("fc", "bn"), ("layer1",))
    assert result.alignment.nodes == {"fc": "layer1", "n": "layer1/neurons"}
    assert result.alignment.removed == ()


def test_a_table_of_another_network_is_not_used() -> None:
    net = mlp()
    names = {"fc0": "a", "n0": "b"}
    table = (Match(Port("elsewhere", "y"), Port("a", "y")), Match(Port("there", "s"), Port("b", "s")))
    result = snnhub.diff(net, replace(renamed(net, names), correspondence=table))
    assert result.alignment.source == ""
    assert result.alignment.nodes == {"fc0": "a", "n0": "b", "fc1": "fc1", "n1": "n1"}


@pytest.mark.parametrize("other", [EMPTY, mlp(), loihi_mlp()])
def test_empty_graphs(other: Graph) -> None:
    for pair in ((EMPTY, other), (other, EMPTY)):
        result = snnhub.diff(*pair)
        assert result.equal == (other is EMPTY)
        assert bool(whats(result)) != result.equal
        assert result.counts["structure"] == len(other.nodes)


def test_names_that_style_a_terminal_are_printed_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    from snnhub.cli.diff import show

    net = mlp()
    show(snnhub.diff(net, renamed(net, {"fc0": "[red]\x1b[31m[/]", "n0": "[/bold]"})))
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "[/bold]" in text


def test_two_thousand_alike_nodes_without_names() -> None:
    """A chain of equal neurons under new names: aligned along the chain, in seconds."""
    builder = GraphBuilder("chain", REGISTRY)
    port = builder.input((2,), F32)
    for number in range(2000):
        port = neurons(builder, f"n{number}", port)
    builder.output(port)
    net = builder.graph()
    names = {node.id: f"m{(7 * number) % 2000}" for number, node in enumerate(net.nodes)}
    start = time.perf_counter()
    result = snnhub.diff(net, renamed(net, names))
    assert time.perf_counter() - start < 20
    assert result.alignment.nodes == names
    assert whats(result) == {"node renamed"}


def test_a_thousand_equal_branches_are_one_tie() -> None:
    count = 1000
    a = branches(tuple(f"p{number}" for number in range(count)), (1,) * count)
    b = branches(tuple(f"q{number}" for number in range(count)), (1,) * count)
    start = time.perf_counter()
    result = snnhub.diff(a, b)
    assert time.perf_counter() - start < 30
    (tie,) = result.alignment.ties
    assert len(tie.a) == len(tie.b) == count
    assert result.alignment.nodes["p999"] == "q999"


def test_edges_to_nowhere_are_compared_as_well() -> None:
    """A graph that breaks the rules is no reason to say that nothing differs."""
    net = mlp()
    broken = replace(net, edges=(*net.edges, Edge(Port("ghost", "y"), Port("n1", "x"))))
    assert whats(snnhub.diff(net, broken)) == {"edge added"}
    assert whats(snnhub.diff(broken, net)) == {"edge removed"}
    assert snnhub.diff(broken, broken).differences == ()


def test_what_nothing_tells_apart_is_left_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Two loose neurons each that look alike, connected to nothing."""
    from snnhub.cli.diff import show

    net = mlp()
    ours, theirs = (
        replace(net, nodes=(*net.nodes, *(replace(net.node["n0"], id=name) for name in names)))
        for names in (("p", "q"), ("u", "v"))
    )
    result = snnhub.diff(ours, theirs)
    (tie,) = result.alignment.ties
    assert (tie.a, tie.b, tie.chosen) == (("p", "q"), ("u", "v"), None)
    assert (result.alignment.removed, result.alignment.added) == (("p", "q"), ("u", "v"))
    show(result)
    assert "none taken" in capsys.readouterr().out


@pytest.mark.parametrize("scale", [0.0, 5e-324, float("inf"), float("nan"), None])
def test_factors_of_a_table_that_are_no_numbers(scale: float | None) -> None:
    net = mlp()
    names = {"fc0": "a", "n0": "b", "fc1": "c", "n1": "d"}
    ports = [("fc0", "y"), ("n0", "s"), ("fc1", "y"), ("n1", "s")]
    table = tuple(Match(Port(name, port), Port(names[name], port), 0, scale) for name, port in ports)
    other = replace(renamed(net, names), correspondence=table)
    for pair in ((net, other), (other, net)):
        result = snnhub.diff(*pair)
        assert result.alignment.count("table") == 4
        json.dumps(result.to_json(), allow_nan=False)
