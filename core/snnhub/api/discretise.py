"""Discretise: from continuous time to steps, by a profile that says what each framework makes of the equations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import snnhub
from snnhub.errors import UsageError
from snnhub.hub.catalogue import find, register_ops, require
from snnhub.hub.loader import Hub, load
from snnhub.hub.objects import Profile
from snnhub.ir.continuous import is_continuous
from snnhub.ir.graph import Graph, Stage
from snnhub.ir.topology import strongly_connected, successors

OPEN = "SNN-3505"
"""What a file leaves open: nothing, once a profile is chosen."""


def profiles(hub: Hub | None = None) -> tuple[Profile, ...]:
    """The registered profiles, by name."""
    return tuple(item for _, item in sorted((hub or load()).profiles.items()))


def discretise(graph: Graph, dt: float | None, profile: str, input_shape: tuple[int, ...] | None = None) -> Graph:
    """``graph`` in steps of ``dt`` seconds, as ``profile`` computes them. Coefficients carry their recipe; what
    contradicts the source's own words is a finding ``loss``. A graph that has steps already comes back as it is.
    ``dt`` may be None where the graph has one, or where the profile knows only one, or none. ``input_shape``:
    features of one step of one sample, where the network is to be run on another shape than it says.

    Raises ``UsageError`` for an unknown profile or a dt that is no positive number, and ``UnsupportedError``, with
    every reason, where the profile refuses the network.
    """
    register_ops()
    item = find(load().profiles, profile, "profile")
    dt = next((value for value in (dt, graph.dt, item.dt) if value is not None), None)
    if dt is None and not item.timeless:
        raise UsageError("a profile needs the length of a step", where=profile, remedy="Pass --dt SECONDS")
    if dt is not None and not (math.isfinite(dt) and dt > 0):
        raise UsageError("dt must be a positive number of seconds", found=f"{dt:g}")
    if not is_continuous(graph):
        return graph
    require(item)
    entry = item.resolve()
    shape = () if input_shape is None else (input_shape,)
    if shape and len(signature(entry).parameters) < len((graph, dt, profile, *shape)):
        raise UsageError("this profile takes inputs of the shape that the file says", where=profile)
    made: Graph = entry(graph, dt, profile, *shape)
    decided = tuple(finding for finding in made.findings if finding.code != OPEN)
    stage = Stage(
        f"discretise {profile}",
        snnhub.__version__,
        (("dt", "none" if dt is None else repr(dt)), ("framework", item.framework)),
    )
    return replace(made, findings=decided, provenance=made.provenance.after(stage))


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that two profiles choose differently: ``place`` such as ``LIF/reset``, and what each chooses."""

    place: str
    a: str
    b: str


def choices_apart(a: str, b: str, graph: Graph) -> tuple[Choice, ...]:
    """Where two profiles differ in what concerns ``graph``, by their descriptors: node types that it has, numbers,
    dt, and the order of execution as far as it has loops, or several edges into one node. Raises ``UsageError``
    for an unknown profile.
    """
    table = load().profiles
    first, second = (find(table, name, "profile").descriptor() for name in (a, b))
    types = {node.op.removeprefix("ct.") for node in graph.nodes}
    pairs: list[tuple[str, Any, Any]] = [("dt", first["dt"], second["dt"])]
    pairs += _apart("numerics", first["numerics"], second["numerics"])
    matters = _matters(graph)
    pairs += [pair for pair in _apart("graph", first["graph"], second["graph"]) if matters.get(pair[0], True)]
    for kind in sorted(types & {*first["nodes"], *second["nodes"]}):
        pairs += _apart(kind, first["nodes"].get(kind), second["nodes"].get(kind))
    return tuple(Choice(place, _words(x), _words(y)) for place, x, y in pairs if x != y)


def _matters(graph: Graph) -> dict[str, bool]:
    """Whether a choice about the order of execution has an occasion in ``graph``."""
    following = successors(graph, graph.edges)
    cyclic = any(len(part) > 1 or part[0] in following[part[0]] for part in strongly_connected(following))
    into = Counter(edge.dst.node for edge in graph.edges if edge.src.node not in graph.input)
    ends = {node.id for node in graph.nodes if node.op == "ct.Output"}
    return {
        "graph/cycle_step": cyclic,
        "graph/before_start": cyclic,
        "graph/fan_in": any(count > 1 for name, count in into.items() if name not in ends),
        "graph/multi_output": len(ends) > 1 or any(into[name] > 1 for name in ends),
    }


def _apart(place: str, a: Any, b: Any) -> list[tuple[str, Any, Any]]:
    """Entries of two mappings by name; the whole where one of them is none."""
    if not isinstance(a, Mapping) or not isinstance(b, Mapping):
        return [(place, a if a is None else "computed", b if b is None else "computed")]
    return [(f"{place}/{name}", a.get(name), b.get(name)) for name in dict.fromkeys((*a, *b))]


SAID = {"gt": "above the threshold (>)", "ge": "at the threshold, too (>=)"}


def _words(value: Any) -> str:
    """An entry of a descriptor in a table."""
    if isinstance(value, str) and value.partition(",")[0] in SAID:
        kind, comma, more = value.partition(",")
        return f"{SAID[kind]}{comma}{more}"
    if value is None or value == [] or value == {}:
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {item}" for name, item in value.items())
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
