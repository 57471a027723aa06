"""What the first forward of a network sets right without a word: decays and thresholds that slayer clamps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from snnhub.findings import Finding, note
from snnhub.ir.tensor import Array

INNER = "neuron."


def snapshot(net: Any) -> dict[str, Array]:
    """Copies of the numbers of all neurons, by name."""
    return {
        name: np.asarray(value.detach().cpu().numpy()).copy()
        for name, value in net.named_parameters()
        if INNER in f".{name}" and not value.is_complex()
    }


def clamped(net: Any, before: Mapping[str, Array]) -> list[Finding]:
    """SNN-3328 for every number of a neuron that a forward since ``before`` has changed. Those that the forward
    drew (their shape is another one) are said elsewhere.
    """
    findings = []
    for name, new in snapshot(net).items():
        old = before.get(name)
        if old is None or old.shape != new.shape or not (old != new).any():
            continue
        worst = int(np.abs(old.astype(np.float64) - new).argmax())
        words = f"clamped by slayer's own forward, {int((old != new).sum())} of {old.size}"
        found, now = f"{old.reshape(-1)[worst]:g}", f"{new.reshape(-1)[worst]:g}"
        findings.append(note("SNN-3328", name, words, old=found, new=now))
    return findings
