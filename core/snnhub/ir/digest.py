"""The digest of a network: what computes, and nothing else. Independent of file formats and their versions."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from snnhub.ir.graph import Graph


def network_digest(graph: Graph) -> str:
    """SHA-256 as ``sha256:<hex>`` over nodes, edges, inputs, outputs, decoder, dt, programs and tensor bytes.

    Names of the graph, origins, recipes, findings, correspondence and provenance do not count.
    """
    text = json.dumps(network_json(graph), sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def network_json(graph: Graph) -> dict[str, Any]:
    """The network as plain data with exact numbers; tensors by dtype, shape and SHA-256 of their bytes."""
    return {
        "dt": None if graph.dt is None else graph.dt.hex(),
        "nodes": [
            {
                "id": node.id,
                "op": node.kind,
                "attributes": [[name, list(v) if isinstance(v, tuple) else v] for name, v in node.attributes],
                "params": [[name, t.dtype.name, list(t.shape), t.sha256] for name, t in node.params],
                "program": node.program.digest if node.program else None,
            }
            for node in graph.nodes
        ],
        "edges": [[*edge.src, *edge.dst, edge.delay] for edge in graph.edges],
        "inputs": [[item.id, list(item.shape), str(item.type), item.hold] for item in graph.inputs],
        "outputs": [output.id for output in graph.outputs],
        "decoder": None
        if graph.decoder is None
        else [graph.decoder.reduce, graph.decoder.argmax, graph.decoder.quantity],
    }
