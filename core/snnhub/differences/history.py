"""Where the networks came from: stages, source, digests, and the records that travel with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from snnhub.differences.alignment import Alignment
from snnhub.differences.difference import Difference, Section
from snnhub.ir.graph import Graph, Node, Stage


def history(a: Graph, b: Graph, alignment: Alignment) -> Iterator[Difference]:
    """None of this computes anything."""
    ours, theirs = a.provenance, b.provenance
    for what, old, new in (
        ("name", a.name, b.name),
        ("source", ours.source, theirs.source),
        ("source digest", ours.source_sha256, theirs.source_sha256),
    ):
        if old != new:
            yield _difference(what, "", "", old or "none", new or "none")
    yield from _stages(ours.stages, theirs.stages)
    yield from _records(a, b, alignment)
    for what, before, after in (
        ("rows of the correspondence", len(a.correspondence), len(b.correspondence)),
        ("findings", len(a.findings), len(b.findings)),
    ):
        if before != after:
            yield _difference(what, "", "", str(before), str(after))


def _difference(what: str, a: str, b: str, old: str, new: str, words: str = "") -> Difference:
    return Difference(Section.PROVENANCE, what, a, b, old, new, words)


def _stages(ours: tuple[Stage, ...], theirs: tuple[Stage, ...]) -> Iterator[Difference]:
    """Stages behind those that both have."""
    common = 0
    while common < min(len(ours), len(theirs)) and ours[common] == theirs[common]:
        common += 1
    for number, stage in enumerate(ours[common:], common + 1):
        yield _difference("stage of A only", f"stage {number}", "", _told(stage), "")
    for number, stage in enumerate(theirs[common:], common + 1):
        yield _difference("stage of B only", "", f"stage {number}", "", _told(stage))


def _told(stage: Stage) -> str:
    options = ", ".join(f"{key}={value}" for key, value in stage.options)
    return f"{stage.name} {stage.version}" + (f" ({options})" if options else "")


RECORDS: tuple[tuple[str, Callable[[Node], object]], ...] = (
    ("origins", lambda node: node.origin),
    ("recipes", lambda node: [(name, t.recipe) for name, t in node.params if t.recipe]),
    ("quantisation", lambda node: [(name, str(t.quantisation)) for name, t in node.params if t.quantisation]),
)


def _records(a: Graph, b: Graph, alignment: Alignment) -> Iterator[Difference]:
    for what, record in RECORDS:
        places = [pair.a for pair in alignment.pairs if record(a.node[pair.a]) != record(b.node[pair.b])]
        if places:
            yield _difference(what, "", "", "", "", f"recorded otherwise at {len(places)} nodes")
