"""Tensor descriptions to protobuf and back: everything but the numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from snnhub.errors import FormatError
from snnhub.ir.numtype import Quantisation
from snnhub.ir.tensor import Known, Statistics, Tensor

from snnhub_formats._gen import snnhub_v1_graph_pb2 as pb
from snnhub_formats.serde_program import decode_number, encode_number
from snnhub_formats.tensors import Payload

RATIO_LIMIT = 512


def encode_tensor(name: str, tensor: Tensor) -> pb.Tensor:
    """``name`` is the key in the payload."""
    statistics = tensor.statistics
    message = pb.Tensor(
        name=name,
        dtype=tensor.dtype.name,
        shape=tensor.shape,
        sha256=bytes.fromhex(tensor.sha256),
        min=encode_number(statistics.min),
        max=encode_number(statistics.max),
        levels=statistics.levels,
        zeros=statistics.zeros,
        finite=statistics.finite,
        recipe=tensor.recipe,
    )
    if tensor.quantisation is not None:
        scale = tensor.quantisation.scale
        message.quantisation.CopyFrom(
            pb.Ratio(numerator=_to_bytes(scale.numerator), denominator=_to_bytes(scale.denominator))
        )
    return message


def decode_tensor(item: pb.Tensor, payload: Payload) -> Tensor:
    """The tensor, its numbers still on disk. Raises ``FormatError`` if description and payload differ."""
    shape, dtype = payload.describe(item.name)
    if shape != tuple(item.shape) or dtype.name != item.dtype:
        raise FormatError(
            "tensor differs between graph and payload",
            where=item.name,
            found=f"{item.dtype}{list(item.shape)}",
            allowed=f"{dtype.name}{list(shape)}",
        )
    if len(item.sha256) != 32:
        raise FormatError("tensor without a digest", where=item.name)
    low, high = _bound(item.min, dtype, item.name), _bound(item.max, dtype, item.name)
    statistics = Statistics(low, high, item.levels, item.zeros, item.finite)
    quantisation = Quantisation(_ratio(item)) if item.HasField("quantisation") else None
    return Tensor(
        shape, dtype, payload.loader(item.name), quantisation, item.recipe, Known(item.sha256.hex(), statistics)
    )


def _bound(item: pb.Number, dtype: np.dtype[np.generic], where: str) -> int | float:
    value = decode_number(item)
    wanted: type[int] | type[float] = float if dtype.kind == "f" else int
    if isinstance(value, bool | str) or (not isinstance(value, wanted) and value != 0):
        raise FormatError("range of a tensor has the wrong type", where=where, found=repr(value))
    return value


def _ratio(item: pb.Tensor) -> Fraction:
    parts = item.quantisation.numerator, item.quantisation.denominator
    if any(len(part) > RATIO_LIMIT for part in parts):
        raise FormatError("quantisation ratio is too long", where=item.name)
    numerator, denominator = (int.from_bytes(part, "big", signed=True) for part in parts)
    if denominator <= 0:
        raise FormatError("quantisation ratio has no positive denominator", where=item.name)
    return Fraction(numerator, denominator)


def _to_bytes(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
