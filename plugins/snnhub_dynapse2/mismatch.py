"""Mismatch for statistics: the same network on many chips, drawn from our own seed.

Every transistor of an analog chip differs a little, so a network behaves differently on each. Rockpool's model of
it (``percent_mismatch``) multiplies every bias current, capacitance and constant of every neuron by 1 + a normal
number of standard deviation percent / 3; weights, Iscale and dt stay. Its draws come from jax's generator and
cannot be had here: these are others of the same distribution, for rates over many draws, never for equality with
one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from snnhub.errors import UsageError
from snnhub.findings import info
from snnhub.ir.graph import Graph, Node, Stage
from snnhub.ir.tensor import Array, tensor

from snnhub_dynapse2.build import stored
from snnhub_dynapse2.derive import RAW, F, derived

OPS = ("dynapse2.DynapSim", "dynapse2.DynapSimSeparate")
DEVIATIONS = 3.0
"""Rockpool's percent is this many standard deviations."""
LEAST = 1e-3
"""Smallest factor: a current below 0 is none."""


def mismatched(graph: Graph, count: int, percent: float, seed: int) -> Iterator[Graph]:
    """``count`` copies of a network with mismatch, each a graph. ``percent``: as Rockpool has it, 0.05 for 5 %.

    Draw k depends on ``seed`` and k alone. Raises ``UsageError`` for a graph without analog neurons, or one whose
    neurons do not hold the bias currents that their numbers came from.
    """
    if not (count >= 1 and np.isfinite(percent) and 0 <= percent < 1):
        found = f"{count} draws of {percent:g}"
        raise UsageError("mismatch needs draws and a share", found=found, allowed="1 or more, 0 .. 1")
    analog = [node for node in graph.nodes if node.op in OPS]
    if not analog:
        raise UsageError("the network has no analog neurons", where=graph.name)
    bare = [node.id for node in analog if node.attribute.get("biases") is not True]
    if bare:
        remedy = "Import the network by its factory, or add the bias currents to the file."
        words = "mismatch is drawn for bias currents, and these layers hold none"
        raise UsageError(words, where=", ".join(bare), remedy=remedy)
    for number in range(count):
        yield _drawn(graph, percent, seed, number)


def _drawn(graph: Graph, percent: float, seed: int, number: int) -> Graph:
    random = np.random.default_rng((seed, number))
    nodes = tuple(
        _perturbed(node, _width(graph, node), percent, random) if node.op in OPS else node for node in graph.nodes
    )
    words = f"mismatch of {percent:.1%} drawn from seed {seed}, draw {number}: for statistics, not for equality"
    stage = Stage(
        "dynapse2 mismatch", "1", (("percent", f"{percent:g}"), ("seed", f"{seed}"), ("draw", f"{number}"))
    )
    made = replace(graph, nodes=nodes, provenance=graph.provenance.after(stage))
    return made.with_findings([info("SNN-3412", graph.name, words)])


def _width(graph: Graph, node: Node) -> int:
    """How many neurons: the rows of the weights that reach the node, or its own arrays."""
    sizes = [tensor.shape[0] for tensor in node.param.values() if tensor.shape]
    for edge in graph.feeding(node.id):
        source = graph.node.get(edge.src.node)
        if source is not None and source.op == "core.Dense":
            sizes.append(source.param["weight"].shape[0])
        elif source is None:
            sizes.append(graph.input[edge.src.node].shape[-1])
    return max(sizes, default=1)


def _perturbed(node: Node, size: int, percent: float, random: np.random.Generator) -> Node:
    raw = {name: np.broadcast_to(node.param[name].array, (size,)) for name in RAW}
    drawn = {name: _spread(array, percent, random) for name, array in raw.items()}
    iscale, dt = (float(node.param[name].array) for name in ("Iscale", "dt"))
    initial = np.broadcast_to(node.param["I_init"].array, (size,))
    found = derived(drawn, iscale, dt, initial=initial)
    recipe = "from biases with mismatch: exp in f64, rounded once to f32"
    params = {name: stored(name, array, recipe) for name, array in {**drawn, **found}.items()}
    kept = {name: value for name, value in node.param.items() if name not in params}
    for name in kept:
        if name.startswith(("f_charge_", "f_discharge_", "r_")) and name.endswith(("gaba", "nmda", "shunt")):
            kept[name] = tensor(_as_the_synapse(name, node, found, size), "float32")
    return replace(node, params=tuple({**kept, **params}.items()))


def _spread(values: Array, percent: float, random: np.random.Generator) -> Array:
    factor = 1 + random.normal(0, percent / DEVIATIONS, values.shape)
    return np.asarray((values * np.maximum(factor, LEAST)).astype(F))


def _as_the_synapse(name: str, node: Node, found: dict[str, Array], size: int) -> Array:
    """A synapse without biases of its own varies as the AMPA synapse does: by the same factor."""
    stem = name.rpartition("_")[0]
    own = "r_syn" if stem == "r" else stem
    before = np.broadcast_to(node.param[own].array, (size,))
    ratio = np.divide(found[own], before, out=np.ones(size, F), where=before != 0)
    return np.asarray(node.param[name].array * ratio)
