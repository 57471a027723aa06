"""Rockpool networks of the table of conversions. Only for interpreters that have Rockpool.

``python rockpool_digits.py FOLDER`` saves each as ``rockpool-<name>.json``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

DT = 1e-3
WEIGHTS = Path(__file__).with_name("soft_lif.npz")


def _lif(size: int, cap: int, seed: int, **more: Any) -> Any:
    """Neurons that leak by shifting bits, as Xylo's: time constants are powers of two of a step."""
    import torch
    from rockpool.nn.modules import LIFBitshiftTorch

    random = np.random.default_rng(seed)
    tau_mem, tau_syn = (torch.tensor(2.0 ** random.integers(*dash, size)).float() for dash in ((2, 5), (1, 3)))
    values = {"tau_mem": tau_mem * DT, "tau_syn": tau_syn[:, None] * DT, "threshold": torch.ones(size)}
    return LIFBitshiftTorch((size, size), dt=DT, max_spikes_per_dt=cap, **values, **more)


def _linear(weight: Any) -> Any:
    import torch
    from rockpool.nn.modules import LinearTorch

    grid = torch.round(torch.tensor(np.ascontiguousarray(weight)).float() * 64) / 64
    return LinearTorch(tuple(grid.shape), weight=grid)


def two_layers() -> Any:
    """16-60-8 with the weights of a trained LIF network, time constants of 4 to 16 and 2 to 4 steps."""
    from rockpool.nn.combinators import Sequential

    with np.load(WEIGHTS) as file:
        first, second = file["0.weight"].T * 0.5, file["2.weight"].T * 0.5
    return Sequential(_linear(first), _lif(60, 31, 1), _linear(second), _lif(8, 1, 2))


def recurrent() -> Any:
    """16-24-8 whose hidden neurons feed each other."""
    import torch
    from rockpool.nn.combinators import Sequential

    random = np.random.default_rng(7)
    w_rec = torch.tensor(np.round(random.normal(0, 0.05, (24, 24)) * 64) / 64).float()
    hidden = _lif(24, 31, 3, has_rec=True, w_rec=w_rec)
    first, second = random.normal(0.04, 0.2, (16, 24)), random.normal(0.03, 0.15, (24, 8))
    return Sequential(_linear(first), hidden, _linear(second), _lif(8, 1, 4))


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    for make in (two_layers, recurrent):
        make().save(Path(sys.argv[1]) / f"rockpool-{make.__name__.replace('_', '-')}.json")
