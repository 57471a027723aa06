"""What can be lowered to Loihi. Everything that cannot is refused in one report, with a remedy for each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from snnhub.findings import Finding, error, note
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ir.op import OpLookup
from snnhub.ops.rules import window_size
from snnhub.passes.base import PassContext, PassResult, unchanged

from snnhub_loihi import sigma_delta
from snnhub_loihi.multispike_rules import MULTI, REMEDY, problems
from snnhub_loihi.ops import FLOAT_CUBA

SYNAPSES = ("core.Dense", "core.Conv")
CUBA = "core.CubaLIF"
CUBAS = (CUBA, FLOAT_CUBA.name)
"""Neurons with a current that decays."""
NEURONS = ("core.IF", "core.LIF", *CUBAS)
LOWERED = ("loihi.CubaLIF", "loihi.RF", "loihi.RFIzhikevich", *sigma_delta.NAMES)
"""Neurons of the chip. Sigma-delta neurons come from files only, resonators from files and from slayer."""
SHAPING = ("core.Flatten",)
REMEDIES = {
    "core.BatchNorm": "Batch normalisation is folded only into a convolution or dense layer right before it.",
    "core.Add": "Loihi adds currents, not spikes; residual additions cannot be lowered yet.",
    "core.AvgPool": "Average pooling is folded only where it is exact.",
    "core.AdaptiveAvgPool": "Use average pooling with one window size, or sizes that divide by powers of two.",
    "core.Upsample": "Use a layer whose output has the size that is wanted.",
    "core.ConvTranspose": "Keep it so small that its matrix fits, with nothing but linear layers around it.",
    "core.Pad": "Let the convolution behind it pad.",
    "core.Reshape": "Only a flatten before a dense layer can be lowered; put a vote into the next weights.",
    "core.Mul": "Loihi adds currents; products of spikes (AND, IAND) cannot be lowered.",
    "core.Scale": "Scale the weights of the next layer, and give it the offset as a bias.",
    "core.ReLU": "Spikes are never negative: leave it out behind neurons, and put neurons behind currents.",
}
FOREIGN = {
    "core.LIFCoeff": "Only a leak above 0 can be lowered.",
    "core.KLIF": "Loihi neither scales nor cuts off potentials. Train with LIFNode(decay_input=False).",
    "core.QIF": "Loihi's leak is linear. Train with LIFNode(decay_input=False).",
    "core.EIF": "Loihi's leak is linear. Train with LIFNode(decay_input=False).",
    "core.Izhikevich": "Loihi's leak is linear. Train with LIFNode(decay_input=False).",
    "core.RAF": "Resonating neurons cannot be lowered yet. Train with LIFNode(decay_input=False).",
    "core.SynapseFilter": "A filter between layers cannot be lowered yet. Train without it.",
    "core.ExpSyn": "A filter between layers cannot be lowered yet. Train without it.",
    MULTI: "",
}
"""Neurons and filters that the engine runs and the lowering does not know; the first report is the only one."""
SPATIAL = 2
"""Spatial axes of the convolution that Lava has: its weight is (out, in, y, x)."""


def run(graph: Graph, context: PassContext) -> PassResult:
    """Check every node and edge; the graph stays as it is."""
    findings = [
        *_nodes(graph, context),
        *_max_pools(graph, context.lookup),
        *_ranks(graph, context),
        *_synapses(graph),
        *_inputs(graph),
        *_outputs(graph),
    ]
    return unchanged(graph, context, findings)


def lowered(graph: Graph) -> bool:
    """Whether the neurons are Loihi's already."""
    return any(node.op in LOWERED for node in graph.nodes)


def _nodes(graph: Graph, context: PassContext) -> Iterator[Finding]:
    for node in graph.nodes:
        if node.op in CUBAS:
            yield from _cuba(graph, node)
        if node.op == MULTI:
            yield from problems(graph, node, context.options)
        elif node.op in NEURONS:
            if node.attribute.get("reset", "value") != "value":
                soft = node.attribute["reset"] == "subtract"
                yield error(
                    "SNN-2101",
                    node.id,
                    f"Loihi resets to 0 and cannot {node.attribute['reset']}",
                    old="soft reset",
                    remedy=f"Train with a hard reset (v_reset=0).{f' Or {REMEDY}' if soft else ''}",
                )
            if node.param["v_threshold"].size > 1:
                yield error("SNN-2101", node.id, "Loihi has one threshold per layer", old="a threshold per neuron")
            elif not lowered(graph) and float(node.param["v_threshold"].array.reshape(-1)[0]) <= 0:
                yield error(
                    "SNN-2005", node.id, "threshold must be above 0", old=str(node.param["v_threshold"].array)
                )
        elif node.op not in (*SYNAPSES, *SHAPING, *LOWERED, "core.MaxPool"):
            remedy = {**REMEDIES, **FOREIGN}.get(node.op, "")
            yield error("SNN-2101", node.id, f"Loihi has no {node.kind}", remedy=remedy)


def _cuba(graph: Graph, node: Node) -> Iterator[Finding]:
    """A decaying current is the chip's own neuron, if it rests at 0 and nothing but spikes drives it."""
    if "v_reset" in node.param and np.any(node.param["v_reset"].array):
        yield error("SNN-2101", node.id, "Loihi resets to 0", old="v_reset", remedy="Train with v_reset=0.")
    for name in ("u_factor", "v_factor"):
        if name in node.param and not np.all((node.param[name].array >= 0) & (node.param[name].array <= 1)):
            yield error("SNN-2101", node.id, f"{name} must lie in 0 .. 1", remedy="Loihi's states only decay.")
    for edge in graph.feeding(node.id):
        source = graph.node.get(edge.src.node)
        if source is not None and "bias" in source.param and np.any(source.param["bias"].array):
            yield error(
                "SNN-2101",
                source.id,
                "Loihi adds a bias to the membrane potential, not to the current that decays",
                remedy="Train the layer before CUBALIFNode without bias.",
            )


def _ranks(graph: Graph, context: PassContext) -> Iterator[Finding]:
    """Convolutions have two spatial axes, dense layers take vectors."""
    shapes = analyse(graph, context.lookup).shapes
    for node in graph.nodes:
        axes = len(shapes.get(Port(node.id, "x"), ()))
        if node.op == "core.Conv" and axes != SPATIAL + 1:
            yield error(
                "SNN-2101",
                node.id,
                "Loihi's convolution has two spatial axes",
                old=f"{axes - 1} spatial axes",
                remedy="Give a line a second axis of length 1 and use Conv2d."
                if axes <= SPATIAL
                else "Use Conv2d.",
            )
        if node.op == "core.Dense" and axes != 1:
            yield error(
                "SNN-2101",
                node.id,
                "Loihi's dense layer takes vectors",
                old=f"{axes} axes",
                remedy="Flatten before it, or use a convolution with a kernel of size 1.",
            )


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
        if ends or targets - {*NEURONS, *FOREIGN, *LOWERED} or not targets:
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
            source = graph.node.get(edge.src.node)
            if source is not None and source.op not in (*NEURONS, *FOREIGN, *LOWERED):
                yield error(
                    "SNN-2101",
                    output.id,
                    "the output must be the spikes of a layer of neurons",
                    old=source.kind,
                )
