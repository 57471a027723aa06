"""What a recorded quantity is: a spike train, a state or the input; as said, by its name, or by its values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snnhub.compare.lag import MAX_LAG
from snnhub.compare.quantity import Quantity
from snnhub.findings import Finding, info, note
from snnhub.ir.tensor import Array

SPIKES, STATE, INPUT = "spikes", "state", "input"
SPIKE_NAMES = frozenset({"s", "z", "spk", "spike", "spikes"})
STATE_NAMES = frozenset({"v", "u", "i", "v_mem", "vmem", "i_syn", "isyn", "mem", "membrane", "voltage", "current"})
INPUT_NAMES = frozenset({"input", "inputs", "stimulus"})
MAX_COUNT = 31
"""Most spikes per step of a neuron that anything here knows (Xylo's hidden neurons)."""


@dataclass(frozen=True)
class Rules:
    """What the user said: names of spike trains and states, and how far to look for a lag."""

    spikes: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    max_lag: int = MAX_LAG


def pair_place(files: tuple[str, str], key: str) -> str:
    """Place of a finding about one quantity of two recordings."""
    return f"{files[0]} and {files[1]}: {key}"


def told_kind(
    a: Quantity, b: Quantity, files: tuple[str, str], rules: Rules
) -> tuple[Quantity, Quantity, str, list[Finding]]:
    """Spikes or state: as the user says, else by name, else by the values of both."""
    last = a.name.rpartition("/")[2].lower()
    if a.name in rules.spikes:
        kind = SPIKES
    elif a.name in rules.states:
        kind = STATE
    elif last in INPUT_NAMES:
        kind = INPUT
    elif last in SPIKE_NAMES or last in STATE_NAMES:
        kind = SPIKES if last in SPIKE_NAMES else STATE
    else:
        counts = all(_are_counts(quantity.values) for quantity in (a, b))
        kind = SPIKES if counts else STATE
        values = (
            f"whole numbers from 0 to {MAX_COUNT} in both" if counts else "not whole numbers of spikes in both"
        )
        other = f"--states {a.name}" if counts else f"--spikes {a.name}"
        where = info("SNN-5103", a.name, f"taken as {kind}: {values}", remedy=f"If that is wrong: {other}")
        return a, b, kind, [where]
    return _one_amplitude(a, b, files) if kind == SPIKES else (a, b, kind, [])


def _are_counts(values: Array) -> bool:
    if values.dtype.kind == "b" or not values.size:
        return True
    low, high = values.min(), values.max()
    return bool(low >= 0 and high <= MAX_COUNT and (values.dtype.kind != "f" or (values == np.rint(values)).all()))


def _amplitude(values: Array) -> float | None:
    """The one value of all spikes; None if there are several or none."""
    heights = np.unique(values[values != 0])
    return float(heights[0]) if heights.size == 1 else None


def _one_amplitude(
    a: Quantity, b: Quantity, files: tuple[str, str]
) -> tuple[Quantity, Quantity, str, list[Finding]]:
    """Spikes of another height on each side (1 here, 1/dt there) become 1, and a finding says so."""
    heights = _amplitude(a.values), _amplitude(b.values)
    if None in heights or heights[0] == heights[1]:
        return a, b, SPIKES, []
    message = "a spike has another height in each recording: times are compared, heights are not"
    place = pair_place(files, a.name)
    finding = note("SNN-5110", place, message, old=f"{heights[0]:g}", new=f"{heights[1]:g}")
    return replace(a, values=a.values != 0), replace(b, values=b.values != 0), SPIKES, [finding]
