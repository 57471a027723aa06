"""Lava-DL: slayer's neurons as integer ops, and the importer of live slayer and bootstrap networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from snnhub.hub import hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_lavadl.ops import OPS

    return OPS
