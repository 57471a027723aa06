"""Networks for Dynap-SE2, made from a seed: sizes, fan-ins, blocks, classes of parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from snnhub_dynapse2.network import CURRENTS, Floats, Network

DEFAULTS: Mapping[str, float] = {
    "Idc": 5e-13,
    "If_nmda": 5e-13,
    "Igain_ahp": 2.9e-12,
    "Igain_mem": 2.13e-11,
    "Igain_syn": 8.69e-9,
    "Ipulse": 3.5e-8,
    "Ipulse_ahp": 3.5e-7,
    "Iref": 1.05e-9,
    "Ispkthr": 1e-7,
    "Itau_ahp": 2.8e-12,
    "Itau_mem": 5.32e-12,
    "Itau_syn": 8.69e-11,
    "Iw_ahp": 5e-13,
}
"""Near DynapSim's defaults, in A."""


def network(
    w_in: Floats,
    w_rec: Floats,
    monitored: tuple[int, ...] = (),
    changes: Mapping[str, Floats] | None = None,
    iscale: float = 1e-8,
) -> Network:
    """A network with the default currents, except ``changes`` (n,)."""
    n = w_in.shape[1]
    currents = {name: np.full(n, DEFAULTS[name]) for name in CURRENTS} | dict(changes or {})
    return Network(w_in, w_rec, currents, iscale, 1e-3, monitored)


def fixed_fan_in(n_in: int, n: int, fan_in: int, seed: int, monitored: int = 4, blocks: int = 0) -> Network:
    """Every neuron has ``fan_in`` synapses from inputs and neurons. ``blocks``: neurons are in so many, by chance,
    and 90 % of their synapses from neurons come from their own.
    """
    rng = np.random.default_rng(seed)
    w_in, w_rec = np.zeros((n_in, n)), np.zeros((n, n), np.float32)
    member = rng.permutation(np.arange(n) % blocks) if blocks else np.zeros(n, np.int64)
    homes = [np.flatnonzero(member == block) for block in range(max(1, blocks))]
    for neuron in range(n):
        if blocks:
            own = rng.choice(homes[member[neuron]], int(fan_in * 0.9 + rng.random()), replace=False)
            far = rng.choice(np.flatnonzero(member != member[neuron]), fan_in - own.size, replace=False)
            w_rec[np.concatenate([own, far]), neuron] = weights(rng, fan_in)
            if rng.random() < 0.1:
                w_rec[own[0], neuron], w_in[rng.integers(n_in), neuron] = 0, 1.0
        else:
            sources = rng.choice(n_in + n, fan_in, replace=False)
            values = weights(rng, fan_in)
            w_in[sources[sources < n_in], neuron] = values[sources < n_in]
            w_rec[sources[sources >= n_in] - n_in, neuron] = values[sources >= n_in]
    watched = rng.choice(n, monitored, replace=False) if monitored else np.zeros(0, np.int64)
    return network(w_in, w_rec.astype(np.float64), tuple(sorted(watched.tolist())))


def placed(n: int, n_in: int, fan_in: int, fill: float, seed: int) -> Network:
    """A network made from a board that holds it, the numbering shuffled: each source has up to 4 destinations
    anywhere (a chip, some of its cores, a tag that is free there), until ``fill`` of the tags are used; neurons
    hear ``fan_in`` of the sources that their core hears. Where a neuron is says nothing about what it reaches.
    """
    rng = np.random.default_rng(seed)
    core, cores = np.arange(n) // 256, -(-n // 256)
    taken = np.zeros((cores, 2048), np.bool_)
    heard: list[set[int]] = [set() for _ in range(cores)]
    for source in np.concatenate([rng.permutation(n_in + n) for _ in range(3)]).tolist():
        first = 4 * int(rng.integers(-(-cores // 4)))
        own = [c for c in range(first, min(first + 4, cores)) if rng.random() < 0.6 and source not in heard[c]]
        free = np.flatnonzero(~taken[own].any(axis=0))
        if own and free.size and taken[own].sum(axis=1).max() < fill * 2048:
            taken[own, rng.choice(free)] = True
            for c in own:
                heard[c].add(source)
    w = np.zeros((n_in + n, n))
    pools = [np.array(sorted(sources)) for sources in heard]
    for neuron in range(n):
        w[rng.choice(pools[core[neuron]], fan_in, replace=False), neuron] = weights(rng, fan_in)
    order = rng.permutation(n)
    return network(w[:n_in, order], w[n_in:][order][:, order])


def weights(rng: np.random.Generator, size: int) -> Floats:
    """Normal, of both signs, none of them 0."""
    values = rng.normal(0, 3, size)
    return np.where(values == 0, 1.0, values)


def small(seed: int) -> Network:
    """A network of up to 60 neurons: dense or sparse, with equal rows (sources that can share a tag), several
    classes of parameters, weights of two values or many.
    """
    rng = np.random.default_rng(seed)
    n_in, n = int(rng.integers(0, 8)), int(rng.integers(1, 60))
    density = rng.choice([0.0, 0.05, 0.3, 0.8])
    shape = (n_in + n, n)
    values = rng.choice([-2.0, 1.0], shape) if rng.random() < 0.3 else rng.normal(0, 3, shape)
    values = values * (rng.random(shape) < density)
    if rng.random() < 0.5:
        values = values[rng.integers(0, n_in + n, n_in + n)]
    for neuron in range(n):
        used = np.flatnonzero(values[:, neuron])
        values[rng.permutation(used)[64:], neuron] = 0
    classes = int(rng.choice([1, 1, 2, 5, 16, 40]))
    changes = {"Itau_mem": 5e-12 * 2.0 ** (rng.integers(0, classes, n) / 4)}
    reached = int(rng.integers(0, n + 1))
    monitored = tuple(sorted(rng.choice(n, min(reached, n), replace=False).tolist())) if rng.random() < 0.7 else ()
    return network(values[:n_in], values[n_in:], monitored, changes)


def matrices() -> dict[str, tuple[Floats, bool]]:
    """Weights of one core with more than 64 that are not 0, by name, and whether their tails are heavy."""
    rng = np.random.default_rng(77)
    sign = rng.choice([-1.0, 1.0], (64, 64))
    sparse = rng.random((12, 24)) < 0.4
    return {
        "12 x 24 normal, 40 %": (np.where(sparse, rng.normal(0, 2, (12, 24)), 0.0), False),
        "16 x 16 normal": (rng.normal(0, 3, (16, 16)), False),
        "20 x 30 uniform": (rng.uniform(-6, 6, (20, 30)), False),
        "32 x 32 two humps": (rng.normal(0, 1, (32, 32)) + 4 * sign[:32, :32], False),
        "64 x 64 normal": (rng.normal(0, 3, (64, 64)), False),
        "24 x 24 lognormal": (rng.lognormal(0, 1, (24, 24)) * sign[:24, :24], True),
        "64 x 64 lognormal": (rng.lognormal(0, 1, (64, 64)) * sign, True),
        "64 x 128 laplace": (rng.laplace(0, 3, (64, 128)), True),
    }
