"""Diff: what is different between two networks, whatever they came from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from snnhub.api.digests import ensure_digests
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.api.source import Source, resolve
from snnhub.differences.report import NetworkDiff, compare_networks
from snnhub.errors import UsageError
from snnhub.hub.catalogue import register_ops
from snnhub.ir.graph import Graph
from snnhub.ops.registry import REGISTRY


def diff(
    a: Any,
    b: Any,
    *,
    from_: str | None = None,
    options: ImportOptions | None = None,
    b_from: str | None = None,
    b_options: ImportOptions | None = None,
) -> NetworkDiff:
    """Compare two networks: files, factory references, live objects or graphs. Nothing is run.

    ``from_`` and ``options``: importer and options of ``a``; ``b_from`` and ``b_options``: those of ``b``. Without
    the latter ``options`` are for both: all of them for factories, for a file those that its importer knows.

    Raises what importers raise, ``FormatError`` where the numbers of a file are not those that it states, and
    ``UsageError`` for options that neither importer has.
    """
    register_ops()
    first, second = _source(a, from_), _source(b, b_from)
    options = options or ImportOptions()
    if b_options is None:
        _ensure_known(options, first, second)
        b_options = _for(second, options)
    else:
        _ensure_known(b_options, second)
        _ensure_known(replace(options, weights=None, settings={}), first, second)
        b_options = _for(second, b_options)
    options = _for(first, options)
    graphs = _graph(a, from_, options), _graph(b, b_from, b_options)
    names = tuple(_name(given, source) for given, source in ((a, first), (b, second)))
    for name, graph in zip(names, graphs, strict=True):
        ensure_digests(graph, name)
    return compare_networks(*graphs, REGISTRY, (names[0], names[1]))


def _source(given: Any, importer: str | None) -> Source | None:
    return None if isinstance(given, Graph) else resolve(given, importer)


def _name(given: Any, source: Source | None) -> str:
    return (given.name or "graph") if source is None else source.name


def _for(source: Source | None, options: ImportOptions) -> ImportOptions:
    """The options that a source can take: those of its importer; what factories take only for factories."""
    if source is None:
        return options
    known = {option.name for option in source.importer.options}
    given = {name: value for name, value in options.given.items() if name in known}
    if source.importer.live:
        return replace(options, given=given)
    return replace(options, weights=None, settings={}, given=given)


def _ensure_known(options: ImportOptions, *sources: Source | None) -> None:
    """Raise ``UsageError`` for options that would mean nothing to any of the sources."""
    if (options.weights or options.settings) and not any(source and source.importer.live for source in sources):
        found = "weights" if options.weights else ", ".join(options.settings)
        raise UsageError("weights and settings are for factories, and no such network is given", found=found)
    known = {option.name for source in sources if source is not None for option in source.importer.options}
    unknown = sorted(set(options.given) - known)
    if unknown:
        raise UsageError(
            "no importer of these networks has such an option",
            found=", ".join(unknown),
            allowed=", ".join(sorted(known)) or "none",
        )


def _graph(given: Any, importer: str | None, options: ImportOptions) -> Graph:
    if isinstance(given, Graph):
        return given
    return load_graph(given, importer=importer, options=options, continuous=True).graph
