"""sinabs 3.1.3 (``layers.functional.lif`` and ``alif``): neurons with every choice of their constructors.

One rounding per operation, in f32. ``h`` is the potential before spikes are taken off. What a layer leaves out is
a neutral number here and changes no bit: an IAF has ``alpha`` 1, a layer without ``norm_input`` has ``gain`` 1.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attribute, Attributes, Parameter, Ports, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, cast, check, floor, minimum, rint, trunc, where

MOST = 2.0**24
"""A count beyond this is not exact in f32, and stops the run; so does one below 0, of a threshold below 0."""

SYNAPSE = Attribute("synapse", "what arrives: as it is (none), or i = alpha_syn (i + x) (exp)", ("none", "exp"))
SPIKES = Attribute(
    "spikes",
    "per step: trunc(h / threshold) where h > 0 (multi), that up to max_spikes (max), or one where h >= threshold"
    " (single)",
    ("multi", "max", "single"),
)
RESET = Attribute(
    "reset",
    "n spikes take n v_subtract away (subtract), or v = h (n == 0) + v_reset, also where nothing spikes (reset)",
    ("subtract", "reset"),
)
ADAPTIVE_RESET = Attribute(
    "reset",
    "n spikes take n thresholds of this step away (threshold) or n v_subtract (subtract), or"
    " v = h (n == 0) + v_reset, also where nothing spikes (reset)",
    ("threshold", "subtract", "reset"),
)
FLOOR = Attribute("floor", "whether v is kept from v_min on: relu(v - v_min) + v_min", (False, True))
MODE = Attribute("mode", "down (floor), or to the nearest, ties to even (rint)", ("floor", "rint"))

ALPHA = Parameter("alpha", "factor of the membrane potential per step, exp(-1 / tau_mem); 1 in an IAF", F32)
GAIN = Parameter("gain", "factor of what arrives: 1 - alpha with norm_input, else 1", F32)
ALPHA_SYN = Parameter("alpha_syn", "factor of the synaptic current per step, exp(-1 / tau_syn)", F32)
V_THRESHOLD = Parameter("v_threshold", "potential of one spike (dimensionless)", F32)
V_SUBTRACT = Parameter("v_subtract", "potential taken away by one spike (dimensionless)", F32)
V_RESET = Parameter("v_reset", "added to the potential in every step, which a spike clears (dimensionless)", F32)
V_MIN = Parameter("v_min", "least potential after a step (dimensionless)", F32)
MAX_SPIKES = Parameter("max_spikes", "most spikes of one step", F32)
ALPHA_ADAPT = Parameter("alpha_adapt", "factor of the adaptation per step, exp(-1 / tau_adapt)", F32)
GAIN_ADAPT = Parameter("gain_adapt", "factor of the spikes in the adaptation, 1 - alpha_adapt", F32)
ADAPT_SCALE = Parameter("adapt_scale", "threshold per unit of adaptation (dimensionless)", F32)


def _count(h: Value, threshold: Value, param: Namespace, spikes: str) -> tuple[Value, Value]:
    """The spikes of this step as a number in f32, and as an output."""
    if spikes == "single":
        spike = h >= threshold  # sinabs: h - threshold >= 0, which is the same without overflow
        return cast(cast(spike, "int"), "f32"), spike
    count = where(h > 0.0, trunc(h / threshold), 0.0)
    if spikes == "max":
        count = minimum(count, param.max_spikes)
    count = check(count, 0.0, MOST)
    return count, cast(count, "int")


def _after(h: Value, n: Value, threshold: Value, param: Namespace, reset: str) -> Value:
    if reset == "reset":
        cleared: Value = h * cast(cast(n == 0.0, "int"), "f32") + param.v_reset
        return cleared
    taken: Value = h - n * (threshold if reset == "threshold" else param.v_subtract)
    return taken


def _kept(v: Value, param: Namespace, floor: bool) -> Value:
    if not floor:
        return v
    above = v - param.v_min
    kept: Value = where(above > 0.0, above, 0.0) + param.v_min
    return kept


def _arrived(x: Value, state: Namespace, param: Namespace, synapse: str) -> Value:
    arrived: Value = param.alpha_syn * (state.i + x) if synapse == "exp" else x
    return arrived


def _neuron(
    x: Value, state: Namespace, param: Namespace, *, synapse: str, spikes: str, reset: str, floor: bool
) -> Step:
    i = _arrived(x, state, param, synapse)
    h = param.alpha * state.v + param.gain * i
    n, s = _count(h, param.v_threshold, param, spikes)
    v = _kept(_after(h, n, param.v_threshold, param, reset), param, floor)
    return ({"i": i, "v": v} if synapse == "exp" else {"v": v}), {"s": s}


def _adaptive(
    x: Value, state: Namespace, param: Namespace, *, synapse: str, spikes: str, reset: str, floor: bool
) -> Step:
    i = param.gain * _arrived(x, state, param, synapse)  # ALIF keeps the current with its gain in it
    h = param.alpha * state.v + i
    threshold = param.v_threshold + param.adapt_scale * state.b
    n, s = _count(h, threshold, param, spikes)
    v = _kept(_after(h, n, threshold, param, reset), param, floor)
    b = param.alpha_adapt * state.b + param.gain_adapt * n
    return ({"i": i, "v": v, "b": b} if synapse == "exp" else {"v": v, "b": b}), {"s": s}


def _leaky(x: Value, state: Namespace, param: Namespace, *, synapse: str, floor: bool) -> Step:
    i = _arrived(x, state, param, synapse)
    h = param.alpha * state.v + param.gain * i
    v = _kept(h, param, floor)  # what is put out is the potential before this
    return ({"i": i, "v": v} if synapse == "exp" else {"v": v}), {"y": h}


def _quantize(x: Value, state: Namespace, param: Namespace, *, mode: str) -> Step:
    return {}, {"y": rint(x) if mode == "rint" else floor(x)}


def _current(_: Attributes) -> tuple[Slot, ...]:
    return (Slot("x", F32),)


def _states(*names: str) -> tuple[State, ...]:
    return tuple(State(name, F32, 0.0) for name in names)


def _of_synapse(attributes: Attributes) -> tuple[str, ...]:
    return ("i", "v") if attributes.get("synapse") == "exp" else ("v",)


def _shared(attributes: Attributes) -> tuple[Parameter, ...]:
    synapse = (ALPHA_SYN,) if attributes.get("synapse") == "exp" else ()
    return (ALPHA, GAIN, *synapse, *((V_MIN,) if attributes.get("floor") else ()))


def _spiking(attributes: Attributes) -> tuple[Parameter, ...]:
    reset = {"subtract": (V_SUBTRACT,), "reset": (V_RESET,)}.get(str(attributes.get("reset")), ())
    most = (MAX_SPIKES,) if attributes.get("spikes") == "max" else ()
    return (*_shared(attributes), V_THRESHOLD, *most, *reset)


NEURON = StepOp(
    "sinabs.Neuron",
    1,
    "sinabs' LIF and IAF: h = alpha v + gain i, spikes, reset, and a floor of the potential.",
    _neuron,
    _current,
    lambda attributes: _states(*_of_synapse(attributes)),
    _spiking,
    (SYNAPSE, SPIKES, RESET, FLOOR),
    spikes=("s",),
)
ALIF = StepOp(
    "sinabs.ALIF",
    1,
    "sinabs' ALIF: as sinabs.Neuron, with the threshold v_threshold + adapt_scale b; then"
    " b = alpha_adapt b + gain_adapt n.",
    _adaptive,
    _current,
    lambda attributes: _states(*_of_synapse(attributes), "b"),
    lambda attributes: (*_spiking(attributes), ALPHA_ADAPT, GAIN_ADAPT, ADAPT_SCALE),
    (SYNAPSE, SPIKES, ADAPTIVE_RESET, FLOOR),
    spikes=("s",),
)
LEAKY = StepOp(
    "sinabs.Leaky",
    1,
    "sinabs' layers without spikes (ExpLeak; spike_fn=None): h = alpha v + gain i, which is the output.",
    _leaky,
    _current,
    lambda attributes: _states(*_of_synapse(attributes)),
    _shared,
    (SYNAPSE, FLOOR),
    Ports(("x",), ("y",)),
)
QUANTIZE = StepOp(
    "sinabs.Quantize",
    1,
    "sinabs' QuantizeLayer: whole numbers as floats.",
    _quantize,
    _current,
    lambda _: (),
    lambda _: (),
    (MODE,),
    Ports(("x",), ("y",)),
)
OPS: tuple[StepOp, ...] = (NEURON, ALIF, LEAKY, QUANTIZE)
