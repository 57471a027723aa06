"""The lowering to Loihi: which passes run, in which order."""

from __future__ import annotations

from collections.abc import Sequence

from snnhub.ir.rung import Rung
from snnhub.passes.base import ALMOST, Pass, Promise
from snnhub.passes.centre_reset import CENTRE_RESET
from snnhub.passes.fold_decay import FOLD_DECAY
from snnhub.passes.fold_norm import FOLD_NORM
from snnhub.passes.fold_pool import FOLD_POOL
from snnhub.passes.time_constant import TIME_CONSTANT

from snnhub_loihi import (
    admit,
    linear,
    multispike,
    of_sinabs,
    or_layer,
    place,
    profiled,
    quantise,
    slayer,
    slayer_readout,
    slayer_steps,
)


def passes() -> Sequence[Pass]:
    """Folds first, then everything that has no place on the chip is refused at once, then integers and steps.

    A graph that is lowered already passes through unchanged.
    """
    return (
        *_slayer(),
        Pass(
            "loihi profiled",
            1,
            Promise(Rung.BOUNDED, ALMOST),
            "neurons that a profile made of a NIR file get the form that is lowered",
            profiled.run,
        ),
        Pass(
            "loihi sinabs",
            1,
            Promise(Rung.BOUNDED, ALMOST),
            "neurons of sinabs that spike once per step get the form that is lowered",
            of_sinabs.run,
        ),
        Pass(
            "loihi linear",
            1,
            Promise(Rung.BOUNDED, ALMOST),
            "transforms that Loihi has no layer for become weights, where they are small",
            linear.run,
        ),
        FOLD_NORM,
        FOLD_POOL,
        FOLD_NORM,  # a norm behind a pool stands behind a synapse now
        TIME_CONSTANT,
        CENTRE_RESET,
        FOLD_DECAY,
        *_asked_for(),
        Pass(
            "loihi admit",
            1,
            Promise(Rung.BITS),
            "refuses, all at once, what Loihi does not have",
            admit.run,
            tolerant=True,
        ),
        Pass(
            "loihi integers",
            1,
            Promise(Rung.DECISION),
            "weights, thresholds and decays become Loihi's integers",
            quantise.run,
        ),
        Pass("loihi steps", 1, Promise(Rung.SPIKES_LAG), "every synapse takes one step", place.run),
    )


def _asked_for() -> tuple[Pass, ...]:
    """What becomes Loihi's neurons only where an option says so."""
    return (
        Pass(
            "loihi or layers",
            1,
            Promise(Rung.BITS),
            "max pooling of spikes becomes a layer of neurons, where --maxpool or-layer asks for it",
            or_layer.run,
            tolerant=True,
        ),
        Pass(
            "loihi one spike",
            1,
            Promise(Rung.DISTRIBUTION),
            "neurons that fire several times in a step fire once, where --reset zero asks for it",
            multispike.run_once,
            tolerant=True,
        ),
        Pass(
            "loihi reset",
            1,
            Promise(Rung.DISTRIBUTION),
            "resets that subtract become resets to 0, where --reset zero asks for it",
            multispike.run_reset,
            tolerant=True,
        ),
    )


def _slayer() -> tuple[Pass, ...]:
    """Layers of slayer have Loihi's integers already: they come before everything that chooses numbers."""
    return (
        Pass(
            "loihi slayer readout",
            1,
            Promise(Rung.DECISION),
            "a last layer of slayer that does not fire gets neurons that never do, whose state is the output",
            slayer_readout.run,
        ),
        Pass(
            "loihi slayer",
            1,
            Promise(Rung.SPIKES),
            "layers of slayer's CUBA neurons and resonators become Loihi's, in the same integers",
            slayer.run,
        ),
        Pass(
            "loihi slayer delays",
            1,
            Promise(Rung.SPIKES),
            "delays of a layer's outputs become delays of the next layer's inputs",
            slayer_steps.run_delays,
        ),
        Pass(
            "loihi slayer steps",
            1,
            Promise(Rung.SPIKES_LAG),
            "steps behind a layer become the step of the next synapse",
            slayer_steps.run_steps,
        ),
    )
