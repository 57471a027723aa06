"""Small networks for chips: integer ones as they are on the chip, float ones to be lowered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import SPIKE, signed
from snnhub.ir.tensor import smallest_integer, tensor

from snnhub_conformance.building import conv, dense
from snnhub_conformance.generate.build import cuba, even, loihi, new


def dense_chain() -> Graph:
    """Two dense layers."""
    return loihi((3, 4, 2), iDecay=1024, vDecay=10)


def convolution() -> Graph:
    """A convolution with all of its geometry, decays and biases per channel, a flatten, a late dense layer."""
    builder = new("convolution")
    geometry: dict[str, Any] = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}
    port = conv(
        builder, "c", builder.input((2, 5, 4), SPIKE), even(2, 2, 3, 2), 1, accumulate="wrap24", **geometry
    )
    port = cuba(builder, "n", port, vDecay=[[[1]], [[2]]], bias=[[[5]], [[-6]]])
    port = builder.node("f", "core.Flatten", port, start=0, end=2)
    port = dense(builder, "d", port, even(3, 12), 4)
    builder.output(cuba(builder, "m", port, iDecay=[100, 200, 300], bias=[0, 1, -2]))
    return builder.graph()


def recurrent() -> Graph:
    """A layer that feeds itself."""
    builder = new("recurrent")
    port = cuba(builder, "n", dense(builder, "d", builder.input((3,), SPIKE), np.full((2, 3), 8, np.int8), 1))
    builder.edge(dense(builder, "r", port, np.array([[0, -6], [4, 0]], np.int8), 1), Port("n", "a"))
    builder.output(port)
    return builder.graph()


def delays() -> Graph:
    """A synapse whose spikes come 63 steps late: the most that Lava has."""
    builder = new("delays")
    port = dense(builder, "d", builder.input((2,), SPIKE), even(2, 2), 63)
    builder.output(cuba(builder, "n", port))
    return builder.graph()


def unused() -> Graph:
    """Neurons that reach no output."""
    builder = new("unused")
    source = builder.input((2,), SPIKE)
    builder.output(cuba(builder, "n", dense(builder, "d", source, even(2, 2), 1)))
    cuba(builder, "unused", dense(builder, "unused/synapse", source, even(2, 2), 1))
    return builder.graph()


GRADED = ("delta", "sigma_delta")
"""Names of sigma-delta neurons in networks."""
RESONATORS = {"phase": "loihi.RF", "izhikevich": "loihi.RFIzhikevich"}
"""Names of resonators in networks, and their ops."""


def graded() -> Graph:
    """Sigma-delta neurons from the input to a sigma output."""
    builder = new("graded")
    number = tensor(3, "int8")
    port = builder.node("delta", "loihi.Delta", builder.input((3,), signed(32)), params={"vThMant": number})
    params = {"vThMant": number, "bias": tensor(np.array([5, -7], np.int8))}
    port = builder.node(
        "sigma_delta", "loihi.SigmaDelta", dense(builder, "d1", port, even(2, 3), 1), params=params, a_bits=30
    )
    builder.output(builder.node("sigma", "loihi.Sigma", dense(builder, "d2", port, even(2, 2), 1), a_bits=30))
    return builder.graph()


def resonators(name: str = "phase") -> Graph:
    """Resonators of one kind: a synapse for each part of their input."""
    builder = new("resonators")
    source = builder.input((3,), SPIKE)
    parts = {"a_real": dense(builder, "real", source, even(2, 3), 1)}
    parts["a_imag"] = dense(builder, "imag", source, even(2, 3)[::-1].copy(), 1)
    values = {"sinDecay": [1500, -3000], "cosDecay": [3700, 0], "vThMant": 20}
    params = {key: smallest_integer(np.asarray(value)) for key, value in values.items()}
    builder.output(builder.node(name, RESONATORS[name], parts, params=params))
    return builder.graph()


def izhikevich() -> Graph:
    """Resonators that are reset when they fire."""
    return resonators("izhikevich")


INTEGER: dict[str, Callable[[], Graph]] = {
    "dense": dense_chain,
    "convolution": convolution,
    "recurrent": recurrent,
    "delay 63": delays,
    "resonators": resonators,
    "resonators, Izhikevich": izhikevich,
}
"""Networks that NetX holds as they are."""
