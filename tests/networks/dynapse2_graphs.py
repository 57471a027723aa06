"""Graphs of DynapSim for Dynap-SE2, made without Rockpool: layers in a row, recurrent or not, several iscales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from snnhub.hub.catalogue import register_ops
from snnhub.ir.graph import Graph, Provenance
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub_dynapse2.build import Build
from snnhub_dynapse2.chain import Layer, Linear, Neurons
from snnhub_dynapse2.derive import DEFAULTS, F, derived
from snnhub_dynapse2.network import Network
from snnhub_dynapse2.parameters import BIASES, names

from tests.networks.dynapse2_nets import DEFAULTS as CURRENTS

DT = 1e-3


def neurons(
    path: str,
    size: int,
    w_rec: Array | None = None,
    changes: Mapping[str, Array] | None = None,
    iscale: float = 1e-8,
    biases: bool = True,
) -> Neurons:
    """A layer with DynapSim's default currents, except ``changes``."""
    raw = {name: np.full(size, value, F) for name, value in {**CURRENTS, **DEFAULTS}.items()}
    raw |= {name: np.broadcast_to(np.asarray(array, F), (size,)) for name, array in (changes or {}).items()}
    values = derived(raw, iscale, DT)
    kept = {name: raw[name] for name in names(BIASES)} if biases else {}
    return Neurons(path, size, values, kept, None if w_rec is None else np.asarray(w_rec, F), "f64, rounded once")


def built(layers: Sequence[Layer], name: str = "net") -> Graph:
    """The graph of layers in a row."""
    register_ops()
    return Build(name, ("test", ""), REGISTRY, ()).run(layers, Provenance((), name))


def graph_of(network: Network, biases: bool = True, name: str = "DynapSim") -> Graph:
    """The graph of a network of one layer."""
    changes = {key: np.asarray(values, F) for key, values in network.currents.items()}
    layer = neurons(name, network.n, network.w_rec, changes, network.iscale, biases)
    return built([Linear(f"{name}/w_in", np.asarray(network.w_in, F)), layer], name)


def random_graph(seed: int) -> Graph:
    """One to three layers of up to 12 neurons, some recurrent, a few classes of parameters and iscales."""
    rng = np.random.default_rng(seed)
    width = int(rng.integers(1, 9))
    layers: list[Layer] = []
    for number in range(int(rng.integers(1, 4))):
        size = int(rng.integers(1, 13))
        weight = rng.normal(0.2, 1.5, (width, size)) * (rng.random((width, size)) < rng.choice([0.3, 1.0]))
        layers.append(Linear(f"w_in{number}", weight.astype(F)))
        w_rec = rng.normal(0, 1, (size, size)) * (rng.random((size, size)) < 0.4) if rng.random() < 0.6 else None
        classes = 2.0 ** (rng.integers(0, int(rng.choice([1, 2, 3])), size) / 4)
        changes = {"Itau_mem": 5e-12 * classes, "Iw_ahp": np.full(size, rng.choice([5e-13, 2e-9]))}
        changes["Idc"] = np.full(size, rng.choice([0.0, 5e-13, 1e-11]))
        iscale = float(rng.choice([1e-8, 3e-9]))
        layers.append(neurons(f"layer{number}", size, w_rec, changes, iscale, bool(rng.random() < 0.8)))
        width = size
    return built(layers)
