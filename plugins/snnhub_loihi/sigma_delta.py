"""Sigma-delta neurons of Lava in the integers that Lava computes with: Delta, SigmaDelta and Sigma.

Source: the fixed-point models of lava-nc 0.10.0 (``lava.proc.sdn``) as lava-dl 0.6.0 sets them up
(``netx/hdf5.py``: ``spike_exp`` and ``state_exp`` 6, ReLU, no accumulated error), checked against them bit for
bit. States are fixed point: 1 is 4096 in a state and 64 in a graded spike. Lava's containers have 32 bits and
really overflow, ``abs(-2^31)`` included; hence a ``wrap(…, 32)`` behind every sum.
"""

from __future__ import annotations

from snnhub.ir.numtype import integer, signed
from snnhub.ir.op import Attribute, Attributes, OpSchema, Parameter, Ports, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, maximum, shr_floor, where, wrap

STATE_EXP = 6
"""Bits that a state has below those of a graded spike."""
SCALE = 12
"""``spike_exp + state_exp``: input, thresholds and biases are shifted left by this much."""
WORD = 32
MANTISSA = WORD - SCALE
"""Bits of a threshold or bias of which nothing is lost when it is shifted."""

ARRIVING = signed(56)
"""Sums of graded spikes: 8-bit weights, 32-bit spikes and a fan-in of 65,536, before Lava's words overflow."""

A_BITS = Attribute(
    "a_bits",
    "bits that a sum keeps on its way in: 32 less the shift that Lava's packing gives the weights",
    range=(WORD - 8, WORD),
)

V_TH_MANT = Parameter("vThMant", "threshold; fires when |delta| >= vThMant * 4096", signed(MANTISSA))
BIAS = Parameter("bias", "added to sigma, times 4096, in every step; 0 where there is none", signed(MANTISSA))


def _encode(value: Value, state: Namespace, param: Namespace) -> Step:
    """What ``value`` has changed by since the last step, as a spike once it reaches the threshold."""
    delta = wrap(value - state.act + state.residue, WORD)
    fires = wrap(abs(delta), WORD) >= (param.vThMant << SCALE)
    s = shr_floor(where(fires, delta, 0), STATE_EXP)
    return {"act": value, "residue": where(fires, 0, delta)}, {"s": s}


def _delta(a: Value, state: Namespace, param: Namespace) -> Step:
    return _encode(wrap(a << SCALE, WORD), state, param)


def _sigma_delta(a: Value, state: Namespace, param: Namespace, *, a_bits: int) -> Step:
    sigma = wrap(state.sigma + wrap(a, a_bits), WORD)
    following, outputs = _encode(maximum(wrap(sigma + (param.bias << SCALE), WORD), 0), state, param)
    return {"sigma": sigma, **following}, outputs


def _sigma(a: Value, state: Namespace, param: Namespace, *, a_bits: int) -> Step:
    sigma = wrap(state.sigma + wrap(a, a_bits), WORD)
    return {"sigma": sigma}, {"s": sigma}


RESIDUE = State("residue", signed(WORD), 0)
SIGMA_STATE = State("sigma", signed(WORD), 0)
PORTS = Ports(("a",), ("s",))


def _encoder_states(_: Attributes) -> tuple[State, ...]:
    return State("act", signed(WORD), 0), RESIDUE


def _neuron_states(_: Attributes) -> tuple[State, ...]:
    return SIGMA_STATE, State("act", integer(0, 2 ** (WORD - 1) - 1), 0), RESIDUE


DELTA = StepOp(
    "loihi.Delta",
    1,
    "Lava's delta encoder: sends changes of its input, times 64, once they reach the threshold; keeps the rest.",
    _delta,
    lambda _: (Slot("a", signed(WORD)),),
    _encoder_states,
    lambda _: (V_TH_MANT,),
    (),
    PORTS,
)

SIGMA_DELTA = StepOp(
    "loihi.SigmaDelta",
    1,
    "Lava's sigma-delta neuron: adds up what arrives, ReLU of that and a bias, sends changes as graded spikes.",
    _sigma_delta,
    lambda _: (Slot("a", ARRIVING),),
    _neuron_states,
    lambda _: (V_TH_MANT, BIAS),
    (A_BITS,),
    PORTS,
)

SIGMA = StepOp(
    "loihi.Sigma",
    1,
    "Lava's sigma decoder: adds up what arrives and puts the sum out in every step.",
    _sigma,
    lambda _: (Slot("a", ARRIVING),),
    lambda _: (SIGMA_STATE,),
    lambda _: (),
    (A_BITS,),
    PORTS,
)

OPS: tuple[OpSchema, ...] = (DELTA, SIGMA_DELTA, SIGMA)
NAMES = tuple(op.name for op in OPS)
