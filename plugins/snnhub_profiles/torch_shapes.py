"""Shapes as torch has them while a file runs, with their axis of samples, which is 1: what a module makes of the
shape that arrives, and what here has to stand before an op so that it gets the same numbers.

``nir.read`` checks the shapes that files say. Behind nodes that importers leave out, behind windows whose padding
is not read, behind Flatten whose axes are counted otherwise, and for an input of another shape, others arrive.
Torch refuses them at weights, and broadcasts them at neurons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.op import Shape, StepOp, TransformOp
from snnhub.ir.tensor import Tensor, tensor
from snnhub.ops.registry import REGISTRY

from snnhub_profiles.layer import Layer, Op
from snnhub_profiles.source import Item, RefusedError

NEURONS = frozenset({"I", "IF", "LI", "LIF", "CubaLI", "CubaLIF"})
WINDOWS = frozenset({"Conv1d", "Conv2d", "AvgPool2d", "SumPool2d"})
MOST_ELEMENTS = 2**31
ZERO: Shape = (1,)
"""Of the single 0 that stands for a late source in the first step (``nir_to_torch``)."""


@dataclass(frozen=True)
class Signal:
    """A value between nodes: its shape in torch, and that of its features here; the same numbers in C order."""

    torch: Shape
    ours: Shape

    @property
    def returned(self) -> Shape:
        """The shape that a caller sees of it, samples of 1 taken off."""
        return self.torch[1:] if self.torch[:1] == (1,) else self.torch


@dataclass(frozen=True)
class Spread:
    """What a neuron makes of the shape that arrives. ``lost``: states that do not have the shape of what arrives,
    which the framework therefore puts back before every step.
    """

    shape: Shape
    lost: tuple[str, ...] = ()


Spreads = Callable[[Item, Op, Shape], Spread]
"""From a neuron, its op, and the shape that arrives. Raises ``RefusedError`` where the framework does."""


@dataclass(frozen=True)
class Fit:
    """``before``: ops that bring what arrives into the form that the node takes. ``repeated``: whether they repeat
    any of it.
    """

    layer: Layer
    leaving: Signal
    before: tuple[Op, ...] = ()
    lost: tuple[str, ...] = ()
    repeated: bool = False


def entry(shape: Shape) -> Signal:
    """The network's input: one sample."""
    return Signal((1, *shape), shape)


def canonical(shape: Shape) -> Shape:
    """Features of a shape of torch: without its samples where they are one."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def together(shapes: list[Shape], name: str) -> Shape:
    """What several shapes are as a sum. Raises ``RefusedError`` where torch cannot broadcast them."""
    try:
        found = np.broadcast_shapes(*shapes)
    except ValueError:
        raise RefusedError(f"shapes that arrive at {name} do not fit: {_listed(shapes)}") from None
    if prod(found) > MOST_ELEMENTS:
        raise RefusedError(f"what arrives at {name} becomes {list(found)}, which is too large")
    return found


def stacked(shapes: list[Shape], name: str) -> Shape:
    """The one shape of all. Raises ``RefusedError`` where they differ: torch cannot stack them."""
    if len(set(shapes)) > 1:
        raise RefusedError(f"shapes that arrive at {name} differ, and cannot be added: {_listed(shapes)}")
    return shapes[0]


def _listed(shapes: list[Shape]) -> str:
    return ", ".join(str(list(shape)) for shape in dict.fromkeys(shapes))


def by_parameters(item: Item, op: Op, shape: Shape) -> Spread:
    """Neurons that torch broadcasts with their parameters (norse), or with nothing where all are numbers."""
    return Spread(together([shape, *(value.shape for value in op.params.values())], item.id))


def fit(item: Item, layer: Layer, arriving: Signal, spreads: Spreads, counted: int) -> Fit:
    """A node for the shape that arrives. ``counted``: 1 where Flatten counts axes without samples, else 0.

    Raises ``RefusedError`` where torch refuses the shape, and ``GraphError`` where the op does.
    """
    if item.type == "Flatten":
        return _flattened(item, layer, arriving, counted)
    if not layer.ops:
        return Fit(layer, arriving)
    if item.type in NEURONS:
        return _neuron(item, layer, arriving, spreads)
    if item.type in WINDOWS:
        return _window(item, layer, arriving)
    return _dense(item, layer, arriving)


def brought(arriving: Signal, shape: Shape) -> tuple[Op, ...]:
    """Ops that broadcast a value to a shape of torch, of which the features here are ``canonical``."""
    own = (1,) * (len(shape) - len(arriving.torch)) + arriving.torch
    if own == shape:
        return _reshaped(arriving.ours, canonical(shape))
    spare = () if len(shape) > 1 and shape[0] == 1 else (1,)
    factor = tuple(after // before for before, after in zip((*spare, *own), (*spare, *shape), strict=True))[1:]
    upsample = Op("core.Upsample", {}, {"factor": factor})
    first = _reshaped(arriving.ours, (*spare, *own))
    return (*first, upsample, *_reshaped((*spare, *shape), canonical(shape)))


def _reshaped(before: Shape, after: Shape) -> tuple[Op, ...]:
    return () if before == after else (Op("core.Reshape", {}, {"shape": after}),)


def _neuron(item: Item, layer: Layer, arriving: Signal, spreads: Spreads) -> Fit:
    (op,) = layer.ops
    found = spreads(item, op, arriving.torch)
    op = replace(op, params={name: _one_of(value, found.shape) for name, value in op.params.items()})
    shapes = [value.shape for value in op.params.values()]
    plain = all(not shape or (len(shape) == len(arriving.ours)) for shape in shapes)
    if found.shape == arriving.torch and plain:
        return Fit(replace(layer, ops=(op,)), arriving, lost=found.lost)
    ours = canonical(found.shape)
    taken_off = len(found.shape) - len(ours)
    params = {name: _padded(value, len(found.shape), taken_off) for name, value in op.params.items()}
    wide = None if op.wide is None else replace(op.wide, params=params)
    made = replace(layer, ops=(replace(op, params=params, wide=wide),))
    before = brought(arriving, found.shape)
    repeated = prod(found.shape) > prod(arriving.torch)
    return Fit(made, Signal(found.shape, ours), before, found.lost, repeated)


def _one_of(value: Tensor, shape: Shape) -> Tensor:
    """A parameter whose shape does not go into the neuron's and which is the same everywhere: one number, as which
    a framework then took it (``Spreads`` refuses others).
    """
    if set(value.shape) <= {1} or np.unique(value.array).size > 1 or _goes_into(value.shape, shape):
        return value
    return tensor(value.array.reshape(-1)[0]).described(value.recipe)


def _goes_into(inner: Shape, outer: Shape) -> bool:
    try:
        return np.broadcast_shapes(inner, outer) == outer
    except ValueError:
        return False


def _padded(value: Tensor, rank: int, taken_off: int) -> Tensor:
    """A parameter with as many axes as the values that it meets; a single number stays one."""
    if not value.shape:
        return value
    shape = ((1,) * (rank - len(value.shape)) + value.shape)[taken_off:]
    if shape == value.shape:
        return value
    return tensor(value.array.reshape(shape)).described(value.recipe)


def _window(item: Item, layer: Layer, arriving: Signal) -> Fit:
    axes = 1 if item.type == "Conv1d" else 2
    shape = arriving.torch
    if len(shape) not in (axes + 1, axes + 2):
        raise RefusedError(f"{item.type} of {len(shape) - 1} axes, needs {axes + 1}")
    batched = len(shape) == axes + 2
    if batched and shape[0] != 1:
        raise RefusedError(f"{shape[0]} samples arrive, of which this profile covers one")
    ours = shape[1:] if batched else shape
    leaving = _through(layer, ours)
    torch = (1, *leaving) if batched else leaving
    return Fit(layer, Signal(torch, leaving), _reshaped(arriving.ours, ours))


def _dense(item: Item, layer: Layer, arriving: Signal) -> Fit:
    ours = arriving.ours if arriving.ours[-1:] == arriving.torch[-1:] else canonical(arriving.torch)
    leaving = _through(layer, ours)
    torch = (*arriving.torch[:-1], leaving[-1])
    return Fit(layer, Signal(torch, leaving), _reshaped(arriving.ours, ours))


def _flattened(item: Item, layer: Layer, arriving: Signal, counted: int) -> Fit:
    shape = arriving.torch
    given = [item.integers(name, 1)[0] for name in ("start_dim", "end_dim")]
    start, end = (axis + counted if axis >= 0 else axis for axis in given)
    if not (-len(shape) <= start < len(shape) and -len(shape) <= end < len(shape)):
        raise RefusedError(f"axes {given[0]} to {given[1]} of {len(shape) - 1}")
    start, end = start % len(shape), end % len(shape)
    if start > end:
        raise RefusedError(f"the first axis to flatten, {given[0]}, comes after the last, {given[1]}")
    torch = (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])
    if shape == (1, *arriving.ours):
        return Fit(layer, Signal(torch, _through(layer, arriving.ours)))
    made = replace(layer, ops=_reshaped(arriving.ours, canonical(torch)))
    return Fit(made, Signal(torch, canonical(torch)))


def _through(layer: Layer, shape: Shape) -> Shape:
    """The shape behind the ops of a layer without a state. Raises ``GraphError`` where it does not fit."""
    for op in layer.ops:
        schema = REGISTRY(op.op, 1)
        if isinstance(schema, StepOp) or not isinstance(schema, TransformOp):
            raise GraphError("no transform", found=op.op)
        node = Node("", op.op, 1, tuple(op.attributes.items()), tuple(op.params.items()))
        shape = schema.output_shapes(node, {"x": shape})["y"]
    return shape
