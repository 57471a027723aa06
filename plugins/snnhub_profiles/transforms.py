"""Nodes without a state: sums, pools, flattening, as the torch modules that importers make of them compute
them.
"""

from __future__ import annotations

from math import prod

import numpy as np
from snnhub.ir.graph import AttributeValue
from snnhub.ir.tensor import tensor

from snnhub_profiles.layer import Layer, Op, ignored, layer, otherwise, weights
from snnhub_profiles.ops.nirtorch import WINDOW, codes, kept
from snnhub_profiles.source import Item, RefusedError


def passed_on(item: Item) -> Layer:
    """Input and Output: what arrives goes on."""
    return Layer()


def dense(item: Item, dtype: str = "float32") -> Layer:
    """Linear and Affine over one axis."""
    params, found = weights(item, dtype)
    if len(params["weight"].shape) != 2:
        raise RefusedError(f"weight has {len(params['weight'].shape)} axes, needs (out, in)")
    if "bias" in params and params["bias"].array.size == 1:  # torch adds one number to all
        one = params["bias"]
        wide = np.broadcast_to(one.array.ravel(), params["weight"].shape[:1]).copy()
        params["bias"] = tensor(wide).described(one.recipe)
    choices: dict[str, AttributeValue] = {"bias": "bias" in params, "accumulate": "exact", "shift": 0}
    return Layer((_finite(Op("core.Dense", params, choices), "nirtorch.OddDense", ()),), tuple(found))


def _finite(op: Op, beside: str, names: tuple[str, ...]) -> Op:
    """``op`` with finite weights, and beside it an op that adds what the others do, with attributes ``names``."""
    if all(values.finite for values in op.params.values()):
        return op
    params, odd = {}, {}
    for name, values in op.params.items():
        words = f"{values.recipe}; 0 for NaN, 1 with its sign for an infinity"
        params[name] = values if values.finite else tensor(kept(values.array)).described(words)
        odd[f"{name}_odd"] = tensor(codes(values.array)).described("1 NaN, 2 infinity, 3 minus infinity")
    choices = {name: op.attributes[name] for name in ("bias", *names)}
    return Op(op.op, params, op.attributes, beside=Op(beside, odd, choices))


def conv(item: Item, dtype: str = "float32") -> Layer:
    """Conv1d and Conv2d."""
    params, found = weights(item, dtype)
    kernel = params["weight"].shape[2:]
    axes = len(kernel)
    stride, dilation = (item.integers(name, axes) for name in ("stride", "dilation"))
    before, after = _padding(item, kernel, stride, dilation)
    choices: dict[str, AttributeValue] = {
        "bias": "bias" in params,
        "accumulate": "exact",
        "padding": before,
        "stride": stride,
        "dilation": dilation,
        "groups": item.integers("groups", 1)[0],
    }
    made = _finite(Op("core.Conv", params, choices), "nirtorch.OddConv", (*WINDOW, "groups"))
    if before == after:
        return Layer((made,), tuple(found))
    more = tuple(b - a for a, b in zip(before, after, strict=True))
    pad = Op("core.Pad", {}, {"before": (0,) * (axes + 1), "after": (0, *more)})
    return Layer((pad, made), tuple(found))


def _padding(
    item: Item, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Zeros before and after. ``same`` has one more after where their number is odd, as in torch."""
    word = item.words.get("padding")
    if word is None:
        given = item.integers("padding", len(kernel))
        return given, given
    if word == "valid":
        return (0,) * len(kernel), (0,) * len(kernel)
    if any(step != 1 for step in stride):
        raise RefusedError("padding same goes with a stride of 1 only")
    total = [gap * (size - 1) for size, gap in zip(kernel, dilation, strict=True)]
    return tuple(size // 2 for size in total), tuple(size - size // 2 for size in total)


def pairs(item: Item, *names: str) -> None:
    """Raise ``RefusedError`` where one of the fields is a single number, which importers cannot take apart."""
    for name in names:
        if item[name].size != 2:
            raise RefusedError(f"{name} is a single number, and the importer needs one per axis")


def average(item: Item) -> Layer:
    """AvgPool2d, padding counted."""
    return Layer((_pool(item, item.integers("padding", 2)),))


def lp_sum(item: Item) -> Layer:
    """SumPool2d as torch.nn.LPPool2d of norm 1: the mean times the size of the window; padding is not read."""
    pairs(item, "kernel_size", "stride")
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
    start, end = _axes(item, rank)
    return _flatten(start, end)


def _axes(item: Item, rank: int) -> tuple[int, int]:
    """First and last axis of so many. Raises ``RefusedError`` where torch would."""
    given = [item.integers(name, 1)[0] for name in ("start_dim", "end_dim")]
    if any(not -rank <= axis < rank for axis in given):
        raise RefusedError(f"axes {given[0]} to {given[1]} of {rank}")
    start, end = (axis % rank for axis in given)
    if start > end:
        raise RefusedError(f"the first axis to flatten, {given[0]}, comes after the last, {given[1]}")
    return start, end


def flatten_with_batch(item: Item, rank: int) -> Layer:
    """Flatten whose axes are counted with the batch, as torch.nn.Flatten gets them from norse and snnTorch. With a
    batch of 1, an axis 0 merged with others adds nothing.
    """
    start, end = _axes(item, rank + 1)
    found = [
        otherwise(item, "start_dim", "axes are counted with a batch axis", f"{start}", f"{max(start - 1, 0)}")
    ]
    made = _flatten(max(start - 1, 0), max(end - 1, 0))
    return Layer(made.ops, tuple(found if start != 0 else []))


def _flatten(start: int, end: int) -> Layer:
    return layer("core.Flatten", {}, start=start, end=end) if end > start else Layer()
