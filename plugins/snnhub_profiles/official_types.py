"""What ``nir.read`` 1.0.8 makes of single nodes: fields that it fills in, shapes of what arrives and leaves.

Its oddities are kept, since files are refused for them: a convolution takes the first axis of its kernel for all
axes and the channels of one group for all, sizes are computed in the file's own dtypes, and where it asks for one
number, an array of one is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_profiles.source import Item

Type = Any
"""Sizes of the axes as numpy holds them, in the dtype of the file; None where nobody has said them yet."""
PROBLEMS = (ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError, KeyError)
"""What ``types_of`` and ``found_from`` raise where ``nir.read`` raises."""
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
POOLS = ("AvgPool2d", "SumPool2d")
CONV = ("input_shape", "weight", "stride", "dilation", "groups", "bias")
NEEDED: Mapping[str, tuple[str, ...]] = {
    **{kind: (field,) for kind, field in FIRST.items()},
    **EQUAL,
    "Affine": ("weight", "bias"),
    "Linear": ("weight",),
    "Conv1d": CONV,
    "Conv2d": CONV,
    **dict.fromkeys(POOLS, ("kernel_size", "stride", "padding")),
    "Input": ("shape",),
    "Output": ("shape",),
}
"""Fields without which it raises; v_reset, w_in and the axes of Flatten have defaults."""


def types_of(item: Item) -> tuple[Item, Type, Type]:
    """The node with all its fields, what it takes and what it gives. Raises one of ``PROBLEMS``."""
    item = _filled(item)
    if item.type in ("Input", "Output"):
        shape = said(item["shape"])
        return item, shape, shape
    if item.type in FIRST:
        shape = np.array(item.fields[FIRST[item.type]].shape, np.int64)
        return item, shape, shape
    if item.type in ("Affine", "Linear"):
        *before, out, into = item["weight"].shape
        return item, np.array([*before, into]), np.array([*before, out])
    if item.type in ("Conv1d", "Conv2d"):
        return item, *_conv(item)
    given = item.fields.get("input_type") if item.type == "Flatten" else None
    return (item, None, None) if given is None else (item, said(given), _flattened(item, said(given)))


def said(values: Array) -> Any:
    """A field as h5py hands it out: without axes a number, which cannot be indexed."""
    return values[()]


def _filled(item: Item) -> Item:
    """The node with the fields that nir fills in, in its dtypes, and its checks of fields."""
    fields = dict(item.fields)
    if item.type in ("IF", "LIF", "CubaLIF") and "v_threshold" in fields:
        fields.setdefault("v_reset", np.zeros_like(fields["v_threshold"]))
    missing = [name for name in NEEDED.get(item.type, ()) if name not in fields]
    if item.type.startswith("Conv") and "padding" not in (*fields, *item.words):
        missing.append("padding")
    if missing:
        raise KeyError(f"{', '.join(missing)} missing")
    names = EQUAL.get(item.type, ())
    if len({fields[name].shape for name in names}) > 1:
        raise ValueError("all parameters must have the same shape")
    if item.type.startswith("Cuba"):
        like = fields["v_threshold" if item.type == "CubaLIF" else "v_leak"]
        fields["w_in"] = np.asarray(np.ones_like(like) * (said(fields["w_in"]) if "w_in" in fields else 1.0))
    if item.type in ("Affine", "Linear") and fields["weight"].ndim < 2:
        raise ValueError("weight must have two axes or more")
    return replace(item, fields=fields)


def _conv(item: Item) -> tuple[Type, Type]:
    size, weight = said(item["input_shape"]), item["weight"].shape
    axes = np.ndim(size)
    if axes > 1 or (axes == 0) != (item.type == "Conv1d"):
        raise TypeError(f"input_shape is {'one number' if axes == 0 else 'several numbers'}")
    word = item.words.get("padding")
    if word not in (None, "same", "valid"):
        raise ValueError(f"padding {word!r}")
    kernel, dilation, stride = weight[2], said(item["dilation"]), said(item["stride"])
    after = _windows(size, said(item["padding"]) if word is None else word, dilation, kernel, stride)
    return np.array([weight[1], *np.atleast_1d(size)]), np.array([weight[0], *after])


def _at(values: Any, axis: int) -> Any:
    """Of numbers one by axis, or a single whole one for all."""
    if isinstance(values, int | np.integer):
        return np.array([values])
    if np.ndim(values) == 0:
        raise TypeError(f"{values} is no whole number")
    return values[axis]


def _windows(size: Any, padding: Any, dilation: Any, kernel: Any, stride: Any) -> list[int]:
    """Sizes after windows by nir's formula, axis by axis, in the dtypes of the numbers."""
    if np.ndim(size) == 0 and not isinstance(size, int | np.integer):
        raise TypeError(f"a size of {size}")
    found = []
    for axis in range(np.size(size) if np.ndim(size) else 1):
        whole = _at(size, axis)
        if not (isinstance(padding, str) and padding == "same"):
            pad = 0 if isinstance(padding, str) else _at(padding, axis)
            with np.errstate(all="ignore"):
                spanned = _at(dilation, axis) * (_at(kernel, axis) - 1)
                whole = np.floor((whole + 2 * pad - spanned - 1) / _at(stride, axis) + 1)
        found.append(int(whole.item()))
    return found


def _flattened(item: Item, arriving: Any) -> Type:
    """Axes start_dim to end_dim as one; -1 as end is the last axis, any other negative number is not."""
    start, end = said(item["start_dim"]), said(item["end_dim"])
    last = bool(end == -1)
    inside = arriving[start:] if last else arriving[start : end + 1]
    before = arriving[:start] if start != 0 else ()
    after = () if last or end == len(arriving) - 1 else arriving[end + 1 :]
    leaving = np.array([*before, np.prod(inside), *after])
    if np.prod(arriving) != np.prod(leaving):
        raise ValueError("Flatten changes the number of elements")
    return leaving


def found_from(item: Item, into: Type, before: Type) -> Type:
    """What a pool or Flatten gives. ``into``: what arrives; ``before``: the same, as a pool reads it, None if it
    cannot be read. Raises one of ``PROBLEMS``.
    """
    if item.type == "Flatten":
        return _flattened(item, into)
    if before is None:
        raise KeyError("what comes before has no output of this name")
    kernel, stride, padding = (said(item[name]) for name in ("kernel_size", "stride", "padding"))
    return np.array([into[0], *_windows(before[1:], padding, 1, kernel, stride)])
