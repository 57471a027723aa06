"""spyx 1.0.0, what convolutions, sums over windows and Flatten become. Shapes are (height, width, channels)."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from snnhub.findings import Finding, loss
from snnhub.ir.op import Shape
from snnhub.ir.tensor import Array

from snnhub_profiles.layer import Op, ignored, otherwise, spread
from snnhub_profiles.ops.spyx_layers import channels_first
from snnhub_profiles.rules.spyx_layers import Made, bias_of, weighted, weights_of
from snnhub_profiles.source import AloneError, Item, RefusedError

FLAT = "SNN-2613"
NOTHING = "spyx returns arrays without an entry, and a signal of a network here has one or more"


def conv(item: Item, shape: Shape, dt: float) -> Made:
    """Conv2d over (height, width, channels). Dilation and groups are not read; a padding below 0 cuts off."""
    params, found = weights_of(item)
    weight = params["weight"].shape
    if len(weight) != 4 or len(shape) != 3 or shape[2] != weight[1]:
        raise RefusedError(f"weight {list(weight)} does not fit height, width, channels {list(shape)}")
    params = bias_of(item, params, weight[0])
    strides = item.integers("stride", 2)
    if len(strides) != 2 or min(strides) < 1:
        raise RefusedError(f"stride {list(strides)}: jax needs one number or two, above 0")
    pads = _pads(item, shape[:2], weight[2:], strides)
    sizes = tuple(
        (size + sum(pad) - taps) // step + 1
        for size, pad, taps, step in zip(shape, pads, weight[2:], strides, strict=False)
    )
    if min(sizes) < 1:
        raise AloneError(f"window {list(weight[2:])}, padding {list(pads)} leave nothing: {NOTHING}")
    found += [each for name in ("dilation", "groups") for each in ignored(item, name, 1)]
    places = {"stride": strides, "before": tuple(low for low, _ in pads), "after": tuple(high for _, high in pads)}
    op = weighted("spyx.Conv", params, groups=1, **places)
    return Made((op,), (*sizes, weight[0]), found, nodes=(item,))


def _pads(item: Item, sizes: Shape, window: Shape, strides: Sequence[int]) -> list[tuple[int, int]]:
    word = item.words.get("padding")
    if word == "same":
        return [same(*each) for each in zip(sizes, window, strides, strict=False)]
    if word == "valid":
        return [(0, 0)] * len(sizes)
    given = item["padding"]
    if given.ndim != 1 or given.size < 2:
        raise RefusedError(f"padding {given.tolist()}: spyx needs two numbers or a word")
    return [(int(each), int(each)) for each in given[:2]]


def same(size: int, window: int, stride: int) -> tuple[int, int]:
    """Zeros in front and behind so that as many windows fit as there are strides, one more behind if odd."""
    total = max((-(-size // max(stride, 1)) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def sum_pool(item: Item, shape: Shape, dt: float) -> Made:
    """SumPool2d. A padding other than 0 is SAME, whatever it is; one number for a window is one over channels."""
    sizes = (1, *shape)
    window, stride = (_over_axes(item[name], len(sizes), name) for name in ("kernel_size", "stride"))
    wide = bool(np.any(item["padding"] != 0))
    pads = [same(*each) if wide else (0, 0) for each in zip(sizes, window, stride, strict=True)]
    pairs = zip(sizes, pads, window, stride, strict=True)
    after = tuple((size + sum(pad) - taps) // step + 1 for size, pad, taps, step in pairs)
    if after[0] != 1:
        raise RefusedError(f"window {list(window)} lies over samples, too")
    if min(after) < 1:
        raise AloneError(f"window {list(window[1:])} leaves nothing of {list(shape)}: {NOTHING}")
    found = []
    if wide:
        words = "padding is SAME: as much as gives one sum per stride"
        found.append(otherwise(item, "padding", words, spread(item["padding"]), str(pads[1:])))
    found += _other_axes(item, window, stride)
    attributes = {"kernel": window[1:], "stride": stride[1:]}
    attributes |= {"before": tuple(low for low, _ in pads[1:]), "after": tuple(high for _, high in pads[1:])}
    ours = {name: channels_first(values) for name, values in attributes.items()}
    return Made((Op("spyx.SumPool", {}, ours),), after[1:], found, nodes=(item,))


def _over_axes(values: Array, axes: int, name: str) -> tuple[int, ...]:
    """A window over all axes, samples first: over those between samples and channels, if they are as many."""
    given = tuple(int(value) for value in np.atleast_1d(values).reshape(-1))
    between = axes - 2
    if axes < 2 or len(given) > axes or min(given, default=1) < 1:
        raise RefusedError(f"{name} {list(given)} does not fit")
    if len(given) == between and len(given) < axes:
        return (1, *given, 1)
    return (*[1] * (axes - len(given)), *given)


def _other_axes(item: Item, window: tuple[int, ...], stride: tuple[int, ...]) -> list[Finding]:
    if len(window) == 4 and (window[-1], stride[-1]) == (1, 1):
        return []
    words = "the window lies over other axes than height and width"
    return [
        otherwise(item, "kernel_size", words, spread(item["kernel_size"]), f"{list(window[1:])}, channels last")
    ]


def flatten(item: Item, shape: Shape, dt: float) -> Made:
    """All axes, whatever start_dim and end_dim say; of three the channels run fastest."""
    start, end = (item.integers(name, 1)[0] for name in ("start_dim", "end_dim"))
    found: list[Finding] = []
    if len(shape) > 1 and (start % len(shape), end % len(shape)) != (0, len(shape) - 1):
        found.append(
            otherwise(item, "start_dim", "all axes are merged", f"{start} .. {end}", f"0 .. {len(shape) - 1}")
        )
    if len(shape) == 3 and shape[2] > 1 and prod(shape[:2]) > 1:
        words = "height, width and channels are merged with the channels running fastest"
        found.append(loss(FLAT, item.id, words, old="channels, height, width", new="height, width, channels"))
    ops: tuple[Op, ...] = ()
    if not shape:
        ops = (Op("core.Reshape", {}, {"shape": (1,)}),)
    elif len(shape) > 1:
        ops = (Op("spyx.Flatten"),)
    return Made(ops, (prod(shape),), found, nodes=(item,))
