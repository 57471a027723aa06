"""A network as arrays of one core, not yet quantised: what vendors call the mapped specification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from snnhub.findings import Finding
from snnhub.ir.graph import Node
from snnhub.ir.tensor import Array
from snnhub.ops.multispike import unrolled

from snnhub_xylo.core import NO_ALIAS
from snnhub_xylo.families import Family
from snnhub_xylo.mapping.decays import dash_of
from snnhub_xylo.mapping.layers import Network
from snnhub_xylo.mapping.order import Key, Places, place, source_of
from snnhub_xylo.mapping.relays import DASH_MEM, DASH_SYN, SELF, THRESHOLD, WEIGHT


@dataclass(frozen=True, eq=False)
class Mapped:
    """Arrays as in ``Core``, weights, thresholds and biases in f64. ``relay``: (hidden,) bool, neurons whose
    numbers are the chip's already. ``vmem``: the output is a membrane potential, not spikes.
    """

    weights_in: Array
    weights_rec: Array
    weights_out: Array
    threshold: Array
    bias: Array
    dash_mem: Array
    dash_syn: Array
    alias: Array
    threshold_out: Array
    bias_out: Array
    dash_mem_out: Array
    dash_syn_out: Array
    relay: Array
    places: Places
    network: Network
    vmem: bool = False

    def of(self, layer: str) -> slice:
        """Numbers of a hidden layer."""
        return slice(*self.places.span((layer, 0, 0), self.network.sizes[layer]))


def mapped(network: Network, family: Family, vmem: bool = False) -> tuple[Mapped, list[Finding]]:
    """The arrays of a network whose delays are the chip's and whose layers have been admitted."""
    places, found = place(network, family)
    output = network.output
    assert output is not None  # noqa: S101  admitted
    hidden, inputs, outputs = places.hidden, network.sizes[network.input], network.sizes[output.id]
    synapses = max(int(str(layer.attribute["n_syn"])) for layer in network.layers)
    into, rec = np.zeros((inputs, hidden, synapses)), np.zeros((hidden, hidden, synapses))
    out = np.zeros((hidden, outputs))
    for link in network.links:
        source = source_of(link, network)
        rows = slice(None) if source is None else slice(*places.span(source, network.sizes[source[0]]))
        if link.target == output.id:
            out[rows] += link.weight
            continue
        columns = slice(*places.span((link.target, 0, 0), network.sizes[link.target]))
        (into if source is None else rec)[rows, columns, link.synapse] += link.weight
    arrays = _neurons(network, places, hidden, synapses)
    relay = _relays(network, places, into, rec, arrays)
    values = _layer(output, outputs)
    made = Mapped(
        into,
        rec,
        out,
        **arrays,
        threshold_out=values["threshold"],
        bias_out=values["bias"],
        dash_mem_out=values["dash_mem"],
        dash_syn_out=values["dash_syn"][:, 0],
        relay=relay,
        places=places,
        network=network,
        vmem=vmem,
    )
    return made, found


def _layer(layer: Node, size: int) -> dict[str, Array]:
    """Numbers of a layer's neurons, one row each."""
    one = np.ones(size)
    syn = [dash_of(layer.param[name].array * one, "log2") for name in unrolled("beta", layer.attribute)]
    return {
        "threshold": layer.param["threshold"].array.astype(np.float64) * one,
        "bias": layer.param["bias"].array.astype(np.float64) * one,
        "dash_mem": dash_of(layer.param["alpha"].array * one, "log2"),
        "dash_syn": np.stack(syn, axis=1),
    }


def _neurons(network: Network, places: Places, hidden: int, synapses: int) -> dict[str, Array]:
    arrays: dict[str, Array] = {
        "threshold": np.full(hidden, float(THRESHOLD)),
        "bias": np.zeros(hidden),
        "dash_mem": np.full(hidden, DASH_MEM),
        "dash_syn": np.column_stack([np.full(hidden, DASH_SYN), np.zeros((hidden, synapses - 1), np.int64)]),
        "alias": np.full(hidden, NO_ALIAS),
    }
    for layer in network.layers:
        size = network.sizes[layer.id]
        span = slice(*places.span((layer.id, 0, 0), size))
        for name, values in _layer(layer, size).items():
            if name == "dash_syn":  # a layer without the second synapse has no weights there
                arrays[name][span, : values.shape[1]] = values
            else:
                arrays[name][span] = values
    for key, target in places.alias.items():
        size = network.sizes[target]
        arrays["alias"][slice(*places.span(key, size))] = np.arange(*places.span((target, 0, 0), size))
    return arrays


def _relays(network: Network, places: Places, into: Array, rec: Array, arrays: dict[str, Array]) -> Array:
    """Weights of relays. Returns which neurons are relays."""
    relay = np.zeros(places.hidden, bool)
    for key in places.first:
        name, depth, _ = key
        if not depth:
            continue
        size = network.sizes[name]
        span = slice(*places.span(key, size))
        relay[span] = True
        before: Key = name, depth - 1, 0
        if before in places.first:
            rec[slice(*places.span(before, size)), span, 0] = WEIGHT * np.eye(size)
        else:
            into[:, span, 0] = WEIGHT * np.eye(size)
        rec[span, span, 0] = SELF * np.eye(size)
    return relay
