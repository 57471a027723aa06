"""slayer's neurons as step ops: one module per family."""

from __future__ import annotations

from snnhub.ir.op import OpSchema

from snnhub_lavadl.ops.cuba import CUBA, INTEGRATOR
from snnhub_lavadl.ops.delay import DELAY
from snnhub_lavadl.ops.encode import INPUT

OPS: tuple[OpSchema, ...] = (CUBA, INTEGRATOR, DELAY, INPUT)
