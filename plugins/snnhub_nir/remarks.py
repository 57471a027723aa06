"""What there is to say of a NIR file that can be read: what it leaves open, and what other readers make of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from snnhub.findings import Finding, info, note
from snnhub.ir.ct_names import ROOT
from snnhub.ir.graph import Graph, Node

from snnhub_nir.walk import Found

NEWEST = (1, 0, 8)
"""Newest version of NIR that was looked at."""
LISTED = 6
NEURONS = ("ct.I", "ct.IF", "ct.LI", "ct.LIF", "ct.CubaLI", "ct.CubaLIF")
SPIKING = ("ct.IF", "ct.LIF", "ct.CubaLIF")
POSITIVE = ("tau", "tau_mem", "tau_syn")


def remarks(graph: Graph, found: Found) -> Iterator[Finding]:
    """All of them, one per kind, with the places."""
    yield from _open(graph)
    yield from _defaults(graph)
    yield from _odd_numbers(graph)
    yield from _readers(graph, found)
    yield from _version(found)
    if found.converted:
        words = f"names of NIR 0.0 that changed later: {listed(found.converted)}"
        yield note("SNN-3509", "file", words, new="as NIR 1.0 names them")


def listed(names: Iterable[str]) -> str:
    """A few names, and how many more there are."""
    every = list(names)
    return ", ".join(every[:LISTED]) + (f" and {len(every) - LISTED} more" if len(every) > LISTED else "")


def _open(graph: Graph) -> Iterator[Finding]:
    if not any(node.op in NEURONS for node in graph.nodes):
        return
    yield info(
        "SNN-3505",
        "file",
        "what one step computes is not in the file: length of a step, scheme, order of updates, the spike test at "
        "equality, when the reset acts, spikes per step, initial state, and where a loop's delay sits",
        remedy="Choose a profile and dt before it is run.",
    )
    scaled = [node.id for node in graph.nodes if node.op in NEURONS and _other_than(node, "r", 1)]
    if scaled:
        words = f"r is not 1, which frameworks take as a gain, as tau / dt, or not at all: {listed(scaled)}"
        yield info("SNN-3506", "file", words)
    led = [node.id for node in graph.nodes if _other_than(node, "v_leak", 0) or _other_than(node, "v_reset", 0)]
    if led:
        words = f"v_leak or v_reset is not 0, which frameworks ignore, add twice, or refuse: {listed(led)}"
        yield info("SNN-3506", "file", words)


def _other_than(node: Node, name: str, value: float) -> bool:
    return name in node.param and bool((node.param[name].array != value).any())


def _defaults(graph: Graph) -> Iterator[Finding]:
    for ops, name, value in ((SPIKING, "v_reset", 0), (("ct.CubaLI", "ct.CubaLIF"), "w_in", 1)):
        without = [node.id for node in graph.nodes if node.op in ops and name not in node.param]
        if without:
            words = f"the file has no {name}, which NIR takes as {value} then: {listed(without)}"
            yield info("SNN-3507", "file", words)


def _odd_numbers(graph: Graph) -> Iterator[Finding]:
    strange = []
    for node in graph.nodes:
        for name, tensor in node.params:
            if not tensor.finite:
                strange.append(f"{node.id}/{name} holds NaN or infinity")
            elif name in POSITIVE and not (tensor.array > 0).all():
                strange.append(f"{node.id}/{name} is not above 0")
    if strange:
        words = f"numbers that no network can mean: {listed(strange)}"
        yield note("SNN-3508", "file", words, remedy="Compare with the network that the file was written from.")


def _readers(graph: Graph, found: Found) -> Iterator[Finding]:
    """What NIR 1.0.8's own reader refuses or changes."""
    twice = [str(edge) for edge, times in Counter(graph.edges).items() if times > 1]
    slashed = ["/".join(path) for path in found.nodes if any("/" in name for name in path)]
    sources, targets = {e.src.node for e in graph.edges}, {e.dst.node for e in graph.edges}
    inner = [node for node in graph.nodes if node.id != ROOT and node.op not in ("ct.Input", "ct.Output")]
    loose = [node.id for node in inner if node.id not in sources or node.id not in targets]
    scalar = [node.id for node in graph.nodes if node.op in NEURONS and any(t.shape == () for _, t in node.params)]
    for places, words in (
        (twice, "edges occur twice (its reader refuses the file)"),
        (found.dotted, "edges name nodes within subgraphs (its reader refuses the file)"),
        (found.moved, "edges of an outer graph are written into the subgraph that they lie in"),
        (slashed, "names have a slash (its reader refuses the file)"),
        (loose, "nodes begin or end a path (its reader adds an Input or Output there)"),
        (scalar, "parameters are single numbers (its type check refuses them between arrays)"),
    ):
        if places:
            yield info("SNN-3510", "file", f"{words}: {listed(places)}")
    if found.dotted or found.legacy:
        words = "edges of one graph name nodes of another" if found.dotted else "a layout of NIR 0.0"
        remedy = "" if found.dotted else "Convert it to .nir first: that has the layout of today."
        yield info(
            "SNN-2621", "file", f"{words}, which nir.read refuses, as profiles of importers do", remedy=remedy
        )


def _version(found: Found) -> Iterator[Finding]:
    if found.version is None:
        yield info("SNN-3512", "file", "the file does not say which version of NIR wrote it")
        return
    parts = found.version.split(".")
    known = all(part.isdigit() and len(part) < 6 for part in parts[:3]) and len(parts) >= 3
    if not known or tuple(int(part) for part in parts[:3]) > NEWEST:
        newest = ".".join(map(str, NEWEST))
        words = f"written by a version that was not looked at here; {newest} was"
        yield info("SNN-3512", "file", words, old=found.version[:40])
