"""A network of DynapSim as both importers see it: linear layers and layers of neurons in a row, and rows whose
input is added to their output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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


@dataclass(frozen=True)
class Residual:
    """A row of layers whose output is what goes in plus what comes out, in the same step."""

    path: str
    layers: tuple[Layer, ...]


Layer = Linear | Neurons | Residual


def flat(layers: Sequence[Layer]) -> Iterator[Linear | Neurons]:
    """The layers of all rows, in order."""
    for layer in layers:
        if isinstance(layer, Residual):
            yield from flat(layer.layers)
        else:
            yield layer
