"""Factors of decay as torch computes them, in NumPy: f32 operations one by one, exp and pow in f64 rounded once.

From 25,240 taus, 306 come out a last bit away from torch, whose exp is its own. Only torch itself gives its bits:
the importer of live modules copies the factors instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

F = np.float32
FROM_TAU = "exp(f32(1/tau) f32(-dt)), exp rounded once from f64; dt {dt:g} s"
FROM_DASH = "1 - 1/2^dash in f32"
FROM_SHIFT = "1 - 2^-n, n = max(0, rint(log2(f32(tau/dt)))); dt {dt:g} s"
STORED = "as stored"
RELATIVE = 1e-6
"""Decays this close are the same number in two roundings."""


def from_tau(tau: Array, dt: float) -> Array:
    """``exp(-dt / tau)``: torch takes the reciprocal of tau in f32 and multiplies it."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        exponent = (F(1) / tau.astype(F)) * F(-dt)
        return np.exp(exponent.astype(np.float64)).astype(F)


def from_shift(tau: Array, dt: float) -> Array:
    """LIFBitshiftTorch's decay: that of the nearest shift, exact."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        shift = np.maximum(0, np.rint(np.log2((tau.astype(F) / F(dt)).astype(np.float64))))
        return (1 - 2.0**-shift).astype(F)


def from_dash(dash: Array) -> Array:
    """``1 - 1 / 2**dash``, which need not be an integer."""
    with np.errstate(over="ignore", invalid="ignore"):
        power = (2.0 ** dash.astype(np.float64)).astype(F)
        return np.asarray(F(1) - F(1) / power, dtype=F)


def compared(values: Mapping[str, Any]) -> str:
    """In words, where the decays of LIFTorch and LIFBitshiftTorch differ most; empty where they agree."""
    worst: tuple[float, str] = (RELATIVE, "")
    dt = values.get("dt")
    mode = values.get("leak_mode", "taus")
    if not isinstance(dt, float | int) or not isinstance(mode, str) or mode != "taus":
        return ""
    for name, factor in (("tau_mem", "alpha"), ("tau_syn", "beta")):
        given = values.get(name)
        tau = np.ravel(given).astype(F) if isinstance(given, np.ndarray | float) else np.zeros(0, F)
        if not tau.size:
            continue
        one, other = from_tau(tau, dt).astype(float), from_shift(tau, dt).astype(float)
        away = np.nan_to_num(np.abs(one - other))
        k = int(np.argmax(away))
        if away[k] > worst[0]:
            words = f"{factor} {other[k]:.4g} instead of {one[k]:.4g} where {name} is {tau[k]:.4g} s"
            worst = float(away[k]), words
    return worst[1]
