"""From a graph in continuous time to steps by a rule: layers, edges with their delays, findings, refusals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from snnhub.errors import GraphError, ProgramError, UnsupportedError
from snnhub.findings import Finding, error, info, loss, note
from snnhub.ir.ct_flat import flat
from snnhub.ir.graph import Graph

from snnhub_profiles.assembly import Assembly
from snnhub_profiles.layer import Layer
from snnhub_profiles.official import read
from snnhub_profiles.rules import RULES
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import CHANCE, REFUSED, ChanceError, Item, RefusedError, Source, flat_source
from snnhub_profiles.wiring import Wiring, chain, ours

CYCLE, LEFT, FIXED, FIRST = "SNN-2604", "SNN-2605", "SNN-2609", "SNN-2615"
OPEN = "SNN-3505"


def discretise(graph: Graph, dt: float | None, profile: str, input_shape: tuple[int, ...] | None = None) -> Graph:
    """The network that the profile's framework makes of ``graph``. Node ids stay. ``dt`` in seconds; None for a
    framework that has none, whose network then does not say how long a step is. ``input_shape``: features of the
    input, where it has another shape than the file says.

    Raises ``UnsupportedError`` with every reason where the framework, or the profile, refuses the file.
    """
    rule = RULES[profile]
    given = rule.dt if rule.dt is not None else dt
    step = float("nan") if given is None else given
    if rule.build is not None:
        return _of_shape(rule.build(graph, step), input_shape, profile)
    whole = flat(graph) if rule.wire is ours else graph
    source = _source(whole, rule, profile)
    refusals = [error(REFUSED, place, words) for place, words in rule.check(source)]
    layers = _layers(source, rule, step, refusals)
    known = {path for path, item in source.everything() if item.type in rule.known}
    wiring = None
    try:
        wiring = rule.wire(source, known)
    except RefusedError as problem:
        code = CHANCE if isinstance(problem, ChanceError) else REFUSED
        refusals.append(error(code, graph.name or "network", str(problem)))
    if wiring is None or refusals:
        raise _refused(profile, refusals)
    assembly = Assembly(whole.name, source, layers, wiring, rule, input_shape)
    try:
        made = assembly.graph(given)
    except (GraphError, ProgramError, RefusedError) as problem:
        code = CHANCE if isinstance(problem, ChanceError) else REFUSED
        places = [error(code, item.place, item.message) for item in getattr(problem, "findings", ())]
        raise _refused(profile, places or [error(code, graph.name or "network", str(problem))]) from problem
    findings = (
        *_settled(graph.findings, profile),
        *_remarks(assembly.items, wiring, rule, dt),
        *assembly.findings,
    )
    return replace(made, findings=findings, provenance=graph.provenance)


def _of_shape(made: Graph, shape: tuple[int, ...] | None, profile: str) -> Graph:
    """A network of an importer that is told by its own rule. Raises ``UnsupportedError`` for another input."""
    if shape is None or made.inputs[0].shape == shape:
        return made
    words = f"inputs of {list(shape)}: this profile takes those that the file says, {list(made.inputs[0].shape)}"
    raise _refused(profile, [error(REFUSED, made.inputs[0].id, words)])


def _source(graph: Graph, rule: Rule, profile: str) -> Source:
    """The file as the importer gets it: through ``nir.read``, but for the profiles that are nobody's."""
    if rule.wire is ours:
        return flat_source(graph)
    try:
        source = rule.rewrite(read(graph))
    except RefusedError as problem:
        raise _refused(profile, [error(REFUSED, graph.name or "network", str(problem))]) from None
    if source.nested and rule.wire is chain:
        words = "found a graph within a graph, which this profile does not cover"
        raise _refused(profile, [error(REFUSED, item.id, words) for item in source.nested])
    return source


def descriptor(profile: str) -> Mapping[str, Any]:
    """What a profile chooses, as data: schema in docs/profiles.md."""
    return RULES[profile].descriptor


def _refused(profile: str, refusals: list[Finding]) -> UnsupportedError:
    first = refusals[0]
    return UnsupportedError(
        f"{profile} refuses this network: {first.message}", where=first.place, findings=refusals
    )


def _layers(source: Source, rule: Rule, dt: float, refusals: list[Finding]) -> dict[str, Layer]:
    """A layer for every node that the rule knows; Flatten waits for its rank. Refusals are collected."""
    layers: dict[str, Layer] = {}
    for name, item in source.everything():
        words = rule.refuses.get(item.type)
        if words is None and item.type not in rule.known and not rule.drops:
            words = f"{item.type} is no type that the importer knows"
        if words is not None:
            refusals.append(error(REFUSED, item.id, words))
        elif item.type in rule.makes:
            try:
                with np.errstate(all="ignore"):  # what comes of odd numbers is told with its place
                    layers[name] = rule.makes[item.type](item, dt)
            except RefusedError as problem:
                refusals.append(error(REFUSED, item.id, str(problem)))
    return layers


def _settled(findings: Iterable[Finding], profile: str) -> list[Finding]:
    """The reader's remarks, without the advice to choose a profile."""
    return [replace(item, remedy="", new=profile) if item.code == OPEN else item for item in findings]


def _remarks(items: Mapping[str, Item], wiring: Wiring, rule: Rule, dt: float | None) -> list[Finding]:
    found = [
        info(
            CYCLE,
            f"{items[a].id} -> {items[b].id}",
            "this edge brings the value of the step before",
            new="1",
        )
        for a, b, steps in wiring.edges
        if steps
    ]
    left = [items[name] for name in wiring.left]
    if len(wiring.returned) > 1:
        words = f"{len(wiring.returned)} values are returned; the order of a set decides which is the first"
        all_of, first = ", ".join(wiring.returned), items[wiring.output]
        found.append(loss(FIRST, first.id, words, old=all_of, new=wiring.output))
    found += [
        loss(LEFT, item.id, f"{item.type} is left out by the importer")
        for item in left
        if item.type not in ("Input", "Output")
    ]
    if rule.timeless and dt is not None:
        found.append(note(FIXED, "dt", f"{rule.name} has no dt: the one given is not used", old=f"{dt:g} s"))
    if rule.dt is not None and dt is not None and rule.dt != dt:
        found.append(loss(FIXED, "dt", f"{rule.name} has a dt of its own", old=f"{dt:g} s", new=f"{rule.dt:g} s"))
    return found
