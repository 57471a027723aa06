"""Resonators in a chain: two synapses from the same spikes, one for each part of their complex input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import h5py
import numpy as np
from snnhub.findings import Finding, error, note
from snnhub.ir.graph import Edge, Graph, Node, Port
from snnhub.ir.tensor import Array

from snnhub_netx.resonate import DECAYS, OWN_NAMES, PARTS

HALF = 0.5


@dataclass(frozen=True)
class ComplexBlock:
    """``synapses``: of the real and of the imaginary part. ``shape``: of the neurons. Packed each by itself."""

    synapses: tuple[Node, Node]
    neuron: Node
    shape: tuple[int, ...]
    kind: str = "dense"
    recurrent: None = None

    @property
    def nodes(self) -> tuple[tuple[str, Node], ...]:
        """Its nodes with what their ids in a NetX graph add to ``layer<i>``."""
        parts = tuple((f"/synapse_{part}", node) for part, node in zip(PARTS, self.synapses, strict=True))
        return (*parts, ("", self.neuron))

    @property
    def synapse(self) -> Node:
        """The first one, as of every layer."""
        return self.synapses[0]

    def matrices(self, nodes: Mapping[str, Node]) -> list[tuple[str, Array, Array | None]]:
        """What Lava packs together: the id of a synapse, its weights (out, in), and no recurrent ones."""
        return [(node.id, nodes[node.id].param["weight"].array.astype(np.int64), None) for node in self.synapses]


def resonator_of(graph: Graph, edges: tuple[Edge, ...]) -> Node | None:
    """The resonators that the synapses at these edges lead to; None if they lead elsewhere."""
    for edge in edges:
        for onward in graph.out_of.get(Port(edge.dst.node, "y"), ()):
            node = graph.node.get(onward.dst.node)
            if node is not None and node.op in OWN_NAMES:
                return node
    return None


def complex_block(
    graph: Graph, edges: tuple[Edge, ...], neuron: Node, shape: tuple[int, ...]
) -> tuple[ComplexBlock | None, list[Finding]]:
    """The block between these edges and the resonators; None, with every reason, if NetX has none like it."""
    found: list[Finding] = []
    parts: dict[str, Node] = {}
    for edge in edges:
        synapse = graph.node[edge.dst.node]
        if synapse.op != "core.Dense":
            found.append(error("SNN-4122", synapse.id, "NetX has resonators behind dense synapses only"))
        if edge.delay != 1:
            message = f"found delay {edge.delay}, allowed 1: Lava ignores delays of complex layers"
            found.append(error("SNN-4122", str(edge), message))
        onward = graph.fed_by(synapse.id)
        if len(onward) != 1 or onward[0].delay or onward[0].dst.node != neuron.id:
            found.append(
                error("SNN-4122", synapse.id, "a synapse must lead to one part of resonators, without delay")
            )
            continue
        parts[onward[0].dst.name] = synapse
    ports = [f"a_{part}" for part in PARTS]
    if sorted(parts) != sorted(ports) or len(graph.feeding(neuron.id)) != len(ports):
        message = f"resonators take one synapse at each of {', '.join(ports)}, driven by the same spikes"
        found.append(error("SNN-4122", neuron.id, message, old=str(len(graph.feeding(neuron.id)))))
    if found:
        return None, found
    real, imag = (parts[port] for port in ports)
    return ComplexBlock((real, imag), neuron, shape), []


def check_resonators(neuron: Node) -> list[Finding]:
    """What NetX cannot say of these neurons, and that their decays are written half a step higher."""
    found = []
    if neuron.param["vThMant"].size != 1:
        found.append(error("SNN-4122", f"{neuron.id}/vThMant", "NetX has one threshold per layer"))
    moved = [key for key in DECAYS if neuron.param[key].array.any()]
    if moved:
        values = neuron.param[moved[0]].array
        first = int(values[values != 0].flat[0])
        found.append(
            note(
                "SNN-4120",
                neuron.id,
                f"{', '.join(moved)} stand half a step farther from 0 in the file: Lava makes decays of floats "
                "and cuts them, and would lose a step of whole numbers on some machines",
                old=str(first),
                new=f"{half(np.asarray(first))}",
                bound="exact: Lava and snnhub read back the decays of the network",
            )
        )
    return found


def half(values: Array) -> Array:
    """Decays as they stand in a file: half a step farther from 0, f64, and 0 as it is."""
    return np.asarray(values.astype(np.float64) + HALF * np.sign(values))


def write_complex(group: h5py.Group, block: ComplexBlock) -> None:
    """The layer's group in the types of lava-dl, but for the decays, which are f64."""
    group["shape"] = np.array(block.shape, np.int64)
    weights = group.create_group("weight")
    for part, synapse in zip(PARTS, block.synapses, strict=True):
        weight = synapse.param["weight"].array
        weights[part] = weight.astype(np.float32)
    group["inFeatures"], group["outFeatures"] = np.int64(weight.shape[1]), np.int64(weight.shape[0])
    neuron = group.create_group("neuron")
    neuron.create_dataset("type", data=OWN_NAMES[block.neuron.op], dtype=h5py.string_dtype("ascii"))
    for key in DECAYS:
        neuron[key] = half(block.neuron.param[key].array)
    neuron["vThMant"] = np.int64(block.neuron.param["vThMant"].array.reshape(-1)[0])
    neuron["gradedSpike"] = np.bool_(False)
