"""Which graphs this plugin holds: a chain of dense layers, each with adaptive neurons behind it, without delays.

Exporter and runner go by the names of ops, so both refuse a graph whose programs are not what the names stand for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, error
from snnhub.ir.graph import Graph, Node
from snnhub.ir.verify import foreign_programs
from snnhub.ops.registry import REGISTRY

from snnhub_example.op import NAME, NUMBERS, VERSION

DENSE = "core.Dense"
HELD = ((DENSE, 1), (NAME, VERSION))


@dataclass(frozen=True)
class Pair:
    """A dense layer and the neurons behind it."""

    synapse: Node
    neuron: Node


def chain(graph: Graph, code: str) -> list[Pair]:
    """The pairs of a graph, in order. Raises ``UnsupportedError`` with every reason why there are none.

    ``code``: the code of the findings, which says whether a file or a runner refuses.
    """
    problems = [*_problems(graph, code), *foreign_programs(graph, REGISTRY)]
    order = _order(graph)
    pairs = [Pair(a, b) for a, b in zip(order[::2], order[1::2], strict=False)]
    fitting = all((pair.synapse.op, pair.neuron.op) == (DENSE, NAME) for pair in pairs)
    if not problems and not (pairs and fitting and len(order) == len(graph.nodes) == 2 * len(pairs)):
        problems = [error(code, graph.name, "is no chain of dense layers with neurons behind each")]
    if problems:
        words = f"{len(problems)} reasons; the first: {problems[0].message}"
        raise UnsupportedError(words, where=problems[0].place, findings=problems)
    return pairs


def _order(graph: Graph) -> list[Node]:
    """The nodes between the first input and the output, as long as there is one way to go."""
    found: list[Node] = []
    edges = graph.fed_by(graph.inputs[0].id)
    while len(edges) == 1 and edges[0].dst.node in graph.node and len(found) < len(graph.nodes):
        found.append(graph.node[edges[0].dst.node])
        edges = graph.fed_by(found[-1].id)
    return found


def _problems(graph: Graph, code: str) -> Iterator[Finding]:
    for node in graph.nodes:
        if (node.op, node.version) not in HELD:
            allowed = ", ".join(f"{name}/{version}" for name, version in HELD)
            yield error(code, node.id, f"found {node.kind}, allowed {allowed}")
        elif node.op == DENSE and (node.attribute["bias"] or node.attribute["shift"]):
            yield error(code, node.id, "a dense layer has neither bias nor shift here")
        elif node.op == DENSE and node.param["weight"].dtype != "float32":
            yield error(code, f"{node.id}/weight", f"found {node.param['weight'].dtype}, allowed float32")
        elif node.op == NAME and any(node.param[key].shape for key in NUMBERS):
            yield error(code, node.id, "one number per layer, not one per neuron")
    for edge in graph.edges:
        if edge.delay:
            yield error(code, str(edge), "a delay; there are none here", remedy="Keep the network as .snn.")
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or len(graph.inputs[0].shape) != 1:
        yield error(code, graph.name, "needs one flat input and one output")
    elif graph.inputs[0].hold or str(graph.inputs[0].type) != "f32":
        yield error(code, graph.inputs[0].id, "needs an f32 input with values for every step")
