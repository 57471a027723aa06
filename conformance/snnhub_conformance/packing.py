"""Many small cases as one network of disconnected parts, for runners that take long to start.

Cases of one structure (the same nodes, edges, delays and shared numbers) are put side by side along the first axis
of their features: matrices on a diagonal of blocks, kernels as groups. One run then answers all of them. What
cannot be packed, and every case of a packed run that fails, runs alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.hub.objects import Availability
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.tensor import Array, Tensor, smallest_integer, tensor
from snnhub.ops.registry import REGISTRY
from snnhub_formats import container

from snnhub_conformance.case import Case
from snnhub_conformance.generate.write import runner_case
from snnhub_conformance.subjects import Arrays, Subject

SHARED = ("vThMant", "v_threshold")
"""Numbers that a framework may have once per layer only: networks that differ in them are not packed."""
MOST = 24
"""Cases in one network."""
CHANNELWISE = ("core.Flatten", "core.AvgPool", "core.MaxPool", "core.Add", "core.ReLU")
"""Transforms without numbers that keep what lies side by side along the first axis apart."""


@dataclass
class Packed:
    """A subject that answers many of its cases at once. ``runs``: how many cases each packed run held."""

    subject: Subject
    cases: Sequence[Case]
    runs: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    _found: dict[str, Arrays] = field(default_factory=dict)
    _tried: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.subject.name

    @property
    def reports(self) -> bool:
        return self.subject.reports

    def availability(self) -> Availability:
        return self.subject.availability()

    def cannot_take(self, case: Case) -> str:
        return self.subject.cannot_take(case)

    def attempt(self, case: Case) -> None:
        self.subject.attempt(case)

    def lacks(self, case: Case, graph: Graph) -> str:
        return self.subject.lacks(case, graph)

    def environment(self) -> dict[str, str]:
        return self.subject.environment()

    @cached_property
    def groups(self) -> dict[str, tuple[Case, ...]]:
        """The cases that run together, by the id of each of them. Alone: not in here."""
        by_form: dict[Any, list[Case]] = {}
        for case in self.cases:
            if case.kind != "runner" or case.expect.result != "valid" or case.expect.lag:
                continue
            graph = container.load(case.path(case.subject["snn"]))
            form = form_of(case, graph)
            if form is not None and not self.subject.lacks(case, graph):
                by_form.setdefault(form, []).append(case)
        parts = [tuple(cases[at : at + MOST]) for cases in by_form.values() for at in range(0, len(cases), MOST)]
        return {case.id: part for part in parts if len(part) > 1 for case in part}

    def run(self, case: Case, graph: Graph, keys: tuple[str, ...]) -> Arrays:
        """The records of the case, from a run of its group where that went well."""
        group = self.groups.get(case.id, ())
        if group and case.id not in self._tried:
            self._tried |= {other.id for other in group}
            self._together(group)
        found = self._found.get(case.id)
        if found is None or not set(keys) <= set(found):
            return self.subject.run(case, graph, keys)
        return {key: found[key] for key in keys}

    def _together(self, group: Sequence[Case]) -> None:
        graphs = [container.load(case.path(case.subject["snn"])) for case in group]
        try:
            with tempfile.TemporaryDirectory(prefix="snnhub-packed-") as folder:
                whole, graph = _written(group, graphs, Path(folder))
                found = self.subject.run(whole, graph, tuple(whole.expect.records))
        except Exception as problem:  # noqa: BLE001  then each runs alone, and says what is wrong itself
            self.failed.append(f"{group[0].id} and {len(group) - 1} more: {problem}")
            return
        self.runs.append(len(group))
        for case, parts in zip(group, split(group, found), strict=True):
            self._found[case.id] = parts


def _written(group: Sequence[Case], graphs: Sequence[Graph], folder: Path) -> tuple[Case, Graph]:
    """A case of all, in a folder of its own."""
    graph, steps = merge(graphs), max(case.expect.steps for case in group)
    name = graph.inputs[0].id
    x = np.concatenate(
        [_lengthened(case.stimulus()[name], steps) for case in group], axis=2 if group[0].batched else 1
    )
    records = {key: array[:0] for key, array in group[0].records().items()}
    case, files = runner_case(
        "packed",
        "packed",
        "",
        graph,
        {name: x},
        records,
        batched=group[0].batched,
        steps=steps,
        options=group[0].options,
    )
    for file, data in files.items():
        (folder / file).write_bytes(data)
    return replace(case, id="packed", folder=folder), graph


def _lengthened(array: Array, steps: int) -> Array:
    """Zeros behind the end, or cut: input that comes later changes nothing before."""
    missing = max(steps - len(array), 0)
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])[:steps]


def split(group: Iterable[Case], found: Arrays) -> list[dict[str, Array]]:
    """What belongs to each case, by the shapes that it expects."""
    places: dict[str, int] = {}
    parts = []
    for case in group:
        own = {}
        for key, array in case.records().items():
            axis = 2 if case.batched else 1
            first, size = places.get(key, 0), array.shape[axis]
            places[key] = first + size
            whole = np.asarray(found[key])[: case.expect.steps]
            own[key] = np.take(whole, range(first, min(first + size, whole.shape[axis])), axis=axis)
        parts.append(own)
    return parts


def form_of(case: Case, graph: Graph) -> Any:
    """What cases must have in common to run together; None for one that runs alone."""
    if len(graph.inputs) != 1 or graph.inputs[0].hold or not graph.inputs[0].shape:
        return None
    nodes = [_form_of_node(node) for node in graph.nodes]
    if None in nodes or not _flat(graph):
        return None
    item = graph.inputs[0]
    batch = next(iter(case.stimulus().values())).shape[1] if case.batched else 0
    shape = item.shape[1:] if len(item.shape) > 1 else ()
    return (
        tuple(nodes),
        graph.edges,
        (item.id, str(item.type), len(item.shape), shape),
        tuple(output.id for output in graph.outputs),
        batch,
        tuple(sorted(case.options.items())),
        tuple(case.expect.records),
    )


def _flat(graph: Graph) -> bool:
    """Whether every Dense can be told to work on a single axis: the input has one, or a Flatten comes first."""
    spatial = len(graph.inputs[0].shape) > 1
    dense = [place for place, node in enumerate(graph.nodes) if node.op == "core.Dense"]
    flat = [place for place, node in enumerate(graph.nodes) if node.op == "core.Flatten"]
    return not spatial or not dense or bool(flat and flat[0] < dense[0])


def _form_of_node(node: Node) -> Any:
    attributes = dict(node.attributes)
    weight = node.param["weight"].shape if "weight" in node.param else ()
    if node.program is not None:
        numbers = tuple((name, _form_of_number(name, value)) for name, value in node.params)
        return (node.id, node.kind, node.program.digest, node.attributes, numbers)
    if node.op == "core.Conv":
        groups = node.integer("groups")
        attributes.pop("groups")
        return (
            node.id,
            node.kind,
            tuple(attributes.items()),
            weight[1:],
            weight[0] // groups,
            "bias" in node.param,
        )
    if node.op == "core.Dense" or node.op in CHANNELWISE:
        return (node.id, node.kind, node.attributes, tuple(name for name, _ in node.params))
    return None


def _form_of_number(name: str, value: Tensor) -> Any:
    """Numbers that one layer shares must be equal; others come to lie side by side."""
    if name in SHARED:
        return value.array.item() if not value.shape else value.shape[1:]
    return value.shape[1:] if any(size > 1 for size in value.shape[1:]) else ()


def merge(graphs: Sequence[Graph]) -> Graph:
    """Graphs of one form side by side along the first axis of their features."""
    first = graphs[0]
    nodes = tuple(_merged(graphs, place) for place in range(len(first.nodes)))
    sizes = sum(graph.inputs[0].shape[0] for graph in graphs)
    item = replace(first.inputs[0], shape=(sizes, *first.inputs[0].shape[1:]))
    return replace(first, name="packed", nodes=nodes, inputs=(item,), decoder=None, correspondence=())


def _merged(graphs: Sequence[Graph], place: int) -> Node:
    nodes = [graph.nodes[place] for graph in graphs]
    first = nodes[0]
    if first.program is not None:
        output = Port(first.id, first.program.outputs[0][0])
        shapes = [analyse(graph, REGISTRY).shapes[output] for graph in graphs]
        params = {name: _side_by_side([node.param[name] for node in nodes], shapes) for name in first.param}
    else:
        params = {
            name: _joined(first.op, name, [node.param[name].array for node in nodes]) for name in first.param
        }
    attributes: Mapping[str, Any] = first.attribute
    if first.op == "core.Conv":
        attributes = {**attributes, "groups": sum(node.integer("groups") for node in nodes)}
    return replace(first, params=tuple(params.items()), attributes=tuple(attributes.items()))


def _side_by_side(tensors: Sequence[Tensor], shapes: Sequence[tuple[int, ...]]) -> Tensor:
    """Numbers of neurons: one where all share it, else one per entry of the first axis, or for all as they are."""
    if not any(value.shape for value in tensors) and len({value.array.item() for value in tensors}) == 1:
        return tensors[0]
    parts = []
    for value, shape in zip(tensors, shapes, strict=True):
        array = value.array if value.shape else value.array.reshape((1,) * len(shape))
        parts.append(np.broadcast_to(array, (shape[0], *array.shape[1:])))
    return _stored(np.concatenate(parts))


def _joined(op: str, name: str, arrays: Sequence[Array]) -> Tensor:
    """Weights and biases: on a diagonal of blocks for a Dense, one after the other for the rest."""
    if op != "core.Dense" or name != "weight":
        return _stored(np.concatenate(arrays))
    whole = np.zeros(np.sum([array.shape for array in arrays], axis=0), np.result_type(*arrays))
    row = column = 0
    for array in arrays:
        whole[row : row + array.shape[0], column : column + array.shape[1]] = array
        row, column = row + array.shape[0], column + array.shape[1]
    return _stored(whole)


def _stored(whole: Array) -> Tensor:
    return smallest_integer(whole) if whole.dtype.kind in "iu" else tensor(whole)
