"""An axonal delay that differs between channels or neurons: the spikes of the last steps as bits of one integer.

Source: lava-dl 0.6.0, ``slayer/axon/delay.py`` and ``utils/time/shift.py`` on the CPU: delays are cut off to whole
steps, nothing is interpolated. ``max_delay`` of a block is 62, so the register fits 64 bits.
"""

from __future__ import annotations

from snnhub.ir.numtype import SPIKE, integer, signed
from snnhub.ir.op import Parameter, Ports, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, shr_floor, wrap

MAX_DELAY = 62


def _delay(x: Value, state: Namespace, param: Namespace) -> Step:
    past = wrap(state.past, 63) * 2 + x
    lowest = wrap(shr_floor(past, param.delay), 2)  # -2 .. 1, odd where the bit is set
    return {"past": past}, {"y": (lowest == 1) | (lowest == -1)}


DELAY = StepOp(
    "slayer.Delay",
    1,
    "slayer's axonal delay of spikes, a number of whole steps per channel or neuron.",
    _delay,
    lambda _: (Slot("x", SPIKE),),
    lambda _: (State("past", signed(64), 0),),
    lambda _: (Parameter("delay", "whole steps", integer(0, MAX_DELAY)),),
    (),
    Ports(("x",), ("y",)),
)
