"""Neurons that fire once in a step, in the numbers of ``core.MultiSpikeLIF``; and which of them have none.

    theirs  u = f u + x,            h = a v + u        (f = 0 for neurons without a current: u = x)
    ours    i = (i + gain x) beta,  h = alpha v + i + bias

Currents and potentials of Xylo's core lose 2^-dash per step, and at least 1. Dash 0 loses all, and a current
loses its part before it is used: with dash 0 nothing arrives, with dash 1 half of x, then a quarter. Hence beta is
at least 1/2. What a pulse brings in all is kept: x / (1 - f) = gain x beta / (1 - beta).

A current that is wanted for its own step only can be had, with ``--currents relay``: what arrived a step before
is taken away again, i = (i + x / beta - x before) beta = x. The step before is a delay, for which the mapper has
relay neurons, and weights are twice as large.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from snnhub.findings import Finding, error
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.tensor import Array

from snnhub_xylo.core import CAP_HIDDEN, CAP_OUTPUT

OPTION, REQUESTED = "reset", "subtract"
CURRENTS, RELAY = "currents", "relay"
NEURONS = ("core.IF", "core.LIF", "core.LIFCoeff", "core.CubaLIF")
FOREIGN = {
    "core.KLIF": "Xylo neither scales nor cuts off potentials.",
    "core.QIF": "Xylo's leak is linear.",
    "core.EIF": "Xylo's leak is linear.",
    "core.Izhikevich": "Xylo's leak is linear.",
    "core.RAF": "Xylo's neurons do not resonate.",
    "core.SynapseFilter": "Xylo has no filter that a spike resets.",
}
TRAIN = "Train with LIFNode(v_reset=None, decay_input=False)."
SLOWEST = 1 - 2.0**-15
"""Largest factor per step: dash 15."""
FASTEST = 0.5
"""Smallest factor of a current that still delivers something: dash 1."""


@dataclass(frozen=True)
class Numbers:
    """``alpha``, ``beta``, ``gain``: f64, 0-d or per neuron. ``wanted_alpha``, ``wanted_factor``: a and f of the
    neuron that they stand for. ``cancelled``: what arrived a step before is taken away.
    """

    alpha: Array
    beta: Array
    gain: Array
    wanted_alpha: Array
    wanted_factor: Array
    max_spikes: int
    cancelled: bool

    @property
    def leaks_more(self) -> bool:
        """Whether the chip's slowest decay is faster than the neuron's."""
        return bool(np.any(self.alpha < self.wanted_alpha))

    @property
    def smears(self) -> bool:
        """Whether the chip's currents decay otherwise than the neuron's."""
        return not self.cancelled and bool(np.any(self.beta != self.wanted_factor))


def numbers(graph: Graph, node: Node, options: Mapping[str, str]) -> Numbers:
    """The numbers of a neuron that ``problems`` has nothing against."""
    a, f = _factors(node)
    beta = np.clip(f, FASTEST, SLOWEST)
    # a current that never decays has no sum to keep
    gain = np.where(f < 1, (1 - beta) / (beta * np.maximum(1 - f, 1 - SLOWEST)), 1 / beta)
    cancelled = options.get(CURRENTS) == RELAY and not np.any(f)
    gain = 1 / beta if cancelled else gain
    ends = {edge.dst.node for edge in graph.edges if edge.src == Port(node.id, "s")}
    last = ends <= {output.id for output in graph.outputs}
    return Numbers(np.minimum(a, SLOWEST), beta, gain, a, f, CAP_OUTPUT if last else CAP_HIDDEN, cancelled)


def _factors(node: Node) -> tuple[Array, Array]:
    """What potential and current keep per step."""
    param = {name: tensor.array.astype(np.float64) for name, tensor in node.params}
    none: Array = np.zeros(())
    if node.op == "core.IF":
        return none + 1, none
    if node.op == "core.LIF":
        return 1 - 1 / param["tau"], none
    if node.op == "core.LIFCoeff":
        return 1 - param["leak"], none
    return param["v_factor"], param["u_factor"]


def problems(graph: Graph, node: Node, options: Mapping[str, str]) -> Iterator[Finding]:
    """Everything that stands between a neuron and Xylo's."""
    if node.op in FOREIGN:
        yield _refused(node, f"Xylo has no {node.kind}", node.op, f"{FOREIGN[node.op]} {TRAIN}")
    if node.op not in NEURONS:
        return
    reset = node.attribute["reset"]
    hard = reset == "value" and options.get(OPTION) != REQUESTED
    if hard or reset == "none":
        words = "resets to a value" if hard else "is not reset"
        also = " Or pass --reset subtract: an approximation that --calibrate measures." if hard else ""
        yield _refused(node, "Xylo subtracts the threshold at a spike", words, TRAIN + also)
    elif reset == "value" and np.any(node.param["v_reset"].array):
        yield _refused(node, "Xylo's potentials rest at 0", "v_reset", "Train with v_reset=0.")
    if node.attribute.get("decay_input"):
        yield _refused(
            node, "decay of the input is not in the weights", "decay_input", "Train with decay_input=False."
        )
    if node.attribute.get("arithmetic") == "fixed":
        yield _refused(node, "Xylo has no fixed-point decays of 4096", "arithmetic fixed", TRAIN)
    else:
        for name, factor in zip(("membrane potential", "current"), _factors(node), strict=True):
            if not np.all((factor >= 0) & (factor <= 1)):
                words = f"{factor.min():g} … {factor.max():g}"
                yield _refused(node, f"the {name}'s factor per step must lie in 0 .. 1", words, TRAIN)
    if not np.all(node.param["v_threshold"].array > 0):
        words = f"v_threshold {node.param['v_threshold'].array.min():g}"
        yield _refused(node, "the threshold must be above 0", words, "At 0 or below, Xylo fires for ever.")
    yield from _shared(graph, node)


def _shared(graph: Graph, node: Node) -> Iterator[Finding]:
    for name in dict.fromkeys(edge.src.node for edge in graph.feeding(node.id)):
        source = graph.node.get(name)
        if source is None or source.op not in ("core.Dense", "core.Conv"):
            words = "the graph input" if source is None else source.kind
            yield _refused(node, "neurons take their input from weights", words, "Put a dense layer before it.")
        elif len(graph.fed_by(source.id)) > 1:
            yield _refused(source, "weights lead to one layer of neurons", "several", "Give each layer its own.")


def _refused(node: Node, message: str, found: str, remedy: str) -> Finding:
    return error("SNN-2425", node.id, message, old=found, remedy=remedy)
