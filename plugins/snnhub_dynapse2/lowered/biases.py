"""The bias currents and constants of a node of analog neurons: as they are stored, or worked out from the numbers
that the neuron computes with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from snnhub.findings import Finding, error, note
from snnhub.ir.graph import Node
from snnhub.ir.tensor import Array

from snnhub_dynapse2.derive import DEFAULTS, RAW, derived
from snnhub_dynapse2.network import CURRENTS, Floats
from snnhub_dynapse2.parameters import FACTORS, names

FLOORED = ("Itau_syn", "Igain_syn", "Itau_ahp", "Igain_ahp", "Itau_mem", "Igain_mem")
"""The model raises these to the dark current."""
CONSTANTS = tuple(name for name in RAW if name not in CURRENTS)
"""What is the chip's own: capacitances, voltages, slopes, the dark current."""
CLOSE = 1e-2
"""Share by which a charge factor may differ from what the currents worked out give: f32 loses up to 0.6 %."""
REMEDY = "Import the network by its factory, or add the bias currents to the file."


@dataclass(frozen=True, eq=False)
class Biases:
    """(n,) f64 each: ``currents`` by every name of ``CURRENTS``, A, and ``constants`` by every name of
    ``CONSTANTS``, SI. ``iscale`` in A, ``n_ref``: blocked steps.
    """

    currents: Mapping[str, Floats]
    constants: Mapping[str, Floats]
    iscale: Floats
    n_ref: Array


def biases_of(node: Node, size: int) -> tuple[Biases | None, list[Finding]]:
    """Of ``size`` neurons. None, and why, if a factor stands for no current."""
    own = {name: _spread(tensor.array, size) for name, tensor in node.param.items()}
    found: list[Finding] = []
    raw = own if node.attribute.get("biases") is True else _worked_out(node.id, own, found)
    if raw is None:
        return None, found
    currents = {name: raw[name] for name in CURRENTS}
    currents |= {name: np.maximum(raw[name], raw["Io"]) for name in FLOORED}
    constants = {name: raw[name] for name in CONSTANTS}
    return Biases(currents, constants, own["Iscale"], own["n_ref"].astype(np.int64)), found


def _spread(array: Array, size: int) -> Floats:
    return np.broadcast_to(array.astype(np.float64), (size,))


def _worked_out(place: str, own: Mapping[str, Floats], found: list[Finding]) -> dict[str, Floats] | None:
    """Bias currents that give these numbers on a chip with Rockpool's capacitances."""
    fixed = {name: np.full_like(own["Io"], value) for name, value in DEFAULTS.items()}
    with np.errstate(all="ignore"):
        kappa = own["Ut"] / own["utk"]
        raw = fixed | {name: own[name] for name in ("Idc", "Ispkthr", "Iw_ahp", "Io", "Ut")}
        raw |= {"kappa_n": kappa, "kappa_p": kappa, "C_mem": own["c_tau"] / own["utk"], "If_nmda": own["Io"]}
        raw |= {"Itau_mem": own["It_mem"], "Igain_mem": own["Ig_mem"]}
        raw["Iref"] = fixed["Vth"] * fixed["C_ref"] / own["t_ref"]
        for kind, pulse in (("syn", "Ipulse"), ("ahp", "Ipulse_ahp")):
            end = "" if kind == "syn" else "_ahp"
            capacity = fixed["C_pulse"] if kind == "syn" else fixed["C_pulse_ahp"]
            per_tau = -np.log(own[f"f_discharge{end}"]) / own["dt"]
            charge = -np.log1p(-own[f"f_charge{end}"])
            raw[f"Itau_{kind}"] = own["utk"] * fixed[f"C_{kind}"] * per_tau
            raw[f"Igain_{kind}"] = own[f"r_{kind}"] * raw[f"Itau_{kind}"]
            raw[pulse] = fixed["Vth"] * capacity * per_tau / charge
    bad = {name: int((~np.isfinite(array) | (array < 0)).sum()) for name, array in raw.items()}
    for name, count in bad.items():
        if count:
            words = f"no {name} gives the numbers of {count} neurons, and the network does not hold it"
            found.append(error("SNN-2520", f"{place}/{name}", words, remedy=REMEDY))
    if any(bad.values()):
        return None
    off = _off(raw, own)
    words = "bias currents were not stored: worked out from the factors, for Rockpool's capacitances"
    found.append(note("SNN-2520", place, words, bound=f"factors off by {off:.2g} at most", remedy=REMEDY))
    return raw


def _off(raw: Mapping[str, Floats], own: Mapping[str, Floats]) -> float:
    """Largest relative difference between the factors and what the currents give."""
    given = derived(raw, float(own["Iscale"][0]), float(own["dt"][0]))
    with np.errstate(all="ignore"):
        off = [np.abs(given[name] / own[name] - 1) for name in names(FACTORS)]
    return float(np.nanmax(np.stack(off), initial=0.0))
