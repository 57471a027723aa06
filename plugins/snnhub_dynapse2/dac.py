"""The bias generator: 6 coarse by 256 fine codes to a current, by a fitted model, and the nearest code of a
current.

I = scale (I0 + sum of the weights of the fine code's bits), nine numbers per transistor type and coarse code, from
``dac_v1.json`` (made by ``dac_fit.py``, which also says how far they are off). The bits do not add up like powers
of two: the current drops at fine codes 32, 64, ... . Nothing of it was measured on a chip.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from snnhub_dynapse2.dac_fit import FINE, bits_of
from snnhub_dynapse2.network import Floats

MODEL = Path(__file__).with_name("dac_v1.json")
SUB_PICO = 1e-12
"""Below this current (A) codes are far apart, and the model and the chip as well."""

SCALES: Mapping[str, float] = {
    "SOIF_DC_P": 0.38,
    "DENM_NMREV_N": 1.05,
    "SOAD_GAIN_P": 0.68,
    "DEAM_EGAIN_P": 0.68,
    "DEGA_IGAIN_P": 0.68,
    "DENM_EGAIN_P": 0.68,
    "DESC_IGAIN_P": 0.68,
    "SOIF_GAIN_N": 1.05,
    "SOAD_PWTAU_N": 0.92,
    "SYPD_EXT_N": 0.92,
    "SOIF_REFR_N": 1.05,
    "SOIF_SPKTHR_P": 0.38,
    "SOAD_TAU_P": 0.2,
    "DEAM_ETAU_P": 0.2,
    "DEGA_ITAU_P": 0.2,
    "DENM_ETAU_P": 0.2,
    "DESC_ITAU_P": 0.2,
    "SOIF_LEAK_N": 0.61,
    "SYAM_W0_P": 0.22,
    "SYAM_W1_P": 0.22,
    "SYAM_W2_P": 0.22,
    "SYAM_W3_P": 0.22,
    "SOAD_W_N": 0.92,
}
"""Factor of each parameter of a core over the transistor's current, as in the vendor's documentation (checked
against Rockpool 3.1.0 in ``tests/differential/test_dynapse2_dac.py``). The last letter is the transistor's type.
"""
BASES = ("SYAM_W0_P", "SYAM_W1_P", "SYAM_W2_P", "SYAM_W3_P")
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "Idc": ("SOIF_DC_P",),
    "If_nmda": ("DENM_NMREV_N",),
    "Igain_ahp": ("SOAD_GAIN_P",),
    "Igain_mem": ("SOIF_GAIN_N",),
    "Igain_syn": ("DEAM_EGAIN_P", "DEGA_IGAIN_P", "DENM_EGAIN_P", "DESC_IGAIN_P"),
    "Ipulse": ("SYPD_EXT_N",),
    "Ipulse_ahp": ("SOAD_PWTAU_N",),
    "Iref": ("SOIF_REFR_N",),
    "Ispkthr": ("SOIF_SPKTHR_P",),
    "Itau_ahp": ("SOAD_TAU_P",),
    "Itau_mem": ("SOIF_LEAK_N",),
    "Itau_syn": ("DEAM_ETAU_P", "DEGA_ITAU_P", "DENM_ETAU_P", "DESC_ITAU_P"),
    "Iw_ahp": ("SOAD_W_N",),
}
"""Parameters of a core that a current of the model sets: gain and leak of all four kinds of synapse at once."""


@dataclass(frozen=True, order=True)
class Code:
    """A setting of the bias generator: coarse 0 to 5, fine 0 to 255."""

    coarse: int
    fine: int


@cache
def table(kind: str) -> Floats:
    """(6, 256) currents in A of transistor type N or P, unscaled."""
    rows = json.loads(MODEL.read_text())["types"][kind]
    found = np.stack([bits_of(FINE) @ np.array(row["amps"]) for row in rows])
    found.flags.writeable = False
    return found


@cache
def errors() -> Mapping[str, tuple[tuple[float, float], ...]]:
    """Largest and median relative error of the model, by type and coarse code."""
    types = json.loads(MODEL.read_text())["types"]
    return {kind: tuple((row["max_error"], row["median_error"]) for row in rows) for kind, rows in types.items()}


def amps(parameter: str, code: Code) -> float:
    """The current of a parameter at a code, in A."""
    return float(table(parameter[-1])[code.coarse, code.fine] * SCALES[parameter])


def span(parameter: str) -> tuple[float, float]:
    """The smallest and the largest current of a parameter, in A."""
    currents = table(parameter[-1]) * SCALES[parameter]
    return float(currents.min()), float(currents.max())


def nearest(parameter: str, current: float) -> Code:
    """The code whose current is nearest; of several the one with the lowest coarse code. Codes at the ends of the
    range stand for what is outside: callers check ``span``.
    """
    off = np.abs(table(parameter[-1]) * SCALES[parameter] - current)
    coarse, fine = divmod(int(off.argmin()), FINE.size)
    return Code(coarse, fine)


@cache
def grid(parameter: str) -> tuple[Floats, tuple[Code, ...]]:
    """All currents of a parameter in A, ascending, and their codes."""
    flat = (table(parameter[-1]) * SCALES[parameter]).ravel()
    order = np.argsort(flat, kind="stable")
    return flat[order], tuple(Code(*divmod(int(place), FINE.size)) for place in order)
