"""What the neuron ops of this plugin share: slots, parameters, and how torch code tells a spike."""

from __future__ import annotations

from snnhub.ir.numtype import F32, NumType
from snnhub.ir.op import Attributes, Parameter
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Value, cast

V_THRESHOLD = Parameter("v_threshold", "threshold of the membrane potential (dimensionless)", F32)
V_LEAK = Parameter("v_leak", "potential that v leaks to, and starts from (dimensionless)", F32)


def current(_: Attributes) -> tuple[Slot, ...]:
    """One input port ``x`` in f32."""
    return (Slot("x", F32),)


def at_rest(*names: str, init: float | str = 0.0, type_: NumType = F32) -> tuple[State, ...]:
    """States of these names with one initial value."""
    return tuple(State(name, type_, init) for name in names)


def number(spike: Value) -> Value:
    """A truth value as 0.0 or 1.0 in f32."""
    return cast(cast(spike, "int"), "f32")
