"""A failing piece: a network, what it is compared with, the input, and the one quantity in which they part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snnhub.compare.align import Pair
from snnhub.compare.verdict import Divergence, first_divergence
from snnhub.engine.reference import prepare
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import NumType
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class Piece:
    """``inputs``: values by input id of ``a``, (time, 1, features…). ``feeds``: which of them each input of ``b``
    takes.

    ``b`` is None where a peer is the other side; ``expected`` then has what it recorded at ``b_key``, (time, 1,
    features…). ``b_key`` is compared ``lag`` steps later than ``a_key``; ``select`` picks entries of its first
    feature axis. ``steps`` are compared.
    """

    a: Graph
    b: Graph | None
    inputs: Mapping[str, Array]
    a_key: str
    b_key: str
    steps: int
    lag: int = 0
    select: tuple[int, int] | None = None
    feeds: Mapping[str, str] | None = None
    expected: Array | None = None

    @property
    def node(self) -> str:
        """The node of ``a`` at which the two part."""
        return self.a_key.rpartition("/")[0]

    def until(self, steps: int) -> Piece:
        """The first steps alone."""
        inputs = {item: values[:steps] for item, values in self.inputs.items()}
        expected = None if self.expected is None else self.expected[: steps + self.lag]
        return replace(self, inputs=inputs, steps=steps, expected=expected)

    def from_step(self, start: int) -> Piece:
        """Without the first steps. Only for pieces that run on both sides: ``expected`` began at step 0."""
        inputs = {item: values[start:] for item, values in self.inputs.items()}
        return replace(self, inputs=inputs, steps=self.steps - start)


Peer = Callable[[Piece], Array]
"""What a peer gives at ``b_key`` of a piece, (time, 1, features…), for ``steps + lag`` steps."""


@dataclass(frozen=True)
class Outcome:
    """Both sides of a piece, aligned, and the first value that differs; None if they are equal."""

    first: Divergence | None
    a: Array
    b: Array


def outcome(piece: Piece, lookup: OpLookup, peer: Peer | None = None) -> Outcome:
    """Run both sides. Raises what the engine or the peer raises for a piece that does not run."""
    left = record(piece, lookup, (piece.a_key,))[piece.a_key]
    right = other_side(piece, lookup, peer)
    if piece.select is not None:
        right = right[:, :, piece.select[0] : piece.select[1]]
    count = min(piece.steps, left.shape[0], right.shape[0] - piece.lag)
    left, right = left[:count], right[piece.lag : piece.lag + count].reshape(count, *left.shape[1:])
    return Outcome(first_divergence([Pair(piece.a_key, piece.b_key, left, right, True, piece.lag)]), left, right)


def record(piece: Piece, lookup: OpLookup, keys: tuple[str, ...]) -> Recording:
    """Quantities of the first network of a piece."""
    return _run(piece.a, piece.inputs, lookup, keys, piece.steps)


def record_other(piece: Piece, lookup: OpLookup, keys: tuple[str, ...]) -> Recording:
    """Quantities of the second network of a piece, which must have one."""
    if piece.b is None:
        raise TypeError("piece has no second network")
    feeds = piece.feeds or {}
    inputs = {item.id: piece.inputs[feeds.get(item.id, item.id)] for item in piece.b.inputs}
    return _run(piece.b, inputs, lookup, keys, piece.steps + piece.lag)


def other_side(piece: Piece, lookup: OpLookup, peer: Peer | None) -> Array:
    """What the second network, the peer, or the peer's recording has at ``b_key``."""
    if piece.b is not None:
        return record_other(piece, lookup, (piece.b_key,))[piece.b_key]
    if peer is not None:
        return peer(piece)
    if piece.expected is None:
        raise TypeError("piece has no other side")
    return piece.expected


def _run(
    graph: Graph, inputs: Mapping[str, Array], lookup: OpLookup, keys: tuple[str, ...], steps: int
) -> Recording:
    values = {
        item.id: _typed(inputs[item.id], item.type).reshape(*inputs[item.id].shape[:2], *item.shape)
        for item in graph.inputs
    }
    recording, _ = prepare(graph, lookup).run(values, record=keys, steps=steps)
    return recording


def _typed(values: Array, type_: NumType) -> Array:
    """Spikes as the input takes them: 0 and 1 may be stored as floats where the other network has floats."""
    whole = type_.is_int and values.dtype.kind == "f" and bool((values == np.rint(values)).all())
    return values.astype(type_.numpy) if whole else values


def sizes(piece: Piece) -> dict[str, Any]:
    """How large a piece is: nodes, layers of neurons, neurons compared, entries of the inputs, steps."""
    first = next(iter(piece.inputs.values()))
    return {
        "nodes": len(piece.a.nodes),
        "layers": sum(node.program is not None for node in piece.a.nodes),
        "inputs": int(sum(np.prod(item.shape) for item in piece.a.inputs)),
        "samples": int(first.shape[1]),
        "steps": piece.steps,
    }
