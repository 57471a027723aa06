"""The exporter: a graph in continuous time as a NIR file, field by field, in the layout of NIR 1.0.8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
from snnhub.errors import GraphError, UnsupportedError, UsageError
from snnhub.files import staged
from snnhub.findings import Finding, error
from snnhub.ir.continuous import DOMAIN, DTYPE, EMPTY, GRAPH, METADATA, TEXTS, VERSION, is_continuous
from snnhub.ir.ct_names import ROOT, node_path
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Array
from snnhub_formats.hdf5_write import write_array

from snnhub_nir import metadata, names, restored, semantics
from snnhub_nir.back import continuous
from snnhub_nir.consumers import adapted

NIR_VERSION = "1.0.8"
"""What a file says where the graph came from no file: the layout is that version's."""
OWN = (METADATA, TEXTS, EMPTY, DTYPE)


def export_nir(graph: Graph, path: Path, chosen: Mapping[str, str] | None = None) -> Sequence[Finding]:
    """Write a NIR file. ``chosen``: ``for`` (a framework), ``lossy``, ``compression``. A network of steps is
    written in continuous time, with what restores it in the metadata.

    Raises ``UnsupportedError``, with every reason, for what NIR or that framework cannot hold, ``UsageError`` for
    a choice that there is not.
    """
    chosen = chosen or {}
    consumer, lossy = chosen.get("for", "none"), chosen.get("lossy", "false") == "true"
    if is_continuous(graph):
        refuse(_not_nir(graph))
        changed, findings = adapted(graph, consumer, lossy)
    else:
        changed, findings = _of_steps(graph, consumer, lossy)
    edges = _edges(changed)
    text = h5py.string_dtype()
    try:
        with staged(path) as place, h5py.File(place, "w") as file:
            for node in changed.nodes:
                group = file.require_group(_place(node))
                _write_node(group, node, chosen.get("compression", "gzip"))
            if (version := _version(changed)) is not None:
                file.create_dataset("version", data=version, dtype=text)
            for scope, pairs in edges.items():
                whole = np.array(pairs, object).reshape(-1, 2)
                file[_group_of(scope)].create_dataset("edges", data=whole, dtype=text)
                file[_group_of(scope)].require_group("nodes")
    except (ValueError, TypeError) as problem:
        words = f"a name is that of a field or of another node ({str(problem)[:80]})"
        refuse([error("SNN-4502", graph.name, words, remedy="Rename the nodes that have a slash.")])
    except OSError as problem:
        raise UsageError("cannot be written", where=str(path), found=str(problem)[:120]) from None
    return findings


def _of_steps(graph: Graph, consumer: str, lossy: bool) -> tuple[Graph, tuple[Finding, ...]]:
    """A network of steps in NIR's words, with what restores it in its metadata."""
    plain = continuous(graph, lossy)
    changed, told = adapted(plain.graph, consumer, lossy, plain.profile)
    content = {restored.KEY: restored.stored(graph, changed, plain.names)}
    return semantics.attached(changed, content), (*plain.findings, *told)


def refuse(found: Sequence[Finding]) -> None:
    """Raise ``UnsupportedError`` with all of ``found``, if there are any."""
    if found:
        raise UnsupportedError(
            f"{len(found)} thing{'s' if len(found) > 1 else ''} cannot be written: {found[0].message}",
            where=found[0].place,
            remedy=found[0].remedy,
            findings=found,
        )


def _not_nir(graph: Graph) -> list[Finding]:
    remedy = "NIR holds networks in continuous time; keep this one as .snn."
    found = [
        error("SNN-4501", node.id, f"{node.kind} is no node of NIR", remedy=remedy)
        for node in graph.nodes
        if node.op.partition(".")[0] != DOMAIN
    ]
    if found:
        return found
    for node in graph.nodes:
        found += [error("SNN-4502", node.id, words) for words in _bad_names(node)]
    ops = {node.id: node.op for node in graph.nodes}
    for edge in graph.edges:
        for end, beyond, op in ((edge.src, edge.dst, "ct.Input"), (edge.dst, edge.src, "ct.Output")):
            if end.node not in ops and ops.get(beyond.node) != op:
                words = f"{end.node} is connected to {beyond.node}, which is no {op}"
                found.append(error("SNN-4501", beyond.node, words))
    return found


def _bad_names(node: Node) -> Iterator[str]:
    try:
        path = node_path(node.id)
    except GraphError as problem:
        yield str(problem)
        return
    for name in path:
        if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
            yield f"HDF5 cannot hold the name {name!r}"


def _place(node: Node) -> str:
    return _group_of(node_path(node.id))


def _group_of(path: names.Path) -> str:
    return "/".join(("node", *(part for name in path for part in ("nodes", name))))


def _version(graph: Graph) -> str | None:
    """What the graph says; the layout's where there is no graph node, and None where that says nothing."""
    root = graph.node.get(ROOT)
    said = NIR_VERSION if root is None else root.attribute.get(VERSION)
    return said if isinstance(said, str) else None


def _write_node(group: h5py.Group, node: Node, compression: str) -> None:
    text = h5py.string_dtype()
    group.create_dataset("type", data=node.op.removeprefix(f"{DOMAIN}."), dtype=text)
    for name, _ in node.params:
        if not name.startswith(METADATA):
            write_array(group, name, metadata.given(node, name), compression)
    for name, value in node.attributes:
        if not name.startswith(OWN) and name != VERSION:
            group.create_dataset(name, data=str(value), dtype=text)
    for path, leaf in metadata.leaves(node):
        _write_leaf(group, f"metadata/{path}", leaf)


def _write_leaf(group: h5py.Group, place: str, leaf: Array | str | None) -> None:
    if leaf is None:
        group.require_group(place)
    elif isinstance(leaf, str) or leaf.dtype.kind == "O":
        group.create_dataset(place, data=leaf, dtype=h5py.string_dtype())
    else:
        write_array(group, place, leaf)


def _edges(graph: Graph) -> dict[names.Path, list[tuple[str, str]]]:
    """Edges by graph, as names. Raises ``UnsupportedError`` for a node that no name leads to."""
    ops = {node_path(node.id): node.op for node in graph.nodes}
    scopes: dict[names.Path, list[tuple[str, str]]] = {
        path: [] for path, op in ops.items() if op == GRAPH or (not path and len(ops) > 1)
    }
    if ROOT not in graph.node:
        scopes[()] = []
    found: list[Finding] = []
    plain = {node_path(node.id): node.id for node in graph.nodes}
    for edge in graph.edges:
        if edge.src.node not in graph.node or edge.dst.node not in graph.node:
            continue
        ends = node_path(edge.src.node), node_path(edge.dst.node)
        scope = names.common(*ends)
        spoken = tuple(names.spoken(scope, end) for end in ends)
        for end, name in zip(ends, spoken, strict=True):
            if names.resolve(scope, name, ops) != end:
                found.append(error("SNN-4502", plain[end], f"{name!r} would mean another node"))
        scopes[scope].append((spoken[0], spoken[1]))
    refuse(list(Counter(found)))
    return scopes
