"""Dynap-SE2's neurons as step ops."""

from __future__ import annotations

from snnhub.ir.op import StepOp

from snnhub_dynapse2.dynapsim import DYNAPSIM
from snnhub_dynapse2.separate import SEPARATE

OPS: tuple[StepOp, ...] = (DYNAPSIM, SEPARATE)
