"""Inputs, outputs, decoder and the length of a step."""

from __future__ import annotations

from collections.abc import Iterator

from snnhub.differences.alignment import Alignment
from snnhub.differences.difference import Difference, Section
from snnhub.ir.graph import Decoder, Graph, Input


def interface(a: Graph, b: Graph, alignment: Alignment) -> Iterator[Difference]:
    """What a network takes, gives, and how its output is read."""
    yield from _ends(a, b, alignment)
    if _decoder(a.decoder) != _decoder(b.decoder):
        yield _difference("decoder", "", "", _decoder(a.decoder), _decoder(b.decoder))
    if _seconds(a.dt) != _seconds(b.dt):
        yield _difference("dt", "", "", _seconds(a.dt), _seconds(b.dt))


def _difference(what: str, a: str, b: str, old: str, new: str, words: str = "") -> Difference:
    return Difference(Section.INTERFACE, what, a, b, old, new, words)


def _ends(a: Graph, b: Graph, alignment: Alignment) -> Iterator[Difference]:
    for item in a.inputs:
        other = b.input.get(alignment.ends.get(item.id, ""))
        if other is None:
            yield _difference("input removed", item.id, "", _input(item), "")
            continue
        for what, old, new in (
            ("input name", item.id, other.id),
            ("input shape", str(list(item.shape)), str(list(other.shape))),
            ("input type", str(item.type), str(other.type)),
            ("steps that one frame is held", str(item.hold), str(other.hold)),
        ):
            if old != new:
                yield _difference(what, item.id, other.id, old, new)
    names = {output.id for output in b.outputs}
    for output in a.outputs:
        there = alignment.ends.get(output.id, "")
        if there not in names:
            yield _difference("output removed", output.id, "", "", "")
        elif there != output.id:
            yield _difference("output name", output.id, there, output.id, there)
    known = set(alignment.ends.values())
    for item in b.inputs:
        if item.id not in known:
            yield _difference("input added", "", item.id, "", _input(item))
    for output in b.outputs:
        if output.id not in known:
            yield _difference("output added", "", output.id, "", "")
    for what, ours, theirs in (
        ("order of inputs", [item.id for item in a.inputs], [item.id for item in b.inputs]),
        ("order of outputs", [item.id for item in a.outputs], [item.id for item in b.outputs]),
    ):
        before = [alignment.ends[name] for name in ours if name in alignment.ends]
        after = [name for name in theirs if name in known]
        if before != after:
            yield _difference(what, "", "", ", ".join(ours), ", ".join(theirs))


def _input(item: Input) -> str:
    return f"{list(item.shape)} {item.type}"


def _decoder(decoder: Decoder | None) -> str:
    if decoder is None:
        return "none"
    pick = ", then the class with the most" if decoder.argmax else ""
    return f"{decoder.reduce} of {decoder.quantity} over time{pick}"


def _seconds(dt: float | None) -> str:
    return "none" if dt is None else f"{dt!r} s"
