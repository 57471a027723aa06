"""Layers of slayer's CUBA neurons as Loihi's, in the same integers: u and v are the same numbers, step for step.

slayer computes with weights in units of 1/64 and states in units of 1/4096, which are Lava's own. What differs
(lava-dl 0.6.0 on the CPU against lava-nc 0.10.0) is a finding each: a threshold that slayer fires at, states that
reach where Lava wraps or clips, a bias before the first input, a transform of the input. Ops of slayer are
known by name alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from snnhub.findings import Finding, Severity, error, info, loss, note, of_severity
from snnhub.ir.graph import Edge, Graph, Node, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, Tensor, smallest_integer
from snnhub.passes.base import PassContext, PassResult, Promise, unchanged

from snnhub_loihi import slayer_input, slayer_resonate
from snnhub_loihi.ops import CUBA_LIF, DECAY_UNITY, STATE_LIMIT
from snnhub_loihi.slayer_resonate import RESONATORS
from snnhub_loihi.slayer_synapses import UNIT, Range, added, integer_synapse, refused_synapses, rows, weights

CUBA = "slayer.CUBA"
SUMMING = ("slayer.Delta", "slayer.SigmaDelta", "slayer.Sigma")
"""slayer's sigma-delta neurons."""
BIAS_LIMIT = 2**15


def run(graph: Graph, context: PassContext) -> PassResult:
    """Replace every layer of slayer's CUBA neurons and resonators. Edges keep their delays; ``slayer_steps`` moves
    them.
    """
    neurons = [node for node in graph.nodes if node.op in (CUBA, *RESONATORS, *SUMMING)]
    if not neurons:
        return unchanged(graph, context)
    rewriter = Rewriter(graph, context.lookup)
    findings: list[Finding] = []
    for node in neurons:
        if node.op in SUMMING:
            findings.append(_real_input(node))
            continue
        lower = slayer_resonate.layer if node.op in RESONATORS else _layer
        findings += lower(graph, node, rewriter, context.lookup)
    if of_severity(findings, Severity.ERROR):
        return unchanged(graph, context, findings)
    moved = [slayer_input.removed(graph, node, rewriter) for node in graph.nodes if node.op == slayer_input.INPUT]
    findings += [finding for _, finding in moved]
    whole = rewriter.graph()
    typed = {item.id: item for item, _ in moved}
    inputs = tuple(
        typed.get(item.id, replace(item, type=SPIKE) if item.type.is_float else item) for item in whole.inputs
    )
    findings += [
        note(
            "SNN-2107",
            item.id,
            "the chip takes spikes: input must hold 0 and 1 only",
            old=str(item.type),
            new=str(SPIKE),
            bound="exact on spikes; other input is refused at run time",
        )
        for item in graph.inputs
        if item.type.is_float and item.id not in typed
    ]
    weak = {"SNN-2132", "SNN-2133"} & {item.code for item in findings}
    promise = Promise(Rung.DECISION if weak else Rung.SPIKES)
    return PassResult(replace(whole, inputs=inputs), rewriter.correspondence(), tuple(findings), promise)


def _layer(graph: Graph, node: Node, rewriter: Rewriter, lookup: OpLookup) -> Iterator[Finding]:
    problems = list(_refused(graph, node))
    yield from problems
    if problems:
        return
    synapses = [graph.node[edge.src.node] for edge in graph.feeding(node.id)]
    drive = Range(np.zeros(()), np.zeros(()))
    for synapse in synapses:
        if synapse.op == slayer_input.INPUT:
            low, high = slayer_input.bounds(synapse)
            drive = Range(drive.low + np.minimum(low, 0) * UNIT, drive.high + np.maximum(high, 0) * UNIT)
            continue
        whole = np.rint(weights(synapse) * UNIT).astype(np.int64)
        drive = added(drive, rows(synapse), len(synapse.param["weight"].shape))
        rewriter.put(integer_synapse(synapse, whole))
        rewriter.match(Port(synapse.id, "y"), Port(synapse.id, "y"), float(UNIT))
    threshold, finding = _threshold(node)
    yield from finding
    bias = _bias(node)
    decays = {name: node.param[name].array.astype(np.int64) for name in ("current_decay", "voltage_decay")}
    yield from _reach(node, drive, bias, decays["current_decay"], decays["voltage_decay"])
    params = {
        "iDecay": smallest_integer(decays["current_decay"]),
        "vDecay": smallest_integer(decays["voltage_decay"]),
        "vThMant": smallest_integer(np.asarray(threshold)),
        "bias": smallest_integer(bias),
    }
    rewriter.put(_neuron(node, params, lookup))
    for edge in rewriter.into(node.id):
        rewriter.retarget(edge, Edge(edge.src, Port(node.id, "a"), edge.delay))
    yield info(
        "SNN-2130",
        node.id,
        "slayer's integers are Loihi's: weights times 64, states in the same unit",
        new=f"vThMant {threshold}",
    )


def _real_input(node: Node) -> Finding:
    """Why sigma-delta neurons are not lowered: the two networks would not take the same input."""
    words = (
        "slayer's sigma-delta networks take real numbers; Lava's take whole numbers, 64 of them for slayer's 1, "
        "and integrate biases a step before their input: no input shows both the same"
    )
    remedy = "Write the file with the blocks' own export_hdf5 and read it with --from netx; input is times 64."
    return error("SNN-2138", node.id, words, old=node.op, remedy=remedy)


def _refused(graph: Graph, node: Node) -> Iterator[Finding]:
    """Why a layer has no equal on Loihi."""
    if node.attribute["graded"]:
        remedy = "Train with graded_spike=False."
        yield error("SNN-2135", node.id, "spikes that carry a potential: Loihi's CUBA fires 0 or 1", remedy=remedy)
    norm = node.attribute["norm"]
    if norm != "none" and node.attribute["stepwise"]:
        words = "a norm in a recurrent layer acts on the current that stays; Loihi's bias acts on the potential"
        yield error("SNN-2135", node.id, words, remedy="Leave the norm out of recurrent layers.")
    elif norm == "scale" and np.any(node.param["std"].array != 1):
        found = f"divided by {float(node.param['std'].array.reshape(-1)[0]):g}"
        words = "a norm that divides the current: Lava reads no exponent for it"
        yield error("SNN-2135", node.id, words, old=found, remedy="Use MeanOnlyBatchNorm.")
    elif norm != "none" and np.any(np.abs(node.param["mean"].array * UNIT) > BIAS_LIMIT - 1):
        yield error("SNN-2135", node.id, "a mean that needs more than 16 bits as a bias")
    yield from refused_synapses(graph, node)


def _neuron(node: Node, params: dict[str, Tensor], lookup: OpLookup) -> Node:
    schema = lookup(CUBA_LIF.name, 1)
    if not isinstance(schema, StepOp):
        raise TypeError(f"{CUBA_LIF.name}/1 is not registered")
    attributes = {"reset_interval": 0, "reset_offset": 0}
    program = schema.program(attributes)
    return Node(node.id, schema.name, 1, tuple(attributes.items()), tuple(params.items()), program, node.origin)


def _bias(node: Node) -> Array:
    """What the norm takes away, as a bias of the opposite sign: both are in units of 1/64."""
    if node.attribute["norm"] == "none":
        return np.zeros((), np.int64)
    bias = -np.rint(node.param["mean"].array.astype(np.float64) * UNIT).astype(np.int64)
    return bias if np.any(bias) else np.zeros((), np.int64)


def _threshold(node: Node) -> tuple[int, list[Finding]]:
    """``vThMant`` with the same spikes: Loihi fires above 64 vThMant, slayer from the first integer at its own."""
    first = int(np.ceil(float(node.param["threshold"].array.reshape(-1)[0])))
    if (first - 1) % UNIT == 0:
        return (first - 1) // UNIT, []
    below = first // UNIT - 1
    whole = all(
        np.all(np.isin(node.param[name].array, (0, DECAY_UNITY))) for name in ("current_decay", "voltage_decay")
    )
    words = "slayer fires at the threshold (64 or more: its epsilon vanishes in f32), Loihi above it"
    if whole:  # states are multiples of 64 then, so nothing lies between
        exact = "exact: without leaks all states are multiples of 64"
        return below, [info("SNN-2132", node.id, words, old=str(first), new=f"vThMant {below}", bound=exact)]
    bound = "equal unless a potential is exactly at the threshold"
    return below + 1, [loss("SNN-2132", node.id, words, old=str(first), new=f"vThMant {below + 1}", bound=bound)]


def _reach(node: Node, drive: Range, bias: Array, current: Array, voltage: Array) -> Iterator[Finding]:
    """Slayer's states neither wrap nor saturate; Lava's u wraps at 2^23 and its v saturates there."""
    u = drive.times(current)
    into = None if u is None else Range(u.low + np.minimum(bias, 0) * UNIT, u.high + np.maximum(bias, 0) * UNIT)
    v = None if into is None else into.times(voltage)
    reached = []
    if u is None or max(-float(u.low.min()), float(u.high.max())) > STATE_LIMIT:
        reached.append("u wraps at 2^23")
    if v is None or float(v.low.min()) < 1 - STATE_LIMIT:
        reached.append("v saturates at -(2^23-1)")
    if reached:
        words = f"states of this layer may reach where Lava's do other than slayer's: {', '.join(reached)}"
        yield note("SNN-2133", node.id, words, bound="equal as long as states stay below 2^23 in size")
