"""The importer: a NIR file as a graph in continuous time, every field as it is there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import h5py
from snnhub.api.options import ImportOptions
from snnhub.errors import FormatError, GraphError, UsageError
from snnhub.findings import Finding, error, info, note
from snnhub.ir.continuous import VERSION, problems
from snnhub.ir.ct_names import ROOT, node_id, node_path
from snnhub.ir.graph import Edge, Graph, Input, Node, Origin, Output, Port, Provenance, Stage
from snnhub.ir.numtype import F32
from snnhub.ir.verify import ensure
from snnhub.ops.continuous_shapes import numbers
from snnhub_formats import hdf5, hdf5_arrays

from snnhub_nir import legacy, restored, semantics
from snnhub_nir.remarks import listed, remarks
from snnhub_nir.semantics import REMEDY
from snnhub_nir.walk import TYPES, Found, walk

DEPTH, OBJECTS = 64, 200_000
EXPANSION = 64
"""Zeros pack 1000 to 1, weights hardly at all; beyond this a file is asked to be vouched for (``max_bytes``)."""
HASHED = 2**20


def import_nir(path: Path, options: ImportOptions) -> Graph:
    """Read a NIR file.

    Raises ``FormatError``, with every problem that the file has, for anything that is not a NIR graph, would need
    more memory than the file can mean, or leads outside of the file.
    """
    largest, ignore = options.integer("max_bytes", 0), options.given.get("ignore_metadata", "false")
    if ignore not in ("true", "false"):
        raise UsageError("option ignore_metadata", found=ignore, allowed="true, false")
    limits = hdf5.Limits(OBJECTS, DEPTH, largest or 2**40, 0 if largest else EXPANSION)
    where = str(path)
    with ThreadPoolExecutor(1) as beside, hdf5.opened(path, limits) as file:
        digest = beside.submit(_sha256, path)
        found = legacy.walk(file, where) if legacy.is_legacy(file) else walk(file, where)
        left_out = list(_beside(file, found))
    graph = _graph(found, path, digest.result())
    graph = _with_semantics(graph, where, ignore == "true")
    ensure(graph, options.lookup)
    steps = None if options.profile else _of_steps(graph, where, options, ignore == "true")
    if steps is not None:
        return steps.with_findings(left_out)
    return graph.with_findings([*left_out, *remarks(graph, found)])


def _beside(file: h5py.File, found: Found) -> Iterator[Finding]:
    """The version, and what is in the file beside the graph."""
    version = file.get("version")
    if isinstance(version, h5py.Dataset) and version.size == 1 and hdf5_arrays.is_text(version):
        found.version = hdf5_arrays.strings(version, f"{found.where}:/version")[0]
    elif version is not None:
        found.refuse("SNN-3503", "version", "the version is no text")
    others = sorted(set(file) - {"node", "version", *(("nodes", "edges") if "node" not in file else ())})
    if others:
        words = f"objects that are no part of NIR are left out: {listed(repr(name) for name in others)}"
        yield note("SNN-3513", "file", words)


def _graph(found: Found, path: Path, digest: str) -> Graph:
    """The graph between terminals. Raises ``FormatError`` with every problem."""
    nodes = tuple(_whole(node, found) if not names else node for names, node in found.nodes.items())
    for node in nodes:
        found.problems += problems(node, TYPES[node.op.removeprefix("ct.")])
    inputs, outputs, ends = _terminals(nodes, found)
    if found.problems:
        first = found.problems[0]
        count = len(found.problems)
        words = f"the file has {count} problem{'s' if count > 1 else ''}: {first.message}"
        raise FormatError(words, where=f"{found.where}:{first.place}", findings=found.problems)
    made = Provenance((Stage("nir", found.version or ""),), path.name, digest)
    return Graph(path.stem, nodes, (*found.edges, *ends), inputs, outputs, provenance=made)


def _whole(node: Node, found: Found) -> Node:
    said = () if found.version is None else ((VERSION, found.version),)
    return Node(
        ROOT, node.op, 1, (*node.attributes, *said), node.params, None, Origin("nir", found.version or "", "/")
    )


def _terminals(
    nodes: tuple[Node, ...], found: Found
) -> tuple[tuple[Input, ...], tuple[Output, ...], tuple[Edge, ...]]:
    """What the graph is fed by and gives, from the Input and Output nodes of the top level."""
    tops = [node for node in nodes if node.id != ROOT and len(node_path(node.id)) == 1]
    feeding = [node for node in tops if node.op == "ct.Input"]
    fed = [node for node in tops if node.op == "ct.Output"]
    inputs, outputs, edges = [], [], []
    for node in feeding:
        name = "input" if len(feeding) == 1 else f"input/{node_id(('', *node_path(node.id))).removeprefix('/')}"
        try:
            shape = numbers(node, "shape") or ()
        except GraphError as problem:
            found.problems.append(error("SNN-3503", f"{node.id}/shape", str(problem)))
            continue
        if any(size < 1 for size in shape):
            found.problems.append(
                error("SNN-3503", f"{node.id}/shape", f"found {list(shape)}, allowed 1 and more")
            )
        inputs.append(Input(name, shape, F32))
        edges.append(Edge(Port(name, "x"), Port(node.id, "x")))
    for node in fed:
        name = "output" if len(fed) == 1 else f"output/{node_id(('', *node_path(node.id))).removeprefix('/')}"
        outputs.append(Output(name))
        edges.append(Edge(Port(node.id, "y"), Port(name, "x")))
    return tuple(inputs), tuple(outputs), tuple(edges)


def _with_semantics(graph: Graph, where: str, ignore: bool) -> Graph:
    """The graph, whose own metadata belong to it. Raises ``FormatError`` if they do not and are not ignored."""
    try:
        semantics.content_of(graph)
    except FormatError as problem:
        if not ignore:
            told = list(problem.findings) or [error("SNN-3511", "metadata/snnhub", str(problem))]
            place = f"{where}:metadata/snnhub"
            raise FormatError(problem.message, where=place, remedy=REMEDY, findings=told) from None
        words = "snnhub's own metadata are left out: they do not belong to the rest of the file"
        return semantics.without(graph).with_findings([note("SNN-3511", "metadata/snnhub", words)])
    return graph


def _of_steps(graph: Graph, where: str, options: ImportOptions, ignore: bool) -> Graph | None:
    """The network of steps that the file was written from; None where its metadata have none, or are ignored.

    Raises ``FormatError`` if they are broken.
    """
    content = semantics.content_of(graph)
    if ignore or content is None or restored.KEY not in content:
        return None
    try:
        made = restored.restored(content[restored.KEY], graph, options.lookup)
    except FormatError as problem:
        told = [error("SNN-3511", f"metadata/snnhub: {problem.where}", str(problem), remedy=REMEDY)]
        place = f"{where}:metadata/snnhub"
        raise FormatError(problem.message, where=place, remedy=REMEDY, findings=told) from None
    words = "a network of steps, as snnhub's own metadata have it; --profile reads the plain fields instead"
    return replace(made, provenance=graph.provenance).with_findings([info("SNN-4513", made.name, words)])


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASHED):
            digest.update(block)
    return digest.hexdigest()
