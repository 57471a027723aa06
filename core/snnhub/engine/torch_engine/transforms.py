"""Transforms in torch's own kernels. Tensors are (samples, *features), in the dtypes that wires have.

Floats: whatever torch's kernel gives. Integers: only where f64 provably holds every partial sum, or in int64. A
factory returns None where it cannot promise that; the node then runs in the reference engine's kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from snnhub.engine.exact import EXACT_F32, EXACT_F64
from snnhub.engine.kernels import Context
from snnhub.engine.kernels.synapse import outputs_first
from snnhub.engine.torch_engine.home import Home, Tensor, dtype_of, wire_dtype
from snnhub.ir.numtype import NumType

Kernel = Callable[[Mapping[str, Tensor]], Tensor]
WRAP_BITS = 24
DIMENSIONS = (1, 2, 3)
"""Spatial axes for which torch has convolutions and pools."""


def load(context: Context, home: Home) -> Kernel | None:
    """The kernel of a node, or None if torch has none that keeps the op's word."""
    factory = KERNELS.get((context.node.op, context.node.version))
    return None if factory is None else factory(context, home)


def _weights(context: Context, home: Home) -> tuple[Tensor, Tensor | None]:
    """Weight and bias in the dtype that the product runs in."""
    dtype = context.node.param["weight"].array.dtype if context.types["y"].is_float else np.dtype(np.float64)
    arrays = [context.node.param[name].array for name in ("weight", "bias") if name in context.node.param]
    weight, *bias = (home.constant(array.astype(dtype)) for array in arrays)
    return weight, bias[0] if bias else None


def _holds_sums(context: Context) -> bool:
    """Whether f64 holds every partial sum of an integer product, in whatever order the terms are added."""
    node = context.node
    weight = outputs_first(node) if node.op == "core.ConvTranspose" else node.param["weight"].array
    sums = np.abs(weight.astype(np.float64).reshape(len(weight), -1)).sum(axis=1)
    reach = float(sums.max(initial=0.0)) * max(abs(bound) for bound in context.types["x"].range)
    if "bias" in context.node.param:
        reach += float(np.abs(context.node.param["bias"].array.astype(np.float64)).max(initial=0.0))
    return reach < EXACT_F64


def _finished(total: Tensor, context: Context) -> Tensor:
    """A product in the dtype of its wire: wrapped and shifted where the node says so."""
    import torch

    type_ = context.types["y"]
    if type_.is_float:
        return total
    whole = total.to(torch.int64)
    if context.node.attribute["accumulate"] == "wrap24":
        whole = ((whole + 2 ** (WRAP_BITS - 1)) & (2**WRAP_BITS - 1)) - 2 ** (WRAP_BITS - 1)
    if "shift" in context.node.attribute:
        whole = whole >> context.node.integer("shift")
    return whole.to(wire_dtype(type_))


def dense(context: Context, home: Home) -> Kernel | None:
    """``torch.nn.functional.linear``."""
    from torch.nn.functional import linear

    if not context.types["y"].is_float and not _holds_sums(context):
        return None
    weight, bias = _weights(context, home)
    return lambda inputs: _finished(linear(inputs["x"].to(weight.dtype), weight, bias), context)


def conv(context: Context, home: Home) -> Kernel | None:
    """``torch.nn.functional.conv1d`` to ``conv3d``. Integers without cuDNN, whose algorithms may not be exact."""
    import torch

    whole, dims = not context.types["y"].is_float, len(context.shapes["x"]) - 1
    if dims not in DIMENSIONS or (whole and not _holds_sums(context)):
        return None
    function = getattr(torch.nn.functional, f"conv{dims}d")
    weight, bias = _weights(context, home)
    node = context.node
    geometry = [node.integers(name) for name in ("stride", "padding", "dilation")]
    groups = node.integer("groups")

    def run(inputs: Mapping[str, Tensor]) -> Tensor:
        x = inputs["x"].to(weight.dtype)
        if not whole:
            return function(x, weight, bias, *geometry, groups)
        with torch.backends.cudnn.flags(enabled=False):
            return _finished(function(x, weight, bias, *geometry, groups), context)

    return run


def conv_transpose(context: Context, home: Home) -> Kernel | None:
    """``torch.nn.functional.conv_transpose1d`` to ``conv_transpose3d``; integers as for ``conv``."""
    import torch

    whole, dims = not context.types["y"].is_float, len(context.shapes["x"]) - 1
    if dims not in DIMENSIONS or (whole and not _holds_sums(context)):
        return None
    function = getattr(torch.nn.functional, f"conv_transpose{dims}d")
    weight, bias = _weights(context, home)
    node = context.node
    window = [node.integers(name) for name in ("stride", "padding", "output_padding")]
    others = (node.integer("groups"), node.integers("dilation"))

    def run(inputs: Mapping[str, Tensor]) -> Tensor:
        x = inputs["x"].to(weight.dtype)
        if not whole:
            return function(x, weight, bias, *window, *others)
        with torch.backends.cudnn.flags(enabled=False):
            return _finished(function(x, weight, bias, *window, *others), context)

    return run


def average(context: Context, home: Home) -> Kernel | None:
    """``torch.nn.functional.avg_pool1d`` to ``avg_pool3d``."""
    import torch

    node, dims = context.node, len(context.shapes["x"]) - 1
    if dims not in DIMENSIONS:
        return None
    function = getattr(torch.nn.functional, f"avg_pool{dims}d")
    geometry = [node.integers(name) for name in ("kernel", "stride", "padding")]
    choices = (bool(node.attribute["ceil_mode"]), bool(node.attribute["count_include_pad"]))
    dtype = wire_dtype(context.types["y"])
    return lambda inputs: function(inputs["x"].to(dtype), *geometry, *choices)


def maximum(context: Context, home: Home) -> Kernel | None:
    """``torch.nn.functional.max_pool1d`` to ``max_pool3d``. Integers in the smallest float that holds them."""
    import torch

    node, dims = context.node, len(context.shapes["x"]) - 1
    dtype = _float_for(context.types["x"])
    if dims not in DIMENSIONS or dtype is None:
        return None
    function = getattr(torch.nn.functional, f"max_pool{dims}d")
    geometry = [node.integers(name) for name in ("kernel", "stride", "padding", "dilation")]
    ceil, out = bool(node.attribute["ceil_mode"]), wire_dtype(context.types["y"])
    return lambda inputs: function(inputs["x"].to(dtype), *geometry, ceil_mode=ceil).to(out)


def _float_for(type_: NumType) -> Any:
    """The dtype of a float type, or of the smallest float that holds an integer type; None if none does."""
    import torch

    if not type_.is_int:
        return torch.float32 if type_.is_bool else wire_dtype(type_)
    largest = max(abs(bound) for bound in type_.range)
    return torch.float32 if largest <= EXACT_F32 else torch.float64 if largest <= EXACT_F64 else None


def flatten(context: Context, home: Home) -> Kernel:
    """C order."""
    return lambda inputs: inputs["x"].reshape(inputs["x"].shape[0], *context.shapes["y"])


def add(context: Context, home: Home) -> Kernel:
    """``torch.add``: exact for integers, one rounding for floats."""
    import torch

    type_ = context.types["y"]
    dtype, out = torch.int64 if type_.is_int else wire_dtype(type_), wire_dtype(type_)
    return lambda inputs: (inputs["a"].to(dtype) + inputs["b"].to(dtype)).to(out)


def batch_norm(context: Context, home: Home) -> Kernel | None:
    """``torch.nn.functional.batch_norm`` with mean 0, variance 1 and no epsilon, which leaves the stored scale and
    shift as they are: torch's kernel computes its own from the statistics first, as the importer did.
    """
    import torch
    from torch.nn.functional import batch_norm as function

    shape, dtype = context.shapes["x"], context.types["y"].numpy
    scale, shift = (context.node.param[name].array for name in ("scale", "shift"))
    if any(array.ndim and array.shape != (array.shape[0], *[1] * (len(shape) - 1)) for array in (scale, shift)):
        return None
    channels = shape[:1]
    scale, shift = (np.broadcast_to(array.reshape(-1), channels).astype(dtype) for array in (scale, shift))
    weight, bias = home.constant(scale), home.constant(shift)
    mean, variance = torch.zeros_like(weight), torch.ones_like(weight)
    return lambda inputs: function(inputs["x"].to(dtype_of(dtype)), mean, variance, weight, bias, False, 0.0, 0.0)


KERNELS: dict[tuple[str, int], Callable[[Context, Home], Kernel | None]] = {
    ("core.Dense", 1): dense,
    ("core.Conv", 1): conv,
    ("core.ConvTranspose", 1): conv_transpose,
    ("core.AvgPool", 1): average,
    ("core.MaxPool", 1): maximum,
    ("core.Flatten", 1): flatten,
    ("core.Add", 1): add,
    ("core.BatchNorm", 1): batch_norm,
}
