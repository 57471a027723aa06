"""What a node does: its op, its choices, and its step program, in words and line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff

from snnhub.differences.difference import Difference, Section
from snnhub.differences.reading import read
from snnhub.ir.graph import AttributeValue, Node
from snnhub.ir.op import OpLookup
from snnhub.ir.pretty import lines
from snnhub.ir.program import Program

CONTEXT = 1
"""Equal lines shown around those that differ."""


def semantics(a: Node, b: Node, lookup: OpLookup) -> Iterator[Difference]:
    """Op, attributes, and every aspect of the step programs that differs; last the lines of the programs."""
    if a.kind != b.kind:
        yield _difference(a, b, "op", a.kind, b.kind, _docs(a, b, lookup))
    yield from _attributes(a, b, lookup)
    if (a.program and a.program.digest) != (b.program and b.program.digest):
        yield from _programs(a, b)


def together(a: Sequence[Node], b: Sequence[Node], lookup: OpLookup) -> Iterator[Difference]:
    """Nodes that as a whole became others: what the ops of both sides say of themselves."""
    old, new = (list(dict.fromkeys(node.kind for node in nodes)) for nodes in (a, b))
    if old != new:
        docs = {node.kind: getattr(lookup(node.op, node.version), "doc", "") for node in (*a, *b)}
        words = " ".join(f"{kind}: {doc}" for kind, doc in docs.items() if doc)
        here, there = (", ".join(node.id for node in nodes) for nodes in (a, b))
        yield Difference(Section.SEMANTICS, "ops", here, there, ", ".join(old), ", ".join(new), words)


def _difference(
    a: Node, b: Node, what: str, old: str, new: str, words: str = "", text: tuple[str, ...] = ()
) -> Difference:
    return Difference(Section.SEMANTICS, what, a.id, b.id, old, new, words, lines=text)


def _docs(a: Node, b: Node, lookup: OpLookup) -> str:
    """What the ops say of themselves, but for neurons: there the programs tell."""
    if a.program is not None and b.program is not None:
        return ""
    docs = [getattr(lookup(node.op, node.version), "doc", "") for node in (a, b)]
    return " | ".join(doc for doc in docs if doc)


def _attributes(a: Node, b: Node, lookup: OpLookup) -> Iterator[Difference]:
    """Choices that both have, or that one op has in one of two forms. Different ops have different choices."""
    same = a.op == b.op
    for name in dict.fromkeys((*a.attribute, *b.attribute)):
        here, there = name in a.attribute, name in b.attribute
        if not (here and there) and not same:
            continue
        old, new = (_value(node.attribute.get(name)) for node in (a, b))
        if old != new:
            yield _difference(a, b, f"attribute {name}", old, new, _doc(a, b, name, lookup))


def _value(value: AttributeValue | None) -> str:
    """Told apart by type as well: 1 is not true."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else repr(value) if isinstance(value, str) else str(value)


def _doc(a: Node, b: Node, name: str, lookup: OpLookup) -> str:
    for node in (a, b):
        schema = lookup(node.op, node.version)
        for attribute in getattr(schema, "attributes", ()):
            if attribute.name == name:
                return str(attribute.doc)
    return ""


def _programs(a: Node, b: Node) -> Iterator[Difference]:
    ours, theirs = a.program, b.program
    if ours is not None and theirs is not None:
        left, right = read(ours), read(theirs)
        for aspect in dict.fromkeys((*left, *right)):
            if left.get(aspect) != right.get(aspect):
                missing = f"no {aspect.rpartition(' ')[2]}"
                yield _difference(a, b, aspect, left.get(aspect, missing), right.get(aspect, missing))
    yield _difference(a, b, "step program", _told(ours), _told(theirs), text=_lines(ours, theirs))


def _told(program: Program | None) -> str:
    return "none" if program is None else program.digest


def _lines(a: Program | None, b: Program | None) -> tuple[str, ...]:
    """The lines that differ, with - for A and + for B."""
    ours, theirs = ([] if program is None else lines(program) for program in (a, b))
    return tuple(
        line for line in unified_diff(ours, theirs, lineterm="", n=CONTEXT) if line[:3] not in ("---", "+++")
    )
