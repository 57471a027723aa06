"""NetX file to graph: what Lava's reader makes of the file, as a network of Loihi's integer ops."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from snnhub.api.options import ImportOptions
from snnhub.errors import FormatError, GraphError, UnsupportedError
from snnhub.findings import Finding, Severity, info, loss, of_severity
from snnhub.ir.graph import Graph, Provenance, Stage
from snnhub.ir.op import StepOp
from snnhub.ops.registry import REGISTRY

from snnhub_netx import lint, sigma_delta_group
from snnhub_netx.build import Build
from snnhub_netx.chain import NEURONS
from snnhub_netx.decoding import with_decoder
from snnhub_netx.document import parse
from snnhub_netx.hdf5 import opened
from snnhub_netx.records import apply_records
from snnhub_netx.resonate import OWN_NAMES

VERSION = "1"
UNSUPPORTED = frozenset({"SNN-3102", "SNN-3103", "SNN-3116", "SNN-3121", "SNN-3122", "SNN-3134"})


def import_netx(path: Path, options: ImportOptions) -> Graph:
    """The graph of a NetX file.

    Raises ``FormatError`` for a broken file, ``UnsupportedError`` with every layer that cannot be held, and
    ``InputShapeMissingError`` where neither the file nor the options say how large the input is.
    """
    with opened(path) as file:
        document = parse(file, str(path), options.integer("num_layers", 0))
    _stop_at_errors(document.findings, path)
    build = Build(document, options, path)
    build.walk()
    _stop_at_errors(build.builder.findings, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stage = Stage("import netx", VERSION, tuple(sorted(options.given.items())))
    try:
        graph = build.builder.graph(provenance=Provenance((stage,), path.name, digest))
    except GraphError as problem:
        raise FormatError(
            problem.message,
            where=f"{path}:{problem.where}",
            found=problem.found,
            allowed=problem.allowed,
            findings=problem.findings,
        ) from None
    graph = apply_records(graph, document.records)
    graph = graph.with_findings(lint.reading(graph))
    graph = with_decoder(graph, document, options.given.get("decoder", ""))
    interval, offset = options.integer("reset_interval", 0), options.integer("reset_offset", 0)
    return with_reset(graph, interval, offset) if interval else graph


def with_reset(graph: Graph, interval: int, offset: int) -> Graph:
    """The graph with every neuron reset each ``interval`` steps, block by block one step later.

    As ``netx.hdf5.Network(reset_interval=…, reset_offset=…)`` does it; time starts at 1 in Lava.
    """
    nodes, phase = [], offset + 1
    kept: list[Finding] = []
    for node in graph.nodes:
        schema = REGISTRY(node.op, node.version)
        if node.op == "loihi.CubaLIF" and isinstance(schema, StepOp):
            attributes = {**node.attribute, "reset_interval": interval, "reset_offset": phase % interval}
            program = schema.program(attributes)
            nodes.append(replace(node, attributes=tuple(attributes.items()), program=program))
        else:
            nodes.append(node)
        phase += node.op in NEURONS or node.op in OWN_NAMES  # Lava counts them all, and resets CUBA neurons only
        if node.op in OWN_NAMES:
            kept.append(loss("SNN-3135", node.id, "Lava does not reset resonators; nor does this one"))
    found = [info("SNN-3109", graph.name, "neurons are reset while running", new=f"every {interval} steps"), *kept]
    deltas = [node.id for node in graph.nodes if node.op in sigma_delta_group.NEURONS]
    if deltas:
        message = (
            f"Lava does not reset sigma-delta neurons, and neither does this network: {', '.join(deltas[:5])}"
        )
        found.append(loss("SNN-3124", graph.name, message))
    return replace(graph, nodes=tuple(nodes), findings=(*graph.findings, *found))


def _stop_at_errors(findings: list[Finding], path: Path) -> None:
    errors = of_severity(findings, Severity.ERROR)
    if not errors:
        return
    first = errors[0]
    kind = UnsupportedError if any(finding.code in UNSUPPORTED for finding in errors) else FormatError
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise kind(
        f"{first.message}{more}",
        where=f"{path}:{first.place}",
        found=first.old,
        findings=findings,
        remedy=first.remedy,
    )
