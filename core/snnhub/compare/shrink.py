"""A failing piece made smaller, step by step; after every step it was run again and still failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from snnhub.compare.isolate import Sources, cut_out
from snnhub.compare.piece import Outcome, Peer, Piece, outcome
from snnhub.compare.slices import one_of, one_place, prefix, some_inputs, without_flatten
from snnhub.errors import SnnhubError
from snnhub.ir.graph import Graph, Match, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array

TRIES = 400
"""Runs after which no more is tried: each is a run of a small network."""
EVENTS = 256
"""Most input values of which each is tried without."""
Progress = Callable[[str, int, int], None]


@dataclass
class Shrinker:
    """``piece`` is the smallest that failed so far. ``live``: both sides can be run on another input; otherwise
    only what leaves the peer's recording valid is tried. ``log`` says what was done.
    """

    piece: Piece
    lookup: OpLookup
    peer: Peer | None = None
    progress: Progress | None = None
    log: list[str] = field(default_factory=list)
    tries: int = 0

    @property
    def live(self) -> bool:
        return self.piece.b is not None or self.peer is not None

    def start(self) -> Outcome:
        """Run the whole piece and cut it behind its first divergence. ``ValueError`` if it does not fail."""
        found = outcome(self.piece, self.lookup, self.peer)
        if found.first is None:
            raise ValueError("piece does not fail")
        self.piece = self.piece.until(found.first.step + 1)
        return found

    def shrink(self, sources: Sources, matches: Sequence[Match]) -> None:
        """Try everything once, the largest steps first. ``sources``: what the reference run fed every port."""
        name = self.piece.node
        if name:  # else it is an output that sums or delays what it shows
            part = alone(self.piece, sources, matches, self.lookup)
            if self._try(part, f"{name} fails alone, fed with the reference"):
                while self._try(_flattened(self.piece, self.lookup), "input flattened before"):
                    pass
            elif self.live and self._try(_prefix(self.piece), f"nothing behind {name}"):
                self.log.append(f"{name} does not fail alone")
            self._one_neuron()
        self._silent_inputs()
        if self.live:
            self._first_steps()
            self._inputs()
            self._events()
            self._first_steps()

    def _try(self, candidate: Piece | None, words: str, told: bool = True) -> bool:
        """Take a smaller piece if it still fails; cut it behind its first divergence. ``told``: log it."""
        if candidate is None or self.tries >= TRIES:
            return False
        self.tries += 1
        if self.progress is not None:
            self.progress(words, self.tries, TRIES)
        try:
            found = outcome(candidate, self.lookup, self.peer)
        except (SnnhubError, ValueError):  # does not run in this form
            return False
        if found.first is None:
            return False
        self.piece = candidate.until(found.first.step + 1)
        if told:
            self.log.append(words)
        return True

    def _one_neuron(self) -> None:
        found = outcome(self.piece, self.lookup, self.peer)
        if found.first is not None and found.first.index:
            index = found.first.index[0]
            of = found.a.shape[2]
            words = f"entry {index} of {of} of the layer"
            self._try(_neuron(self.piece, index, found.a.shape[2:], self.lookup), words)
            place = found.first.index[1:]
            self._try(
                _place(self.piece, place, found.a.shape[3:], self.lookup), f"place {list(place)} of the layer"
            )

    def _silent_inputs(self) -> None:
        for item, values in self.piece.inputs.items():
            active = np.flatnonzero(values.reshape(*values.shape[:3], -1).any(axis=(0, 1, 3)))
            keep = active.tolist() or [0]
            if len(keep) < values.shape[2]:
                self._try(_columns(self.piece, item, keep), f"{len(keep)} of {values.shape[2]} inputs")

    def _inputs(self) -> None:
        """Delta debugging over the entries of each input: leave out halves, quarters, single ones."""
        for item in list(self.piece.inputs):
            before = size = self.piece.inputs[item].shape[2]
            while size >= 1 and self.piece.inputs[item].shape[2] > 1:
                size = min(size, self.piece.inputs[item].shape[2] - 1)
                if not any(self._try(*candidate, told=False) for candidate in self._without(item, size)):
                    size //= 2
            if (left := self.piece.inputs[item].shape[2]) < before:
                self.log.append(f"{left} of {before} inputs")

    def _without(self, item: str, size: int) -> Iterator[tuple[Piece | None, str]]:
        count = self.piece.inputs[item].shape[2]
        for start in range(0, count, size):
            keep = [i for i in range(count) if not start <= i < start + size]
            if keep:
                yield _columns(self.piece, item, keep), f"{len(keep)} of {count} inputs"

    def _first_steps(self) -> None:
        """Begin later: at the last step, else at half, a quarter … of the way there."""
        cut = self.piece.steps - 1
        while cut >= 1:
            if self.piece.steps > cut and self._try(self.piece.from_step(cut), f"without the first {cut} steps"):
                cut = self.piece.steps - 1
            else:
                cut //= 2

    def _events(self) -> None:
        """Set single input values to 0."""
        left = 0
        for item in list(self.piece.inputs):
            places = np.argwhere(self.piece.inputs[item])
            if len(places) > EVENTS:
                continue
            for place in map(tuple, places):
                values = self.piece.inputs[item]
                if place[0] >= values.shape[0] or not values[place]:
                    continue
                changed = values.copy()
                changed[place] = 0
                inputs = {**self.piece.inputs, item: changed}
                left += self._try(replace(self.piece, inputs=inputs), "single input values", told=False)
        if left:
            self.log.append(f"{left} single input values set to 0")


def alone(piece: Piece, sources: Sources, matches: Sequence[Match], lookup: OpLookup) -> Piece | None:
    """The node at which the two part cut out of both, fed with what the reference run fed it. None if nobody knows
    what that was, or if inputs of the two cannot be told to be the same.
    """
    left = cut_out(piece.a, piece.node, lookup)
    if left is None:
        return None
    graph, ports = left
    fed = {item: sources(port) for item, port in ports.items()}
    inputs = {item: values[: piece.steps] for item, values in fed.items() if values is not None}
    if len(inputs) < len(fed) or not inputs:
        return None
    if piece.b is None:
        return replace(piece, a=graph, inputs=inputs)
    right = cut_out(piece.b, piece.b_key.rpartition("/")[0], lookup)
    return None if right is None else _both_alone(replace(piece, a=graph, inputs=inputs), ports, *right, matches)


def _both_alone(
    piece: Piece, ports: Mapping[str, Port], graph: Graph, others: Mapping[str, Port], matches: Sequence[Match]
) -> Piece | None:
    """``others``: by input id of ``graph``, the port that it took its values from; each must have its match."""
    by_new = {match.new: match for match in matches}
    by_port = {port: item for item, port in ports.items()}
    feeds: dict[str, str] = {}
    lags = set()
    for item, port in others.items():
        match = by_new.get(port)
        old = match.old if match is not None else port
        if old not in by_port:
            return None
        feeds[item] = by_port[old]
        lags.add(0 if match is None else match.lag)
        if match is not None and match.select is not None:
            smaller = some_inputs(graph, item, range(*match.select))
            if smaller is None:
                return None
            graph = smaller
    if len(lags) != 1 or set(feeds.values()) != set(piece.inputs):
        return None
    return replace(piece, b=graph, feeds=feeds, lag=piece.lag - lags.pop())


def _prefix(piece: Piece) -> Piece:
    a = prefix(piece.a, _port(piece.a_key))
    b = None if piece.b is None else prefix(piece.b, _port(piece.b_key))
    return replace(piece, a=a, b=b, inputs={item.id: piece.inputs[item.id] for item in a.inputs})


def _port(key: str) -> Port:
    node, _, name = key.rpartition("/")
    return Port(node, name)


def _flattened(piece: Piece, lookup: OpLookup) -> Piece | None:
    """Without flattening right behind the inputs of either graph."""
    a = without_flatten(piece.a, lookup)
    b = None if piece.b is None else without_flatten(piece.b, lookup)
    if a is None and b is None:
        return None
    graph = a or piece.a
    inputs = {
        name: values.reshape(*values.shape[:2], *graph.input[name].shape) for name, values in piece.inputs.items()
    }
    return replace(piece, a=graph, b=b or piece.b, inputs=inputs)


def _neuron(piece: Piece, index: int, shape: tuple[int, ...], lookup: OpLookup) -> Piece | None:
    """One entry of the first axis of the diverging layer, on both sides."""
    a = one_of(piece.a, piece.node, index, lookup)
    if a is None:
        return None
    if piece.b is not None:
        other = index + (piece.select[0] if piece.select is not None else 0)
        b = one_of(piece.b, piece.b_key.rpartition("/")[0], other, lookup)
        return None if b is None else replace(piece, a=a, b=b, select=None)
    if piece.expected is None:
        return replace(piece, a=a)
    if piece.expected.shape[2:] != shape:
        return None
    return replace(piece, a=a, expected=piece.expected[:, :, index : index + 1])


def _place(piece: Piece, place: Sequence[int], shape: Sequence[int], lookup: OpLookup) -> Piece | None:
    """One spatial place of the diverging layer, on both sides."""
    found = one_place(piece.a, piece.node, place, lookup)
    if found is None:
        return None
    a, window = found
    b, expected = piece.b, piece.expected
    if b is not None:
        other = one_place(b, piece.b_key.rpartition("/")[0], place, lookup)
        if other is None or other[1].start != window.start or other[1].size != window.size:
            return None
        b = other[0]
    elif expected is not None:
        if expected.shape[3:] != tuple(shape):
            return None
        for axis, at in enumerate(place, 3):
            expected = np.take(expected, [at], axis)
    inputs = {**piece.inputs, window.item: np.ascontiguousarray(window.of(piece.inputs[window.item]))}
    return replace(piece, a=a, b=b, inputs=inputs, expected=expected)


def _columns(piece: Piece, item: str, keep: Sequence[int]) -> Piece | None:
    """Some entries of the first axis of one input, on both sides."""
    a = some_inputs(piece.a, item, keep)
    if a is None:
        return None
    b = piece.b
    for found in [] if b is None else b.inputs:
        if b is not None and (piece.feeds or {}).get(found.id, found.id) == item:
            if found.shape != piece.a.input[item].shape:
                return None
            b = some_inputs(b, found.id, keep)
    if piece.b is not None and b is None:
        return None
    values: Array = np.ascontiguousarray(piece.inputs[item][:, :, list(keep)])
    return replace(piece, a=a, b=b, inputs={**piece.inputs, item: values})
