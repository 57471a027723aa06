"""Nodes without a state as layers of torch: the constructor's words, and the numbers that go into its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from snnhub.ir.graph import Node
from snnhub.ir.op import Shape
from snnhub.ir.tensor import Array

LAYER = "nn"
CONV_AXES = (1, 2, 3)


class UnsayableError(Exception):
    """A node that snnTorch code has no words for; ``remedy`` says what to do instead."""

    def __init__(self, message: str, remedy: str = "Keep the network as .snn.") -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True)
class Made:
    """``call`` makes the module; ``state``: its parameters and buffers by name, f32, with the shapes of ``call``.

    ``gain``: of an Alpha, which snnTorch works out itself, and which has to come out so.
    """

    call: str
    state: Mapping[str, Array] = field(default_factory=dict)
    gain: Array | None = None


Form = Callable[[Node, Shape], Made]
"""From a node and the shape of what arrives."""


def f32(node: Node, name: str) -> Array:
    """Numbers of a parameter. Raises ``UnsayableError`` for others than f32."""
    found = node.param[name].array
    if found.dtype != np.float32:
        raise UnsayableError(f"{name} is {found.dtype}; snnTorch computes in f32")
    return found


def dense(node: Node, shape: Shape) -> Made:
    """``nn.Linear``."""
    state = _weights(node)
    outside, inside = state["weight"].shape
    return Made(f"nn.Linear({inside}, {outside}{_no_bias(node)})", state)


def conv(node: Node, shape: Shape) -> Made:
    """``nn.Conv1d`` to ``nn.Conv3d``."""
    state = _weights(node)
    outside, inside, *kernel = state["weight"].shape
    groups = node.integer("groups")
    words = [f"{inside * groups}, {outside}, {sizes(kernel)}"]
    words += [
        f"{name}={sizes(node.integers(name))}"
        for name, plain in (("stride", 1), ("padding", 0), ("dilation", 1))
        if any(size != plain for size in node.integers(name))
    ]
    words += [f"groups={groups}"] if groups != 1 else []
    return Made(f"nn.Conv{_axes(kernel)}d({', '.join(words)}{_no_bias(node)})", state)


def average(node: Node, shape: Shape) -> Made:
    """``nn.AvgPool1d`` to ``nn.AvgPool3d``."""
    words = _window(node)
    words += [] if node.attribute["count_include_pad"] else ["count_include_pad=False"]
    return Made(f"nn.AvgPool{_axes(node.integers('kernel'))}d({', '.join(words)})")


def maximum(node: Node, shape: Shape) -> Made:
    """``nn.MaxPool1d`` to ``nn.MaxPool3d``."""
    words, dilation = _window(node), node.integers("dilation")
    words += [f"dilation={sizes(dilation)}"] if any(size != 1 for size in dilation) else []
    return Made(f"nn.MaxPool{_axes(node.integers('kernel'))}d({', '.join(words)})")


def flatten(node: Node, shape: Shape) -> Made:
    """``nn.Flatten``; torch counts the axis of samples, too."""
    start, end = node.integer("start"), node.integer("end")
    if start == 0 and end == len(shape) - 1:
        return Made("nn.Flatten()")
    return Made(f"nn.Flatten({start + 1}, {end + 1})")


def batch_norm(node: Node, shape: Shape) -> Made:
    """``nn.BatchNorm1d`` to ``nn.BatchNorm3d`` in evaluation mode, with statistics that change nothing."""
    axes, channels = max(len(shape) - 1, 1), shape[0]
    state = {}
    for name, into in (("scale", "weight"), ("shift", "bias")):
        numbers = f32(node, name)
        if numbers.shape != (channels, *[1] * (len(shape) - 1)):
            raise UnsayableError(f"{name} is not one per channel")
        state[into] = numbers.reshape(channels)
    return Made(f"nn.BatchNorm{_axes([0] * axes)}d({channels}, eps=0.0)", state)


def relu(node: Node, shape: Shape) -> Made:
    """``nn.ReLU``."""
    return Made("nn.ReLU()")


def sizes(values: object) -> str:
    """One number where all are the same, else all of them."""
    found = tuple(int(value) for value in values)  # type: ignore[attr-defined]
    return str(found[0]) if len(set(found)) == 1 else str(found)


def _axes(kernel: object) -> int:
    count = len(kernel)  # type: ignore[arg-type]
    if count not in CONV_AXES:
        raise UnsayableError(f"windows over {count} axes; torch has 1 to 3")
    return count


def _window(node: Node) -> list[str]:
    kernel, stride, padding = (node.integers(name) for name in ("kernel", "stride", "padding"))
    words = [sizes(kernel)]
    words += [f"stride={sizes(stride)}"] if stride != kernel else []
    words += [f"padding={sizes(padding)}"] if any(padding) else []
    return [*words, "ceil_mode=True"] if node.attribute["ceil_mode"] else words


def _weights(node: Node) -> dict[str, Array]:
    if node.attribute.get("accumulate") != "exact" or node.attribute.get("shift", 0):
        raise UnsayableError("its sums wrap or are shifted; torch's are of floats")
    return {name: f32(node, name) for name, _ in node.params}


def _no_bias(node: Node) -> str:
    return "" if node.attribute["bias"] else ", bias=False"


LAYERS: Mapping[str, Form] = {
    "core.Dense": dense,
    "core.Conv": conv,
    "core.AvgPool": average,
    "core.MaxPool": maximum,
    "core.Flatten": flatten,
    "core.BatchNorm": batch_norm,
    "core.ReLU": relu,
}
