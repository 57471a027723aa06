"""sinabs: importer and runner for networks given by a factory or as live objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from snnhub.hub import hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_sinabs.ops import OPS

    return OPS
