"""Currents of neurons to parameters of cores: who can share a core, and the codes that a core gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnhub_dynapse2.dac import PARAMETERS, SCALES, SUB_PICO, Code, amps, grid, nearest, span, table
from snnhub_dynapse2.limits import NEURONS
from snnhub_dynapse2.network import CURRENTS, Floats, Ints, Network, blocked_steps

Bools = np.ndarray[Any, np.dtype[np.bool_]]
EQUAL = 1e-9
"""Currents whose logarithms differ by less are one."""
REFRACTORY = 0.5
"""Codes of Iref are tried up to this distance, in log current, from the wanted one."""


def kinds(network: Network) -> Ints:
    """(n,) numbers; neurons with one number have the same codes for all currents, so nothing tells them apart."""
    rows = np.stack([_places(name, network.currents[name]) for name in CURRENTS], axis=1)
    if network.n_ref is not None:
        rows = np.column_stack([rows, network.n_ref])
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _places(name: str, values: Floats) -> Ints:
    """The place of each current among those of its parameter: equal where codes are."""
    unique, inverse = np.unique(values, return_inverse=True)
    parameter = PARAMETERS[name][0]
    currents = (table(parameter[-1]) * SCALES[parameter]).ravel()
    return np.array([np.abs(currents - value).argmin() for value in unique], np.int64)[inverse.reshape(-1)]


def logs(network: Network) -> Floats:
    """(n, currents) log of the currents, those below the bias generator's range at its end."""
    return np.stack(
        [np.log(np.maximum(network.currents[name], span(PARAMETERS[name][0])[0])) for name in CURRENTS], axis=1
    )


def cores_of(groups: Ints) -> int:
    """The fewest cores that hold neurons of these groups apart."""
    return int(sum(-(-size // NEURONS) for size in np.bincount(groups)))


def grouped(network: Network, cores: int) -> Ints:
    """(n,) groups of neurons that share parameters, so that all fit into ``cores``: apart where codes differ, if
    there are cores enough; else the most different ones are parted first, each time at the widest gap of the
    current that varies most.
    """
    own = kinds(network)
    if cores_of(own) <= cores:
        return _numbered(own)
    points = logs(network)
    groups = np.zeros(network.n, np.int64)
    closed: set[int] = set()
    while True:
        spreads = {
            group: float(points[groups == group].var(axis=0).sum() * (groups == group).sum())
            for group in range(int(groups.max()) + 1)
            if group not in closed
        }
        group = max(spreads, key=lambda key: spreads[key], default=-1)
        if group < 0 or spreads[group] <= 0:
            return _numbered(groups)
        upper = _parted(points, groups == group) & (groups == group)
        split = np.where(upper, groups.max() + 1, groups)
        if not upper.any() or cores_of(split) > cores:
            closed.add(group)
        else:
            groups = split


def _parted(points: Floats, members: Bools) -> Bools:
    """Those of the upper part: two-means along the current that varies most; nobody where none varies."""
    column = int(np.ptp(points[members], axis=0).argmax())
    values = points[:, column]
    own = np.sort(values[members])
    if own[-1] - own[0] < EQUAL:
        return np.zeros(values.size, np.bool_)
    sums = np.cumsum(own)
    sizes = np.arange(1, own.size)
    lower, upper = sums[:-1] ** 2 / sizes, (sums[-1] - sums[:-1]) ** 2 / (own.size - sizes)
    score = np.where(own[1:] > own[:-1], lower + upper, -np.inf)
    return np.asarray(values > own[int(score.argmax())])


def _numbered(groups: Ints) -> Ints:
    """Groups numbered by their first neuron."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    return order[inverse.reshape(-1)].astype(np.int64)


@dataclass(frozen=True, eq=False)
class CoreCurrents:
    """``wanted``: the mean (in log) of the neurons' currents by name, A; ``codes`` by name; ``spread``: the
    largest factor between a neuron's current and the mean; ``n_ref``: wanted blocked steps and those that come
    out.
    """

    wanted: Mapping[str, float]
    codes: Mapping[str, Code]
    spread: Mapping[str, float]
    n_ref: tuple[int, int] | None

    def amps(self, name: str) -> float:
        """The current that the core has, in A."""
        return amps(PARAMETERS[name][0], self.codes[name])

    def is_off(self, name: str) -> bool:
        """Whether a switch of the neurons cuts a current off: no direct current, an adaptation below 1 pA."""
        return (name == "Idc" and self.wanted[name] <= 0) or (name == "Iw_ahp" and self.amps(name) < SUB_PICO)


def core_currents(network: Network, members: Ints) -> CoreCurrents:
    """Of the neurons of one core (numbers into the network)."""
    points = logs(network)[members]
    mean = points.mean(axis=0)
    wanted, spread = {}, {}
    for column, name in enumerate(CURRENTS):
        values = network.currents[name][members]
        same = (values == values[0]).all()
        wanted[name] = float(values[0]) if same else float(np.exp(mean[column]))
        spread[name] = 1.0 if same else float(np.exp(np.abs(points[:, column] - mean[column]).max()))
    codes = {name: _nearest(name, current) for name, current in wanted.items()}
    if network.n_ref is None:
        return CoreCurrents(wanted, codes, spread, None)
    counts = Counter(network.n_ref[members].tolist())
    steps = min(counts, key=lambda key: (-counts[key], key))
    codes["Iref"] = _refractory(network, wanted["Iref"], steps)
    reached = blocked_steps(amps(PARAMETERS["Iref"][0], codes["Iref"]), network.dt, network.layout)
    return CoreCurrents(wanted, codes, spread, (steps, reached))


def _nearest(name: str, current: float) -> Code:
    return nearest(PARAMETERS[name][0], current)


def _refractory(network: Network, wanted: float, steps: int) -> Code:
    """The code nearest to ``wanted`` that blocks for so many steps; the nearest of all if none near does."""
    currents, codes = grid(PARAMETERS["Iref"][0])
    off = np.abs(np.log(currents / max(wanted, currents[0])))
    for place in np.argsort(off, kind="stable"):
        if off[place] > REFRACTORY:
            break
        if blocked_steps(float(currents[place]), network.dt, network.layout) == steps:
            return codes[int(place)]
    return _nearest("Iref", wanted)
