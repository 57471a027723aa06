"""Dynap-SE2's neurons as step ops."""

from __future__ import annotations

from snnhub.ir.op import OpSchema

OPS: tuple[OpSchema, ...] = ()
