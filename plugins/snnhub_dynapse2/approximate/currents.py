"""Which current stands for which parameter. Every current lies on the grid of the chip's bias generator.

DynapSim's membrane far above its gain current is a leaky integrator of its input:

    d imem / dt = (Itau_mem / c_tau) (imem / (imem + Igain_mem)) ((Igain_mem / Itau_mem) (Iin - L) + fi - imem)

with L = Itau_mem + Io and c_tau = Ut C_mem / kappa. So imem is the potential, Ispkthr the threshold, and a current
Iin moves imem by dt Igain_mem / c_tau per step, whatever the leak is. Igain_mem is therefore small. Where it is
not far below imem, the leak becomes a constant: closer to neurons that mostly inhibition keeps from firing. What
is left of the difference (start at Io, leak taken twice, the feedback fi, the floor of what pulls isyn) is what
``Shape`` and gains are searched for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_dynapse2.approximate.source import Source
from snnhub_dynapse2.dac import PARAMETERS, SUB_PICO, amps, nearest, span
from snnhub_dynapse2.derive import DEFAULTS, F
from snnhub_dynapse2.network import Floats

ISCALE = 1e-8
LARGEST = 10.0
"""The largest weight of a layer, in units of Iscale: 100 nA, a fifth of what a base can give."""
IPULSE = 35e-9
"""Rockpool's default: pulses of 10 us."""
SHORT = 5.0
"""A neuron without a current gets one of the step divided by this: 0.7 % of it are left after a step."""
KAPPA = (DEFAULTS["kappa_n"] + DEFAULTS["kappa_p"]) / 2
C_TAU = DEFAULTS["Ut"] * DEFAULTS["C_mem"] / KAPPA
C_TAU_SYN = DEFAULTS["Ut"] * DEFAULTS["C_syn"] / KAPPA
T_PULSE = DEFAULTS["Vth"] * DEFAULTS["C_pulse"] / IPULSE
REFRACTORY = 0.5
"""Refractory period in steps: one step is blocked, far from the edge where a last bit decides."""


@dataclass(frozen=True, order=True)
class Shape:
    """What is searched once per layer. ``leak``: Itau_mem over what the decay asks for. ``threshold``: Ispkthr, A.

    ``igain``: Igain_mem, A. ``offset``: how much of the leak that is taken away twice Idc gives back, 0 or 1.
    ``gain``: synaptic gain over what the threshold asks for.
    """

    leak: float
    threshold: float
    igain: float
    offset: float
    gain: float


@dataclass(frozen=True, eq=False)
class Chosen:
    """``biases``: by Rockpool's names, A, (size,) f64, constants among them. ``scale`` (size,): what weights are
    multiplied by. ``clipped``: (name, wanted, given) of currents that the chip does not have.
    """

    biases: Mapping[str, Floats]
    scale: Floats
    clipped: tuple[tuple[str, float, float], ...]


def on_grid(name: str, wanted: float) -> float:
    """The nearest current that the bias generator has for a bias, at least 1 pA."""
    parameter = PARAMETERS[name][0]
    low, high = span(parameter)
    return amps(parameter, nearest(parameter, float(np.clip(wanted, max(low, SUB_PICO), high))))


def reach(name: str) -> tuple[float, float]:
    """The smallest and the largest current that ``on_grid`` gives, in A."""
    low, high = span(PARAMETERS[name][0])
    return max(low, SUB_PICO), high


def choose(source: Source, shape: Shape, dt: float, largest: float, factor: Array | float = 1.0) -> Chosen:
    """The currents of a layer. ``largest``: its largest absolute weight; ``factor``: further gains, (size,)."""
    io = DEFAULTS["Io"]
    clipped: list[tuple[str, float, float]] = []
    itau_mem = _leak(source, shape.leak, dt, clipped)
    short = np.exp(-SHORT)
    tau_syn = -dt / np.log(np.maximum(source.factor, short))
    itau_syn = _snapped("Itau_syn", C_TAU_SYN / tau_syn, clipped)
    igain_mem = on_grid("Igain_mem", shape.igain)
    ispkthr = _snapped("Ispkthr", np.full(source.size, shape.threshold), clipped)
    per_unit = ispkthr / source.theta * C_TAU / (dt * igain_mem) * shape.gain
    # what a pulse brings in all is kept, where the chip's current decays otherwise than asked for
    whole = -np.expm1(-dt * itau_syn / C_TAU_SYN) / (1 - source.factor)
    charge = -np.expm1(-on_pulse() * itau_syn / C_TAU_SYN)
    needed = per_unit * source.jump * whole * itau_syn / (charge * ISCALE)
    igain_syn = _snapped(
        "Igain_syn", np.full(source.size, np.median(needed) * max(largest, 1e-30) / LARGEST), clipped
    )
    # all that the gain current, being on a grid and within a range, does not give is left to the weights
    scale = needed / igain_syn
    idc = _bias_currents(shape.offset * 2 * (itau_mem + io) + source.bias * per_unit, clipped)
    each = {"Itau_mem": itau_mem, "Itau_syn": itau_syn, "Ispkthr": ispkthr, "Igain_syn": igain_syn, "Idc": idc}
    shared = {
        "Igain_mem": igain_mem,
        "Iref": on_grid("Iref", DEFAULTS["Vth"] * DEFAULTS["C_ref"] / (REFRACTORY * dt)),
        "Ipulse": on_grid("Ipulse", IPULSE),
        "Ipulse_ahp": on_grid("Ipulse_ahp", 10 * IPULSE),
        **dict.fromkeys(("Itau_ahp", "Igain_ahp", "Iw_ahp", "If_nmda"), io),
        **DEFAULTS,
    }
    biases = each | {name: np.full(source.size, value) for name, value in shared.items()}
    return Chosen(biases, np.asarray(scale * factor, np.float64), tuple(clipped))


def _leak(source: Source, leak: float, dt: float, clipped: list[tuple[str, float, float]]) -> Floats:
    """Itau_mem. Where the source forgets more slowly than the least current makes the chip's neuron forget,
    multiples of that one are tried: a leak of its own keeps quiet what only inhibition did.
    """
    asked = C_TAU * (1 - source.kept) / dt
    least = on_grid("Itau_mem", 0.0)
    found = _snapped("Itau_mem", np.maximum(leak * np.maximum(asked, least), least), clipped)
    if np.any(asked < 0.99 * least):
        clipped.append(("Itau_mem", float(asked.min()), float(found[int(asked.argmin())])))
    return found


def _snapped(name: str, wanted: Floats, clipped: list[tuple[str, float, float]]) -> Floats:
    """Each on the grid; the one that is farthest outside is told."""
    values, back = np.unique(wanted, return_inverse=True)
    low, high = reach(name)
    outside = [value for value in values.tolist() if not 0.99 * low <= value <= 1.01 * high]
    if outside:
        worst = max(outside, key=lambda value: abs(np.log(max(value, 1e-30) / low)))
        clipped.append((name, worst, on_grid(name, worst)))
    return np.asarray(np.array([on_grid(name, value) for value in values.tolist()])[back].reshape(wanted.shape))


def _bias_currents(wanted: Floats, clipped: list[tuple[str, float, float]]) -> Floats:
    """Idc: Io, which stands for none, where nothing or less than that is wanted."""
    io = DEFAULTS["Io"]
    if np.any(wanted < 0):
        clipped.append(("Idc", float(wanted.min()), io))
    return np.array([on_grid("Idc", value) if value > io else io for value in wanted.tolist()])


def on_pulse() -> float:
    """Length of the pulse that a spike becomes, in s, with the current on the grid."""
    return DEFAULTS["Vth"] * DEFAULTS["C_pulse"] / on_grid("Ipulse", IPULSE)


def rounded(biases: Mapping[str, Floats]) -> dict[str, Array]:
    """In f32, as parameters hold them."""
    return {name: np.asarray(value, F) for name, value in biases.items()}
