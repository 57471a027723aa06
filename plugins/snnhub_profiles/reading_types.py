"""Types (shapes of what arrives and leaves) of single nodes, as NIR 1.0.8 works them out, its oddities kept: a
convolution takes the first axis of its kernel for all axes, and the channels of one group for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_profiles.source import Item, RefusedError

Type = Array | None
"""Sizes of the axes; None where the reader does not know them yet."""
NEEDED = {
    "Affine": ("weight", "bias"),
    "Linear": ("weight",),
    "Scale": ("scale",),
    "Delay": ("delay",),
    "Threshold": ("threshold",),
    "I": ("r",),
    "IF": ("r", "v_threshold"),
    "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"),
    "Conv1d": ("input_shape", "weight", "stride", "dilation", "groups", "bias"),
    "Conv2d": ("input_shape", "weight", "stride", "dilation", "groups", "bias"),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "Input": ("shape",),
    "Output": ("shape",),
}
"""Fields without which the reader raises."""


def types_of(item: Item) -> tuple[Type, Type]:
    """What a node takes and gives. Raises ``RefusedError`` where the reader cannot make the node."""
    missing = [name for name in NEEDED.get(item.type, ()) if name not in item.fields]
    if item.type.startswith("Conv") and "padding" not in (*item.fields, *item.words):
        missing.append("padding")
    if missing:
        raise RefusedError(f"nir.read refuses this file: {item.name} has no {', '.join(missing)}")
    try:
        return _types(item)
    except (ValueError, IndexError, TypeError, OverflowError) as problem:
        raise RefusedError(f"nir.read refuses this file: {item.name}: {problem}") from problem


def _types(item: Item) -> tuple[Type, Type]:
    if item.type in ("Input", "Output"):
        return item["shape"], item["shape"]
    if item.type in ("Linear", "Affine"):
        weight = item["weight"].shape
        return np.array((*weight[:-2], weight[-1])), np.array((*weight[:-2], weight[-2]))
    if item.type in ("Conv1d", "Conv2d"):
        return _conv(item)
    if item.type in ("SumPool2d", "AvgPool2d"):
        return None, None
    if item.type == "Flatten":
        given = item.fields.get("input_type")
        return (None, None) if given is None else (given, pooled(item, given))
    return _elementwise(item)


def _elementwise(item: Item) -> tuple[Type, Type]:
    names = [name for name in item.fields if name not in ("w_in", "input_type")]
    shapes = {item.fields[name].shape for name in names}
    if len(shapes) != 1:
        raise ValueError("its fields differ in shape: " + ", ".join(str(list(shape)) for shape in sorted(shapes)))
    (shape,) = shapes
    if "w_in" in item.fields:
        np.broadcast_shapes(shape, item.fields["w_in"].shape)
    return np.array(shape), np.array(shape)


def _conv(item: Item) -> tuple[Type, Type]:
    weight, given = item["weight"].shape, item["input_shape"]
    spatial = [int(given)] if item.type == "Conv1d" and given.ndim == 0 else [int(size) for size in given]
    if item.type == "Conv1d" and given.ndim:
        raise ValueError("input_shape must be one number")
    after = window_sizes(spatial, item, weight[2], _at(item["dilation"]))
    return np.array((weight[1], *spatial)), np.array((weight[0], *after))


def pooled(item: Item, arriving: Array) -> Array:
    """What a pool or Flatten gives of what arrives. Raises ``RefusedError`` where the reader raises."""
    try:
        if item.type == "Flatten":
            return _flattened(item, [int(size) for size in arriving])
        first, *spatial = (int(size) for size in arriving)
        return np.array((first, *window_sizes(spatial, item, _at(item["kernel_size"]), lambda _: 1)))
    except (ValueError, IndexError, TypeError, OverflowError) as problem:
        raise RefusedError(f"nir.read refuses this file: {item.name}: {problem}") from problem


def _flattened(item: Item, sizes: list[int]) -> Array:
    start, end = (_whole(item.fields.get(name), given) for name, given in (("start_dim", 1), ("end_dim", -1)))
    last = end in (-1, len(sizes) - 1)
    middle = sizes[start:] if end == -1 else sizes[start : end + 1]
    found = np.array([*(sizes[:start] if start else []), np.prod(middle), *([] if last else sizes[end + 1 :])])
    if np.prod(found) != np.prod(sizes):
        raise ValueError("Flatten changes the number of elements")
    return found


def _whole(value: Array | None, otherwise: int) -> int:
    if value is None:
        return otherwise
    if value.ndim or value.dtype.kind not in "iu":
        raise TypeError("axes must be single whole numbers")
    return int(value)


def _at(values: Array) -> Callable[[int], float]:
    """One number for all axes, or one for each."""
    return lambda axis: float(values if values.ndim == 0 else values[axis])


def window_sizes(
    sizes: Sequence[int], item: Item, kernel: float | Callable[[int], float], dilation: Callable[[int], float]
) -> list[int]:
    """Sizes after a window, by axis."""
    word = item.words.get("padding")
    if word == "same":
        return list(sizes)
    padding = (lambda _: 0.0) if word is not None else _at(item["padding"])
    stride, found = _at(item["stride"]), []
    for axis, size in enumerate(sizes):
        taps = kernel(axis) if callable(kernel) else kernel
        if stride(axis) == 0:
            raise OverflowError("a stride of 0")
        found.append(
            int(np.floor((size + 2 * padding(axis) - dilation(axis) * (taps - 1) - 1) / stride(axis) + 1))
        )
    return found
