"""What snnhub keeps in a NetX file beside the network: decoder, dt, held frames, correspondence, quantisation.

They sit in ``/snnhub/record`` as JSON, which Lava's reader never looks at, with the digest of the plain
network. If somebody edits the network, the digest no longer fits and the records are left out.
"""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

from snnhub.errors import SnnhubError
from snnhub.findings import info, loss
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Decoder, Graph, Match, Node, Origin, Port, Provenance, Stage
from snnhub.ir.numtype import Quantisation
from snnhub.ir.verify import ensure
from snnhub.ops.registry import REGISTRY

SCHEMA = "snnhub-netx/1"
BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, SnnhubError)
"""What records that somebody made up raise while they are read."""


def make_records(graph: Graph) -> str:
    """The JSON text for a graph whose plain network is about to be written."""
    quantisation = {
        f"{node.id}/{name}": [str(tensor.quantisation.scale.numerator), str(tensor.quantisation.scale.denominator)]
        for node in graph.nodes
        for name, tensor in node.params
        if tensor.quantisation is not None
    }
    decoder = graph.decoder
    return json.dumps(
        {
            "schema": SCHEMA,
            "network": network_digest(replace(graph, decoder=None, dt=None)),
            "name": graph.name,
            "decoder": None if decoder is None else [decoder.reduce, decoder.argmax, decoder.quantity],
            **({} if graph.dt is None else {"dt": graph.dt}),
            "hold": [item.hold for item in graph.inputs],
            "correspondence": [
                [*match.old, *match.new, match.lag, match.scale, match.select] for match in graph.correspondence
            ],
            "origins": {
                node.id: [node.origin.framework, node.origin.version, node.origin.path] for node in graph.nodes
            },
            "quantisation": quantisation,
            "stages": [
                [s.name, s.version, [list(option) for option in s.options]] for s in graph.provenance.stages
            ],
            "source": [graph.provenance.source, graph.provenance.source_sha256],
        },
        separators=(",", ":"),
    )


def apply_records(graph: Graph, text: str | None) -> Graph:
    """The graph with the records of its file, if there are any and they belong to this very network."""
    if text is None:
        return graph
    try:
        records = json.loads(text)
        held = zip(graph.inputs, records["hold"], strict=True)
        shown = replace(graph, inputs=tuple(replace(item, hold=int(steps)) for item, steps in held))
        fits = records["schema"] == SCHEMA and records["network"] == network_digest(shown)
        if not fits:
            message = "the network was changed after snnhub wrote it; its decoder and correspondence are left out"
            return graph.with_findings([loss("SNN-3113", "/snnhub/record", message)])
        kept = _apply(shown, records)
        ensure(kept, REGISTRY)  # the digest does not cover what they say about it
    except BROKEN:
        return graph.with_findings([loss("SNN-3113", "/snnhub/record", "records are broken and left out")])
    return kept


def _apply(graph: Graph, records: dict[str, Any]) -> Graph:
    stages = tuple(
        Stage(str(name), str(version), tuple((str(k), str(v)) for k, v in options))
        for name, version, options in records["stages"]
    )
    provenance = Provenance(
        (*stages, *graph.provenance.stages), graph.provenance.source, graph.provenance.source_sha256
    )
    decoder, dt = records["decoder"], records.get("dt")
    return replace(
        graph,
        name=str(records["name"]),
        dt=None if dt is None else _seconds(dt),
        nodes=tuple(_node(node, records) for node in graph.nodes),
        decoder=None if decoder is None else Decoder(str(decoder[0]), bool(decoder[1]), str(decoder[2])),
        correspondence=tuple(_match(row) for row in records["correspondence"]),
        provenance=provenance,
        findings=(
            *graph.findings,
            info("SNN-3114", "/snnhub/record", "decoder, correspondence and origins read from the file"),
        ),
    )


def _seconds(value: Any) -> float:
    if not 0 < float(value) < float("inf"):
        raise ValueError(value)
    return float(value)


def _node(node: Node, records: dict[str, Any]) -> Node:
    origin = records["origins"].get(node.id)
    params = []
    for name, tensor in node.params:
        ratio = records["quantisation"].get(f"{node.id}/{name}")
        scale = None if ratio is None else Quantisation(Fraction(int(ratio[0]), int(ratio[1])))
        params.append((name, replace(tensor, quantisation=scale)))
    kept = node.origin if origin is None else Origin(*(str(part) for part in origin))
    return replace(node, params=tuple(params), origin=kept)


def _match(row: list[Any]) -> Match:
    old_node, old_name, new_node, new_name, lag, scale, select = row
    picked = None if select is None else (int(select[0]), int(select[1]))
    return Match(
        Port(str(old_node), str(old_name)),
        Port(str(new_node), str(new_name)),
        int(lag),
        None if scale is None else float(scale),
        picked,
    )
