"""Networks of one core of Dynap-SE2 whose firing rates are compared, each with its spikes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from snnhub_dynapse2.network import LAYOUT, Floats, Network, blocked_steps

from tests.conftest import SHARED
from tests.networks.dynapse2_nets import DEFAULTS, network

STEPS = 1000
TRAINED = "trained"
OCTAVES = {"Itau_mem": (0, 2), "Igain_mem": (0, 2), "Itau_syn": (-1, 1), "Igain_syn": (-1, 1), "Iref": (-1, 1)}
"""How far currents are drawn from the defaults."""


@dataclass(frozen=True)
class Row:
    """``fan_in`` and ``fan_rec`` synapses per neuron, weights drawn from ``kind`` times ``gain``; ``ahp``: Iw_ahp
    in A; ``rate``: spikes per step and input; ``wide``: currents drawn too; ``quick``: for the test too.
    """

    name: str
    n_in: int
    n: int
    fan_in: int
    fan_rec: int
    kind: str
    gain: float
    rate: float = 0.05
    ahp: float = 0.0
    wide: bool = False
    quick: bool = False


ROWS = (
    Row("trained", 60, 2, 60, 2, TRAINED, 1.0, quick=True),
    Row("8 to 8", 8, 8, 8, 0, "biased", 1.0, 0.1, quick=True),
    Row("16 to 16, normal", 16, 16, 16, 0, "normal", 1.0, quick=True),
    Row("32 to 16, uniform", 32, 16, 32, 0, "uniform", 0.5, wide=True, quick=True),
    Row("32 to 32, laplace", 32, 32, 24, 0, "laplace", 1.0, 0.03),
    Row("64 to 8, lognormal", 64, 8, 64, 0, "lognormal", 0.4, 0.03, quick=True),
    Row("24 to 24, two humps", 24, 24, 24, 0, "humps", 0.6, wide=True, quick=True),
    Row("40 to 8, positive", 40, 8, 40, 0, "positive", 0.1, quick=True),
    Row("60 to 4, sparse spikes", 60, 4, 60, 0, "biased", 1.0, 0.01, quick=True),
    Row("32 to 32, weak", 32, 32, 32, 0, "biased", 0.15, wide=True),
    Row("16 to 32, strong", 16, 32, 16, 0, "normal", 4.0, 0.1),
    Row("16 to 16, dense spikes", 16, 16, 16, 0, "normal", 0.3, 0.4, quick=True),
    Row("64 to 128, normal", 64, 128, 64, 0, "normal", 0.5, 0.04),
    Row("24 to 24, adaptation", 24, 24, 24, 0, "normal", 1.0, 0.05, 2e-9),
    Row("24 recurrent, normal", 16, 24, 16, 12, "normal", 0.8, quick=True),
    Row("32 recurrent, uniform", 16, 32, 12, 16, "uniform", 0.7, quick=True),
    Row("48 recurrent, laplace", 24, 48, 16, 16, "laplace", 1.0),
    Row("64 recurrent, normal", 32, 64, 32, 32, "normal", 0.7, 0.03, wide=True),
    Row("64 recurrent, lognormal", 32, 64, 24, 24, "lognormal", 0.5),
    Row("100 recurrent, two humps", 16, 100, 16, 16, "humps", 0.5, wide=True),
    Row("20 recurrent, adaptation", 16, 20, 16, 12, "biased", 0.8, 0.05, 1e-9, True, True),
    Row("48 recurrent, adaptation, sparse", 16, 48, 10, 6, "laplace", 0.8, 0.1, 3e-9),
    Row("128 recurrent, fan-in 64", 40, 128, 32, 32, "uniform", 0.6, 0.04),
    Row("256 recurrent, fan-in 64", 50, 256, 32, 32, "normal", 0.5, 0.04),
)


def made(row: Row) -> tuple[Network, Floats]:
    """A network with its refractory steps, and its input (steps, n_in)."""
    rng = np.random.default_rng(ROWS.index(row) + 1000)
    if row.kind == TRAINED:
        folder = SHARED / "rockpool"
        w_in, w_rec = (np.load(folder / f"w_{kind}_optimized.npy").astype(np.float64) for kind in ("in", "rec"))
    else:
        w_in, w_rec = _sparse(rng, row, row.n_in, row.fan_in), _sparse(rng, row, row.n, row.fan_rec)
    changes = {"Iw_ahp": np.full(row.n, row.ahp or DEFAULTS["Iw_ahp"])}
    if row.wide:
        for name, (low, high) in OCTAVES.items():
            changes[name] = np.full(row.n, DEFAULTS[name] * 2 ** rng.uniform(low, high))
    found = network(w_in, w_rec, tuple(range(min(row.n, 8))), changes)
    steps = [blocked_steps(float(np.float32(iref)), found.dt, LAYOUT) for iref in found.currents["Iref"]]
    x = (rng.random((STEPS, row.n_in)) < row.rate).astype(np.float64)
    return replace(found, n_ref=np.array(steps, np.int64)), x


def _sparse(rng: np.random.Generator, row: Row, rows: int, fan: int) -> Floats:
    """(rows, n) weights, ``fan`` of them per column, as f32 holds them."""
    found = np.zeros((rows, row.n), np.float32)
    for column in range(row.n if fan else 0):
        chosen = rng.choice(rows, fan, replace=False)
        found[chosen, column] = row.gain * _values(rng, row.kind, fan)
    return found.astype(np.float64)


def _values(rng: np.random.Generator, kind: str, size: int) -> Floats:
    sign = rng.choice([-1.0, 1.0], size, p=[0.4, 0.6])
    if kind == "humps":
        return np.asarray(rng.normal(0, 0.3, size) + sign)
    if kind == "lognormal":
        return np.asarray(rng.lognormal(-0.5, 1, size) * sign)
    if kind == "laplace":
        return np.asarray(rng.laplace(0, 0.7, size))
    if kind == "uniform":
        return np.asarray(rng.uniform(-1.7, 1.7, size))
    if kind == "positive":
        return np.asarray(np.abs(rng.normal(0.6, 0.5, size)) + 0.01)
    return np.asarray(rng.normal({"normal": 0.0, "biased": 0.3}[kind], 1, size))
