"""A graph of analog neurons as one network to map: all layers in one row, weights in one matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from snnhub.findings import Finding, Severity, error, loss, of_severity
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup

from snnhub_dynapse2.derive import DEFAULTS, F
from snnhub_dynapse2.lowered.biases import CONSTANTS, Biases, biases_of
from snnhub_dynapse2.lowered.layers import layers_of
from snnhub_dynapse2.lowered.shape import Shape
from snnhub_dynapse2.network import CURRENTS, Floats, Ints, Network

MOST = 1 << 15
"""Neurons of a network that is looked at at all: every one has a row of the matrix."""
DT = 1e-3
"""Rockpool's step, for graphs without a length of a step."""


@dataclass(frozen=True, eq=False)
class Adapted:
    """``network``: what the mapper takes; ``iscale`` (n,): the current per unit of weight of each neuron, A."""

    network: Network
    shape: Shape
    iscale: Floats


def adapted(graph: Graph, lookup: OpLookup) -> tuple[Adapted | None, list[Finding]]:
    """The network of a graph, nothing monitored yet. None, and every reason, if it is none."""
    layers, found = layers_of(graph, lookup)
    if layers is None:
        return None, found
    shape = layers.shape
    parts: list[Biases] = []
    for layer in shape.layers:
        biases, said = biases_of(graph.node[layer.id], layer.size)
        found += said
        if biases is not None:
            parts.append(biases)
    size = sum(layer.size for layer in shape.layers)
    if size > MOST:
        found.append(error("SNN-2501", graph.name or "graph", "far more neurons than boards have", old=str(size)))
    if of_severity(found, Severity.ERROR):
        return None, found
    iscale = np.concatenate([part.iscale for part in parts])
    unit = float(iscale[0])
    w_in, w_rec = np.zeros((shape.n_in, size)), np.zeros((size, size))
    for link in shape.links:
        matrix = w_in if link.source == shape.input else w_rec
        columns = shape.columns(link.target)
        matrix[shape.rows(link), columns] += layers.weights[link.id] * (iscale[columns] / unit)
    constants, said = _constants(parts, shape)
    found += said
    network = Network(
        w_in,
        w_rec,
        {name: np.concatenate([part.currents[name] for part in parts]) for name in CURRENTS},
        unit,
        graph.dt if graph.dt is not None else DT,
        n_ref=_n_ref(parts),
        layout=constants,
        name=shape.layers[0].id if len(shape.layers) == 1 else graph.name or "network",
        labels=shape.labels,
    )
    return Adapted(network, shape, iscale), found


def _n_ref(parts: list[Biases]) -> Ints:
    return np.concatenate([part.n_ref for part in parts]).astype(np.int64)


def _constants(parts: list[Biases], shape: Shape) -> tuple[Mapping[str, float], list[Finding]]:
    """One number for each constant of the chip: the mean of the logarithms where neurons differ."""
    found: dict[str, float] = {}
    spread: dict[str, float] = {}
    for name in CONSTANTS:
        values = np.concatenate([part.constants[name] for part in parts])
        if (values == values[0]).all():
            found[name] = _short(float(values[0]))
            continue
        mean = float(np.exp(np.log(values).mean()))
        found[name] = _short(mean)
        spread[name] = float(np.exp(np.abs(np.log(values / mean)).max()))
    return dict(sorted(found.items())), list(_spread(spread, shape))


def _spread(spread: Mapping[str, float], shape: Shape) -> Iterator[Finding]:
    if spread:
        worst = max(spread, key=lambda name: spread[name])
        words = (
            f"{len(spread)} constants of the chip differ from neuron to neuron, as mismatch draws them: a board "
            "has mismatch of its own, the file one number for each"
        )
        bound = f"{worst} off by up to a factor of {spread[worst]:.4g}"
        remedy = "Convert the network without mismatch."
        yield loss("SNN-2523", shape.layers[0].id, words, bound=bound, remedy=remedy)


def _short(value: float) -> float:
    """The shortest decimal that is the same f32."""
    return float(str(F(value)))


def layout_of(given: Mapping[str, float]) -> dict[str, float]:
    """Every constant of the chip: those of a file, and Rockpool's for the others."""
    return {**{name: DEFAULTS[name] for name in CONSTANTS}, **given}
