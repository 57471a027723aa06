"""What an Input block of slayer does to real input before its neurons: quantised, scaled and moved."""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Parameter, Ports, StepOp
from snnhub.ir.program import Slot
from snnhub.ir.trace import Namespace, Step, Value, clip, rint


def _input(x: Value, state: Namespace, param: Namespace) -> Step:
    grid = clip(rint(x / param.step) * param.step, param.lo, param.hi)
    return {}, {"y": grid * param.weight + param.bias}


INPUT = StepOp(
    "slayer.Input",
    1,
    "Real input on the grid of slayer's 8-bit weights, times a weight, plus a bias: each step rounded in f32.",
    _input,
    lambda _: (Slot("x", F32),),
    lambda _: (),
    lambda _: (
        Parameter("step", "distance of two inputs on the grid", F32),
        Parameter("lo", "smallest input", F32),
        Parameter("hi", "largest input", F32),
        Parameter("weight", "factor, on the grid", F32),
        Parameter("bias", "added, on the grid", F32),
    ),
    (),
    Ports(("x",), ("y",)),
)
