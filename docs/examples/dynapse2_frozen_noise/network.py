"""Two recurrent neurons of Dynap-SE2 behind 60 channels, written as the ``.npz`` form without Rockpool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from snnhub_dynapse2.derive import DEFAULTS, derived

Floats = np.ndarray[Any, np.dtype[np.float32]]
ISCALE, DT = 1e-8, 1e-3
"""Current of a unit of weight, in A, and the step in s."""
TAU_SYN, TAU_MEM, TAU_AHP = 10e-3, 20e-3, 50e-3
PULSE, PULSE_AHP, REFRACTORY = 10e-6, 1e-6, 1e-3
"""Time constants and lengths of pulses in s, as DynapSim has them where nobody says otherwise."""
OWN = Path(__file__).with_name("weights.npz")


def currents() -> dict[str, float]:
    """Bias currents in A for these times: I = C Ut / (kappa tau) of a leak, I = C Vth / t of a pulse."""
    c = DEFAULTS
    kappa = (c["kappa_n"] + c["kappa_p"]) / 2
    leak = {name: c[f"C_{name}"] * c["Ut"] / kappa for name in ("syn", "mem", "ahp")}
    found = {
        "Itau_syn": leak["syn"] / TAU_SYN,
        "Itau_mem": leak["mem"] / TAU_MEM,
        "Itau_ahp": leak["ahp"] / TAU_AHP,
    }
    found |= {
        "Igain_syn": 100 * found["Itau_syn"],
        "Igain_mem": 4 * found["Itau_mem"],
        "Igain_ahp": found["Itau_ahp"],
    }
    found |= {
        "Ipulse": c["C_pulse"] * c["Vth"] / PULSE,
        "Ipulse_ahp": c["C_pulse_ahp"] * c["Vth"] / PULSE_AHP,
        "Iref": c["C_ref"] * c["Vth"] / REFRACTORY,
    }
    return found | {"Ispkthr": 1e-7, "Idc": c["Io"], "If_nmda": c["Io"], "Iw_ahp": c["Io"]}


def save(path: Path, w_in: Floats, w_rec: Floats) -> Path:
    """Write a network; ``w_in`` (channels, neurons) and ``w_rec`` (neurons, neurons), row = presynaptic."""
    raw = {name: np.full(w_in.shape[1], value, np.float32) for name, value in {**DEFAULTS, **currents()}.items()}
    numbers = derived(raw, ISCALE, DT)
    np.savez(
        path, **raw, **{name: value for name, value in numbers.items() if name not in raw}, w_in=w_in, w_rec=w_rec
    )
    return path


def weights(folder: Path | None = None) -> tuple[Floats, Floats]:
    """Our own weights, or those of Rockpool's tutorial in ``folder`` (they are Rockpool's, and not kept here)."""
    if folder is not None:
        return np.load(folder / "w_in_optimized.npy"), np.load(folder / "w_rec_optimized.npy")
    with np.load(OWN) as file:
        return file["w_in"], file["w_rec"]
