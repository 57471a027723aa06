"""norse's cells as NIR's neurons: time constants from which norse's own importer gets its coefficients back.

norse's importer inverts a time constant in f32 and multiplies dt, in f32. Not every f32 coefficient is such a
product; where none of the time constants nearby gives it, that is a loss. ``LIFBox``, ``IAF`` and ``CubaLIF`` are
read by the profile ``norse-1``. What a LIFCell computes with its current before the decay is in exact arithmetic a
CubaLIF with w_in = tau_syn / dt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from snnhub.findings import Finding
from snnhub.ir.tensor import Array, Tensor

from snnhub_nir.back_layers import STEP, Place, UnsayableError, Written, full

ROUNDED = "SNN-4508"
DYNAMICS = "SNN-4527"
NEARBY = 4
"""How many f32 on both sides of a time constant are tried."""
F = np.float32
Make = Callable[[Place], Written]


def _wide(place: Place, name: str) -> Array:
    return np.asarray(place.node.param[name].array, np.float64)


def _time(place: Place, name: str, found: list[Finding]) -> Array:
    """The time constant of a part lost per step: of the f32 nearby, one from which norse gets that part."""
    part = place.node.param[name].array
    if not bool(np.all(np.isfinite(part) & (part > 0))):
        raise UnsayableError(f"{name} is not above 0 for all neurons: no time constant says so")
    nearest = (place.dt / part.astype(np.float64)).astype(F)
    best = place.dt / part.astype(np.float64)
    fits = np.zeros(part.shape, bool)
    for steps in sorted(range(-NEARBY, NEARBY + 1), key=abs, reverse=True):
        tau = nearest + F(steps) * np.spacing(nearest)
        again = F(place.dt) * (F(1) / tau) == part
        best, fits = np.where(again, tau, best), fits | again
    if not bool(fits.all()):
        words = f"no time constant gives {name} in norse's f32 arithmetic: last bits differ"
        found.append(place.lost(ROUNDED, words))
    return np.asarray(best)


def _fields(place: Place, **given: Tensor | Array | float) -> dict[str, Tensor]:
    return {name: full(value, place.leaving) for name, value in given.items()}


def _numbers(place: Place, *names: str) -> dict[str, Tensor]:
    return _fields(place, **{name: place.node.param[name] for name in names})


def _starting(place: Place, name: str, found: list[Finding]) -> None:
    if np.any(place.node.param[name].array):
        words = f"the potential starts at {name}; NIR does not say where it starts, and its readers start at 0"
        found.append(place.lost(STEP, words, name, "0"))


def _reset(place: Place, found: list[Finding]) -> Tensor | float:
    """v_reset as NIR has it; a reset by subtraction is lost."""
    if place.node.attribute.get("reset") == "subtract":
        words = "a spike takes the threshold away (soft reset); NIR resets to v_reset"
        found.append(place.lost(STEP, words, "subtract", "v_reset = 0"))
        return 0.0
    return place.node.param["v_reset"]


def box(place: Place) -> Written:
    """LIF with r = 1, as norse reads it."""
    found: list[Finding] = []
    tau = _time(place, "c", found)
    fields = _fields(place, tau=tau, r=1.0, v_reset=0.0) | _numbers(place, "v_leak", "v_threshold")
    return Written("LIF", fields, tuple(found))


def box_cell(place: Place) -> Written:
    """LIF with r = 1 and v_reset, which norse's importer does not read."""
    found: list[Finding] = []
    _starting(place, "v_leak", found)
    tau, reset = _time(place, "c", found), _reset(place, found)
    fields = _fields(place, tau=tau, r=1.0, v_reset=reset) | _numbers(place, "v_leak", "v_threshold")
    found.append(place.lost(ROUNDED, "NIR's readers do not add in norse's order: last bits may differ"))
    return Written("LIF", fields, tuple(found))


def iaf(place: Place) -> Written:
    """IF with r = 1 / dt: what one step adds is x."""
    return Written("IF", _fields(place, r=1 / place.dt, v_reset=0.0) | _numbers(place, "v_threshold"))


def iaf_cell(place: Place) -> Written:
    """The same with v_reset, from which norse starts."""
    found: list[Finding] = []
    _starting(place, "v_reset", found)
    fields = _fields(place, r=1 / place.dt) | _numbers(place, "v_threshold", "v_reset")
    return Written("IF", fields, tuple(found))


def cuba(place: Place) -> Written:
    """CubaLIF, as norse's importer builds it."""
    found: list[Finding] = []
    times = {"tau_mem": _time(place, "c", found), "tau_syn": _time(place, "c_syn", found)}
    numbers = _numbers(place, "w_in", "r", "v_leak", "v_threshold")
    return Written("CubaLIF", _fields(place, **times, v_reset=0.0) | numbers, tuple(found))


def lif_cell(place: Place) -> Written:
    """CubaLIF with w_in = tau_syn / dt and r = 1."""
    found: list[Finding] = []
    fields = _double(place, found)
    if place.node.attribute.get("refractory"):
        steps = float(np.max(_wide(place, "rho_reset")))
        words = "a neuron that has fired is silent for some steps; NIR has no refractory period"
        found.append(place.lost(DYNAMICS, words, f"{steps:g} steps", "none"))
    if place.node.op == "norse.LSNNCell":
        words = "the threshold rises with every spike; NIR's thresholds are fixed"
        found.append(place.lost(DYNAMICS, words, "adaptive", "fixed"))
        words = "the potential moves before the current; NIR's readers move the current first"
        found.append(place.lost(STEP, words, "one step later", "the same step"))
    fields |= _fields(place, v_reset=_reset(place, found)) | _numbers(place, "v_threshold")
    return Written("CubaLIF", fields, tuple(found))


def li_cell(place: Place) -> Written:
    """CubaLI with w_in = tau_syn / dt and r = 1."""
    found: list[Finding] = []
    return Written("CubaLI", _double(place, found), tuple(found))


def li_box(place: Place) -> Written:
    """LI with r = 1."""
    found: list[Finding] = []
    _starting(place, "v_leak", found)
    tau = _time(place, "c", found)
    found.append(place.lost(ROUNDED, "NIR's readers do not add in norse's order: last bits may differ"))
    return Written("LI", _fields(place, tau=tau, r=1.0) | _numbers(place, "v_leak"), tuple(found))


def _double(place: Place, found: list[Finding]) -> dict[str, Tensor]:
    _starting(place, "v_leak", found)
    mem, syn = _time(place, "c", found), _time(place, "c_syn", found)
    words = "norse keeps the current after its decay, and NIR before it: last bits differ"
    found.append(place.lost(ROUNDED, words))
    weighed = 1 / _wide(place, "c_syn")
    return _fields(place, tau_mem=mem, tau_syn=syn, w_in=weighed, r=1.0) | _numbers(place, "v_leak")


READ: Mapping[str, Make] = {"norse.LIFBox": box, "norse.IAF": iaf, "norse.CubaLIF": cuba}
"""What the profile ``norse-1`` makes of NIR."""
CELLS: Mapping[str, Make] = {
    "norse.LIFBoxCell": box_cell,
    "norse.IAFCell": iaf_cell,
    "norse.LIFCell": lif_cell,
    "norse.LSNNCell": lif_cell,
    "norse.LICell": li_cell,
    "norse.LIBoxCell": li_box,
}
NEURONS: Mapping[str, Make] = {**READ, **CELLS}
