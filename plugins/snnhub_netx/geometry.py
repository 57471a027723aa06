"""Shapes in NetX files: what is left out, written with fewer axes, or given once for several."""

from __future__ import annotations

from math import prod

from snnhub.ir.tensor import Array

from snnhub_netx.document import Layer


def matrix(layer: Layer, key: str) -> Array:
    """A weight matrix (out, in); old files store those of a single neuron with one axis."""
    weight = layer.arrays[key]
    return weight.reshape(prod(layer.shape), -1) if weight.ndim == 1 else weight


def pair(value: Array) -> tuple[int, int]:
    """(H, W) from two numbers, or from one that stands for both."""
    flat = value.reshape(-1)
    return (int(flat[0]), int(flat[-1]))


def spread(value: Array, shape: tuple[int, ...]) -> Array:
    """A per-layer, per-channel or per-neuron array with the rank of the elements; one value becomes 0-d."""
    if value.size == 1:
        return value.reshape(())
    if value.ndim == 1 and len(shape) > 1 and value.size == shape[0]:
        return value.reshape(-1, *[1] * (len(shape) - 1))
    return value


def conv_input(layer: Layer) -> tuple[int, int, int] | None:
    """The input size that a first convolution must have had, where its stride leaves only one."""
    weight, shape = layer.arrays["weight"], layer.shape
    sizes = []
    for axis in range(2):
        stride, padding, dilation = (pair(layer.arrays[key])[axis] for key in ("stride", "padding", "dilation"))
        if stride != 1 or len(shape) != 3:
            return None
        sizes.append(shape[1 + axis] - 1 + dilation * (weight.shape[2 + axis] - 1) + 1 - 2 * padding)
    channels = int(weight.shape[1] * layer.arrays["groups"].reshape(-1)[0])
    return (channels, sizes[0], sizes[1])


def conv_output(layer: Layer, weight: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Output shape of a convolution over ``shape`` (C, H, W); None if it does not fit."""
    groups = int(layer.arrays["groups"].reshape(-1)[0])
    if groups < 1 or shape[0] != weight[1] * groups or weight[0] % groups:
        return None
    sizes = []
    for axis in range(2):
        stride, padding, dilation = (pair(layer.arrays[key])[axis] for key in ("stride", "padding", "dilation"))
        span = shape[1 + axis] + 2 * padding - dilation * (weight[2 + axis] - 1) - 1
        if span < 0 or stride < 1 or padding < 0 or dilation < 1:
            return None
        sizes.append(span // stride + 1)
    return (weight[0], *sizes)
