"""Exports a network of one core as ``xylo.json`` for a chip family, if it fits; else nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from snnhub.api.check import check_target
from snnhub.errors import UnsupportedError
from snnhub.files import replacing
from snnhub.findings import Finding, Severity, error, info, of_severity
from snnhub.ir.graph import TERMINAL_PORT, Graph, Port

from snnhub_xylo.core import Core
from snnhub_xylo.document import DECODERS, MAX_DT, graph_of, left_out, write
from snnhub_xylo.families import A2, A3, IMU, OP, Family
from snnhub_xylo.limits import core_spec


def export(graph: Graph, path: Path, family: Family) -> Sequence[Finding]:
    """Write ``graph`` for ``family``. Raises ``UnsupportedError`` with every reason."""
    found = [*check_target(graph, core_spec(family)).findings, *_form(graph)]
    errors = of_severity(found, Severity.ERROR)
    if errors:
        raise UnsupportedError(
            f"cannot be written for {family.name}: {errors[0].message}",
            where=errors[0].place,
            found=errors[0].old,
            remedy=errors[0].remedy,
            findings=found,
        )
    core = Core.of(graph.nodes[0])
    with replacing(path) as file:
        file.write(write(graph, core, family))
    return (*found, *_changes(graph, core))


def _form(graph: Graph) -> Iterator[Finding]:
    """The file holds one input, one core, and its output spikes."""
    only = "Keep the network as .snn."
    if len(graph.nodes) != 1 or len(graph.inputs) != 1 or len(graph.outputs) != 1:
        counts = f"{len(graph.nodes)} nodes, {len(graph.inputs)} inputs, {len(graph.outputs)} outputs"
        yield error("SNN-4301", graph.name or "graph", "the file holds one of each", old=counts, remedy=only)
    for output in graph.outputs:
        sources = [edge.src for edge in graph.into[Port(output.id, TERMINAL_PORT)]]
        if not all(graph.node[s.node].op == OP if s.node in graph.node else False for s in sources):
            continue  # said by the check of the target
        if [source.name for source in sources] != ["s_out"]:
            ports = ", ".join(map(str, sources))
            words = "the output is the spikes of the output neurons"
            yield error("SNN-4301", output.id, words, old=ports, remedy=only)
    if graph.dt is not None and not 0 < graph.dt <= MAX_DT:
        words = f"the length of a step is above 0 and at most {MAX_DT:g} s"
        yield error("SNN-4301", "dt", words, old=repr(graph.dt), remedy="Give the network its dt in seconds.")
    if graph.decoder not in (None, *DECODERS.values()):
        words = "the file holds two decoders: most spikes, and the highest mean potential"
        yield error("SNN-4301", "decoder", words, old=str(graph.decoder), remedy=only)


def _changes(graph: Graph, core: Core) -> Iterator[Finding]:
    held = graph_of(core, graph.dt, graph.decoder)
    if held.network() != graph.network():
        words = "ids, the type of the input and the width of stored numbers become those of every such file"
        ids = ", ".join((graph.inputs[0].id, graph.nodes[0].id, graph.outputs[0].id))
        yield info("SNN-4302", graph.name or "graph", words, old=ids, new="input, xylo, output")
    if rows := left_out(graph, core):
        words = f"{len(rows)} rows of the correspondence have no place in the file"
        remedy = "Keep the .snn file beside it."
        yield info("SNN-4303", "correspondence", words, old=str(rows[0].new), remedy=remedy)


def export_a2(graph: Graph, path: Path) -> Sequence[Finding]:
    """For Xylo Audio 2."""
    return export(graph, path, A2)


def export_imu(graph: Graph, path: Path) -> Sequence[Finding]:
    """For Xylo IMU."""
    return export(graph, path, IMU)


def export_a3(graph: Graph, path: Path) -> Sequence[Finding]:
    """For Xylo Audio 3."""
    return export(graph, path, A3)
