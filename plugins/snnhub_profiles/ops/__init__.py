"""Every neuron of the frameworks with a NIR importer as a step op, beside those that ``core`` has already."""

from __future__ import annotations

from snnhub.ir.op import StepOp

from snnhub_profiles.ops import nengo, nirstep, norse, sinabs, snntorch, spyx

OPS: tuple[StepOp, ...] = (*nirstep.OPS, *snntorch.OPS, *norse.OPS, *sinabs.OPS, *spyx.OPS, *nengo.OPS)
