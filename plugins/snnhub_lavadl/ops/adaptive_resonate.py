"""slayer's adaptive resonate-and-fire neurons: a turning complex state under a threshold that spikes raise.

Sources: ``slayer/neuron/adrf``, ``slayer/neuron/adrf_iz``, ``dynamics/adaptive_phase_th`` and
``dynamics/adaptive_resonator`` of lava-dl 0.6.0. Neither is reset.
"""

from __future__ import annotations

from snnhub.ir.op import Attributes, Parameter, StepOp
from snnhub.ir.trace import Namespace, Step, Value

from snnhub_lavadl.ops.alif import adapted, raised, reaches
from snnhub_lavadl.ops.norm import NORM, norm_parameters
from snnhub_lavadl.ops.resonate import COMPLEX, PARTS, TURN, turned
from snnhub_lavadl.ops.words import ADAPTIVE, GRADED, adaptive_states, complex_, spike, word, zero


def _adrf(real: Value, imag: Value, state: Namespace, param: Namespace, *, norm: str, graded: bool) -> Step:
    re, im = turned(real, imag, state, param, norm)
    t, r = adapted(state, param)
    crossed = (im >= 0) & (state.im < 0)
    following = raised(t, r, (word(re) >= t + r) & crossed, param)
    return {"re": re, "im": im, **following}, {"s": spike(reaches(re, t, r) & crossed, re, graded)}


def _adrf_iz(real: Value, imag: Value, state: Namespace, param: Namespace, *, norm: str, graded: bool) -> Step:
    re, im = turned(real, imag, state, param, norm)
    t, r = adapted(state, param)
    following = raised(t, r, im >= t + r, param)
    return {"re": re, "im": im, **following}, {"s": spike(reaches(im, t, r), im, graded)}


def _parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    return (*TURN, *ADAPTIVE, *norm_parameters(attributes, *PARTS))


ADRF = StepOp(
    "slayer.ADRF",
    1,
    "slayer's adaptive resonate-and-fire: fires when im comes up to 0 from below while re reaches threshold t "
    "plus refractory state r, which rise by threshold_step and 2 t.",
    _adrf,
    complex_,
    lambda _: (*zero("re", "im"), *adaptive_states()),
    _parameters,
    (NORM, GRADED),
    COMPLEX,
)

ADRF_IZHIKEVICH = StepOp(
    "slayer.ADRFIzhikevich",
    1,
    "slayer's adaptive resonate-and-fire after Izhikevich: fires when im reaches threshold t plus refractory "
    "state r, which rise by threshold_step and 2 t. Unlike RFIzhikevich it is not reset.",
    _adrf_iz,
    complex_,
    lambda _: (*zero("re", "im"), *adaptive_states()),
    _parameters,
    (NORM, GRADED),
    COMPLEX,
)
