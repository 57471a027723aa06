"""Layers of slayer's resonators as Loihi's: the same complex state in the same integers, step for step.

slayer's RF and RF-Izhikevich neurons (lava-dl 0.6.0 on the CPU) turn and shrink their state in units of 1/4096, as
Lava's fixed-point models (lava-nc 0.10.0) do; both fire at the threshold. Lava clips a state at 2^23, slayer does
not. Lava has resonators behind dense layers, with neither norm nor graded spikes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from snnhub.findings import Finding, error, info, note
from snnhub.ir.graph import Edge, Graph, Node, Port
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.tensor import Array, smallest_integer

from snnhub_loihi import resonate
from snnhub_loihi.ops import DECAY_UNITY, STATE_LIMIT
from snnhub_loihi.slayer_synapses import UNIT, integer_synapse, refused_synapses, weights

RESONATORS: Mapping[str, StepOp] = {"slayer.RF": resonate.RF, "slayer.RFIzhikevich": resonate.RF_IZHIKEVICH}
PORTS = {"real": "a_real", "imag": "a_imag"}
STATES = {"re": "real", "im": "imag"}
CUT = 4.0
"""At most what one step cuts off both parts of a state together: four products, each by less than 1."""


def layer(graph: Graph, node: Node, rewriter: Rewriter, lookup: OpLookup) -> Iterator[Finding]:
    """Put one layer of Loihi's resonators in the place of slayer's, or say why there is none like it."""
    problems = list(_refused(graph, node))
    yield from problems
    if problems:
        return
    largest = []
    for edge in rewriter.into(node.id):
        synapse = graph.node[edge.src.node]
        whole = np.rint(weights(synapse) * UNIT).astype(np.int64)
        largest.append(np.maximum(whole.clip(0).sum(axis=1), (-whole).clip(0).sum(axis=1)))
        rewriter.put(integer_synapse(synapse, whole))
        rewriter.match(Port(synapse.id, "y"), Port(synapse.id, "y"), float(UNIT))
        rewriter.retarget(edge, Edge(edge.src, Port(node.id, PORTS[edge.dst.name]), edge.delay))
    mantissa = int(node.param["threshold"].array.reshape(-1)[0]) // UNIT
    rewriter.put(_neuron(node, mantissa, lookup))
    for old, new in STATES.items():
        rewriter.match(Port(node.id, old), Port(node.id, new))
    yield info(
        "SNN-2130",
        node.id,
        "slayer's resonators are Loihi's: weights times 64, states and decays in the same unit",
        new=f"vThMant {mantissa}",
    )
    yield from _reach(node, np.hypot(*largest) * UNIT)


def _refused(graph: Graph, node: Node) -> Iterator[Finding]:
    if node.attribute["graded"]:
        remedy = "Train with graded_spike=False."
        yield error(
            "SNN-2135", node.id, "spikes that carry a state: Loihi's resonators fire 0 or 1", remedy=remedy
        )
    if node.attribute["norm"] != "none":
        words = "a norm in front of resonators: Lava gives them no bias"
        yield error("SNN-2135", node.id, words, old=str(node.attribute["norm"]), remedy="Train without norm.")
    if np.any(node.param["threshold"].array % UNIT):
        found = f"{int(node.param['threshold'].array.reshape(-1)[0])} / 4096"
        yield error("SNN-2135", node.id, "a threshold that is no multiple of 1/64", old=found)
    yield from refused_synapses(graph, node)
    for edge in graph.feeding(node.id):
        synapse = graph.node.get(edge.src.node)
        if synapse is not None and synapse.op == "core.Conv":
            remedy = "Use dense blocks in front of resonators."
            words = "resonators behind a convolution: Lava has them behind complex dense layers only"
            yield error("SNN-2135", synapse.id, words, remedy=remedy)


def _neuron(node: Node, mantissa: int, lookup: OpLookup) -> Node:
    schema = lookup(RESONATORS[node.op].name, 1)
    if not isinstance(schema, StepOp):
        raise TypeError(f"{RESONATORS[node.op].name}/1 is not registered")
    params = {
        "sinDecay": smallest_integer(node.param["sin_decay"].array.astype(np.int64)),
        "cosDecay": smallest_integer(node.param["cos_decay"].array.astype(np.int64)),
        "vThMant": smallest_integer(np.asarray(mantissa)),
    }
    return Node(node.id, schema.name, 1, (), tuple(params.items()), schema.program({}), node.origin)


def _reach(node: Node, drive: Array) -> Iterator[Finding]:
    """Lava clips each part of a state; a state that loses a part of its size per step has a largest one."""
    sine, cosine = (node.param[name].array.astype(np.float64) for name in ("sin_decay", "cos_decay"))
    lost = 1 - np.hypot(sine, cosine) / DECAY_UNITY
    if np.all(lost > 0) and float(np.max((drive + CUT) / lost)) < STATE_LIMIT - 1:
        return
    words = "states of these resonators may reach where Lava clips them and slayer does not: 2^23"
    yield note("SNN-2133", node.id, words, bound="equal as long as states stay below 2^23 in size")
