"""From bias currents, capacitances and constants to the numbers that the neuron computes with, in f32.

The order of operations is Rockpool's, so that with its exponential (``jax.numpy.exp``) the numbers are its own to
the last bit. With another exponential the four factors may differ by an ulp of it, which a charge factor near 1e-3
turns into a relative 1e-4 (f32 cancellation in 1 - exp): they are stored, never recomputed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_dynapse2.parameters import MOST_BLOCKED

F = np.float32
Exponential = Callable[[Array], Array]
RAW = (
    *("Idc", "If_nmda", "Igain_ahp", "Igain_mem", "Igain_syn", "Ipulse_ahp", "Ipulse", "Iref", "Ispkthr"),
    *("Itau_ahp", "Itau_mem", "Itau_syn", "Iw_ahp", "C_ahp", "C_syn", "C_pulse_ahp", "C_pulse", "C_ref", "C_mem"),
    *("Io", "kappa_n", "kappa_p", "Ut", "Vth"),
)
"""What a DynapSim module holds per neuron, and what its mismatch changes; Rockpool's names, SI units."""
DEFAULTS: Mapping[str, float] = {
    "C_ahp": 40e-12,
    "C_syn": 24.5e-12,
    "C_pulse_ahp": 0.5e-12,
    "C_pulse": 0.5e-12,
    "C_ref": 1.5e-12,
    "C_mem": 3e-12,
    "Io": 5e-13,
    "kappa_n": 0.75,
    "kappa_p": 0.66,
    "Ut": 25e-3,
    "Vth": 0.7,
}
"""The layout constants of Rockpool 3.1.0 (``lookup/defaults.py``)."""


def exp_f32(x: Array) -> Array:
    """e^x computed in f64 and rounded once."""
    return np.asarray(np.exp(x.astype(np.float64)).astype(F))


def derived(
    raw: Mapping[str, Array],
    iscale: float | Array,
    dt: float,
    exp: Exponential = exp_f32,
    *,
    initial: Array | None = None,
    exact: bool = False,
) -> dict[str, Array]:
    """The computing parameters of ``dynapse2.DynapSim``, each of the shape of the biases, f32 (n_ref: int64).

    ``raw``: every name of ``RAW``. ``initial``: currents before the first step, Io if None. ``exact``: charge
    factors by expm1 in f64, rounded once, not as Rockpool has them; the decays are the same up to the last bit.
    """
    value = {name: np.asarray(raw[name], F) for name in RAW}
    io, ut, vth = value["Io"], value["Ut"], value["Vth"]
    step = np.asarray(dt, F)
    kappa = (value["kappa_n"] + value["kappa_p"]) / F(2)
    utk = ut / kappa
    it_syn, ig_syn = np.maximum(value["Itau_syn"], io), np.maximum(value["Igain_syn"], io)
    it_ahp, ig_ahp = np.maximum(value["Itau_ahp"], io), np.maximum(value["Igain_ahp"], io)
    it_mem, ig_mem = np.maximum(value["Itau_mem"], io), np.maximum(value["Igain_mem"], io)
    tau_syn, tau_ahp = utk * value["C_syn"] / it_syn, utk * value["C_ahp"] / it_ahp
    t_ref = vth * value["C_ref"] / value["Iref"]
    pulse = vth * value["C_pulse"] / value["Ipulse"]
    pulse_ahp = vth * value["C_pulse_ahp"] / value["Ipulse_ahp"]
    found = {
        "f_charge": _charge(pulse, tau_syn, exp, exact),
        "f_discharge": exp(-step / tau_syn),
        "f_charge_ahp": _charge(pulse_ahp, tau_ahp, exp, exact),
        "f_discharge_ahp": exp(-step / tau_ahp),
        "r_syn": ig_syn / it_syn,
        "r_ahp": ig_ahp / it_ahp,
        "r_mem": ig_mem / it_mem,
        "t_ref": t_ref,
        "It_mem": it_mem,
        "Ig_mem": ig_mem,
        "Idc": value["Idc"],
        "Ispkthr": value["Ispkthr"],
        "Iw_ahp": value["Iw_ahp"],
        "Io": io,
        "I_init": io if initial is None else np.asarray(initial, F),
        "Ut": ut,
        "c_tau": utk * value["C_mem"],
        "utk": utk,
        "kp": (kappa * kappa) / (kappa + F(1)),
    }
    shape = np.broadcast_shapes(*(array.shape for array in found.values()))
    found = {name: np.broadcast_to(array, shape).astype(F) for name, array in found.items()}
    shared = {"Iscale": np.asarray(iscale, F), "dt": step}
    return {**found, **shared, "n_ref": refractory_steps(found["t_ref"], step)}


def _charge(pulse: Array, tau: Array, exp: Exponential, exact: bool) -> Array:
    if exact:
        return np.asarray((-np.expm1(-(pulse.astype(np.float64) / tau.astype(np.float64)))).astype(F))
    return np.asarray(F(1) - exp(-pulse / tau))


def refractory_steps(t_ref: Array, dt: Array) -> Array:
    """How many steps after a spike the input is blocked: what the timer does, r = max(r - dt, 0) in f32, counted.

    It is a count that a last bit decides where t_ref is near a whole number of steps. At most ``MOST_BLOCKED``,
    which also stands for a timer that a step cannot move.
    """
    timer = np.array(t_ref, F, ndmin=1)
    steps = np.zeros(timer.shape, np.int64)
    jump = np.maximum(np.floor(timer.astype(np.float64) / float(dt)) > MOST_BLOCKED, 0)
    steps[jump == 1] = MOST_BLOCKED
    running = (timer > 0) & (jump == 0)
    while running.any():
        steps[running] += 1
        timer[running] = np.maximum(timer[running] - F(dt), F(0))
        running &= (timer > 0) & (steps < MOST_BLOCKED)
    return steps.reshape(np.shape(t_ref))
