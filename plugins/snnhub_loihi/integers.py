"""One layer in Loihi's integers: weights, threshold, decays and bias for a given scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from snnhub.ir.graph import Node
from snnhub.ir.numtype import Quantisation
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.tensor import Array, Tensor, smallest_integer, tensor

from snnhub_loihi.admit import CUBAS
from snnhub_loihi.layers import Layer, own_scale
from snnhub_loihi.ops import DECAY_UNITY
from snnhub_loihi.scales import even_integers, exact_threshold, threshold

BIAS_LIMIT = 2**15


@dataclass(frozen=True)
class IntegerLayer:
    """The nodes of a lowered layer, with what was lost on the way."""

    layer: Layer
    scale: Fraction
    neuron: Node
    synapses: tuple[Node, ...]
    clipped: int
    exact: bool
    rounding: str = "nearest"

    @property
    def weights(self) -> Array:
        """All integer weights of the layer, flat."""
        return np.concatenate([s.param["weight"].array.reshape(-1) for s in self.synapses])

    @property
    def float_weights(self) -> Array:
        """The float weights that they stand for, flat."""
        return np.concatenate([s.param["weight"].array.reshape(-1) for s in self.layer.synapses])


def to_integers(
    layer: Layer, scale: Fraction, lookup: OpLookup, rounded: Sequence[Array] | None = None
) -> IntegerLayer:
    """The layer at one scale. ``exact``: every number was carried over without rounding.

    ``rounded``: even integers per synapse, where they were not rounded to nearest.
    """
    numbers = layer.numbers()
    meaning = Quantisation(1 / scale)
    synapses, clipped = [], 0
    exact = exact_threshold(scale, numbers)
    for number, synapse in enumerate(layer.synapses):
        weights, cut = even_integers(synapse.param["weight"].array, scale)
        if rounded is not None:
            weights, cut = rounded[number], 0
        clipped += cut
        exact = exact and _same(weights, synapse.param["weight"].array, scale)
        synapses.append(_synapse(synapse, replace(smallest_integer(weights), quantisation=meaning)))
    bias, bias_exact, cut = _bias(numbers.bias, scale, layer)
    idecay, vdecay, decay_exact = _decays(layer, scale)
    params = {
        "iDecay": idecay,
        "vDecay": vdecay,
        "vThMant": replace(smallest_integer(np.asarray(threshold(scale, numbers))), quantisation=meaning),
        "bias": replace(smallest_integer(bias), quantisation=meaning),
    }
    neuron = _neuron(layer.neuron, params, lookup)
    return IntegerLayer(
        layer,
        scale,
        neuron,
        tuple(synapses),
        clipped + cut,
        exact and bias_exact and decay_exact and not clipped + cut,
    )


def _same(integers: Array, floats: Array, scale: Fraction) -> bool:
    if np.unique(floats).size > 512:
        return False
    pairs = {(float(f), int(i)) for f, i in zip(floats.flat, integers.flat, strict=True)}
    return all(Fraction(f) * scale == i for f, i in pairs)


def _synapse(node: Node, weight: Tensor) -> Node:
    attributes = {**node.attribute, "bias": False}
    if node.op == "core.Conv":
        attributes["accumulate"] = "wrap24"
    return Node(
        node.id, node.op, node.version, tuple(attributes.items()), (("weight", weight),), origin=node.origin
    )


def _neuron(node: Node, params: dict[str, Tensor], lookup: OpLookup) -> Node:
    schema = lookup("loihi.CubaLIF", 1)
    if not isinstance(schema, StepOp):
        raise TypeError("loihi.CubaLIF/1 is not registered")
    attributes = {"reset_interval": 0, "reset_offset": 0}
    return Node(
        node.id,
        schema.name,
        schema.version,
        tuple(attributes.items()),
        tuple(params.items()),
        schema.program(attributes),
        node.origin,
    )


def _decays(layer: Layer, scale: Fraction) -> tuple[Tensor, Tensor, bool]:
    """``iDecay``, ``vDecay``, and whether they do exactly what the float neuron does."""
    neuron = layer.neuron
    if neuron.op in CUBAS:
        # u and v are rounded toward 0 to 1/64 of a unit: the same numbers only for fixed point at its own scale
        return _lost(neuron, "u"), _lost(neuron, "v"), scale == own_scale(layer)
    vdecay, exact = _decay(neuron)
    return tensor(DECAY_UNITY, "int16"), vdecay, exact


def _lost(neuron: Node, state: str) -> Tensor:
    """The part of a state that is lost per step, in 4096ths: rounded half to even unless it is there already."""
    if f"{state}_decay" in neuron.param:
        return smallest_integer(neuron.param[f"{state}_decay"].array.astype(np.int64))
    factor = neuron.param[f"{state}_factor"].array.astype(np.float64)
    return smallest_integer(np.rint(DECAY_UNITY * (1 - factor)).astype(np.int64))


def _decay(neuron: Node) -> tuple[Tensor, bool]:
    """``vDecay = round(4096 / tau)``, half to even; 0 for a neuron that does not leak."""
    if neuron.op != "core.LIF":
        return tensor(0, "int8"), True
    tau = neuron.param["tau"].array
    wanted = DECAY_UNITY / tau.astype(np.float64)
    rounded = np.clip(np.rint(wanted), 0, DECAY_UNITY).astype(np.int64)
    exact = all(
        Fraction(DECAY_UNITY) / Fraction(float(t)) == int(r) for t, r in zip(tau.flat, rounded.flat, strict=True)
    )
    return smallest_integer(rounded), exact


def _bias(bias: Array | None, scale: Fraction, layer: Layer) -> tuple[Array, bool, int]:
    """The integer bias with the rank of the elements, whether it is exact, and how many were clipped."""
    if bias is None or not np.any(bias):
        return np.zeros((), np.int64), True, 0
    wanted = np.rint(bias.astype(np.float64) * float(scale))
    clipped = np.clip(wanted, -BIAS_LIMIT, BIAS_LIMIT - 1)
    exact = all(Fraction(float(b)) * scale == int(w) for b, w in zip(bias.flat, wanted.flat, strict=True))
    rank = max(len(synapse.param["weight"].shape) - 1 for synapse in layer.synapses)
    shaped = clipped.astype(np.int64).reshape(-1, *[1] * (rank - 1))
    if not np.any(shaped):
        shaped = np.zeros((), np.int64)
    return shaped, exact, int(np.count_nonzero(clipped != wanted))
