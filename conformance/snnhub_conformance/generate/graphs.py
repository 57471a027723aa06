"""Cases for whole graphs: a sketch is drawn several times, and the draw is kept that notices what it is for, and
as little else as possible.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY

from snnhub_conformance import building
from snnhub_conformance.building import stored
from snnhub_conformance.generate.write import ATOMIC_BYTES, Writer, runner_case
from snnhub_conformance.kill import UNFLAGGED, noticed
from snnhub_conformance.second import check_graph

Random = np.random.Generator
BYTES = {"loihi": 2 * ATOMIC_BYTES, "network": 170_000}
"""Bytes of a case, where they are not those of an atomic one: networks of some layers hold as many programs."""
COMMENTS = {
    "transform": "The formula of the op, on shapes without symmetry.",
    "time": "An edge of delay d delivers what its source produced d steps before, and zero before the start.",
    "loihi": "Lava's integers: the current, the potential and the spike of every neuron in every step.",
    "network": "A whole network.",
    "kernel.xylo": "Every current, potential and spike of one core of Xylo in every step.",
}
"""What is to be said of a case that says no more by itself."""
SOURCES = {"kernel.xylo": "snnhub_xylo.definition"}
"""What else gives the expectation, where it is not the second engine."""
TERMS, EPSILON = 64, 2.0**-24
TRIES, ENOUGH = 24, 4
"""Draws of a sketch, and how many that notice what they should are compared."""


@dataclass(frozen=True)
class Drawn:
    """A graph and its input (time, features…) or (time, batch, features…)."""

    graph: Graph
    x: Array
    steps: int = 0
    batched: bool = False


@dataclass(frozen=True)
class Sketch:
    """``aims``: classes that the case must notice. ``records``: keys; all of them if empty. ``rung``: of the
    expectation; by default ``bits`` where every program promises them.
    """

    title: str
    comment: str
    draw: Callable[[Random], Drawn]
    aims: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    landmine: int | None = None
    rung: str = ""


def start(name: str) -> GraphBuilder:
    """An empty graph over the installed ops."""
    return GraphBuilder(name, REGISTRY)


def dense(
    builder: GraphBuilder,
    name: str,
    source: Port,
    weight: Any,
    *,
    bias: Any = None,
    delay: int = 0,
    **changes: Any,
) -> Port:
    """A Dense node; its numbers as they are best stored."""
    given = None if bias is None else stored(bias)
    return building.dense(builder, name, source, stored(weight), delay, given, **changes)


def conv(
    builder: GraphBuilder,
    name: str,
    source: Port,
    weight: Any,
    *,
    bias: Any = None,
    delay: int = 0,
    **changes: Any,
) -> Port:
    """A Conv node; its numbers as they are best stored."""
    given = None if bias is None else stored(bias)
    return building.conv(builder, name, source, stored(weight), delay, given, **changes)


def conv_transpose(
    builder: GraphBuilder,
    name: str,
    source: Port,
    weight: Any,
    *,
    bias: Any = None,
    delay: int = 0,
    **changes: Any,
) -> Port:
    """A ConvTranspose node; its numbers as they are best stored."""
    given = None if bias is None else stored(bias)
    return building.conv_transpose(builder, name, source, stored(weight), delay, given, **changes)


def keys_of(graph: Graph, records: tuple[str, ...]) -> tuple[str, ...]:
    """What a case records: as asked, or every output, and every state and spike of its neurons."""
    if records:
        return records
    neural = [
        f"{node.id}/{name}"
        for node in graph.nodes
        if node.program is not None
        for name in node.program.names
        if name != "phase"
    ]
    return (*(output.id for output in graph.outputs), *neural)


def expectation(drawn: Drawn, records: tuple[str, ...]) -> dict[str, Array]:
    """Records of the reference engine, with which the second engine must agree."""
    graph, (item,) = drawn.graph, drawn.graph.inputs
    steps = drawn.steps or len(drawn.x)
    found, _ = prepare(graph).run({item.id: drawn.x}, record=keys_of(graph, records), steps=steps)
    check_graph(graph, {item.id: drawn.x}, found.arrays, steps)
    return dict(found.arrays)


def rounding_bound(drawn: Drawn, expected: dict[str, Array]) -> float | None:
    """By how much sums of f32 may be off that are rounded in any order, where nothing but sums is computed: the
    same network over the sizes of all numbers, times the roundings of up to 64 terms. None for what has neurons,
    or is infinite.
    """
    graph = drawn.graph
    if any(node.program is not None for node in graph.nodes) or not graph.inputs[0].type.is_float:
        return None
    sizes = {node.id: {name: tensor(np.abs(value.array)) for name, value in node.params} for node in graph.nodes}
    absolute = replace(graph, nodes=tuple(node.with_params(**sizes[node.id]) for node in graph.nodes))
    found, _ = prepare(absolute).run(np.abs(drawn.x), record=list(expected), steps=drawn.steps or len(drawn.x))
    most = max(float(array.max()) for array in found.arrays.values())
    return most * TERMS * EPSILON if np.isfinite(most) else None


def _seeded(sketch: Sketch, seed: int) -> Random:
    return np.random.default_rng((zlib.crc32(sketch.title.encode()), seed))


def choose(sketch: Sketch) -> tuple[Drawn, tuple[str, ...]]:
    """The purest of the draws that notice what the sketch is for. Raises ``ValueError`` if none does."""
    best: tuple[Drawn, tuple[str, ...]] | None = None
    hits, missed = 0, set(sketch.aims)
    for seed in range(TRIES):
        drawn = sketch.draw(_seeded(sketch, seed))
        steps = drawn.steps or len(drawn.x)
        found, _ = prepare(drawn.graph).run(drawn.x, record=keys_of(drawn.graph, sketch.records), steps=steps)
        names = noticed(drawn.graph, {drawn.graph.inputs[0].id: drawn.x}, found.arrays, steps)
        if set(sketch.aims) <= set(names):
            hits += 1
            if best is None or len(names) < len(best[1]):
                best = drawn, names
        else:
            missed = min(missed, set(sketch.aims) - set(names), key=len)
        if hits >= ENOUGH or (hits and not sketch.aims):
            break
    if best is None:
        raise ValueError(f"{sketch.title}: no draw notices {', '.join(sorted(missed))}")
    return best


def add(writer: Writer, family: str, sketches: Iterable[Sketch], table: dict[str, Any]) -> None:
    """A case for each sketch. Those of ``network`` carry no flags. ``table`` counts them."""
    for sketch in sketches:
        drawn, names = choose(sketch) if family not in UNFLAGGED else (sketch.draw(_seeded(sketch, 0)), ())
        expected = expectation(drawn, sketch.records)
        rung = sketch.rung or (
            "bits" if all(node.program is None or node.program.exact for node in drawn.graph.nodes) else "spikes"
        )
        case, files = runner_case(
            family,
            sketch.title,
            sketch.comment or COMMENTS[family],
            drawn.graph,
            {drawn.graph.inputs[0].id: drawn.x},
            expected,
            level="R4" if rung == "bits" else "R3",
            rung=rung,
            batched=drawn.batched,
            steps=drawn.steps,
            bound=rounding_bound(drawn, expected),
            flags=names,
            source={"kind": "equation", "ref": SOURCES.get(family, "snnhub_conformance.second")},
            landmine=sketch.landmine,
        )
        size, most = sum(len(data) for data in files.values()), BYTES.get(family, ATOMIC_BYTES)
        if size > most:
            raise ValueError(f"{family} {sketch.title}: {size} bytes, allowed {most}")
        writer.add(case, files)
        table["cases"] = table.get("cases", 0) + 1
        table["bytes"] = table.get("bytes", 0) + size
