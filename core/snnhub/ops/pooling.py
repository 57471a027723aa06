"""Average, adaptive average and maximum pooling, as torch.nn.functional computes them on (channels, *spatial)."""

from __future__ import annotations

from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.numtype import NumType
from snnhub.ir.op import Attribute, Shape, Shapes, TransformOp, Types
from snnhub.ops.rules import float_of, spatial, window_size

KERNEL = Attribute("kernel", "size of the window, per spatial axis", range=(1, 2**16), many=True)
STRIDE = Attribute("stride", "step of the window, per spatial axis", range=(1, 2**16), many=True)
PADDING = Attribute(
    "padding", "padding on both sides, per spatial axis, at most half the kernel", range=(0, 2**16), many=True
)
CEIL = Attribute("ceil_mode", "round the output size up instead of down", (True, False))


def _pool_shape(node: Node, shapes: Shapes) -> Shape:
    x = shapes["x"]
    dims = len(node.integers("kernel"))
    if len(x) != dims + 1:
        raise GraphError(
            "input must be (channels, *spatial)", found=str(list(x)), allowed=f"{dims + 1} dimensions"
        )
    dilation = node.integers("dilation") if "dilation" in node.attribute else (1,) * dims
    spatial(node, ("stride", "padding"), dims)
    if any(2 * pad > size for pad, size in zip(node.integers("padding"), node.integers("kernel"), strict=True)):
        raise GraphError("padding is more than half the kernel", found=str(node.integers("padding")))
    sizes = zip(
        x[1:],
        node.integers("kernel"),
        node.integers("stride"),
        node.integers("padding"),
        dilation,
        strict=True,
    )
    return (x[0], *(window_size(*size, ceil=bool(node.attribute["ceil_mode"])) for size in sizes))


def adaptive_window(index: int, size: int, out: int) -> tuple[int, int]:
    """First entry and end of a window that torch.nn.AdaptiveAvgPool averages: windows may overlap."""
    return index * size // out, -(-(index + 1) * size // out)


def _adaptive_shape(node: Node, shapes: Shapes) -> Shape:
    x, sizes = shapes["x"], node.integers("sizes")
    if len(x) != len(sizes) + 1:
        raise GraphError(
            "input must be (channels, *spatial)", found=str(list(x)), allowed=f"{len(sizes) + 1} dimensions"
        )
    return (x[0], *sizes)


def _average_type(node: Node, types: Types) -> NumType:
    return float_of(types["x"])


def _max_type(node: Node, types: Types) -> NumType:
    return types["x"]


AVG_POOL = TransformOp(
    "core.AvgPool",
    1,
    "Mean over a window: the exact sum rounded once, then divided by the number of entries.",
    _pool_shape,
    _average_type,
    "snnhub.engine.kernels.pooling:average",
    (
        KERNEL,
        STRIDE,
        PADDING,
        CEIL,
        Attribute("count_include_pad", "whether padding counts as entries", (True, False)),
    ),
)

MAX_POOL = TransformOp(
    "core.MaxPool",
    1,
    "Largest value in a window; padding never wins.",
    _pool_shape,
    _max_type,
    "snnhub.engine.kernels.pooling:maximum",
    (
        KERNEL,
        STRIDE,
        PADDING,
        CEIL,
        Attribute("dilation", "distance of window taps", range=(1, 2**16), many=True),
    ),
)

ADAPTIVE_AVG_POOL = TransformOp(
    "core.AdaptiveAvgPool",
    1,
    "Mean over windows floor(i * in / out) .. ceil((i + 1) * in / out) - 1 of each spatial axis: the exact sum "
    "rounded once, then divided by the length of the window along one axis after the other, rounded each time.",
    _adaptive_shape,
    _average_type,
    "snnhub.engine.kernels.pooling:adaptive_average",
    (Attribute("sizes", "output size, per spatial axis", range=(1, 2**16), many=True),),
)
