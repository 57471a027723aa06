"""Classes of wrong engines: arithmetic done right, in the wrong order, at the wrong time, with wrong numbers.

Each is a way to run a graph that makes one mistake, or says that the graph gives it no occasion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from snnhub.engine import reference, wires
from snnhub.engine.reference import Plan
from snnhub.ir.graph import Edge, Graph, Node, Port
from snnhub.ir.numtype import NumType
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY

from snnhub_conformance.mutants.engine_class import (
    Arrays,
    Change,
    EngineClass,
    plain,
    samples_of,
    with_edges,
    with_nodes,
)
from snnhub_conformance.mutants.layers import CONVOLUTIONS, LAYERS


def _no_delays(graph: Graph) -> Graph | None:
    return with_edges(graph, lambda edge: replace(edge, delay=0))


def _delay_by(step: int) -> Change:
    return lambda graph: with_edges(
        graph, lambda edge: replace(edge, delay=max(edge.delay + step, 0)) if edge.delay else edge
    )


def _latency(graph: Graph) -> Graph | None:
    """Every node takes one step more to be heard by another."""
    inner = {node.id for node in graph.nodes}
    return with_edges(
        graph,
        lambda e: replace(e, delay=e.delay + 1) if e.src.node in inner and e.dst.node in inner else e,
    )


def _loop_late(graph: Graph) -> Graph | None:
    """Feedback comes one step late."""
    order = {node.id: place for place, node in enumerate(graph.nodes)}
    return with_edges(
        graph,
        lambda e: (
            replace(e, delay=e.delay + 1)
            if e.src.node in order and e.dst.node in order and order[e.src.node] >= order[e.dst.node]
            else e
        ),
    )


def _one_edge(pick: int) -> Change:
    """Of several edges into a port only the first (0) or the last (-1) counts."""

    def change(graph: Graph) -> Graph | None:
        by_port: dict[Port, list[Edge]] = {}
        for edge in graph.edges:
            by_port.setdefault(edge.dst, []).append(edge)
        kept = tuple(edge for edge in graph.edges if by_port[edge.dst][pick] == edge)
        return None if kept == graph.edges else replace(graph, edges=kept)

    return change


def _weight(change: Callable[[Array], Array | None], *ops: str) -> Change:
    def node(item: Node) -> Node | None:
        if item.op not in ops:
            return None
        old = item.param["weight"].array
        new = change(old)
        return None if new is None or (new == old).all() else item.with_params(weight=tensor(new))

    return lambda graph: with_nodes(graph, node)


def _transposed(weight: Array) -> Array | None:
    return weight.T if weight.shape[0] == weight.shape[1] else None


def _flipped(weight: Array) -> Array:
    return np.flip(weight, tuple(range(2, weight.ndim)))


def _swapped_axes(weight: Array) -> Array | None:
    square = weight.ndim == 4 and weight.shape[2] == weight.shape[3]
    return weight.swapaxes(2, 3) if square else None


def _no_bias(graph: Graph) -> Graph | None:
    def node(item: Node) -> Node | None:
        bias = item.param.get("bias")
        if bias is None or not bias.array.any():
            return None
        return item.with_params(bias=tensor(np.zeros_like(bias.array)))

    return with_nodes(graph, node)


def _attribute(name: str, change: Callable[[Any], Any], op: str = "") -> Change:
    """An attribute taken for another value."""

    def node(item: Node) -> Node | None:
        if name not in item.attribute or (op and item.op != op) or item.program is not None:
            return None
        new = change(item.attribute[name])
        if new == item.attribute[name]:
            return None
        return replace(item, attributes=tuple({**item.attribute, name: new}.items()))

    return lambda graph: with_nodes(graph, node)


def _accumulate(value: str) -> Change:
    """Integer sums wrapped, or not."""

    def node(item: Node) -> Node | None:
        if item.attribute.get("accumulate", value) == value or item.param["weight"].type.is_float:
            return None
        return replace(item, attributes=tuple({**item.attribute, "accumulate": value}.items()))

    return lambda graph: with_nodes(graph, node)


def _sides(graph: Graph) -> Graph | None:
    """Padding in front and behind exchanged."""

    def node(item: Node) -> Node | None:
        before, after = item.attribute.get("before"), item.attribute.get("after")
        if before is None or after is None or before == after:
            return None
        return replace(item, attributes=tuple({**item.attribute, "before": after, "after": before}.items()))

    return with_nodes(graph, node)


def _first_parameter(graph: Graph) -> Graph | None:
    """The first neuron's parameter is used for all."""

    def node(item: Node) -> Node | None:
        if item.program is None:
            return None
        new = {
            name: tensor(np.full_like(value.array, value.array.flat[0]))
            for name, value in item.params
            if value.array.ndim and (value.array != value.array.flat[0]).any()
        }
        return item.with_params(**new) if new else None

    return with_nodes(graph, node)


def _kept_state(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays | None:
    """A sample begins with what the one before it left behind."""
    if samples_of(graph, inputs) < 2:
        return None
    plan, state, parts = Plan(graph, REGISTRY), None, []
    for sample in range(samples_of(graph, inputs)):
        part = {name: array[:, sample : sample + 1] for name, array in inputs.items()}
        recording, state = plan.run(part, record=keys, steps=steps, state=state)
        parts.append(recording.arrays)
    return {key: np.concatenate([part[key] for part in parts], axis=1) for key in keys}


def _held_input(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays | None:
    """Behind its end the input goes on with its last value instead of zero."""
    length = next(iter(inputs.values())).shape[0]
    if steps <= length:
        return None
    held = {name: np.concatenate([a, np.repeat(a[-1:], steps - length, axis=0)]) for name, a in inputs.items()}
    return plain(graph, held, keys, steps)


def _binary_input(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays | None:
    """Several spikes in one step count as one."""
    if not all(item.type.is_int for item in graph.inputs) or not any((a > 1).any() for a in inputs.values()):
        return None
    return plain(graph, {name: np.minimum(array, 1) for name, array in inputs.items()}, keys, steps)


def _filled_lines(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays | None:
    """Before the start a delay gives the first value of its source instead of zero (for inputs)."""
    delayed = [edge for edge in graph.edges if edge.delay and edge.src.node in graph.input]
    if not delayed:
        return None
    plan = Plan(graph, REGISTRY)
    batched = samples_of(graph, inputs)
    state = plan.initial_state(batched or 1)
    for number, edge in enumerate(graph.edges):
        if edge in delayed:
            start = inputs[edge.src.node][0]
            state.lines[number][...] = start if batched else start[None]
    return dict(plan.run(inputs, record=keys, steps=steps, state=state)[0].arrays)


def _in_sequence(arrays: list[Array], type_: NumType) -> Array:
    total = arrays[0].astype(type_.numpy)
    for array in arrays[1:]:
        total = total + array.astype(type_.numpy)
    return total


def _rounded_edges(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays | None:
    """Edges into a port are added one after the other in f32, the last first."""
    ends = [edge.dst for edge in graph.edges]
    if all(ends.count(port) < 3 for port in ends):
        return None

    def rounded(arrays: list[Array], type_: NumType) -> Array:
        return _in_sequence(arrays[::-1], type_) if type_.is_float else wires.combine(arrays, type_)

    setattr(reference, "combine", rounded)  # noqa: B010  the engine looks it up there
    try:
        return plain(graph, inputs, keys, steps)
    finally:
        setattr(reference, "combine", wires.combine)  # noqa: B010


def _first_sample(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays | None:
    """Every sample gets the results of the first."""
    if samples_of(graph, inputs) < 2:
        return None
    found = plain(graph, inputs, keys, steps)
    return {key: np.repeat(array[:, :1], array.shape[1], axis=1) for key, array in found.items()}


def _batch_first(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays | None:
    """The input is read as (batch, time, …), and results come out so."""
    samples = samples_of(graph, inputs)
    if samples < 2:
        return None
    turned = {
        name: array.reshape(samples, len(array), *array.shape[2:]).swapaxes(0, 1) for name, array in inputs.items()
    }
    found = plain(graph, turned, keys, steps)
    return {key: array.swapaxes(0, 1).reshape(array.shape) for key, array in found.items()}


def _not_held(graph: Graph) -> Graph | None:
    """A frame that should be shown in every step is shown once."""
    shown = tuple(replace(item, hold=0) for item in graph.inputs)
    return None if shown == graph.inputs else replace(graph, inputs=shown)


def _behind_synapses(graph: Graph) -> Graph | None:
    """The delay into a transform sits behind it: before the start nothing arrives, not even its bias."""
    edges = list(graph.edges)
    for node in graph.nodes:
        into = [place for place, edge in enumerate(edges) if edge.dst.node == node.id]
        delays = {edges[place].delay for place in into}
        if node.program is not None or len(delays) != 1 or delays == {0}:
            continue
        out = [place for place, edge in enumerate(edges) if edge.src.node == node.id]
        for place in into:
            edges[place] = replace(edges[place], delay=0)
        for place in out:
            edges[place] = replace(edges[place], delay=edges[place].delay + delays.copy().pop())
    return None if tuple(edges) == graph.edges else replace(graph, edges=tuple(edges))


def _ends(end: str) -> Change:
    """Delays at the inputs or the outputs left out."""

    def change(graph: Graph) -> Graph | None:
        inner = {node.id for node in graph.nodes}
        return with_edges(
            graph, lambda e: e if (e.src if end == "input" else e.dst).node in inner else replace(e, delay=0)
        )

    return change


def _longest(graph: Graph) -> Graph | None:
    """Of several edges into a port all get the longest delay."""
    longest: dict[Port, int] = {}
    for edge in graph.edges:
        longest[edge.dst] = max(edge.delay, longest.get(edge.dst, 0))
    return with_edges(graph, lambda edge: replace(edge, delay=longest[edge.dst]))


ENGINES: tuple[EngineClass, ...] = (
    EngineClass("delay.dropped", "delays left out", _no_delays),
    EngineClass("delay.one-late", "delays one step too long", _delay_by(1)),
    EngineClass("delay.one-early", "delays one step too short", _delay_by(-1)),
    EngineClass(
        "delay.line-filled", "a delay gives its first value before the start, not zero", run=_filled_lines
    ),
    EngineClass("time.layer-latency", "every layer hears the one before it a step late", _latency),
    EngineClass("time.loop-late", "feedback comes one step late", _loop_late),
    EngineClass("time.input-held", "behind its end the input keeps its last value, not zero", run=_held_input),
    EngineClass("edges.first-only", "of several edges into a port only the first counts", _one_edge(0)),
    EngineClass("edges.last-only", "of several edges into a port only the last counts", _one_edge(-1)),
    EngineClass(
        "edges.rounded", "edges into a port added one after the other, rounded each time", run=_rounded_edges
    ),
    EngineClass("state.kept", "a sample begins with the state that the one before it left", run=_kept_state),
    EngineClass("delay.input-dropped", "delays behind inputs left out", _ends("input")),
    EngineClass("delay.output-dropped", "delays in front of outputs left out", _ends("output")),
    EngineClass("delay.longest", "edges into one port all get the longest of their delays", _longest),
    EngineClass(
        "delay.behind-synapse", "the delay of a synapse sits behind it: its bias comes late", _behind_synapses
    ),
    EngineClass("batch.first-only", "every sample gets the results of the first", run=_first_sample),
    EngineClass("batch.first", "input read as (batch, time) instead of (time, batch)", run=_batch_first),
    EngineClass("hold.once", "a held frame shown in the first step only", _not_held),
    EngineClass("input.binary", "several spikes in one step counted as one", run=_binary_input),
    EngineClass("parameter.first", "the first neuron's parameter used for all", _first_parameter),
    EngineClass("weight.transposed", "a weight matrix transposed", _weight(_transposed, "core.Dense")),
    EngineClass("weight.flipped", "a convolution turned its kernel around", _weight(_flipped, *CONVOLUTIONS)),
    EngineClass(
        "weight.axes-swapped", "height and width of a kernel exchanged", _weight(_swapped_axes, *CONVOLUTIONS)
    ),
    EngineClass("bias.dropped", "biases left out", _no_bias),
    EngineClass("sum.wraps", "sums wrapped to 24 bits that should be exact", _accumulate("wrap24")),
    EngineClass("sum.exact", "sums exact that should wrap to 24 bits", _accumulate("exact")),
    EngineClass("sum.not-shifted", "the shift of a sum left out", _attribute("shift", lambda v: 0)),
    EngineClass(
        "pool.pad-counted",
        "padding counted as entries of an average, or not, the other way round",
        _attribute("count_include_pad", lambda v: not v),
    ),
    EngineClass(
        "pool.ceil", "output sizes of pools rounded the other way", _attribute("ceil_mode", lambda v: not v)
    ),
    EngineClass("window.dilation", "dilation left out", _attribute("dilation", lambda v: tuple(1 for _ in v))),
    EngineClass("window.stride", "stride left out", _attribute("stride", lambda v: tuple(1 for _ in v))),
    EngineClass("window.padding", "padding left out", _attribute("padding", lambda v: tuple(0 for _ in v))),
    EngineClass("pad.sides-swapped", "zeros put behind that belong in front", _sides),
    *LAYERS,
)
"""Every class of wrong engines."""
