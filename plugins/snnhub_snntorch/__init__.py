"""snnTorch: importer and runner for networks given by a factory or as live objects."""

from __future__ import annotations

from collections.abc import Iterable

from snnhub.hub import hookimpl
from snnhub.ir.op import OpSchema


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_snntorch.recurrent import OPS

    return OPS
