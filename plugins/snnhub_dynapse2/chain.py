"""A network of DynapSim as both importers see it: linear layers and layers of neurons in a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class Linear:
    """``weight`` (in, out) and ``bias`` (out,), f32."""

    path: str
    weight: Array
    bias: Array | None = None


@dataclass(frozen=True)
class Neurons:
    """``values``: the computing parameters of ``dynapse2.DynapSim``, 0-d or (size,). ``biases``: those behind them
    by Rockpool's names, empty where nobody knows them. ``w_rec``: (size, size), row = presynaptic, or None.
    ``recipe`` says how the four factors were computed.
    """

    path: str
    size: int
    values: Mapping[str, Array]
    biases: Mapping[str, Array]
    w_rec: Array | None
    recipe: str


Layer = Linear | Neurons
