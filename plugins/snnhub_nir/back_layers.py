"""Nodes without a state, from a network of steps to NIR's own types: sums, pools, flattening, factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from snnhub.findings import Finding, loss
from snnhub.ir.graph import Node
from snnhub.ir.op import Shape
from snnhub.ir.tensor import Array, Tensor, tensor
from snnhub.ops.rules import window_size

STEP, INTEGERS = "SNN-4506", "SNN-4510"
POOL_AXES, CONV_AXES = 2, (1, 2)


class UnsayableError(Exception):
    """A node has nothing in NIR that could stand in its place; the words say why."""


@dataclass(frozen=True)
class Place:
    """A node of steps with what surrounds it: the length of a step in seconds, and the shapes of one sample.

    ``taken``: names of the outputs that something takes.
    """

    node: Node
    dt: float
    arriving: Shape
    leaving: Shape
    taken: frozenset[str] = frozenset()

    def lost(self, code: str, words: str, old: str = "", new: str = "") -> Finding:
        """What the NIR node does not say of this one."""
        return loss(code, self.node.id, words, old=old, new=new)


@dataclass(frozen=True)
class Written:
    """A NIR node: type, fields, and what they do not say."""

    type: str
    fields: Mapping[str, Tensor]
    losses: tuple[Finding, ...] = ()


def full(item: Tensor | Array | float, shape: Shape) -> Tensor:
    """One number per neuron. A tensor of that shape stays as it is; what is repeated becomes f64, which holds
    every f32. Raises ``UnsayableError`` for numbers of another shape.
    """
    if isinstance(item, Tensor):
        if item.shape == shape:
            return item.bare()
        item = item.array
    values = np.asarray(item, np.float64)
    try:
        return tensor(np.broadcast_to(values, shape).copy())
    except ValueError:
        found = list(values.shape)
        raise UnsayableError(
            f"numbers of shape {found} are not one per neuron of {list(shape)}; write one per neuron"
        ) from None


def dense(place: Place) -> Written:
    """Linear, or Affine where there is a bias."""
    return Written("Affine" if "bias" in place.node.param else "Linear", _weights(place), tuple(_sums(place)))


def conv(place: Place) -> Written:
    """Conv1d or Conv2d with a bias, of zeros where the network has none: NIR always has one."""
    node, params = place.node, _weights(place)
    axes = len(node.integers("stride"))
    if axes not in CONV_AXES:
        raise UnsayableError(f"a convolution over {axes} axes; NIR has 1 and 2")
    weight = params["weight"]
    params.setdefault("bias", tensor(np.zeros(weight.shape[0], weight.dtype)))
    if axes == 1:
        numbers = {name: np.array(node.integers(name)[0]) for name in ("stride", "padding", "dilation")}
        space = np.array(place.arriving[1])
    else:
        numbers = {name: np.array(node.integers(name)) for name in ("stride", "padding", "dilation")}
        space = np.array(place.arriving[1:])
    numbers |= {"groups": np.array(node.integer("groups")), "input_shape": space}
    fields = params | {name: tensor(value) for name, value in numbers.items()}
    return Written(f"Conv{axes}d", fields, tuple(_sums(place)))


def _weights(place: Place) -> dict[str, Tensor]:
    return {name: item.bare() for name, item in place.node.params}


def _sums(place: Place) -> Iterator[Finding]:
    """Integer sums that wrap or are shifted, and integer weights."""
    node = place.node
    if node.param["weight"].dtype.kind != "f":
        yield place.lost(INTEGERS, "sums of integers; NIR does not say that they are exact")
    if node.attribute.get("accumulate") != "exact":
        yield place.lost(INTEGERS, f"sums wrap ({node.attribute.get('accumulate')}); NIR does not say so")
    if shift := node.attribute.get("shift", 0):
        yield place.lost(INTEGERS, f"sums are shifted right by {shift} bits; NIR does not say so")


def average(place: Place) -> Written:
    """AvgPool2d, padding counted as NIR's readers do."""
    node = place.node
    kernel, stride, padding = (node.integers(name) for name in ("kernel", "stride", "padding"))
    if len(kernel) != POOL_AXES:
        raise UnsayableError(f"a mean over windows of {len(kernel)} axes; NIR has 2")
    if any(padding) and not node.attribute["count_include_pad"]:
        raise UnsayableError("a mean that does not count its padding; NIR's readers count it")
    sizes = zip(place.arriving[1:], kernel, stride, padding, (1, 1), strict=True)
    if tuple(window_size(*size) for size in sizes) != place.leaving[1:]:
        raise UnsayableError("windows that reach over the edge (ceil_mode); NIR's end at it")
    fields = {"kernel_size": kernel, "stride": stride, "padding": padding}
    return Written("AvgPool2d", {name: tensor(np.array(value)) for name, value in fields.items()})


def flatten(place: Place) -> Written:
    """Flatten, axes counted without a batch axis; the last is -1, which readers that count with one understand."""
    node = place.node
    end = node.integer("end")
    fields = {
        "start_dim": np.array(node.integer("start")),
        "end_dim": np.array(-1 if end == len(place.arriving) - 1 else end),
        "input_type": np.array(place.arriving),
    }
    return Written("Flatten", {name: tensor(value) for name, value in fields.items()})


def scale(place: Place) -> Written:
    """Scale, where nothing is added."""
    if place.node.param["shift"].array.any():
        raise UnsayableError("an offset per element beside a factor; NIR's Scale has none")
    return Written("Scale", {"scale": full(place.node.param["scale"], place.arriving)})
