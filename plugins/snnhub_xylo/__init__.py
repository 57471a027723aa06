"""Xylo: the core of SynSense's chips as an op, its families as targets, and xylosim as a live peer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from snnhub.hub import hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_xylo.ops import OPS

    return OPS
