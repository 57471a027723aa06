"""The chip families as data. Every number with where it comes from; nothing here was measured on a chip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snnhub.api.target import Limit

OP = "xylo.Core"
VENDOR = "SynSense, Xylo family comparison table"
AVERAGE = 64
"""Mean recurrent fan-out that the vendor's table gives for all families, both synapses together (32 + 32)."""


@dataclass(frozen=True)
class Family:
    """``limits``: counts by name, most and source. ``split``: input and output neurons stand first and last."""

    name: str
    device: str
    chip: str
    limits: Mapping[str, tuple[int, str]]
    split: bool


def _mapper(device: str) -> str:
    return f"Rockpool 3.1.0, {device} mapper"


A2 = Family(
    "xylo-a2",
    "syns61201",
    "Xylo Audio 2",
    {
        "cores": (1, VENDOR),
        "input channels": (16, f"{VENDOR}; {_mapper('syns61201')} only warns"),
        "hidden neurons": (1000, _mapper("syns61201")),
        "output neurons": (8, _mapper("syns61201")),
        "synapses per neuron": (2, VENDOR),
        "neurons fed by inputs": (1000, VENDOR),
        "neurons feeding outputs": (1000, VENDOR),
        "recurrent fan-out": (64, f"{VENDOR}; an example of theirs says 63"),
    },
    False,
)
IMU = Family(
    "xylo-imu",
    "syns63300",
    "Xylo IMU",
    {
        "cores": (1, VENDOR),
        "input channels": (16, f"{VENDOR}; {_mapper('syns63300')} only warns"),
        "hidden neurons": (496, _mapper("syns63300")),
        "output neurons": (16, _mapper("syns63300")),
        "synapses per neuron": (1, _mapper("syns63300")),
        "neurons fed by inputs": (128, VENDOR),
        "neurons feeding outputs": (128, VENDOR),
        "recurrent fan-out": (512, VENDOR),
        "recurrent weights": (496 * AVERAGE, f"{VENDOR}: 31,744, {AVERAGE} per neuron on average"),
    },
    True,
)
A3 = Family(
    "xylo-a3",
    "syns65302",
    "Xylo Audio 3",
    {
        "cores": (1, VENDOR),
        "input channels": (16, f"{VENDOR}; {_mapper('syns65302')} only warns"),
        "hidden neurons": (992, _mapper("syns65302")),
        "output neurons": (32, _mapper("syns65302")),
        "synapses per neuron": (2, VENDOR),
        "neurons fed by inputs": (128, VENDOR),
        "neurons feeding outputs": (128, VENDOR),
        "recurrent fan-out": (1024, VENDOR),
        "recurrent weights": (992 * AVERAGE, f"{VENDOR}: 32 + 32 per neuron on average"),
    },
    True,
)
FAMILIES = {family.name: family for family in (A2, IMU, A3)}

REGISTERS = (
    *(Limit(OP, f"weights_{part}", -128, 127, "xylosim 0.1.3: int8") for part in ("in", "rec", "out")),
    *(
        Limit(OP, name, 0, 2**15 - 1, "xylosim 0.1.3: int16, and wraps below 0")
        for name in ("threshold", "threshold_out")
    ),
    *(Limit(OP, name, -(2**15), 2**15 - 1, "xylosim 0.1.3: int16") for name in ("bias", "bias_out")),
    *(
        Limit(OP, name, 0, 15, "SynSense, samna documentation: bit shift decay of 4 bits")
        for name in ("dash_mem", "dash_syn", "dash_mem_out", "dash_syn_out")
    ),
    *(
        Limit(OP, f"shift_{part}", 0, 15, "Rockpool 3.1.0, syns65302: fields of 4 bits in CTRL1")
        for part in ("in", "rec", "out")
    ),
)
"""Ranges of single numbers, the same in all families."""
