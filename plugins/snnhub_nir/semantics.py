"""snnhub's own words in a NIR file: a JSON text in the metadata of the graph, tied to all that is plain in it.

NIR asks nobody to rely on metadata, and other tools copy them while they change the rest. So they carry a digest
of every plain field and edge: where it does not fit, they are about another network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from snnhub.errors import FormatError
from snnhub.findings import error
from snnhub.ir.continuous import EMPTY, METADATA, TEXTS, VERSION, root_of
from snnhub.ir.ct_names import ROOT
from snnhub.ir.graph import Graph, Node
from snnhub_formats import strictjson

KEY = f"{METADATA}snnhub"
SCHEMA = "snnhub-nir/1"
LIMIT = 2**26
"""As for the graph of a ``.snn`` file."""
REMEDY = "Read without them: --ignore-metadata, in Python the option ignore_metadata=true."
OTHER = (METADATA, TEXTS, EMPTY)


def plain_digest(graph: Graph) -> str:
    """SHA-256 over types, fields (dtype, shape, numbers) and edges of a graph in continuous time.

    Metadata, the version and the order of nodes do not count: other tools change these, and they mean nothing.
    """
    nodes = sorted((_plain(node) for node in graph.nodes), key=lambda item: str(item[0]))
    within = {node.id for node in graph.nodes}
    edges = [[edge.src.node, edge.dst.node] for edge in graph.edges if {edge.src.node, edge.dst.node} <= within]
    text = json.dumps([SCHEMA, nodes, edges], separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _plain(node: Node) -> list[Any]:
    params = [
        [name, tensor.dtype.name, list(tensor.shape), tensor.sha256]
        for name, tensor in node.params
        if not name.startswith(OTHER)
    ]
    words = [[name, value] for name, value in node.attributes if not name.startswith(OTHER) and name != VERSION]
    return [node.id, node.op, params, words]


def attached(graph: Graph, content: Mapping[str, Any]) -> Graph:
    """The graph with ``content`` (what JSON holds) in its metadata, tied to everything plain in it.

    Raises ``FormatError`` if the graph has no node for the whole of it.
    """
    root = root_of(graph)
    if root is None:
        raise FormatError("the graph has no node that could hold metadata", where=graph.name, allowed=ROOT)
    document = {"schema": SCHEMA, "plain": plain_digest(graph), "content": dict(content)}
    text = json.dumps(document, sort_keys=True, allow_nan=False)
    changed = replace(root, attributes=(*_others(root), (KEY, text)))
    return replace(graph, nodes=tuple(changed if node is root else node for node in graph.nodes))


def without(graph: Graph) -> Graph:
    """The graph without snnhub's own metadata."""
    root = root_of(graph)
    if root is None or KEY not in root.attribute:
        return graph
    changed = replace(root, attributes=_others(root))
    return replace(graph, nodes=tuple(changed if node is root else node for node in graph.nodes))


def _others(root: Node) -> tuple[tuple[str, Any], ...]:
    return tuple(item for item in root.attributes if item[0] != KEY)


def content_of(graph: Graph) -> Mapping[str, Any] | None:
    """What ``attached`` put there; None if there is nothing of snnhub.

    Raises ``FormatError`` (SNN-3511) if it is broken, of another schema, or about other numbers than these.
    """
    root = root_of(graph)
    text = None if root is None else root.attribute.get(KEY)
    if not isinstance(text, str):
        return None
    document = strictjson.parse(text.encode(), LIMIT, strictjson.finite)
    if not isinstance(document, dict) or set(document) != {"schema", "plain", "content"}:
        raise _stale("found metadata of another form")
    if document["schema"] != SCHEMA or not isinstance(document["content"], dict):
        raise _stale(f"found schema {str(document['schema'])[:40]!r}, allowed {SCHEMA!r}")
    if document["plain"] != plain_digest(graph):
        raise _stale("the file was changed since they were written: they are about other fields or edges")
    content: Mapping[str, Any] = document["content"]
    return content


def _stale(words: str) -> FormatError:
    found = [error("SNN-3511", "metadata/snnhub", words, remedy=REMEDY)]
    return FormatError(f"snnhub's own metadata: {words}", where="metadata/snnhub", remedy=REMEDY, findings=found)
