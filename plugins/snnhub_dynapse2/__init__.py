"""Dynap-SE2: the analog neuron model as a step op, and the chip's limits, mapper and quantiser."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from snnhub.hub import Environment, hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema

ENVIRONMENT = Environment(
    "dynapse2",
    "Rockpool 3.1.0 with jax: DynapSim, its mapper and quantiser, without samna and torch",
    "snnhub_dynapse2:dynapse2.toml",
    worker="snnhub_dynapse2.worker:main",
)


@hookimpl
def snnhub_register_environments() -> Iterable[Environment]:
    return (ENVIRONMENT,)


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_dynapse2.ops import OPS

    return OPS
