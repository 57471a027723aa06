"""Neurons that fire once in a step as those of Xylo's core: ``core.MultiSpikeLIF``. Never exact.

The chip has no integrator and no synapse without a current, its hidden neurons fire up to 31 times in a step, and
it subtracts the threshold. Each of the four is a loss of its own, measured on calibration data if there are any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from snnhub.findings import Finding, loss, note
from snnhub.ir.graph import AttributeValue, Edge, Graph, Node, Port
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.passes.base import Pass, PassContext, PassResult, Promise, unchanged

from snnhub_xylo.core import CAP_HIDDEN
from snnhub_xylo.mapping.layers import read_network
from snnhub_xylo.neuron_ladder import Ladder
from snnhub_xylo.neuron_leak import unit_leak, units
from snnhub_xylo.neuron_numbers import FOREIGN, NEURONS, SLOWEST, Numbers, numbers, problems

MULTI = "core.MultiSpikeLIF"
SOURCE, SOFT, LEAK, MADE_UP, ONE, SEVERAL = range(6)
"""Rungs: the source, with soft resets, with the chip's leak (and with a bias of 1 against it); with the chip's
currents, with several spikes per step.
"""
UNMEASURED = "not measured"


def run(graph: Graph, context: PassContext) -> PassResult:
    """Every ``core.IF``, ``core.LIF``, ``core.LIFCoeff`` and ``core.CubaLIF`` becomes a ``core.MultiSpikeLIF``."""
    refused = [found for node in graph.nodes for found in problems(graph, node, context.options)]
    nodes = [node for node in graph.nodes if node.op in NEURONS]
    if refused:
        return unchanged(graph, context, (*dict.fromkeys(refused), *_others(graph, context.lookup)))
    if not nodes:
        return unchanged(graph, context)
    found = {node.id: numbers(graph, node, context.options) for node in nodes}
    rewriter = Rewriter(graph, context.lookup)
    for node in nodes:
        _convert(node, found[node.id], rewriter, context.lookup)
    made = _decoded(rewriter.graph(), found)
    ladder = Ladder.run(_rungs(graph, made, found, context.lookup), list(found), context)
    findings = [item for node in nodes for item in _findings(graph, node, found[node.id], ladder)]
    reached = [each.expected() for node in nodes if (each := ladder.between(node.id, SOURCE, SEVERAL)) is not None]
    promise = Promise(Rung.BOUNDED, max(0.0, min(reached))) if reached else None
    return PassResult(made, rewriter.correspondence(), tuple(findings), promise)


def _others(graph: Graph, lookup: OpLookup) -> Iterator[Finding]:
    """What the mapper would refuse beside neurons, so that one report says all."""
    known = {node.id for node in graph.nodes if node.op in (*NEURONS, *FOREIGN)}
    return (found for found in read_network(graph, lookup)[1] if found.place not in known)


def _decoded(graph: Graph, found: dict[str, Numbers]) -> Graph:
    """The decoder reads the potential under its new name."""
    decoder = graph.decoder
    renamed = {f"{name}/{old}": f"{name}/{new}" for name in found for old, new in (("v", "vmem"), ("u", "isyn"))}
    if decoder is None or decoder.quantity not in renamed:
        return graph
    return replace(graph, decoder=replace(decoder, quantity=renamed[decoder.quantity]))


def _convert(node: Node, found: Numbers, rewriter: Rewriter, lookup: OpLookup) -> None:
    bias: Array = np.zeros(())
    recurrent = False
    for edge in rewriter.into(node.id):
        synapse = rewriter.nodes[edge.src.node]
        scaled, offset = _synapse(synapse, found.gain)
        rewriter.put(scaled)
        if offset is not None:
            bias = bias + offset
        gain = float(found.gain) if found.gain.size == 1 and offset is None else None
        rewriter.match(Port(synapse.id, "y"), Port(synapse.id, "y"), gain)
        port = edge.dst
        if any(into.src.node == node.id for into in rewriter.into(synapse.id)):
            recurrent, port = True, Port(node.id, "r")
            rewriter.retarget(edge, Edge(edge.src, port, edge.delay))
        if found.cancelled:
            _cancel(synapse, port, rewriter)
    params = {
        "alpha": tensor(found.alpha, "float32"),
        "beta": tensor(found.beta, "float32"),
        "threshold": node.param["v_threshold"],
        "bias": tensor(bias, "float32"),
    }
    choice = {"n_syn": 1, "recurrent": recurrent, "max_spikes": found.max_spikes}
    bare = Node(node.id, MULTI, 1, (), tuple(params.items()), origin=node.origin)
    rewriter.put(_with(bare, lookup, **choice))
    rewriter.match(Port(node.id, "v"), Port(node.id, "vmem"))
    if node.op == "core.CubaLIF":
        rewriter.match(Port(node.id, "u"), Port(node.id, "isyn"), None if found.smears else 1.0)


def _cancel(synapse: Node, port: Port, rewriter: Rewriter) -> None:
    """The same weights negated, one step later."""
    name = f"{synapse.id}/before"
    while name in rewriter.nodes:
        name += "_"
    bare, _ = _synapse(synapse, np.ones(()))
    weight = tensor(-synapse.param["weight"].array).described("negated: takes away what arrived a step before")
    rewriter.insert_before(replace(bare, id=name).with_params(weight=weight), port.node)
    for edge in rewriter.into(synapse.id):
        rewriter.edges.append(Edge(edge.src, Port(name, edge.dst.name), edge.delay + 1))
    rewriter.edges.append(Edge(Port(name, "y"), port))


def _synapse(node: Node, gain: Array) -> tuple[Node, Array | None]:
    """Weights times the gain; the bias of a dense layer taken out, as a current it would be smeared too."""
    weight = node.param["weight"]
    if np.any(gain != 1):
        rows = gain.reshape(-1, *[1] * (len(weight.shape) - 1)) if gain.size > 1 else gain.reshape(())
        product = (weight.array.astype(np.float64) * rows).astype(np.float32)
        weight = tensor(product).described("times the gain that keeps a pulse's sum, rounded to f32")
    kept = node.with_params(weight=weight)
    if node.op != "core.Dense" or "bias" not in node.param:
        return kept, None
    bare = tuple((name, value) for name, value in kept.params if name != "bias")
    attributes = {**node.attribute, "bias": False}
    return replace(kept, params=bare, attributes=tuple(attributes.items())), node.param["bias"].array


def _with(node: Node, lookup: OpLookup, **changes: AttributeValue) -> Node:
    """The node with other attributes, and the program that they mean."""
    schema = lookup(node.op, node.version)
    if not isinstance(schema, StepOp):
        raise TypeError(f"{node.op}/{node.version} is not registered")
    attributes = {**node.attribute, **changes}
    return replace(node, attributes=tuple(attributes.items()), program=schema.program(attributes))


def _rungs(graph: Graph, made: Graph, found: dict[str, Numbers], lookup: OpLookup) -> list[Graph]:
    """From the source to what was made of it; ``LEAK`` and ``MADE_UP`` are branches, ``ONE`` follows ``SOFT``."""
    soft, leak, made_up = (Rewriter(graph, lookup) for _ in range(3))
    for name, each in found.items():
        node = _soft(graph.node[name], lookup)
        soft.put(node)
        for branch, with_bias in ((leak, False), (made_up, True)):
            branch.put(unit_leak(node, units(graph, node, each), each, with_bias) if each.leaks_more else node)
    once = (_with(node, lookup, max_spikes=1) if node.id in found else node for node in made.nodes)
    return [graph, soft.graph(), leak.graph(), made_up.graph(), replace(made, nodes=tuple(once)), made]


def _soft(node: Node, lookup: OpLookup) -> Node:
    """The neuron with the threshold subtracted at a spike."""
    kept = tuple(item for item in node.params if item[0] != "v_reset")
    return _with(replace(node, params=kept), lookup, reset="subtract")


def _findings(graph: Graph, node: Node, found: Numbers, ladder: Ladder) -> Iterator[Finding]:
    def measured(first: int, second: int) -> str:
        reached = ladder.between(node.id, first, second)
        return UNMEASURED if reached is None else f"spike overlap {reached.value:.4f} on the calibration data"

    if node.attribute["reset"] == "value":
        words = "a spike leaves what is above the threshold instead of resetting to 0"
        yield _lost("SNN-2426", node, words, "reset to 0", "v - v_threshold", measured(SOURCE, SOFT))
    if found.leaks_more:
        words = f"Xylo has no integrator: its potential loses at least 1 per step{_unit(graph, node, found)}"
        old, bound = f"keeps {float(found.wanted_alpha.max()):g} per step", measured(SOFT, LEAK)
        more = ladder.between(node.id, SOFT, MADE_UP)
        bound += "" if more is None else f"; {more.value:.4f} with a bias of 1, which makes up for it above 0"
        yield _lost("SNN-2421", node, words, old, f"{SLOWEST:.6g} (dash 15)", bound)
    if found.smears:
        wanted, kept = float(found.wanted_factor.min()), float(found.beta.min())
        words = f"Xylo has no synapse without a current: {1 - kept:g} of an input arrives in its own step"
        words += "" if wanted else f", the whole {kept / (1 - kept):.3g} later on average"
        yield _lost(
            "SNN-2422", node, words, f"current keeps {wanted:g} per step", f"{kept:g}", measured(SOFT, ONE)
        )
    if found.max_spikes == CAP_HIDDEN:
        bound, several = measured(ONE, SEVERAL), ladder.several(node.id)
        bound += "" if several is None else f"; {several[0]} of {several[1]} spikes come beside another one"
        words = f"hidden neurons fire up to {CAP_HIDDEN} times in a step"
        yield _lost("SNN-2423", node, words, "1", str(CAP_HIDDEN), bound)
    yield from _notes(graph, node, found)


def _unit(graph: Graph, node: Node, found: Numbers) -> str:
    """How much of the threshold one unit of the potential is."""
    share = units(graph, node, found).max() / node.param["v_threshold"].array.min()
    return f", about {100 * share:.2g} % of the threshold" if share else ""


def _notes(graph: Graph, node: Node, found: Numbers) -> Iterator[Finding]:
    gain = found.gain
    if found.cancelled:
        yield note(
            "SNN-2429",
            node.id,
            "a second set of weights takes away what arrived a step before, so that an input acts in its own step",
            bound="exact; relay neurons delay every source by a step",
        )
    yield note(
        "SNN-2424",
        node.id,
        "weights multiplied so that a spike brings the same sum of current over all steps",
        new=f"gain {gain.min():g}" + (f" … {gain.max():g}" if gain.size > 1 else ""),
        bound="exact" if np.all(gain == 1) else "one f32 rounding per weight",
    )
    if node.attribute["compare"] == "gt":
        yield note(
            "SNN-2427", node.id, "fires at the threshold too", old="h > v_threshold", new="h >= v_threshold",
            bound="differs where a potential is the threshold exactly",
        )  # fmt: skip
    for edge in graph.feeding(node.id):
        synapse = graph.node[edge.src.node]
        if synapse.op == "core.Dense" and "bias" in synapse.param:
            yield note("SNN-2428", synapse.id, f"bias moved to {node.id}, behind the current", bound="exact")


def _lost(code: str, node: Node, message: str, old: str, new: str, bound: str) -> Finding:
    remedy = "Pass --calibrate to measure it." if bound == UNMEASURED else ""
    return loss(code, node.id, message, old=old, new=new, bound=bound, remedy=remedy)


PASS = Pass(
    "xylo neurons",
    1,
    Promise(Rung.DISTRIBUTION),
    "neurons that fire once in a step become neurons with a current and several spikes per step",
    run,
    tolerant=True,
)
