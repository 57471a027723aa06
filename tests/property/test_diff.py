"""diff of random networks: nothing with itself, the same both ways, and one change is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import snnhub
from hypothesis import given
from hypothesis import strategies as st
from snnhub.differences.difference import Difference, Section
from snnhub.differences.report import NetworkDiff
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Decoder, Edge, Graph, Node, Port
from snnhub.ir.numtype import F64
from snnhub.ir.tensor import tensor

from tests.build import loihi_mlp, mlp

Random = np.random.Generator
Expected = tuple[str, str, str]
"""Section, what, place."""
Change = Callable[[Graph, Random], tuple[Graph, Expected]]


@st.composite
def networks(draw: st.DrawFn) -> Graph:
    """Float or Loihi layers in a chain, with delays, and with edges that skip or close a loop between layers of
    one size.
    """
    depth, seed = draw(st.integers(1, 5)), draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    sizes = [4] * (depth + 1) if draw(st.booleans()) else [int(size) for size in random.integers(2, 7, depth + 1)]
    net = (loihi_mlp if draw(st.booleans()) else mlp)(sizes, seed)
    into = "a" if net.node["n0"].op == "loihi.CubaLIF" else "x"
    extra = [
        Edge(Port(f"n{one}", "s"), Port(f"n{other}", into), int(random.integers(1, 4)))
        for one in range(depth)
        for other in range(depth)
        if sizes[one + 1] == sizes[other + 1] and random.random() < 0.2
    ]
    return replace(net, edges=(*net.edges, *extra))


def put(net: Graph, node: Node) -> Graph:
    return replace(net, nodes=tuple(node if item.id == node.id else item for item in net.nodes))


def pick(random: Random, items: tuple[Node, ...] | tuple[Edge, ...]) -> int:
    return int(random.integers(len(items)))


def a_number(net: Graph, random: Random) -> tuple[Graph, Expected]:
    node = net.nodes[pick(random, net.nodes)]
    name, old = node.params[int(random.integers(len(node.params)))]
    array = old.array.copy().reshape(-1)
    array[int(random.integers(array.size))] += 1
    return put(net, node.with_params(**{name: tensor(array.reshape(old.shape))})), (
        "parameters",
        "numbers",
        f"{node.id}/{name}",
    )


def a_type(net: Graph, random: Random) -> tuple[Graph, Expected]:
    node = net.nodes[pick(random, net.nodes)]
    name, old = node.params[int(random.integers(len(node.params)))]
    wide = old.array.astype(np.float64 if old.dtype.kind == "f" else np.int64)
    return put(net, node.with_params(**{name: tensor(wide)})), ("parameters", "type", f"{node.id}/{name}")


def a_delay(net: Graph, random: Random) -> tuple[Graph, Expected]:
    place = pick(random, net.edges)
    edge = net.edges[place]
    edges = (*net.edges[:place], replace(edge, delay=edge.delay + 9), *net.edges[place + 1 :])
    return replace(net, edges=edges), ("structure", "delay", f"{edge.src} -> {edge.dst}")


def an_edge_less(net: Graph, random: Random) -> tuple[Graph, Expected]:
    place = pick(random, net.edges)
    edge = net.edges[place]
    return replace(net, edges=(*net.edges[:place], *net.edges[place + 1 :])), (
        "structure",
        "edge removed",
        f"{edge.src} -> {edge.dst}",
    )


def an_edge_more(net: Graph, random: Random) -> tuple[Graph, Expected]:
    edge = replace(net.edges[pick(random, net.edges)], delay=77)
    return replace(net, edges=(*net.edges, edge)), ("structure", "edge added", f"{edge.src} -> {edge.dst}")


def a_choice(net: Graph, random: Random) -> tuple[Graph, Expected]:
    node = net.nodes[pick(random, net.nodes)]
    name, old = node.attributes[int(random.integers(len(node.attributes)))]
    new = (not old) if isinstance(old, bool) else "other"
    made = replace(node, attributes=tuple({**node.attribute, name: new}.items()))
    return put(net, made), ("semantics", f"attribute {name}", node.id)


def a_name(net: Graph, random: Random) -> tuple[Graph, Expected]:
    old = net.nodes[pick(random, net.nodes)].id

    def there(port: Port) -> Port:
        return Port("elsewhere", port.name) if port.node == old else port

    nodes = tuple(replace(node, id="elsewhere") if node.id == old else node for node in net.nodes)
    edges = tuple(Edge(there(edge.src), there(edge.dst), edge.delay) for edge in net.edges)
    return replace(net, nodes=nodes, edges=edges), ("structure", "node renamed", f"{old} | elsewhere")


def an_order(net: Graph, random: Random) -> tuple[Graph, Expected]:
    return replace(net, nodes=(*net.nodes[1:], net.nodes[0])), ("structure", "order of nodes", "")


def a_step(net: Graph, random: Random) -> tuple[Graph, Expected]:
    return replace(net, dt=0.125), ("interface", "dt", "")


def a_decoder(net: Graph, random: Random) -> tuple[Graph, Expected]:
    return replace(net, decoder=Decoder("sum", quantity="n0/v")), ("interface", "decoder", "")


def an_input(net: Graph, random: Random) -> tuple[Graph, Expected]:
    return replace(net, inputs=(replace(net.inputs[0], type=F64),)), ("interface", "input type", "input")


def a_hold(net: Graph, random: Random) -> tuple[Graph, Expected]:
    return replace(net, inputs=(replace(net.inputs[0], hold=3),)), (
        "interface",
        "steps that one frame is held",
        "input",
    )


def a_comparison(net: Graph, random: Random) -> tuple[Graph, Expected]:
    """Another program under the same op, as a file may bring it: >= for >, or the other way round."""
    from snnhub.ir.microop import MicroOp

    node = next(item for item in net.nodes if item.program is not None)
    program = node.program
    assert program is not None
    turned = {MicroOp.GE: MicroOp.GT, MicroOp.GT: MicroOp.GE}
    spike = dict(program.outputs)["s"]
    code = tuple(replace(i, op=turned[i.op]) if n == spike else i for n, i in enumerate(program.code))
    return put(net, replace(node, program=replace(program, code=code))), ("semantics", "fires", node.id)


CHANGES: tuple[Change, ...] = (
    a_number,
    a_type,
    a_delay,
    an_edge_less,
    an_edge_more,
    a_choice,
    a_name,
    an_order,
    a_step,
    a_decoder,
    an_input,
    a_hold,
    a_comparison,
)


def told(item: Difference) -> Expected:
    return item.section.value, item.what, item.place


def computing(result: NetworkDiff) -> list[Difference]:
    return [item for item in result.differences if item.section is not Section.PROVENANCE]


@given(networks())
def test_a_network_is_equal_to_itself(net: Graph) -> None:
    result = snnhub.diff(net, net)
    assert result.equal
    assert result.differences == ()
    assert result.tensors[0] == result.tensors[1]


@given(networks(), st.sampled_from(CHANGES), st.integers(0, 2**32 - 1))
def test_one_change_is_found_and_named(net: Graph, change: Change, seed: int) -> None:
    """It alone; but another program is also shown in lines."""
    other, expected = change(net, np.random.default_rng(seed))
    result = snnhub.diff(net, other)
    found = [told(item) for item in computing(result) if not item.lines]
    assert found == [expected]
    assert not result.equal
    assert result.alignment.ties == ()


@given(
    networks(), networks(), st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 2**32 - 1)), max_size=4)
)
def test_both_ways_and_the_digest(net: Graph, stranger: Graph, changes: list[tuple[Change, int]]) -> None:
    """A against B mirrors B against A, and there are differences if and only if the digests differ."""
    other = net
    for change, seed in dict(changes).items():
        other, _ = change(other, np.random.default_rng(seed))
    for one, two in ((net, other), (net, stranger)):
        result, mirrored = snnhub.diff(one, two), snnhub.diff(two, one)
        assert {(p.b, p.a, p.how) for p in mirrored.alignment.pairs} == {
            (p.a, p.b, p.how) for p in result.alignment.pairs
        }
        assert sorted(map(_flat, computing(mirrored))) == sorted(
            _flat(_turned(item)) for item in computing(result)
        )
        assert bool(computing(result)) == (network_digest(one) != network_digest(two))


TURNED = {"added": "removed", "removed": "added"}


def _turned(item: Difference) -> Difference:
    what = " ".join(TURNED.get(word, word) for word in item.what.split(" "))
    return replace(item, what=what, a=item.b, b=item.a, old=item.new, new=item.old)


def _flat(item: Difference) -> tuple[str, ...]:
    numbers = item.numbers
    count = (
        "" if numbers is None else f"{numbers.compared} {numbers.differing} {numbers.largest} {numbers.unordered}"
    )
    return item.section.value, item.what, item.a, item.b, item.old, item.new, count


@given(networks(), st.integers(0, 2**32 - 1))
def test_other_names_in_another_order(net: Graph, seed: int) -> None:
    """Every node is found again, or said to be ambiguous; then what it is taken for computes the same."""
    random = np.random.default_rng(seed)
    names = {
        node.id: f"x{number}" for number, node in zip(random.permutation(len(net.nodes)), net.nodes, strict=True)
    }

    def there(port: Port) -> Port:
        return Port(names.get(port.node, port.node), port.name)

    nodes = [replace(node, id=names[node.id]) for node in net.nodes]
    edges = tuple(Edge(there(edge.src), there(edge.dst), edge.delay) for edge in net.edges)
    other = replace(net, nodes=tuple(nodes[i] for i in random.permutation(len(nodes))), edges=edges)
    result = snnhub.diff(net, other)
    if not result.alignment.ties:
        assert result.alignment.nodes == names
    assert {item.what for item in result.differences} <= {"node renamed", "order of nodes", "order of edges"}
