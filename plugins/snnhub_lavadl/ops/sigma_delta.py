"""slayer's sigma-delta neurons: what arrives adds up, and what changed by a threshold goes on.

Sources: ``slayer/neuron/sigma_delta``, ``slayer/axon/delta`` and ``slayer/dendrite/sigma`` of lava-dl 0.6.0. All
is f32 but the sum: torch's ``cumsum`` on the CPU accumulates f32 in f64 and rounds what it gives in each step.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32, F64
from snnhub.ir.op import Parameter, Ports, StepOp
from snnhub.ir.program import State
from snnhub.ir.trace import Namespace, Step, Value, cast, floor, where

from snnhub_lavadl.ops.norm import NORM, norm_parameters, normed
from snnhub_lavadl.ops.words import STATE_SCALE, real

THRESHOLD = Parameter("threshold", "smallest change that is sent on", F32)
SIGMA = State("sigma", F64, 0.0)
DELTA = State("last", F32, 0.0), State("residue", F32, 0.0)


def _delta_of(a: Value, state: Namespace, param: Namespace) -> Step:
    """The change since the last step, with what is left of earlier ones; floored to 1/4096 after the residue."""
    change = (a - state.last) + state.residue
    sent = where(abs(change) >= param.threshold, change, 0.0)
    scale = float(STATE_SCALE)
    return {"last": a, "residue": change - sent}, {"s": floor(sent * scale) / scale}


def _delta(x: Value, state: Namespace, param: Namespace) -> Step:
    return _delta_of(x, state, param)


def _sigma(x: Value, state: Namespace, param: Namespace) -> Step:
    total = state.sigma + cast(x, "f64")
    return {"sigma": total}, {"y": cast(total, "f32")}


def _sigma_delta(x: Value, state: Namespace, param: Namespace, *, norm: str) -> Step:
    total = state.sigma + cast(x, "f64")
    a = normed(cast(total, "f32"), param, norm) + param.bias
    states, outputs = _delta_of(where(a > 0.0, a, 0.0), state, param)
    return {"sigma": total, **states}, outputs


SIGMA_DELTA = StepOp(
    "slayer.SigmaDelta",
    1,
    "slayer's sigma-delta ReLU: sigma adds up in f64, a = relu(f32(sigma) + bias), and the change of a with the "
    "residue goes on where it reaches the threshold, floored to 1/4096.",
    _sigma_delta,
    real,
    lambda _: (SIGMA, *DELTA),
    lambda attributes: (
        THRESHOLD,
        Parameter("bias", "added before the ReLU", F32),
        *norm_parameters(attributes),
    ),
    (NORM,),
)

DELTA_ENCODER = StepOp(
    "slayer.Delta",
    1,
    "slayer's delta encoder: the change of x with the residue where it reaches the threshold, floored to 1/4096.",
    _delta,
    real,
    lambda _: DELTA,
    lambda _: (THRESHOLD,),
)

SIGMA_DECODER = StepOp(
    "slayer.Sigma",
    1,
    "slayer's sigma decoder: all that arrived, added up in f64 and rounded to f32 in each step.",
    _sigma,
    real,
    lambda _: (SIGMA,),
    lambda _: (),
    (),
    Ports(("x",), ("y",)),
)
