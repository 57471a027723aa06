"""Shape and type rules that several transforms share."""

from __future__ import annotations

from collections.abc import Sequence

from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.numtype import F32, F64, NumType, integer, signed
from snnhub.ir.op import Attribute, Attributes, Parameter, Shape, Types

WRAP_BITS = 24
"""Width of Loihi's synaptic accumulator, which convolution wraps to (``accumulate=wrap24``)."""

BIAS = Attribute("bias", "whether a bias is added", (True, False))
ACCUMULATE = Attribute("accumulate", "integer sums: exact, or wrapped to signed 24 bits", ("exact", "wrap24"))


def weight_and_bias(attributes: Attributes) -> tuple[Parameter, ...]:
    """``weight``, and ``bias`` where the attribute says so."""
    weight = Parameter("weight", "synaptic weights, (out, in …)", None, elementwise=False)
    bias = Parameter("bias", "added to every sum, (out,)", None, elementwise=False)
    return (weight, bias) if attributes.get("bias") else (weight,)


def check_bias(node: Node, channels: int) -> None:
    """The bias has one entry per output channel and the dtype of the weight. Raises ``GraphError``."""
    if "bias" not in node.param:
        return
    bias, weight = node.param["bias"], node.param["weight"]
    if bias.shape != (channels,):
        raise GraphError("bias does not fit", found=str(list(bias.shape)), allowed=f"[{channels}]")
    if bias.type.is_float != weight.type.is_float or (bias.type.is_float and bias.dtype != weight.dtype):
        raise GraphError("weight and bias differ in type", found=f"{weight.dtype}, {bias.dtype}")


def weighted_sum(node: Node, types: Types, fan_in: int) -> NumType:
    """Type of a sum of ``fan_in`` products: the weight's float type, or an integer with a safe range.

    The range is coarse on purpose (fan-in times the largest product): it needs no weights in memory.
    """
    weight, x = node.param["weight"].type, types["x"]
    accumulate = node.attribute["accumulate"]
    if weight.is_float:
        if accumulate != "exact":
            raise GraphError("float sums do not wrap", found=str(accumulate), allowed="exact")
        return float_result(weight, x)
    if not x.is_int:
        raise GraphError("integer weights need integer input", found=str(x), allowed="int[lo..hi]")
    products = [a * b for a in weight.range for b in x.range]
    low, high = fan_in * min(*products, 0), fan_in * max(*products, 0)
    if "bias" in node.param:
        low, high = low + node.param["bias"].type.range[0], high + node.param["bias"].type.range[1]
    result = integer(low, high)
    wrapped = signed(WRAP_BITS)
    return wrapped if accumulate == "wrap24" and not wrapped.holds(result) else result


def float_result(type_: NumType, *others: NumType) -> NumType:
    """``type_``, if every other operand passes into it unchanged; raises ``GraphError`` otherwise."""
    limit = {F32: 2**24, F64: 2**53}[type_]
    for other in others:
        exact = other == type_ or (type_ == F64 and other == F32)
        if other.is_int:
            exact = max(abs(other.range[0]), abs(other.range[1])) <= limit
        if not exact:
            raise GraphError("operand does not pass into the float type unchanged", found=f"{other} into {type_}")
    return type_


def float_of(x: NumType) -> NumType:
    """The float type that an op computes in when its operands may be spikes: f32 unless x is f64."""
    return float_result(x if x.is_float else F32, x)


def window_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool = False) -> int:
    """Output length of a sliding window, as PyTorch defines it. Raises ``GraphError`` if nothing fits."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    if span < 0:
        raise GraphError(
            "window is larger than its input", found=f"size {size}, kernel {kernel}, padding {padding}"
        )
    count = span // stride + 1
    if ceil and span % stride and count * stride < size + padding:
        count += 1  # the extra window must start inside the input or its left padding
    return count


def spatial(node: Node, names: Sequence[str], dims: int) -> None:
    """Each named attribute has one entry per spatial dimension. Raises ``GraphError``."""
    for name in names:
        if len(node.integers(name)) != dims:
            raise GraphError(f"attribute {name} needs {dims} entries", found=str(node.integers(name)))


def rank_at_least(shape: Shape, rank: int) -> None:
    if len(shape) < rank:
        raise GraphError("input has too few dimensions", found=str(list(shape)), allowed=f"at least {rank}")
