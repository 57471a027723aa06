"""Dynap-SE2: the analog neuron model as a step op, and the chip's limits, mapper and quantiser."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from snnhub.hub import hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_dynapse2.ops import OPS

    return OPS
