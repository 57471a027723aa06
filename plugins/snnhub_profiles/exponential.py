"""``exp`` in f32 as torch has it on this machine, where torch is installed; else rounded once from f64.

torch's own comes from MKL and is a last bit away from the rounded value in 1 to 2 of 100 (measured on 51,200
taus).
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from snnhub.findings import Finding, note
from snnhub.ir.tensor import Array

APART = "SNN-2606"


def exp_f32(exponent: Array, place: str, framework: str) -> tuple[Array, str, list[Finding]]:
    """``exp`` of f32 numbers: the values, words for the recipe, and a note where they may not be torch's bits."""
    exponent = np.asarray(exponent, np.float32)
    if find_spec("torch") is None:
        with np.errstate(over="ignore"):
            values = np.exp(exponent.astype(np.float64)).astype(np.float32)
        words = f"{framework}'s exp is torch's, which is not installed here; computed in f64 and rounded once"
        return (
            values,
            "exp in f64, rounded to float32",
            [note(APART, place, words, bound="one unit in the last place")],
        )
    import torch

    values = torch.exp(torch.from_numpy(np.array(exponent))).numpy()
    return values, f"exp in f32 by torch {torch.__version__}", []
