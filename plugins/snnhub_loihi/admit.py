"""What can be lowered to Loihi. Everything that cannot is refused in one report, with a remedy for each."""

from __future__ import annotations

from collections.abc import Iterator

from snnhub.findings import Finding, error, note
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ir.op import OpLookup
from snnhub.ops.rules import window_size
from snnhub.passes.base import PassContext, PassResult, unchanged

SYNAPSES = ("core.Dense", "core.Conv")
NEURONS = ("core.IF", "core.LIF")
LOWERED = "loihi.CubaLIF"
SHAPING = ("core.Flatten",)
REMEDIES = {
    "core.BatchNorm": "Batch normalisation is folded only into a convolution or dense layer right before it.",
    "core.Add": "Loihi adds currents, not spikes; residual additions cannot be lowered yet.",
    "core.AvgPool": "Average pooling is folded only where it is exact.",
}


def run(graph: Graph, context: PassContext) -> PassResult:
    """Check every node and edge; the graph stays as it is."""
    findings = [
        *_nodes(graph),
        *_max_pools(graph, context.lookup),
        *_synapses(graph),
        *_inputs(graph),
        *_outputs(graph),
    ]
    return unchanged(graph, context, findings)


def lowered(graph: Graph) -> bool:
    """Whether the neurons are Loihi's already."""
    return any(node.op == LOWERED for node in graph.nodes)


def _nodes(graph: Graph) -> Iterator[Finding]:
    for node in graph.nodes:
        if node.op in NEURONS:
            if node.attribute["reset"] != "value":
                yield error(
                    "SNN-2101",
                    node.id,
                    f"Loihi resets to 0 and cannot {node.attribute['reset']}",
                    old="soft reset",
                    remedy="Train with a hard reset (v_reset=0).",
                )
            if node.param["v_threshold"].size > 1:
                yield error("SNN-2101", node.id, "Loihi has one threshold per layer", old="a threshold per neuron")
            elif not lowered(graph) and float(node.param["v_threshold"].array.reshape(-1)[0]) <= 0:
                yield error(
                    "SNN-2005", node.id, "threshold must be above 0", old=str(node.param["v_threshold"].array)
                )
        elif node.op not in (*SYNAPSES, *SHAPING, LOWERED, "core.MaxPool"):
            yield error("SNN-2101", node.id, f"Loihi has no {node.kind}", remedy=REMEDIES.get(node.op, ""))


def _max_pools(graph: Graph, lookup: OpLookup) -> Iterator[Finding]:
    for node in graph.nodes:
        if node.op == "core.MaxPool":
            remedy = max_pool_problem(graph, node, lookup) or (
                "Pass --maxpool or-layer: one more layer of neurons, exact, one step later. "
                "Or train with average pooling or strided convolution."
            )
            yield error("SNN-2101", node.id, f"Loihi has no maximum ({node.kind})", remedy=remedy)


def max_pool_problem(graph: Graph, pool: Node, lookup: OpLookup) -> str:
    """Why a maximum has no exact equivalent on the chip, with what to do; empty if it has one.

    Only a maximum of spikes has; and its windows must be those of a convolution, which pads both sides alike.
    """
    edges = graph.feeding(pool.id)
    if lowered(graph) or len(edges) != 1 or getattr(graph.node.get(edges[0].src.node), "op", "") not in NEURONS:
        return "Only a maximum of spikes has an equivalent: put the pooling right behind neurons."
    if pool.attribute["ceil_mode"]:
        found = analyse(graph, lookup).shapes
        sizes = zip(
            found[Port(pool.id, "x")][1:],
            *(pool.integers(name) for name in ("kernel", "stride", "padding", "dilation")),
            strict=True,
        )
        if tuple(window_size(*size) for size in sizes) != found[Port(pool.id, "y")][1:]:
            return "Windows that reach beyond the input on one side cannot be held: use ceil_mode=False."
    return ""


def _synapses(graph: Graph) -> Iterator[Finding]:
    for node in graph.nodes:
        if node.op not in SYNAPSES:
            continue
        targets = {graph.node[e.dst.node].op for e in graph.fed_by(node.id) if e.dst.node in graph.node}
        ends = {e.dst.node for e in graph.fed_by(node.id)} & {output.id for output in graph.outputs}
        if ends or targets - {*NEURONS, LOWERED} or not targets:
            yield error(
                "SNN-2101",
                node.id,
                "a synapse must lead to neurons and nothing else",
                old=", ".join(sorted({*targets, *ends})),
                remedy="Put a neuron behind it; outputs that do not spike cannot be read from the chip.",
            )
        if len(graph.feeding(node.id)) != 1:
            yield error(
                "SNN-2101",
                node.id,
                "a synapse takes spikes from one place",
                old=f"{len(graph.feeding(node.id))} edges",
            )
    for node in graph.nodes:
        if node.op in NEURONS:
            yield from _fed_by_synapses(graph, node)


def _fed_by_synapses(graph: Graph, node: Node) -> Iterator[Finding]:
    for edge in graph.feeding(node.id):
        source = graph.node.get(edge.src.node)
        if source is None or source.op not in SYNAPSES:
            yield error(
                "SNN-2101",
                node.id,
                "neurons take their input from a synapse",
                old=source.kind if source else "the graph input",
                remedy="Put a convolution or dense layer before it.",
            )


def _inputs(graph: Graph) -> Iterator[Finding]:
    for item in graph.inputs:
        if item.type.is_float and not lowered(graph):
            yield note(
                "SNN-2107",
                item.id,
                "the chip takes spikes: input must hold 0 and 1 only",
                old=str(item.type),
                new=str(SPIKE),
                bound="exact on spikes; other input is refused at run time",
            )


def _outputs(graph: Graph) -> Iterator[Finding]:
    for output in graph.outputs:
        for edge in graph.into[Port(output.id, TERMINAL_PORT)]:
            if edge.src.node in graph.node and graph.node[edge.src.node].op not in (*NEURONS, LOWERED):
                yield error(
                    "SNN-2101",
                    output.id,
                    "the output must be the spikes of a layer of neurons",
                    old=graph.node[edge.src.node].kind,
                )
