"""Flatten and Reshape, Pad, Upsample, Add, BatchNorm."""

from __future__ import annotations

import numpy as np

from snnhub.engine.exact import add_exactly, fused_multiply_add
from snnhub.engine.kernels import Context, Kernel
from snnhub.ir.tensor import Array


def flatten(context: Context) -> Kernel:
    """C order, as torch and NetX flatten. Reshape is the same."""
    return lambda inputs: inputs["x"].reshape(inputs["x"].shape[0], *context.shapes["y"])


def pad(context: Context) -> Kernel:
    """Zeros in the dtype of the output."""
    node, dtype = context.node, context.types["y"].numpy
    around = ((0, 0), *zip(node.integers("before"), node.integers("after"), strict=True))
    return lambda inputs: np.pad(inputs["x"].astype(dtype), around)


def upsample(context: Context) -> Kernel:
    """Repeats entries along each spatial axis, which come after samples and channels."""

    def run(x: Array) -> Array:
        for axis, factor in enumerate(context.node.integers("factor"), start=2):
            x = np.repeat(x, factor, axis=axis)
        return x

    return lambda inputs: run(inputs["x"])


def add(context: Context) -> Kernel:
    """Exact for integers, one rounding for floats."""
    dtype = context.types["y"].numpy
    if context.types["y"].is_int:
        return lambda inputs: (inputs["a"].astype(np.int64) + inputs["b"].astype(np.int64)).astype(dtype)
    return lambda inputs: add_exactly([inputs["a"], inputs["b"]], dtype)


def batch_norm(context: Context) -> Kernel:
    """``x * scale + shift`` with one rounding."""
    dtype = context.types["y"].numpy
    scale, shift = (context.node.param[name].array for name in ("scale", "shift"))

    def run(x: Array) -> Array:
        return fused_multiply_add(x.astype(dtype), scale, shift)

    return lambda inputs: run(inputs["x"])
