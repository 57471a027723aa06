"""The last step of every import: one random input through the framework and through the engine."""

from __future__ import annotations

from snnhub.findings import Finding
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup
from snnhub.torchnet.selfcheck import spike_finding

from snnhub_spikingjelly.probe import SEED, Probe


def compare(graph: Graph, probe: Probe, lookup: OpLookup) -> Finding:
    """Compare the spikes of every neuron on the probe's input; what was found, as a finding."""
    paths = {node.origin.path: f"{node.id}/s" for node in graph.nodes if node.program is not None}
    spikes = {key: probe.spikes[path] for path, key in paths.items() if path in probe.spikes}
    return spike_finding(graph, spikes, probe.stimulus, lookup, SEED)
