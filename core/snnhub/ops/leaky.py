"""Leaky neurons with a learned number: LIFCoeff multiplies by its leak, KLIF scales its potential.

Equations from SpikingJelly 2.0.0 (``ParametricLIFNode``, ``KLIFNode``), one rounding per operation in f32.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attribute, Attributes, Parameter, StepOp
from snnhub.ir.trace import Namespace, Step, Value, where
from snnhub.ops.neuron import (
    COMPARE,
    DECAY_INPUT,
    RESET,
    TAU,
    current,
    fire,
    membrane,
    reset_membrane,
    reset_parameters,
)

LEAK = Parameter("leak", "part of the distance to rest lost per step; the program multiplies by it", F32)
K = Parameter("k", "factor of the membrane potential before it is compared (dimensionless)", F32)
SCALE_RESET = Attribute(
    "scale_reset", "whether h and v_threshold are divided by k again before the reset", (True, False)
)


def _lif_coeff(
    x: Value, state: Namespace, param: Namespace, *, reset: str, compare: str, decay_input: bool
) -> Step:
    v = state.v
    distance = v - param.v_reset if reset == "value" else v
    h = v + (x - distance) * param.leak if decay_input else v - distance * param.leak + x
    s = fire(h, param, compare)
    return {"v": reset_membrane(h, s, param, reset)}, {"s": s}


def _klif(
    x: Value,
    state: Namespace,
    param: Namespace,
    *,
    reset: str,
    compare: str,
    decay_input: bool,
    scale_reset: bool,
) -> Step:
    v = state.v
    distance = v - param.v_reset if reset == "value" else v
    charged = v + (x - distance) / param.tau if decay_input else v - distance / param.tau + x
    scaled = charged * param.k
    h = where(scaled < 0.0, 0.0, scaled)  # NaN stays, as in torch.relu
    s = fire(h, param, compare)
    if not scale_reset:
        return {"v": reset_membrane(h, s, param, reset)}, {"s": s}
    back = h / param.k
    # torch divides a number by a tensor in two roundings: reciprocal, then product
    step = Namespace(v_threshold=1.0 / param.k * param.v_threshold, v_reset=getattr(param, "v_reset", None))
    return {"v": reset_membrane(back, s, step, reset)}, {"s": s}


def _coefficient(attributes: Attributes) -> tuple[Parameter, ...]:
    return (*reset_parameters(attributes), LEAK)


def _klif_parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    return (*reset_parameters(attributes), TAU, K)


LIF_COEFF = StepOp(
    "core.LIFCoeff",
    1,
    "Leaky integrate and fire by a factor: h = v + (x - (v - v_reset)) leak, or v - (v - v_reset) leak + x.",
    _lif_coeff,
    current,
    membrane,
    _coefficient,
    (RESET, COMPARE, DECAY_INPUT),
)

KLIF = StepOp(
    "core.KLIF",
    1,
    "Leaky integrate and fire whose potential is scaled by k and cut off at 0 before it is compared.",
    _klif,
    current,
    membrane,
    _klif_parameters,
    (RESET, COMPARE, DECAY_INPUT, SCALE_RESET),
)
