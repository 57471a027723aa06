"""The passes between a network and a core, in their order. Each is a step of the ladder that reports go along."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from snnhub.ir.rung import Rung
from snnhub.passes.base import Pass, Promise
from snnhub.passes.centre_reset import CENTRE_RESET
from snnhub.passes.fold_decay import FOLD_DECAY
from snnhub.passes.fold_norm import FOLD_NORM
from snnhub.passes.fold_pool import FOLD_POOL
from snnhub.passes.time_constant import TIME_CONSTANT

from snnhub_xylo.families import Family
from snnhub_xylo.mapping import biases, caps, decays, timing
from snnhub_xylo.neurons import PASS
from snnhub_xylo.quantiser import ladder

FRONT: tuple[Pass, ...] = (FOLD_NORM, FOLD_POOL, FOLD_NORM, TIME_CONSTANT, CENTRE_RESET, FOLD_DECAY, PASS)
"""To dense layers and neurons that a core has, from networks of any framework."""


def mapping(family: Family) -> Sequence[Pass]:
    """To the chip's timing, decays and caps, all still in floats."""
    lossy = Promise(Rung.DECISION)
    return (
        Pass(
            ladder.TIMING,
            1,
            Promise(Rung.SPIKES_LAG),
            "every connection to neurons takes one step",
            partial(timing.run, family=family),
        ),
        Pass(ladder.DECAYS, 1, lossy, "decays become powers of two", decays.run),
        Pass(ladder.BIASES, 1, lossy, "biases of linear layers become biases of neurons", biases.run),
        Pass(ladder.CAPS, 1, lossy, "31 spikes per step and hidden neuron, 1 per output", caps.run),
    )
