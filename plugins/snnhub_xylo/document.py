"""``xylo.json``: what the file of a mapped network holds, and how a graph becomes it. ``reader`` is the other way.

One JSON object, the same bytes for the same graph. Weights are lists of what is not 0, in order; flags of the chip
(second synapse, biases, aliases) are not stored, they follow from the numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import snnhub
from snnhub.findings import Finding
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import TERMINAL_PORT, Decoder, Graph, Match, Port
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import promise_of

from snnhub_xylo.core import CAP_HIDDEN, CAP_INPUT, CAP_OUTPUT, Core, Ints
from snnhub_xylo.families import Family
from snnhub_xylo.measure import first_last
from snnhub_xylo.ops import INPUT, NAME

FORMAT, VERSION = "snnhub-xylo", 1
IN, CORE, OUT = "input", "xylo", "output"
"""Ids in the graph of every file."""
KEYS = (
    "format",
    "version",
    "target",
    "core",
    "dt_s",
    "shape",
    "caps",
    "output_mode",
    "weight_shift",
    "weights_in",
    "weights_rec",
    "weights_out",
    "hidden",
    "output",
    "maps",
    "decoder",
    "findings",
    "provenance",
)
SHAPE = ("inputs", "hidden", "outputs", "synapses", "ien", "oen")
HIDDEN = ("threshold", "bias", "dash_mem", "dash_syn", "alias")
OUTPUT = ("threshold", "bias", "dash_mem", "dash_syn")
CAPS = {"input": CAP_INPUT, "hidden": CAP_HIDDEN, "output": CAP_OUTPUT}
FINDING = ("code", "severity", "place", "message", "old", "new", "bound", "remedy")
MAX_DT = 3600.0
COUNTED = Decoder("sum")
POTENTIAL = Decoder("mean", quantity=f"{CORE}/vmem_out")
DECODERS = {"argmax_count": COUNTED, "argmax_mean_vmem": POTENTIAL}
"""Most spikes, or the highest mean membrane potential of the output neurons; ties to the lowest channel."""
MODES = {COUNTED: "spike", POTENTIAL: "vmem"}
"""``output_mode`` by decoder."""


def graph_of(core: Core, dt: float | None = None, decoder: Decoder | None = None, name: str = CORE) -> Graph:
    """The network of one core, as a file holds it."""
    builder = GraphBuilder(name, REGISTRY)
    x = builder.input((core.inputs,), INPUT, IN)
    builder.node(CORE, NAME, x, params=core.params(), core=core.version, synapses=core.synapses)
    builder.output(Port(CORE, "s_out"), OUT)
    return builder.graph(dt=dt, decoder=decoder)


def write(graph: Graph, core: Core, family: Family) -> bytes:
    """The file of ``graph``, whose only node is ``core``. What does not compute and has no place is left out."""
    ien, oen = extents(core, family)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "target": family.name,
        "core": core.version,
        "dt_s": graph.dt,
        "shape": {
            "inputs": core.inputs,
            "hidden": core.hidden,
            "outputs": core.outputs,
            "synapses": core.synapses,
            "ien": ien,
            "oen": oen,
        },
        "caps": CAPS,
        "output_mode": MODES.get(graph.decoder or COUNTED, "spike"),
        "weight_shift": {name: int(core.arrays[f"shift_{name}"]) for name in ("in", "rec", "out")},
        **{name: _sparse(core.arrays[name]) for name in ("weights_in", "weights_rec", "weights_out")},
        "hidden": {name: core.arrays[name].tolist() for name in HIDDEN},
        "output": {name: core.arrays[f"{name}_out"].tolist() for name in OUTPUT},
        "maps": _maps(graph, core),
        "decoder": next(({"kind": kind} for kind, held in DECODERS.items() if held == graph.decoder), None),
        "findings": [{key: item.to_json()[key] for key in FINDING} for item in graph.findings],
        "provenance": {
            "tool": f"snnhub {snnhub.__version__}",
            "graph_digest": network_digest(graph_of(core, graph.dt, graph.decoder)),
            "source": graph.provenance.source,
            "quantiser": _promise(graph),
        },
    }
    lines = (f"{json.dumps(key)}:{_text(document[key])}" for key in KEYS)
    return ("{" + ",\n".join(lines) + "}\n").encode()


def _promise(graph: Graph) -> dict[str, str]:
    """What the conversion that made the network keeps of the one before it."""
    promise = promise_of(graph)
    if promise is None:
        return {}
    overlap = {} if promise.overlap is None else {"overlap": f"{promise.overlap:.4f}"}
    return {"contract": promise.rung.value, **overlap}


def extents(core: Core, family: Family) -> tuple[int, int]:
    """``ien`` and ``oen``: neurons from the first and from the last one that have input and output weights.

    All of them where the family's chip has the weights of all.
    """
    return first_last(core) if family.split else (core.hidden, core.hidden)


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def _sparse(weights: Ints) -> dict[str, Any]:
    places = np.argwhere(weights)
    values = weights[tuple(places.T)]
    return {"shape": list(weights.shape), "coo": np.column_stack([places, values]).tolist()}


def _maps(graph: Graph, core: Core) -> dict[str, Any]:
    rows: dict[str, list[dict[str, Any]]] = {"inputs": [], "hidden": [], "outputs": []}
    seen: set[Port] = set()
    for match in graph.correspondence:
        kind = held_as(match, graph, core)
        if kind is not None:
            rows[kind] += _rows(match, kind, core, relay=match.old in seen or match.old.name == TERMINAL_PORT)
        if kind == "hidden":
            seen.add(match.old)
    return rows


def kind_of(port: str, relay: bool) -> str:
    """What neurons stand for: spikes of a layer, the sum of a residual block, or one of them later."""
    return "relay" if relay else "spikes" if port == "s" else "sum"


def held_as(match: Match, graph: Graph, core: Core) -> str | None:
    """The list that holds a row of a correspondence; None if none does: states, outputs of the whole graph."""
    node = graph.nodes[0].id
    if match.new == Port(graph.inputs[0].id, TERMINAL_PORT):
        plain = match.lag == 0 and match.scale == 1.0 and match.select is None
        return "inputs" if plain and match.old.name == TERMINAL_PORT else None
    if match.new == Port(node, "s"):
        return "hidden"
    return (
        "outputs"
        if match.new == Port(node, "s_out") and match.old.name == "s" and match.scale is not None
        else None
    )


def _rows(match: Match, kind: str, core: Core, relay: bool) -> Iterator[dict[str, Any]]:
    if kind == "inputs":
        for channel in range(core.inputs):
            yield {"channel": channel, "port": match.old.node, "index": channel}
    elif kind == "hidden":
        first, last = match.select or (0, core.hidden)
        yield {
            "ids": [first, last],
            "node": match.old.node,
            "port": match.old.name,
            "kind": kind_of(match.old.name, relay),
            "lag": match.lag,
            "scale": [] if match.scale is None else [float(match.scale)] * (last - first),
        }
    else:
        first, last = match.select or (0, core.outputs)
        for channel in range(first, last):
            place = {"channel": channel, "node": match.old.node, "index": channel - first}
            yield {**place, "lag": match.lag, "scale": float(match.scale or 0)}


def left_out(graph: Graph, core: Core) -> tuple[Match, ...]:
    """Rows of the correspondence that have no place in the file."""
    return tuple(match for match in graph.correspondence if held_as(match, graph, core) is None)


def finding_of(row: dict[str, Any]) -> Finding:
    """A finding from its entry. Raises ``KeyError`` or ``ValueError`` for unknown codes and severities."""
    from snnhub.findings import Severity

    return Finding(**{**row, "severity": Severity(row["severity"])})
