"""slayer's adaptive leaky integrate-and-fire neuron: no reset; spikes raise a threshold and a refractory state.

Source: ``slayer/neuron/alif``, ``dynamics/leaky_integrator`` and ``dynamics/adaptive_threshold`` of lava-dl 0.6.0.
"""

from __future__ import annotations

from snnhub.ir.op import Attributes, Parameter, StepOp
from snnhub.ir.trace import Namespace, Step, Value, cast, where

from snnhub_lavadl.ops.norm import NORM, norm_parameters, normed
from snnhub_lavadl.ops.words import (
    ADAPTIVE,
    GRADED,
    adaptive_states,
    arrive,
    bounded,
    decay,
    leaked,
    real,
    spike,
    word,
    zero,
)


def adapted(state: Namespace, param: Namespace) -> tuple[Value, Value]:
    """Threshold and refractory state of this step, before a spike raises them."""
    t = leaked(state.t - param.threshold, param.threshold_decay) + param.threshold
    return t, leaked(state.r, param.refractory_decay)


def raised(t: Value, r: Value, fired: Value, param: Namespace) -> dict[str, Value]:
    """Both as a spike leaves them."""
    return {
        "t": bounded(t + where(fired, param.threshold_step, 0)),
        "r": bounded(r + where(fired, t * 2, 0)),
    }


def reaches(state: Value, t: Value, r: Value) -> Value:
    """Whether the word of a state reaches the sum of two words, which slayer forms in f32: this is the spike.

    The states learn of a spike by a comparison of integers, which is another one beyond 2^24.
    """
    return cast(state, "f32") >= cast(t, "f32") + cast(r, "f32")


def _alif(x: Value, state: Namespace, param: Namespace, *, norm: str, graded: bool) -> Step:
    u = bounded(leaked(state.u, param.current_decay) + arrive(normed(x, param, norm)))
    v = bounded(leaked(state.v, param.voltage_decay) + word(u))
    t, r = adapted(state, param)
    following = raised(t, r, word(v) >= t + r, param)
    return {"u": u, "v": v, **following}, {"s": spike(reaches(v, t, r), v, graded)}


def _parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    decays = decay("current_decay", "the current"), decay("voltage_decay", "the potential")
    return (*decays, *ADAPTIVE, *norm_parameters(attributes))


ALIF = StepOp(
    "slayer.ALIF",
    1,
    "slayer's adaptive LIF: current u and potential v leak toward zero; fires when v reaches threshold t plus "
    "refractory state r, which rise by threshold_step and 2 t. No reset.",
    _alif,
    real,
    lambda _: (*zero("u", "v"), *adaptive_states()),
    _parameters,
    (NORM, GRADED),
)
