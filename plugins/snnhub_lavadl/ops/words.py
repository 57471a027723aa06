"""slayer's numbers: integers of 1/4096 inside a step, and f32 words of them between its parts.

slayer scales every real number by ``s_scale`` (4096), cuts it toward zero, and integrates in int64. What one part
of a neuron hands to the next is a tensor of f32, so an integer beyond 2^24 arrives rounded: ``word``. Sources:
lava-dl 0.6.0, ``slayer/neuron/dynamics`` on the CPU and ``slayer/utils/int_utils``.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32, integer
from snnhub.ir.op import Attribute, Attributes, Parameter
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Value, cast, check, shr_trunc, where

STATE_SCALE = 4096
"""``s_scale`` of a neuron with slayer's default ``scale`` of 64: integers per unit of a state."""
DECAY_BITS = 12
LIMIT = 2**50
"""States and inputs beyond this stop the run: times a decay of 4096 they still fit 64 bits, where slayer wraps."""
STATE = integer(-LIMIT, LIMIT)
THRESHOLDS, STEPS = integer(0, 2**24), integer(-(2**30), 2**30)
"""Every threshold is a word."""

GRADED = Attribute("graded", "whether a spike carries the value that crossed the threshold, else 1", (False, True))


def arrive(x: Value) -> Value:
    """A real number as an integer of 1/4096, cut toward zero."""
    return cast(check(x * float(STATE_SCALE), -float(LIMIT), float(LIMIT)), "int")


def word(state: Value) -> Value:
    """The integer that is left after a part of the neuron has handed it on as f32."""
    return cast(check(cast(state, "f32"), -float(LIMIT), float(LIMIT)), "int")


def kept(state: Value, factor: Value) -> Value:
    """``state * factor / 4096``, toward zero."""
    return shr_trunc(state * factor, DECAY_BITS)


def leaked(state: Value, decay: Value) -> Value:
    """``state`` without the ``decay`` of 4096 parts that it loses, toward zero."""
    return kept(state, (1 << DECAY_BITS) - decay)


def bounded(state: Value) -> Value:
    """The state, held to ``LIMIT`` by an error."""
    return check(state, -LIMIT, LIMIT)


def spike(fired: Value, state: Value, graded: bool) -> Value:
    """1, or the word of the state in units of the threshold, where ``fired``; else 0."""
    return where(fired, cast(state, "f32") / float(STATE_SCALE), 0.0) if graded else fired


def decay(name: str, of: str) -> Parameter:
    return Parameter(name, f"part of {of} lost per step, of 4096", integer(0, 1 << DECAY_BITS))


THRESHOLD = Parameter("threshold", "integer of 1/4096; fires at and above it", THRESHOLDS)
THRESHOLD_STEP = Parameter("threshold_step", "added to the threshold by a spike, integer of 1/4096", STEPS)
ADAPTIVE = (
    THRESHOLD,
    THRESHOLD_STEP,
    decay("threshold_decay", "what the threshold is above its base"),
    decay("refractory_decay", "the refractory state"),
)
"""Parameters of a threshold that spikes raise, and of a refractory state on top of it."""


def adaptive_states() -> tuple[State, ...]:
    """The threshold, which starts at its base, and the refractory state."""
    return State("t", STATE, "threshold"), State("r", STATE, 0)


def zero(*names: str) -> tuple[State, ...]:
    """States that start at 0."""
    return tuple(State(name, STATE, 0) for name in names)


def real(_: Attributes) -> tuple[Slot, ...]:
    return (Slot("x", F32),)


def complex_(_: Attributes) -> tuple[Slot, ...]:
    return Slot("real", F32), Slot("imag", F32)
