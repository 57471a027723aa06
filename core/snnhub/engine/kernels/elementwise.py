"""Mul, Scale, ReLU."""

from __future__ import annotations

import numpy as np

from snnhub.engine.exact import fused_multiply_add
from snnhub.engine.kernels import Context, Kernel
from snnhub.ir.tensor import Array


def multiply(context: Context) -> Kernel:
    """Exact for integers; for floats the hardware's product, which is rounded once."""
    type_ = context.types["y"]
    wide = np.dtype(np.int64) if type_.is_int else type_.numpy
    return lambda inputs: (inputs["a"].astype(wide) * inputs["b"].astype(wide)).astype(type_.numpy)


def scale(context: Context) -> Kernel:
    """``x * scale + shift``, rounded once."""
    type_ = context.types["y"]
    factor, offset = (context.node.param[name].array for name in ("scale", "shift"))
    if type_.is_int:
        factor, offset = factor.astype(np.int64), offset.astype(np.int64)
        return lambda inputs: (inputs["x"].astype(np.int64) * factor + offset).astype(type_.numpy)
    return lambda inputs: fused_multiply_add(inputs["x"].astype(type_.numpy), factor, offset)


def relu(context: Context) -> Kernel:
    """Zero where the input is below zero. Not ``np.maximum``: its sign of zero depends on the machine."""
    dtype = context.types["y"].numpy

    def run(x: Array) -> Array:
        return np.where(x < 0, x.dtype.type(0), x).astype(dtype)

    return lambda inputs: run(inputs["x"])
