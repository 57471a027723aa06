"""slayer's neurons as step ops: one module per family."""

from __future__ import annotations

from snnhub.ir.op import OpSchema

OPS: tuple[OpSchema, ...] = ()
