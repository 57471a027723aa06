"""Finds op schemas by name and version. Core ops are always there; plugins add theirs."""

from __future__ import annotations

from collections.abc import Iterable

from snnhub.errors import SnnhubError
from snnhub.ir.op import OpSchema
from snnhub.ops import (
    continuous,
    cuba,
    elementwise,
    joining,
    leaky,
    multispike,
    neuron,
    nonlinear,
    pooling,
    resonate,
    shaping,
    synapse,
)

CORE: tuple[OpSchema, ...] = (
    synapse.DENSE,
    synapse.CONV,
    synapse.CONV_TRANSPOSE,
    pooling.AVG_POOL,
    pooling.MAX_POOL,
    shaping.FLATTEN,
    shaping.ADD,
    shaping.BATCH_NORM,
    shaping.RESHAPE,
    shaping.PAD,
    shaping.UPSAMPLE,
    pooling.ADAPTIVE_AVG_POOL,
    elementwise.MUL,
    elementwise.SCALE,
    elementwise.RELU,
    joining.CONCAT,
    neuron.IF,
    neuron.LIF,
    leaky.LIF_COEFF,
    leaky.KLIF,
    nonlinear.QIF,
    nonlinear.EIF,
    nonlinear.IZHIKEVICH,
    resonate.RAF,
    cuba.CUBA_LIF,
    cuba.SYNAPSE_FILTER,
    multispike.MULTI_SPIKE_LIF,
    multispike.EXP_SYN,
    *continuous.CONTINUOUS,
)


class Registry:
    """Ops by (name, version). Names are ``domain.Op``; the domains ``core`` and ``ct`` belong to snnhub."""

    def __init__(self, ops: Iterable[OpSchema] = CORE) -> None:
        self._ops: dict[tuple[str, int], OpSchema] = {}
        for op in ops:
            self.add(op)

    def add(self, op: OpSchema) -> None:
        """Register an op. Raises ``SnnhubError`` if the name and version are taken by another schema."""
        key = (op.name, op.version)
        if self._ops.get(key, op) is not op:
            raise SnnhubError("op is registered twice", found=f"{op.name}/{op.version}")
        self._ops[key] = op

    def __call__(self, name: str, version: int) -> OpSchema | None:
        return self._ops.get((name, version))

    def all(self) -> tuple[OpSchema, ...]:
        """Every registered op, sorted by name and version."""
        return tuple(self._ops[key] for key in sorted(self._ops))


REGISTRY = Registry()
"""The registry of this process. ``snnhub.hub`` adds the ops of installed plugins when it loads them."""
