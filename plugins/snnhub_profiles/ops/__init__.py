"""Every neuron of the frameworks with a NIR importer as a step op, spyx's layers, odd weights; beside ``core``."""

from __future__ import annotations

from snnhub.ir.op import StepOp, TransformOp

from snnhub_profiles.ops import (
    nengo,
    nirstep,
    nirtorch,
    norse,
    sinabs,
    snntorch,
    spyx,
    spyx_layers,
    spyx_recurrent,
)

OPS: tuple[StepOp | TransformOp, ...] = (
    *nirstep.OPS,
    *snntorch.OPS,
    *norse.OPS,
    *sinabs.OPS,
    *spyx.OPS,
    *spyx_recurrent.OPS,
    *spyx_layers.OPS,
    *nirtorch.OPS,
    *nengo.OPS,
)
