"""Measures the bias generator that Rockpool knows and fits nine numbers per transistor type and coarse code to it.

Runs where Rockpool is installed: ``python dac_fit.py dac_v1.json``. Rockpool's table is read there and not
kept: the file holds our fit and how far it is off.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

BITS = 8
FINE = np.arange(2**BITS)


def bits_of(fine: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(codes, 9): a one, and the bits of a fine code, the lowest first."""
    codes = np.asarray(fine, np.int64)
    return np.column_stack([np.ones(codes.size), (codes[:, None] >> np.arange(BITS)) & 1]).astype(np.float64)


def fit(currents: Sequence[float]) -> dict[str, Any]:
    """Offset and weights of the bits in A by relative least squares, with the error over all codes and over those
    from 8 on, as parts of the current.
    """
    table = np.asarray(currents, np.float64)
    numbers = np.linalg.lstsq(bits_of(FINE) / table[:, None], np.ones(table.size), rcond=None)[0]
    rounded = [float(f"{number:.9e}") for number in numbers]
    off = np.abs(bits_of(FINE) @ np.array(rounded) / table - 1)
    return {
        "amps": rounded,
        "max_error": float(f"{off.max():.3e}"),
        "median_error": float(f"{np.median(off):.3e}"),
    }


def fitted(tables: Mapping[str, Mapping[int, Sequence[float]]], source: str) -> dict[str, Any]:
    """The whole model of tables of currents (A) by type, coarse and fine code."""
    types = {kind: [fit(tables[kind][coarse]) for coarse in sorted(tables[kind])] for kind in sorted(tables)}
    return {"name": "dac-v1", "fitted_to": source, "types": types}


def main(path: str) -> None:
    """Fit to the installed Rockpool and write the file."""
    from importlib.metadata import version

    from rockpool.devices.dynapse.lookup import paramgen_se2

    model = fitted(paramgen_se2, f"the bias generator as Rockpool {version('rockpool')} computes it")
    Path(path).write_text(json.dumps(model, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
