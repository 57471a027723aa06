"""Soft resets and several spikes per step as Loihi's neuron, on request: ``--reset zero``. Never exact.

A ``core.MultiSpikeLIF`` fires floor(h / threshold) times in a step and keeps the rest of h; Loihi's neuron fires
once and keeps nothing. Two losses, measured apart on calibration data: first every neuron fires once at most and
keeps the excess, then it loses the excess. Apart from them both compute the same: with u = isyn,

    isyn = (isyn + x) beta       is  u = u beta + beta x, so that beta goes into the weights;
    h = vmem alpha + isyn + bias is  h = v alpha + u + bias: the current enters h in the step in which it arrives.

A neuron none of whose spikes left an excess therefore gives the same spikes, up to the rounding of the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UsageError
from snnhub.findings import Finding, loss, note
from snnhub.ir.graph import AttributeValue, Edge, Graph, Node, Port
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.recording import Recording
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.passes.base import PassContext, PassResult, Promise, unchanged

from snnhub_loihi.calibrate import Overlap
from snnhub_loihi.multispike_rules import MULTI, OPTION, REQUESTED, problems
from snnhub_loihi.ops import FLOAT_CUBA

SOFT = ("core.IF", "core.LIF", "core.CubaLIF")
"""Neurons that fire once in a step and may have the threshold subtracted."""
CALIBRATE = "Pass --calibrate to measure it."


def run_once(graph: Graph, context: PassContext) -> PassResult:
    """One spike per step and neuron; what is left above the threshold stays in vmem and fires in later steps."""
    several = [node for node in graph.nodes if node.op == MULTI and node.integer("max_spikes") > 1]
    if not _wanted(graph, context) or not several:
        return unchanged(graph, context)
    rewriter = Rewriter(graph, context.lookup)
    for node in several:
        rewriter.put(_again(node, context.lookup, {**node.attribute, "max_spikes": 1}))

    def finding(node: Node, before: Recording | None, words: str) -> Finding:
        if before is not None:
            counts = before.with_batch(f"{node.id}/s").astype(np.int64)
            beside = int(np.maximum(counts - 1, 0).sum())
            words += f"; {beside} of {int(counts.sum())} spikes came beside another one"
        message = "one spike per step: what is above the threshold fires in later steps"
        old = f"up to {node.integer('max_spikes')} spikes per step"
        return _lost("SNN-2117", node, message, old, "1", words)

    return _measured(graph, rewriter, several, context, ("s",), finding)


def run_reset(graph: Graph, context: PassContext) -> PassResult:
    """Reset to 0. ``core.MultiSpikeLIF`` becomes ``loihi.FloatCubaLIF``, the others get another reset."""
    soft = [n for n in graph.nodes if n.op == MULTI or (n.op in SOFT and n.attribute["reset"] == "subtract")]
    if not _wanted(graph, context) or not soft:
        return unchanged(graph, context)
    rewriter = Rewriter(graph, context.lookup)
    notes = [found for node in soft for found in _reset(node, rewriter, context.lookup)]

    def finding(node: Node, before: Recording | None, words: str) -> Finding:
        if before is not None:
            words += f"; {_excess(node, before)}"
        return _lost(
            "SNN-2116", node, "a spike resets to 0: what is above the threshold is lost", "soft reset", "0", words
        )

    result = _measured(graph, rewriter, soft, context, ("s", "vmem", "v"), finding)
    return replace(result, findings=(*result.findings, *notes))


def _wanted(graph: Graph, context: PassContext) -> bool:
    """Whether it was asked for and nothing else is in the way: ``loihi admit`` refuses the rest."""
    multi = [node for node in graph.nodes if node.op == MULTI]
    return context.options.get(OPTION) == REQUESTED and not any(
        True for node in multi for _ in problems(graph, node, context.options)
    )


def _measured(
    graph: Graph,
    rewriter: Rewriter,
    nodes: list[Node],
    context: PassContext,
    quantities: tuple[str, ...],
    finding: Callable[[Node, Recording | None, str], Finding],
) -> PassResult:
    """The new graph with a finding per node, and the overlap on the calibration data as its promise."""
    made = rewriter.graph()
    keys = [f"{node.id}/s" for node in nodes]
    before = _recorded(graph, context, [f"{node.id}/{name}" for node in nodes for name in quantities])
    after = None if before is None else _recorded(made, context, keys)
    found, reached = [], []
    for node, key in zip(nodes, keys, strict=True):
        words = "not measured"
        if before is not None and after is not None:
            reached.append(_overlap(before.with_batch(key), after.with_batch(key)))
            words = f"spike overlap {reached[-1].value:.4f} on the calibration data"
        found.append(finding(node, before, words))
    promise = Promise(Rung.BOUNDED, max(0.0, min(each.expected() for each in reached))) if reached else None
    return PassResult(made, rewriter.correspondence(), tuple(found), promise)


def _recorded(graph: Graph, context: PassContext, keys: list[str]) -> Recording | None:
    """A run over the calibration data; None without data that Loihi could take, which the quantiser reports."""
    if context.calibration is None:
        return None
    try:
        values = read_stimulus(context.calibration, graph.inputs[0]).values
    except UsageError:
        return None
    if not np.isin(values, (0, 1)).all():
        return None
    plan = prepare(graph, context.lookup)
    return plan.run(values, record=sorted(set(keys) & set(plan.record_keys())))[0]


def _overlap(a: Array, b: Array) -> Overlap:
    left, right = a.astype(np.int64), b.astype(np.int64)
    return Overlap(int(np.minimum(left, right).sum()), int(np.maximum(left, right).sum()))


def _excess(node: Node, before: Recording) -> str:
    """How much of a threshold a spike leaves, on average."""
    fired = before.with_batch(f"{node.id}/s") > 0
    state, name = ("vmem", "threshold") if node.op == MULTI else ("v", "v_threshold")
    threshold = np.broadcast_to(node.param[name].array, fired.shape)
    left = before.with_batch(f"{node.id}/{state}")[fired] / threshold[fired]
    share = float(left.mean()) if left.size else 0.0
    return f"{left.size} spikes leave {100 * share:.3g} % of a threshold on average"


def _lost(code: str, node: Node, message: str, old: str, new: str, words: str) -> Finding:
    remedy = CALIBRATE if words.startswith("not") else ""
    return loss(code, node.id, message, old=old, new=new, bound=words, remedy=remedy)


def _again(node: Node, lookup: OpLookup, attributes: dict[str, AttributeValue]) -> Node:
    """The node with other attributes."""
    schema = lookup(node.op, node.version)
    if not isinstance(schema, StepOp):
        raise TypeError(f"{node.op}/{node.version} is not registered")
    return replace(node, attributes=tuple(attributes.items()), program=schema.program(attributes))


def _reset(node: Node, rewriter: Rewriter, lookup: OpLookup) -> list[Finding]:
    if node.op != MULTI:
        hard = _again(node, lookup, {**node.attribute, "reset": "value"})
        rewriter.put(hard.with_params(v_reset=tensor(0.0, "float32")))
        return []
    threshold = node.param["threshold"].array.astype(np.float64)
    common = float(threshold.max())
    rows = node.param["beta"].array.astype(np.float64) * (common / threshold)
    exact = True
    for edge in rewriter.into(node.id):
        exact &= _scaled(rewriter.nodes[edge.src.node], rows, rewriter)
        rewriter.retarget(edge, Edge(edge.src, Port(node.id, "x"), edge.delay))
    size = rewriter.nodes[rewriter.into(node.id)[0].src.node].param["weight"].shape[0]
    rewriter.put(_float_cuba(node, common, size, lookup))
    unit = 1.0 if threshold.size == 1 else None
    for old, new in (("isyn", "u"), ("vmem", "v")):
        rewriter.match(Port(node.id, old), Port(node.id, new), unit)
    return _notes(node, exact, common)


def _scaled(synapse: Node, rows: Array, rewriter: Rewriter) -> bool:
    """Multiply the weights into each neuron by its factor; whether nothing was rounded."""
    weight = synapse.param["weight"].array.astype(np.float64)
    wanted = weight * (rows.reshape(-1, 1) if rows.size > 1 else rows.reshape(()))
    stored = wanted.astype(np.float32)
    recipe = "times the factor of the synaptic current (and of the threshold), rounded to f32"
    rewriter.put(synapse.with_params(weight=tensor(stored).described(recipe)))
    scale = float(rows.reshape(-1)[0]) if rows.size == 1 and rows.any() else None
    rewriter.match(Port(synapse.id, "y"), Port(synapse.id, "y"), scale)
    return bool((stored == wanted).all())


def _float_cuba(node: Node, threshold: float, size: int, lookup: OpLookup) -> Node:
    schema = lookup(FLOAT_CUBA.name, 1)
    if not isinstance(schema, StepOp):
        raise TypeError(f"{FLOAT_CUBA.name}/1 is not registered")
    bias = node.param["bias"].array.astype(np.float64) * (threshold / node.param["threshold"].array)
    if bias.any():  # the chip's bias is one per neuron
        bias = np.broadcast_to(bias, (size,))
    params = {
        "u_factor": node.param["beta"],
        "v_factor": node.param["alpha"],
        "v_threshold": tensor(threshold, "float32"),
        "bias": tensor(bias, "float32"),
    }
    return Node(node.id, schema.name, schema.version, (), tuple(params.items()), schema.program({}), node.origin)


def _notes(node: Node, exact: bool, common: float) -> list[Finding]:
    bound = "exact" if exact else "one f32 rounding per weight"
    beta, threshold = node.param["beta"].array, node.param["threshold"].array
    found = [
        note(
            "SNN-2118",
            node.id,
            "factor of the synaptic current moved into the weights: Loihi's current decays before it takes x",
            old=f"beta {beta.min():g} … {beta.max():g}" if beta.size > 1 else f"beta {float(beta.flat[0]):g}",
            bound=bound,
        )
    ]
    if threshold.size > 1:
        found.append(
            note(
                "SNN-2119",
                node.id,
                "thresholds of neurons moved into their weights and biases: Loihi has one threshold per layer",
                old=f"{threshold.min():g} … {threshold.max():g}",
                new=f"{common:g}",
                bound="one f32 rounding per weight and bias",
            )
        )
    return found
