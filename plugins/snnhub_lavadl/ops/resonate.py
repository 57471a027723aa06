"""slayer's resonate-and-fire neurons: a complex state that a step turns and shrinks.

Sources: ``slayer/neuron/rf``, ``slayer/neuron/rf_iz``, ``dynamics/resonator`` and ``slayer/spike/complex`` of
lava-dl 0.6.0. Real and imaginary input are two ports.
"""

from __future__ import annotations

from snnhub.ir.numtype import integer
from snnhub.ir.op import Attributes, Parameter, Ports, StepOp
from snnhub.ir.trace import Namespace, Step, Value, where

from snnhub_lavadl.ops.norm import NORM, norm_parameters, normed
from snnhub_lavadl.ops.words import (
    DECAY_BITS,
    GRADED,
    THRESHOLD,
    arrive,
    bounded,
    complex_,
    kept,
    spike,
    word,
    zero,
)

PARTS = ("real_", "imag_")
TURN = (
    Parameter("sin_decay", "sine of the angle per step times what is kept, of 4096", integer(0, 1 << DECAY_BITS)),
    Parameter(
        "cos_decay", "cosine of the angle per step times what is kept, of 4096", integer(0, 1 << DECAY_BITS)
    ),
)
COMPLEX = Ports(("real", "imag"), ("s",))


def turned(real: Value, imag: Value, state: Namespace, param: Namespace, norm: str) -> tuple[Value, Value]:
    """The complex state of this step."""
    cosine, sine = param.cos_decay, param.sin_decay
    re = kept(state.re, cosine) - kept(state.im, sine) + arrive(normed(real, param, norm, "real_"))
    im = kept(state.re, sine) + kept(state.im, cosine) + arrive(normed(imag, param, norm, "imag_"))
    return bounded(re), bounded(im)


def _rf(real: Value, imag: Value, state: Namespace, param: Namespace, *, norm: str, graded: bool) -> Step:
    re, im = turned(real, imag, state, param, norm)
    fired = (word(re) >= param.threshold) & (im >= 0) & (state.im < 0)
    return {"re": re, "im": im}, {"s": spike(fired, re, graded)}


def _rf_iz(real: Value, imag: Value, state: Namespace, param: Namespace, *, norm: str, graded: bool) -> Step:
    re, im = turned(real, imag, state, param, norm)
    seen = word(im)
    fired = seen >= param.threshold
    following = {"re": where(fired, 0, re), "im": where(fired, param.threshold - 1, seen)}
    return following, {"s": spike(fired, im, graded)}


def _parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    return (*TURN, THRESHOLD, *norm_parameters(attributes, *PARTS))


RF = StepOp(
    "slayer.RF",
    1,
    "slayer's resonate-and-fire: fires when im comes up to 0 from below while re is at or above the threshold. No "
    "reset.",
    _rf,
    complex_,
    lambda _: zero("re", "im"),
    _parameters,
    (NORM, GRADED),
    COMPLEX,
)

RF_IZHIKEVICH = StepOp(
    "slayer.RFIzhikevich",
    1,
    "slayer's resonate-and-fire after Izhikevich: fires when im is at or above the threshold; re becomes 0 and "
    "im the threshold less 1/4096.",
    _rf_iz,
    complex_,
    lambda _: zero("re", "im"),
    _parameters,
    (NORM, GRADED),
    COMPLEX,
)
