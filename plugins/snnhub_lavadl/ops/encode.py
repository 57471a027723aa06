"""What slayer's blocks of input do before their neuron: round to 1/32, clip to 8 bits, scale and shift.

Source: ``AbstractInput.forward`` of lava-dl 0.6.0 (``slayer/block/base``) with ``quantize_8bit`` as its hook.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Parameter, Ports, StepOp
from snnhub.ir.trace import Namespace, Step, Value, clip, rint

from snnhub_lavadl.ops.words import real

STEPS_PER_UNIT, LOWEST, HIGHEST = 32.0, -256 / 64, 254 / 64


def _input(x: Value, state: Namespace, param: Namespace) -> Step:
    rounded = clip(rint(x * STEPS_PER_UNIT) / STEPS_PER_UNIT, LOWEST, HIGHEST)
    return {}, {"y": rounded * param.weight + param.bias}


INPUT = StepOp(
    "slayer.Input",
    1,
    "slayer's input: rounded to 1/32 (half to even), clipped to -4 .. 254/64, times weight plus bias.",
    _input,
    real,
    lambda _: (),
    lambda _: (
        Parameter("weight", "factor, itself rounded to 1/32 and clipped; 1 where there is none", F32),
        Parameter("bias", "added, itself rounded to 1/32 and clipped; 0 where there is none", F32),
    ),
    (),
    Ports(("x",), ("y",)),
)
