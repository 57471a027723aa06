"""Builds the stored networks: those of a framework are imported from it, the others written by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import snnhub
from snnhub.ir.graph import Graph

from tests.cells.networks import FACTORIES, FOLDER, NETWORKS, Net
from tests.networks.netx_features import weights
from tests.networks.netx_files import CUBA, conv_layer, dense_layer, write
from tests.networks.soft_reset import network, stored


def store(nets: tuple[Net, ...]) -> None:
    """Write the files of these networks."""
    FOLDER.mkdir(exist_ok=True)
    for net in nets:
        if net.source == "netx":
            _netx(net)
        elif net.source == "rockpool":
            from tests.differential.rockpool_runs import inside

            inside("-W", "ignore", str(NETWORKS / "rockpool_digits.py"), str(FOLDER))
        else:
            snnhub.save(imported(net), net.file)


def live(net: Net) -> Any:
    """The network in its framework: a module, or a reference to its factory."""
    return network(net.factory) if net.source == "spikingjelly" else FACTORIES[net.source](net)


def imported(net: Net) -> Graph:
    """The network as its framework's importer reads it now; it carries no path of this machine."""
    graph = snnhub.import_model(live(net), source=net.source, input_shape=net.shape)
    return replace(graph, name=net.name, findings=(), provenance=replace(graph.provenance, source=net.name))


def _netx(net: Net) -> None:
    if net.name == "conv":
        layers = [conv_layer(weights(3, 2, 3, 3), (3, 4, 3)), {"type": "flatten"}, dense_layer(weights(4, 36))]
        write(net.file, [{"type": "input", "shape": np.array(net.shape)}, *layers])
        return
    with np.load(stored("hard")) as file:
        first, second = file["0.weight"], file["2.weight"]
    neuron = {**CUBA, "iDecay": 4096, "vDecay": 64, "vThMant": 60}
    write(net.file, [dense_layer(2 * np.rint(30 * weight), neuron=neuron) for weight in (first, second)])
