"""Loads any network as a graph: files by content, factories and live objects by importer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from snnhub.api.discretise import discretise
from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.api.source import Source, resolve
from snnhub.errors import UsageError
from snnhub.findings import info
from snnhub.hub.catalogue import register_ops
from snnhub.ir.continuous import is_continuous
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class Loaded:
    """A graph with where it came from and the options it was imported with."""

    graph: Graph
    source: Source
    options: ImportOptions


def load_graph(
    given: Any,
    *,
    importer: str | None = None,
    options: ImportOptions | None = None,
    stimulus: Array | None = None,
    continuous: bool = False,
) -> Loaded:
    """Import ``given``. Where it does not say how large its input is, the shape is taken from ``stimulus``
    (time, batch, features…) or (time, features…), and a finding says which reading was chosen.

    ``continuous``: a graph in continuous time will do, as it does for those who only look at it or write it.
    Raises what the importer and a profile raise, ``InputShapeMissingError`` if there is no stimulus to look at,
    and ``ProfileNeededError``, a usage error, for a graph in continuous time where steps are needed: it has the
    list of profiles, which with ``stimulus`` and a dt says who agrees on it.
    """
    loaded = _in_steps(_load(given, importer, options, stimulus))
    return loaded if continuous else _with_steps(loaded, stimulus)


def load_beside(given: Any, options: ImportOptions, first: ImportOptions, stimulus: Array) -> Loaded:
    """The second network of two: the profile and the dt of the first one make it steps, too, if it needs any.

    Raises what ``load_graph`` raises.
    """
    loaded = load_graph(given, options=options, stimulus=stimulus, continuous=True)
    if is_continuous(loaded.graph):
        same = replace(loaded.options, profile=first.profile, dt=first.dt)
        loaded = _in_steps(replace(loaded, options=same))
    return _with_steps(loaded, stimulus)


def _with_steps(loaded: Loaded, stimulus: Array | None) -> Loaded:
    """What was loaded. Raises ``ProfileNeededError`` if it is in continuous time."""
    if is_continuous(loaded.graph):
        from snnhub.api.profile_choice import profile_needed  # runs networks, which reading one does not need

        raise profile_needed(loaded.graph, loaded.source.name, loaded.options.dt, stimulus)
    return loaded


def _in_steps(loaded: Loaded) -> Loaded:
    """The network as the profile of the options computes it, with the length of a step that the options have.

    Raises ``UsageError`` if a profile lacks it, or if the network has another one.
    """
    graph, options = loaded.graph, loaded.options
    if is_continuous(graph):
        made = discretise(graph, options.dt, options.profile, options.input_shape) if options.profile else graph
        return replace(loaded, graph=made)
    if options.dt is None:
        return loaded
    return replace(loaded, graph=_with_step(graph, options.dt, loaded.source.name))


def _with_step(graph: Graph, dt: float, where: str) -> Graph:
    """A network of steps that are ``dt`` seconds long, where it does not say how long they are."""
    if not (math.isfinite(dt) and dt > 0):
        raise UsageError("dt must be a positive number of seconds", where=where, found=f"{dt:g}")
    if graph.dt is None:
        note = info("SNN-5008", where, "the network does not say how long a step is: as given", new=f"{dt:g} s")
        return replace(graph, dt=dt).with_findings([note])
    if not math.isclose(graph.dt, dt, rel_tol=1e-6):
        raise UsageError(
            "the network has a step of its own", where=where, found=f"{dt:g} s", allowed=f"{graph.dt:g} s"
        )
    return graph


def _load(given: Any, importer: str | None, options: ImportOptions | None, stimulus: Array | None) -> Loaded:
    register_ops()
    source = resolve(given, importer)
    options = options or ImportOptions()
    known = {option.name for option in source.importer.options}
    unknown = [name for name in options.given if name not in known]
    if unknown:
        raise UsageError(
            f"importer {source.importer.name} has no such option",
            found=", ".join(unknown),
            allowed=", ".join(sorted(known)) or "none",
        )
    entry = source.importer.resolve()
    try:
        return Loaded(entry(source.value, options), source, options)
    except InputShapeMissingError as problem:
        if stimulus is None:
            raise
        shape, words = shape_from(stimulus, problem.rank)
        options = replace(options, input_shape=shape)
        graph: Graph = entry(source.value, options)
        note = info(
            "SNN-5004", "input", f"input shape taken from the array, read as {words}", new=str(list(shape))
        )
        return Loaded(graph.with_findings([note]), source, options)


def shape_from(stimulus: Array, rank: int) -> tuple[tuple[int, ...], str]:
    """The feature shape of an array whose network has ``rank`` feature axes, and how it was read.

    Raises ``UsageError`` if the array has too few or too many axes.
    """
    if stimulus.ndim == rank + 2:
        return tuple(stimulus.shape[2:]), "(time, batch, features)"
    if stimulus.ndim == rank + 1:
        return tuple(stimulus.shape[1:]), "(time, features)"
    raise UsageError(
        "the input array does not have the axes that the network needs",
        found=str(list(stimulus.shape)),
        allowed=f"{rank + 1} axes (time, features) or {rank + 2} (time, batch, features)",
        remedy="Pass --input-shape",
    )


def load(path: str | Path, **given: str) -> Graph:
    """The graph in a file of any known format. ``given``: options of its importer."""
    return load_graph(path, options=ImportOptions(given=given), continuous=True).graph


def import_model(
    model: Any,
    source: str,
    input_shape: tuple[int, ...] | None = None,
    *,
    weights: str | Path | None = None,
    settings: Mapping[str, str] | None = None,
    **given: str,
) -> Graph:
    """Import a live network object (or a factory reference) with the importer ``source``.

    ``input_shape``: features of one step of one sample, no time, no batch. ``settings``: arguments of the factory;
    ``given``: options of the importer, such as ``environment``. The object is not changed.
    """
    options = ImportOptions(Path(weights) if weights else None, settings or {}, input_shape, given)
    return load_graph(model, importer=source, options=options, continuous=True).graph
