"""DynapSim in NumPy, written from its equations alone, and layers with numbers to run it on, without Rockpool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from snnhub.ir.tensor import Array
from snnhub_dynapse2.derive import DEFAULTS, derived

F = np.float32
STATES = ("isyn", "iahp", "imem", "vmem")
BIASES = {
    "Idc": 5e-13,
    "If_nmda": 1e-10,
    "Igain_ahp": 3e-12,
    "Igain_mem": 21.3e-12,
    "Igain_syn": 8.69e-9,
    "Ipulse_ahp": 3.5e-7,
    "Ipulse": 35e-9,
    "Iref": 0.6e-9,
    "Ispkthr": 1e-7,
    "Itau_ahp": 31.8e-12,
    "Itau_mem": 5.32e-12,
    "Itau_syn": 86.9e-12,
    "Iw_ahp": 1e-9,
}


def raw(size: int, seed: int = 0, spread: float = 0.0, **more: float) -> dict[str, Array]:
    """Biases and constants of a layer, (size,) each; ``spread``: standard deviation of the logarithm."""
    random = np.random.default_rng(seed)
    values = {**DEFAULTS, **BIASES, **more}
    return {name: (value * np.exp(random.normal(0, spread, size))).astype(F) for name, value in values.items()}


def numbers(size: int, seed: int = 0, spread: float = 0.0, **more: float) -> dict[str, Array]:
    """The computing parameters of such a layer."""
    return derived(raw(size, seed, spread, **more), 1e-8, 1e-3)


def weights(channels: int, size: int, seed: int = 0, mean: float = 0.15) -> tuple[Array, Array]:
    """w_in (channels, size) and w_rec (size, size)."""
    random = np.random.default_rng(seed)
    w_in = random.normal(mean, 0.8, (channels, size)).astype(F)
    return w_in, random.normal(0, 1.5 / np.sqrt(size), (size, size)).astype(F)


def raster(steps: int, channels: int, seed: int = 0, rate: float = 0.05) -> Array:
    """Spikes (steps, channels), f32."""
    return (np.random.default_rng(seed).random((steps, channels)) < rate).astype(F)


def simulated(p: Mapping[str, Array], w_in: Array, w_rec: Array | None, x: Array) -> dict[str, Array]:
    """States (steps, size) after each step. Sums over synapses in f64, rounded once; everything else in f32."""
    size = w_in.shape[1]
    start = np.broadcast_to(p["I_init"], (size,)).astype(F)
    isyn, iahp, imem = start.copy(), start.copy(), start.copy()
    vmem, s, r = (np.zeros(size, F) for _ in range(3))
    found: dict[str, list[Array]] = {name: [] for name in (*STATES, "s")}
    for arrived in x:
        u = (arrived.astype(np.float64) @ w_in.astype(np.float64)).astype(F)
        if w_rec is not None:
            u = (s.astype(np.float64) @ w_rec.astype(np.float64)).astype(F) + u
        isyn = p["f_discharge"] * isyn + p["f_charge"] * np.maximum(p["r_syn"] * (u * p["Iscale"]), p["Io"])
        kept = p["f_discharge_ahp"] * iahp
        iahp = np.maximum(kept + p["f_charge_ahp"] * (p["r_ahp"] * (p["Iw_ahp"] * s)), p["Io"])
        leak = p["It_mem"] + iahp
        iin = np.maximum(((isyn - leak) + p["Idc"]) * (r == 0), p["Io"])
        feedback = np.exp((p["kp"] * (vmem / p["Ut"])).astype(np.float64)).astype(F)
        pull = p["r_mem"] * (iin - leak) + ((p["Io"] * feedback) / leak) * (imem + p["Ig_mem"])
        pull = pull - imem * (F(1) + iahp / p["It_mem"])
        slope = (imem / ((p["c_tau"] / leak) * (imem + p["Ig_mem"]))) * pull
        m = np.maximum(imem + slope * p["dt"], p["Io"])
        vmem = p["utk"] * np.log((m / p["Io"]).astype(np.float64)).astype(F)
        s = np.maximum(np.ceil(np.log((m / p["Ispkthr"]).astype(np.float64)).astype(F)), F(0))
        b = np.minimum(s, F(1))
        imem = (F(1) - b) * m + b * p["Io"]
        r = (F(1) - b) * np.maximum(r - p["dt"], F(0)) + b * p["t_ref"]
        for name, value in (("isyn", isyn), ("iahp", iahp), ("imem", imem), ("vmem", vmem), ("s", s)):
            found[name].append(value)
    return {name: np.stack(values) for name, values in found.items()}


def save(path: Path, arrays: Mapping[str, Array]) -> Path:
    """An ``.npz`` file."""
    with path.open("wb") as file:
        np.savez(file, **dict(arrays))  # type: ignore[arg-type]
    return path


def layer(size: int = 6, channels: int = 8, seed: int = 0, spread: float = 0.1, **more: float) -> dict[str, Array]:
    """Everything that a file of one recurrent layer needs."""
    w_in, w_rec = weights(channels, size, seed)
    values = {name: array for name, array in numbers(size, seed, spread, **more).items() if name != "n_ref"}
    return {**values, "w_in": w_in, "w_rec": w_rec}
