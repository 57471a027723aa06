"""What ``nir.read`` makes of a file before any importer sees it: shapes inferred, Input and Output nodes added,
files refused.

Measured on nir 1.0.8 (``NIRGraph.infer_types``, ``check_types``). Its shapes are wrong for kernels that are not
square and for grouped convolutions, and files whose next node says the right shape are refused for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from snnhub.ir.ct_names import node_id
from snnhub.ir.tensor import Array

from snnhub_profiles.source import Item, RefusedError, Shape, Source

EQUAL: Mapping[str, tuple[str, ...]] = {
    "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_reset", "v_threshold"),
    "IF": ("r", "v_threshold", "v_reset"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_reset", "v_threshold"),
}
"""Fields that must have one shape."""
FIRST = {"I": "r", "IF": "r", "LI": "r", "LIF": "r", "CubaLI": "v_leak", "CubaLIF": "v_threshold"}
FIRST |= {"Scale": "scale", "Delay": "delay", "Threshold": "threshold"}
"""The field whose shape is that of the node."""


@dataclass
class _Node:
    """A node whose shapes are being inferred: one per terminal, by name for a graph, None while unknown."""

    item: Item
    arriving: list[Shape | None] | None
    leaving: list[Shape | None]
    inner: Source | None = None


@dataclass
class _Graph:
    nodes: dict[str, _Node]
    edges: list[tuple[str, str]]
    path: tuple[str, ...] = ()
    added: list[str] = field(default_factory=list)


def official(source: Source, path: tuple[str, ...] = ()) -> Source:
    """The file as ``nir.read`` gives it. Raises ``RefusedError`` where it refuses it."""
    nodes = {name: _node(item, (*path, name)) for name, item in source.items.items()}
    graph = _Graph(nodes, list(source.edges), path)
    if nodes:
        _unique(graph)
        _ends(graph, "Input")
        _infer(graph)
        _ends(graph, "Output")
    for edge in graph.edges:
        _check(graph, *edge)
    return Source({name: _told(node) for name, node in graph.nodes.items()}, tuple(graph.edges))


def _refuse(words: str) -> RefusedError:
    return RefusedError(f"nir.read refuses the file: {words}")


def _told(node: _Node) -> Item:
    first = node.arriving[0] if node.arriving else None
    last = node.leaving[0] if node.leaving else None
    return replace(node.item, arriving=first, leaving=last, inner=node.inner)


def _node(item: Item, path: tuple[str, ...]) -> _Node:
    """A node with the shapes that it says itself."""
    if "/" in item.name:
        raise _refuse(f"{item.name} has a slash in its name")
    if item.inner is not None:
        inner = official(item.inner, path)
        starts, stops = ([one.arriving for one in inner.of(kind)] for kind in ("Input", "Output"))
        return _Node(item, starts or None, stops, inner)
    try:
        item = _filled(item)
        arriving, leaving = _own(item)
    except (ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError) as problem:
        raise _refuse(f"{item.id}: {problem}") from None
    return _Node(item, [arriving], [leaving])


def _filled(item: Item) -> Item:
    """The node with the fields that nir fills in, in its dtypes, and its checks of shapes."""
    fields = dict(item.fields)
    if "v_threshold" in fields and item.type in EQUAL:
        fields.setdefault("v_reset", np.zeros_like(fields["v_threshold"]))
    names = EQUAL.get(item.type, ())
    if len({fields[name].shape for name in names}) > 1:
        raise ValueError("all parameters must have the same shape")
    if item.type.startswith("Cuba"):
        like = fields["v_threshold" if item.type == "CubaLIF" else "v_leak"]
        given: Any = fields.get("w_in", 1.0)
        fields["w_in"] = np.asarray(np.ones_like(like) * (given[()] if isinstance(given, np.ndarray) else given))
    if item.type in ("Affine", "Linear") and fields["weight"].ndim < 2:
        raise ValueError("weight must have two axes or more")
    return replace(item, fields=fields)


def _shape(values: Any) -> Shape:
    return tuple(int(value) for value in np.ravel(values))


def _own(item: Item) -> tuple[Shape | None, Shape | None]:
    fields = item.fields
    if item.type in ("Input", "Output"):
        return (_shape(fields["shape"]),) * 2
    if item.type in FIRST:
        return (fields[FIRST[item.type]].shape,) * 2
    if item.type in ("Affine", "Linear"):
        *before, out, into = fields["weight"].shape
        return (*before, into), (*before, out)
    if item.type in ("Conv1d", "Conv2d"):
        return _own_conv(item)
    if item.type == "Flatten" and "input_type" in fields:
        arriving = _shape(fields["input_type"])
        leaving = _flattened(item, arriving)
        if prod(arriving) != prod(leaving):
            raise ValueError("input and output shape must have the same number of elements")
        return arriving, leaving
    return None, None


def _own_conv(item: Item) -> tuple[Shape, Shape]:
    given, weight = item.fields.get("input_shape"), item.fields["weight"]
    if given is None:
        raise TypeError("input_shape is missing")
    if (given.ndim == 0) != (item.type == "Conv1d") or given.ndim > 1:
        raise TypeError(f"input_shape is {'one number' if given.ndim == 0 else 'several numbers'}")
    size = _shape(given)
    return (weight.shape[1], *size), (weight.shape[0], *_conv_size(item, size))


def _at(values: Any, axis: int) -> Any:
    """Of numbers one by axis, or a single one for all."""
    return values[()] if isinstance(values, np.ndarray) and values.ndim == 0 else values[axis]


def _windows(size: Shape, padding: Any, dilation: Any, kernel: Any, stride: Any) -> Shape:
    """Nir's formula, axis by axis; ``kernel`` is one number for all axes of a convolution."""
    found = []
    for axis, n in enumerate(size):
        if isinstance(padding, str) and padding == "same":
            found.append(n)
            continue
        pad = 0 if isinstance(padding, str) else _at(padding, axis)
        with np.errstate(all="ignore"):
            whole = (n + 2 * pad - _at(dilation, axis) * (_at(kernel, axis) - 1) - 1) / _at(stride, axis) + 1
            found.append(int(np.floor(whole)))
    return tuple(found)


def _conv_size(item: Item, size: Shape) -> Shape:
    padding = item.words.get("padding", item.fields.get("padding"))
    kernel = np.asarray(item.fields["weight"].shape[2])
    return _windows(size, padding, item["dilation"], kernel, item["stride"])


def _flattened(item: Item, arriving: Shape) -> Shape:
    start, end = (int(np.ravel(item[name])[0]) for name in ("start_dim", "end_dim"))
    before = arriving[:start] if start != 0 else ()
    middle = arriving[start:] if end == -1 else arriving[start : end + 1]
    after = () if end in (-1, len(arriving) - 1) else arriving[end + 1 :]
    return (*before, prod(middle), *after)


def _unique(graph: _Graph) -> None:
    seen = set()
    for edge in graph.edges:
        if edge in seen:
            raise _refuse(f"the edge {edge[0]} -> {edge[1]} is there twice")
        seen.add(edge)


def _ends(graph: _Graph, kind: str) -> None:
    """Put an Input before every node that nothing leads to, an Output behind every node that leads nowhere."""
    first = kind == "Input"
    found = [name for name in graph.nodes if not any(edge[1 if first else 0] == name for edge in graph.edges)]
    if not first and not found:
        raise _refuse("it finds no node that leads nowhere")
    for name in found:
        node = graph.nodes[name]
        shapes = node.arriving if first else node.leaving
        if shapes is None and not first:
            raise _refuse(f"{name} has no type")
        if (shapes is None or any(shape is None for shape in shapes)) and (first or node.item.type != "Output"):
            raise _refuse(f"{name} has no {'input' if first else 'output'} type")
        if node.item.type == kind:
            continue
        if node.inner is not None:
            raise RefusedError(f"{name} is a graph within the graph that needs an {kind}: not covered")
        _add(graph, kind, name, shapes[0] if shapes else ())


def _add(graph: _Graph, kind: str, name: str, shape: Shape | None) -> None:
    made = base = f"{kind.lower()}_{name}"
    count = 0
    while made in graph.nodes:
        made, count = f"{base}_{count}", count + 1
    fields: dict[str, Array] = {"shape": np.array(shape, np.int64)}
    item = Item(node_id((*graph.path, made)), made, kind, fields, {})
    graph.nodes[made] = _Node(item, [shape], [shape])
    graph.edges.append((made, name) if kind == "Input" else (name, made))
    graph.added.append(made)


def _infer(graph: _Graph) -> None:
    """From the Inputs on, the last edge found first."""
    ready = [edge for edge in graph.edges if graph.nodes[edge[0]].item.type == "Input"]
    if not ready:
        raise _refuse("it finds no Input to start from")
    seen = {a for a, _ in ready}
    while ready:
        a, b = ready.pop()
        try:
            _step(graph.nodes[a], graph.nodes[b], a, b)
        except (ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError) as problem:
            raise _refuse(f"{a} -> {b}: {problem}") from None
        seen.add(b)
        ready += [edge for edge in graph.edges if edge[0] == b and edge[1] not in seen]


def _step(before: _Node, after: _Node, a: str, b: str) -> None:
    if after.arriving is None:
        raise TypeError(f"{b} has no Input")
    if any(shape is None for shape in after.arriving):
        after.arriving = list(before.leaving)
    elif len(before.leaving) != len(after.arriving) or before.leaving != after.arriving:
        raise ValueError(f"shapes do not fit: {_listed(before.leaving)} and {_listed(after.arriving)}")
    if after.item.type == "Output":
        after.leaving = list(after.arriving)
    if any(shape is None for shape in after.leaving) and after.item.type in SIZES:
        arriving = after.arriving[0]
        if arriving is None or len(after.arriving) != 1:
            raise TypeError(f"{a} has no one type")
        after.leaving = [SIZES[after.item.type](after.item, arriving)]


def _listed(shapes: list[Shape | None]) -> str:
    return ", ".join(str(list(shape)) if shape is not None else "unknown" for shape in shapes) or "none"


def _pool_from(item: Item, arriving: Shape) -> Shape:
    one = np.asarray(1)
    return (arriving[0], *_windows(arriving[1:], item["padding"], one, item["kernel_size"], item["stride"]))


def _flat_from(item: Item, arriving: Shape) -> Shape:
    leaving = _flattened(item, arriving)
    if prod(arriving) != prod(leaving):
        raise ValueError("Flatten must not change the number of elements")
    return leaving


SIZES: Mapping[str, Callable[[Item, Shape], Shape]] = {
    "SumPool2d": _pool_from,
    "AvgPool2d": _pool_from,
    "Flatten": _flat_from,
}


def _check(graph: _Graph, a: str, b: str) -> None:
    """One edge, at the end. Raises ``RefusedError``."""
    if a not in graph.nodes or b not in graph.nodes:
        raise _refuse(f"the edge {a} -> {b} leads to no node")
    before, after = graph.nodes[a].leaving, graph.nodes[b].arriving
    if any(shape is None for shape in before):
        raise _refuse(f"{a} has no output type")
    if after is None or any(shape is None for shape in after):
        raise _refuse(f"{b} has no input type")
    if len(before) != 1 or len(after) != 1:
        raise _refuse(f"{a} -> {b}: a graph with {len(before)} outputs or {len(after)} inputs")
    if before != after:
        raise _refuse(f"shapes of {a} -> {b} do not fit: {_listed(before)} and {_listed(after)}")
