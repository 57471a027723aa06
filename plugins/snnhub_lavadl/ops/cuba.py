"""slayer's CUBA neuron in the integers that it computes with on the CPU, and the same without spikes.

Source: lava-dl 0.6.0, ``slayer/neuron/cuba.py``, ``neuron/dynamics/leaky_integrator.py``, ``spike/spike.py``.
Nothing wraps, nothing is clipped; a check stops a run that leaves what 64 bits hold.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attribute, Parameter, Ports, StepOp
from snnhub.ir.trace import Namespace, Step, Value, cast, where

from snnhub_lavadl.ops.norm import NORM, norm_parameters, normed
from snnhub_lavadl.ops.words import (
    GRADED,
    STATE_SCALE,
    arrive,
    bounded,
    decay,
    leaked,
    real,
    spike,
    word,
    zero,
)

STEPWISE = Attribute(
    "stepwise",
    "whether slayer runs step by step and keeps states as f32: what goes into v is then the next u",
    (True, False),
)
THRESHOLD = Parameter(
    "threshold", "fires when v, as f32, is at least this; 4096 times slayer's threshold and its epsilon", F32
)
DECAYS = decay("current_decay", "u"), decay("voltage_decay", "v")


def _membrane(x: Value, state: Namespace, param: Namespace, norm: str, stepwise: bool) -> tuple[Value, Value]:
    """The next u, and v before the reset."""
    u = bounded(leaked(state.u, param.current_decay) + arrive(x))
    current = arrive(normed(cast(u, "f32") / float(STATE_SCALE), param, norm))
    v = bounded(leaked(state.v, param.voltage_decay) + current)
    return (current, word(v)) if stepwise else (u, v)


def _cuba(x: Value, state: Namespace, param: Namespace, *, graded: bool, norm: str, stepwise: bool) -> Step:
    u, v = _membrane(x, state, param, norm, stepwise)
    fired = cast(v, "f32") >= param.threshold
    return {"u": u, "v": where(fired, 0, v)}, {"s": spike(fired, v, graded)}


def _integrator(x: Value, state: Namespace, param: Namespace, *, norm: str, stepwise: bool) -> Step:
    u, v = _membrane(x, state, param, norm, stepwise)
    return {"u": u, "v": v}, {"y": cast(v, "f32") / float(STATE_SCALE)}


CUBA = StepOp(
    "slayer.CUBA",
    1,
    "slayer's current-based leaky integrate-and-fire neuron: u and v are integers of 1/4096, reset to 0, no wrap, "
    "no clip.",
    _cuba,
    real,
    lambda _: zero("u", "v"),
    lambda attributes: (*DECAYS, THRESHOLD, *norm_parameters(attributes)),
    (GRADED, NORM, STEPWISE),
)

INTEGRATOR = StepOp(
    "slayer.Integrator",
    1,
    "slayer's CUBA neuron in an Affine block: it never fires, its membrane potential is the output.",
    _integrator,
    real,
    lambda _: zero("u", "v"),
    lambda attributes: (*DECAYS, *norm_parameters(attributes)),
    (NORM, STEPWISE),
    Ports(("x",), ("y",)),
)
