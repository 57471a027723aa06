"""A network of steps in the metadata of a NIR file, bit for bit: all but the numbers that are plain fields anyhow.

``{"graph": a graph-json/1 document, "fields": [[node, parameter, NIR node, field], …], "digest": …}``. Parameters
listed in ``fields`` are single zeros in the document; their numbers are those of the file. The digest is that of
the whole network. Everything is read with the checks of graph-json, programs included.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from snnhub.errors import FormatError
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Tensor, tensor
from snnhub.ir.verify import ensure
from snnhub_formats.graph_json import from_graph_json, to_graph_json
from snnhub_formats.strictjson import items, located, record, text

KEY = "steps"
"""The name of this among snnhub's metadata."""
KEYS = ("graph", "fields", "digest")
ELSEWHERE = tensor(np.zeros((), np.int8))


def stored(graph: Graph, plain: Graph, names: Mapping[str, str]) -> dict[str, Any]:
    """What restores ``graph`` beside the file ``plain``. ``names``: NIR nodes by nodes of the network.

    Raises ``FormatError`` if what is no plain field takes more than 64 MiB.
    """
    fields: list[list[str]] = []
    nodes = []
    for node in graph.nodes:
        own = plain.node.get(names.get(node.id, ""))
        there = {} if own is None else _by_numbers(own.param)
        params = []
        for name, item in node.params:
            field = there.get(_numbers(item))
            if own is not None and field is not None:
                fields.append([node.id, name, own.id, field])
            params.append((name, item if field is None else ELSEWHERE))
        nodes.append(replace(node, params=tuple(params)))
    document = json.loads(to_graph_json(replace(graph, nodes=tuple(nodes))))
    return {"graph": document, "fields": fields, "digest": network_digest(graph)}


def restored(content: Any, plain: Graph, lookup: OpLookup) -> Graph:
    """The network of steps. Raises ``FormatError`` for anything but what ``stored`` writes."""
    document, fields, digest = record(content, KEYS, KEY)
    made = located(f"{KEY}/graph", from_graph_json, json.dumps(document).encode())
    numbers: dict[tuple[str, str], Tensor] = {}
    for entry in items(fields, "fields"):
        node, name, own, field = (text(word, "field") for word in items(entry, "field", 4))
        held = plain.node[own].param.get(field) if own in plain.node else None
        if held is None or (node, name) in numbers:
            raise FormatError(
                "field that is not there, or twice", where=f"{KEY}/fields", found=f"{node}/{name}"[:80]
            )
        numbers[node, name] = held
    nodes = []
    for item in made.nodes:
        params = tuple((name, numbers.pop((item.id, name), value)) for name, value in item.params)
        nodes.append(replace(item, params=params))
    graph = replace(made, nodes=tuple(nodes))
    if numbers or network_digest(graph) != digest:
        raise FormatError("the network is not the one that was written", where=KEY, found=str(digest)[:80])
    located("network", ensure, graph, lookup)
    return graph


def _by_numbers(params: Mapping[str, Tensor]) -> dict[tuple[Any, ...], str]:
    return {_numbers(item): name for name, item in params.items()}


def _numbers(item: Tensor) -> tuple[Any, ...]:
    return item.dtype.name, item.shape, item.sha256
