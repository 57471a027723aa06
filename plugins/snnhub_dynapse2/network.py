"""What the mapper takes: a network of analog neurons, its weights as numbers, its currents in A."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from snnhub.errors import UsageError

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

CURRENTS = (
    "Idc",
    "If_nmda",
    "Igain_ahp",
    "Igain_mem",
    "Igain_syn",
    "Ipulse",
    "Ipulse_ahp",
    "Iref",
    "Ispkthr",
    "Itau_ahp",
    "Itau_mem",
    "Itau_syn",
    "Iw_ahp",
)
"""Currents of a neuron that the model has and the chip has a bias for, by their names in DynapSim."""
LAYOUT = {"C_ref": 1.5e-12, "Vth": 0.7}
"""Constants that say how long a neuron is refractory, in F and V: DynapSim's defaults."""


@dataclass(frozen=True, eq=False)
class Network:
    """``w_in`` (n_in, n) and ``w_rec`` (n, n; row = source) are f64 in units of weight: a spike of a source adds
    ``w * iscale`` (A) to a synapse. ``currents``: (n,) f64 in A for every name of ``CURRENTS``. ``monitored``: the
    neurons whose spikes leave the chip. ``n_ref``: steps that each neuron is refractory, or None: not kept.

    ``name`` is the node whose neurons these are; ``labels``: node and index of every neuron, where there are
    several nodes. Raises ``UsageError`` if sizes or numbers do not fit.
    """

    w_in: Floats
    w_rec: Floats
    currents: Mapping[str, Floats]
    iscale: float
    dt: float
    monitored: tuple[int, ...] = ()
    n_ref: Ints | None = None
    layout: Mapping[str, float] = field(default_factory=lambda: dict(LAYOUT))
    name: str = "DynapSim"
    labels: tuple[tuple[str, int], ...] | None = None

    def __post_init__(self) -> None:
        n = self.n
        if self.w_rec.shape != (n, n) or self.w_in.ndim != 2:
            shapes = f"{self.w_in.shape} and {self.w_rec.shape}"
            raise UsageError(
                "weights do not fit each other", where=self.name, found=shapes, allowed="(n_in, n), (n, n)"
            )
        if set(self.currents) != set(CURRENTS) or any(i.shape != (n,) for i in self.currents.values()):
            found = ", ".join(f"{name} {np.shape(value)}" for name, value in self.currents.items())
            raise UsageError(
                "currents do not fit", where=self.name, found=found, allowed=f"({n},) each: {CURRENTS}"
            )
        numbers = (self.w_in, self.w_rec, *self.currents.values(), np.array([self.iscale, self.dt]))
        if not all(np.isfinite(array).all() for array in numbers) or min(self.iscale, self.dt) <= 0:
            raise UsageError("numbers are not finite, or iscale or dt is not above 0", where=self.name)
        if len(set(self.monitored)) != len(self.monitored) or not set(self.monitored) <= set(range(n)):
            raise UsageError("monitored neurons are not there, or twice", where=self.name, allowed=f"0 .. {n - 1}")
        if self.n_ref is not None and self.n_ref.shape != (n,):
            raise UsageError("n_ref does not fit", where=self.name, found=str(self.n_ref.shape), allowed=f"({n},)")
        if self.labels is not None and (len(self.labels) != n or len(set(self.labels)) != n):
            raise UsageError("names of neurons do not fit", where=self.name, found=f"{len(self.labels)} of {n}")

    @property
    def n_in(self) -> int:
        """Input channels."""
        return int(self.w_in.shape[0])

    @property
    def n(self) -> int:
        """Neurons."""
        return int(self.w_in.shape[1])

    def label(self, neuron: int) -> tuple[str, int]:
        """Node and index of a neuron."""
        return (self.name, neuron) if self.labels is None else self.labels[neuron]

    def nodes(self) -> dict[str, Ints]:
        """Numbers of the neurons of every node, in order."""
        if self.labels is None:
            return {self.name: np.arange(self.n)}
        found: dict[str, list[int]] = {}
        for number, (node, _) in enumerate(self.labels):
            found.setdefault(node, []).append(number)
        return {node: np.array(numbers, np.int64) for node, numbers in found.items()}

    def synapses(self) -> Synapses:
        """What is not 0, by target and then by source."""
        sources_in, targets_in = np.nonzero(self.w_in)
        sources, targets = np.nonzero(self.w_rec)
        source = np.concatenate([sources_in, sources + self.n_in]).astype(np.int64)
        target = np.concatenate([targets_in, targets]).astype(np.int64)
        weight = np.concatenate([self.w_in[sources_in, targets_in], self.w_rec[sources, targets]])
        order = np.lexsort((source, target))
        return Synapses(source[order], target[order], weight[order].astype(np.float64))


@dataclass(frozen=True, eq=False)
class Synapses:
    """Arrays of one length. A ``source`` below ``n_in`` is an input channel, others are neurons from ``n_in`` on;
    ``weight`` in units of weight.
    """

    source: Ints
    target: Ints
    weight: Floats


def blocked_steps(iref: float, dt: float, layout: Mapping[str, float]) -> int:
    """Steps that a neuron with refractory current ``iref`` (A) is blocked after a spike: DynapSim's timer, in f32.

    The timer starts at C_ref Vth / Iref and loses dt in every step; at exactly 0 the neuron is free again.
    """
    step = np.float32(dt)
    left = np.float32(layout["Vth"]) * np.float32(layout["C_ref"]) / np.float32(iref)
    limit = 10**6
    for count in range(limit):
        if left <= 0:
            return count
        left = np.float32(max(left - step, np.float32(0)))
    return limit
