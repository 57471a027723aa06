"""Loihi's resonate-and-fire neurons, in the integers that Lava computes with.

Source: the fixed-point RF and RF_IZ models of lava-nc 0.10.0 (``lava.proc.rf``, ``lava.proc.rf_iz``) with the
exponents that Lava-DL's reader gives them (``state_exp`` 6, ``decay_bits`` 12), checked against them bit for bit.
The state is a complex number that turns and shrinks; its parts are computed in 64 bits and clipped to 24, and only
what arrives is shifted in 32 bits, where it wraps. Bias and reset have no place in them.
"""

from __future__ import annotations

from snnhub.ir.numtype import integer, signed
from snnhub.ir.op import OpSchema, Parameter, Ports, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, clip, shr_trunc, where, wrap

from snnhub_loihi.ops import ALIGN, DECAY_UNITY, STATE_LIMIT, V_TH_MANT

DECAY_LIMIT = 2**15
"""Lava keeps the factors in 32 bits; lava-dl writes at most 4096. Beyond this a file is not one of resonators."""

SIN_DECAY = Parameter(
    "sinDecay", "sine of the turn per step times what is kept, of 4096", integer(-DECAY_LIMIT, DECAY_LIMIT)
)
COS_DECAY = Parameter(
    "cosDecay", "cosine of the turn per step times what is kept, of 4096", integer(-DECAY_LIMIT, DECAY_LIMIT)
)
INPUTS = (Slot("a_real", signed(32)), Slot("a_imag", signed(32)))
STATES = tuple(State(name, integer(-(STATE_LIMIT - 1), STATE_LIMIT - 1), 0) for name in ("real", "imag"))


def _turned(a_real: Value, a_imag: Value, state: Namespace, param: Namespace) -> tuple[Value, Value]:
    """The state one step on. ``shr_trunc`` acts on each product by itself, as Lava's ``scale_volt`` does."""
    bits = DECAY_UNITY.bit_length() - 1

    def kept(factor: Value, part: Value) -> Value:
        return shr_trunc(factor * part, bits)

    real = kept(param.cosDecay, state.real) - kept(param.sinDecay, state.imag) + wrap(a_real << ALIGN, 32)
    imag = kept(param.sinDecay, state.real) + kept(param.cosDecay, state.imag) + wrap(a_imag << ALIGN, 32)
    limit = STATE_LIMIT - 1
    return clip(real, -limit, limit), clip(imag, -limit, limit)


def _phase(a_real: Value, a_imag: Value, state: Namespace, param: Namespace) -> Step:
    real, imag = _turned(a_real, a_imag, state, param)
    s = (real >= (param.vThMant << ALIGN)) & (imag >= 0) & (state.imag < 0)
    return {"real": real, "imag": imag}, {"s": s}


def _izhikevich(a_real: Value, a_imag: Value, state: Namespace, param: Namespace) -> Step:
    real, imag = _turned(a_real, a_imag, state, param)
    v_th = param.vThMant << ALIGN
    s = imag >= v_th
    return {"real": where(s, 0, real), "imag": where(s, v_th - 1, imag)}, {"s": s}


def _schema(name: str, doc: str, body: object) -> StepOp:
    return StepOp(
        name,
        1,
        doc,
        body,  # type: ignore[arg-type]
        lambda _: INPUTS,
        lambda _: STATES,
        lambda _: (SIN_DECAY, COS_DECAY, V_TH_MANT),
        (),
        Ports(("a_real", "a_imag"), ("s",)),
    )


RF = _schema(
    "loihi.RF",
    "Loihi's resonate-and-fire neuron in Lava's fixed-point arithmetic: fires when the phase passes 0 with the "
    "real part at or above the threshold; no reset.",
    _phase,
)
RF_IZHIKEVICH = _schema(
    "loihi.RFIzhikevich",
    "Loihi's resonate-and-fire neuron after Izhikevich in Lava's fixed-point arithmetic: fires when the imaginary "
    "part is at or above the threshold; then real becomes 0 and imag one below the threshold.",
    _izhikevich,
)
OPS: tuple[OpSchema, ...] = (RF, RF_IZHIKEVICH)
