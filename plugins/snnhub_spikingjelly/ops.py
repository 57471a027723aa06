"""``lava_exchange.CubaLIFNode`` on any input: floats are truncated to its grid, states are integers.

Source: SpikingJelly 2.0.0, ``functional.neuron.lava_cuba_lif_step``. It keeps ``u`` and ``v`` as f32 multiples of
``1/scale``, which is exact up to 2^24; where they would leave that, the run stops instead of rounding on.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32, integer
from snnhub.ir.op import OpSchema, Parameter, Ports, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, cast, check, shr_trunc, where

UNITY = 4096
EXACT = 2**24
"""Whole numbers up to here are exact in f32."""
STATE = integer(-EXACT, EXACT)


def _cuba_lif(x: Value, state: Namespace, param: Namespace) -> Step:
    drive = cast(check(x * param.scale, -EXACT, EXACT), "int")
    u = check(shr_trunc(state.u * (UNITY - param.iDecay), 12) + drive, -EXACT, EXACT)
    v = check(shr_trunc(state.v * (UNITY - param.vDecay), 12) + u, -EXACT, EXACT)
    s = v > param.silent
    return {"u": u, "v": where(s, 0, v)}, {"s": s}


CUBA_LIF = StepOp(
    "spikingjelly.CubaLIF",
    1,
    "SpikingJelly's CubaLIFNode: input truncated to 1/scale, states in units of it, decays in 4096ths.",
    _cuba_lif,
    lambda _: (Slot("x", F32),),
    lambda _: (State("u", STATE, 0), State("v", STATE, 0)),
    lambda _: (
        Parameter("scale", "states are multiples of 1/scale; a power of 2", F32),
        Parameter("iDecay", "part of u lost per step, of 4096", integer(0, UNITY)),
        Parameter("vDecay", "part of v lost per step, of 4096", integer(0, UNITY)),
        Parameter("silent", "largest v that does not fire", integer(0, EXACT)),
    ),
    (),
    Ports(("x",), ("s",)),
)

OPS: tuple[OpSchema, ...] = (CUBA_LIF,)
