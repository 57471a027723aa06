"""Counts of spikes that are added up: whole numbers in the graph, and f32 in torch, which rounds beyond 2^24."""

from __future__ import annotations

from snnhub.ir.analysis import EXACT_IN_FLOAT
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Port
from snnhub.ir.numtype import F32
from snnhub.torchnet.signals import Signal
from snnhub.torchnet.site import Site, scalar

KEEP = frozenset({"core.Flatten", "core.Reshape", "core.Pad", "core.Upsample", "core.MaxPool", "core.Concat"})
"""Ops whose values are those that arrive, or zeros."""


def as_floats(a: Signal, b: Signal, site: Site) -> tuple[Signal, Signal]:
    """Operands of a sum: as they are, or both as f32 where the sum of whole numbers could be too large for it."""
    sizes = [largest(site.builder, signal.port) for signal in (a, b)]
    if 0 in sizes or sum(sizes) <= EXACT_IN_FLOAT[F32]:
        return a, b
    first, second = (_float(signal, site, name) for signal, name in ((a, "a"), (b, "b")))
    return first, second


def largest(builder: GraphBuilder, port: Port, seen: frozenset[str] = frozenset()) -> int:
    """The largest whole number that a port can give, without its sign; 0 for floats and what is not known."""
    node = next((node for node in builder.nodes if node.id == port.node), None)
    if node is None or node.id in seen:
        return 0
    if node.program is not None:
        type_ = node.program.output_type(port.name)
        return max(abs(bound) for bound in type_.range) if type_.is_int else int(type_.is_bool)
    if node.op not in KEEP | {"core.Add"}:
        return 0
    found = [largest(builder, edge.src, seen | {node.id}) for edge in builder.edges if edge.dst.node == node.id]
    return 0 if not found or 0 in found else sum(found) if node.op == "core.Add" else max(found)


def _float(signal: Signal, site: Site, name: str) -> Signal:
    params = {"scale": scalar(1.0), "shift": scalar(0.0)}
    port = site.builder.node(f"{site.name}/{name}", "core.Scale", signal.port, params=params, origin=site.origin)
    return signal.moved(port, signal.features)
