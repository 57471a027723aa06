"""Nodes without a state: sums, pools, flattening, as the torch modules that importers make of them compute
them.
"""

from __future__ import annotations

from math import prod

import numpy as np
from snnhub.ir.tensor import tensor

from snnhub_profiles.layer import Layer, Op, ignored, layer, otherwise, weights
from snnhub_profiles.source import Item, RefusedError


def passed_on(item: Item) -> Layer:
    """Input and Output: what arrives goes on."""
    return Layer()


def dense(item: Item, dtype: str = "float32") -> Layer:
    """Linear and Affine over one axis."""
    params, found = weights(item, dtype)
    if len(params["weight"].shape) != 2:
        raise RefusedError(f"weight has {len(params['weight'].shape)} axes, needs (out, in)")
    return layer("core.Dense", params, found, bias="bias" in params, accumulate="exact", shift=0)


def conv(item: Item, dtype: str = "float32") -> Layer:
    """Conv1d and Conv2d."""
    params, found = weights(item, dtype)
    axes = len(params["weight"].shape) - 2
    dilation = item.integers("dilation", axes)
    attributes = {name: item.integers(name, axes) for name in ("stride",)}
    return layer(
        "core.Conv",
        params,
        found,
        bias="bias" in params,
        accumulate="exact",
        padding=_padding(item, params["weight"].shape[2:], dilation),
        dilation=dilation,
        groups=item.integers("groups", 1)[0],
        **attributes,
    )


def _padding(item: Item, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    """Zeros on both sides. Raises ``RefusedError`` where ``same`` needs more of them on one side."""
    word = item.words.get("padding")
    if word is None:
        return item.integers("padding", len(kernel))
    if word == "valid":
        return (0,) * len(kernel)
    total = [step * (size - 1) for size, step in zip(kernel, dilation, strict=True)]
    if any(size % 2 for size in total):
        raise RefusedError("padding same of an even kernel has more zeros on one side")
    return tuple(size // 2 for size in total)


def average(item: Item) -> Layer:
    """AvgPool2d, padding counted."""
    return Layer((_pool(item, item.integers("padding", 2)),))


def lp_sum(item: Item) -> Layer:
    """SumPool2d as torch.nn.LPPool2d of norm 1: the mean times the size of the window; padding is not read."""
    size = prod(item.integers("kernel_size", 2))
    scale = {"scale": tensor(np.float32(size)), "shift": tensor(np.float32(0))}
    found = ignored(item, "padding", 0)
    if size & (size - 1):
        found.append(otherwise(item, "kernel_size", "the sum is a mean, rounded, times the size of the window"))
    return Layer((_pool(item, (0, 0)), Op("core.Scale", scale)), tuple(found))


def _pool(item: Item, padding: tuple[int, ...]) -> Op:
    sizes = {"kernel": item.integers("kernel_size", 2), "stride": item.integers("stride", 2), "padding": padding}
    return Op("core.AvgPool", {}, {**sizes, "ceil_mode": False, "count_include_pad": True})


def flatten(item: Item, rank: int) -> Layer:
    """Flatten as NIR counts axes, without a batch axis."""
    start, end = (item.integers(name, 1)[0] for name in ("start_dim", "end_dim"))
    return _flatten(start % rank if start < 0 else start, end % rank if end < 0 else end)


def flatten_with_batch(item: Item, rank: int) -> Layer:
    """Flatten whose axes are counted with the batch, as torch.nn.Flatten gets them from norse and snnTorch. With a
    batch of 1, an axis 0 merged with others adds nothing.
    """
    start, end = (item.integers(name, 1)[0] for name in ("start_dim", "end_dim"))
    start, end = (axis % (rank + 1) if axis < 0 else axis for axis in (start, end))
    found = [
        otherwise(item, "start_dim", "axes are counted with a batch axis", f"{start}", f"{max(start - 1, 0)}")
    ]
    made = _flatten(max(start - 1, 0), max(end - 1, 0))
    return Layer(made.ops, tuple(found if start != 0 else []))


def _flatten(start: int, end: int) -> Layer:
    return layer("core.Flatten", {}, start=start, end=end) if end > start else Layer()
