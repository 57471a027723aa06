"""Runners as the other side of a failing piece."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from snnhub.api.load import Loaded
from snnhub.api.lower import choose_exporter, passes_for
from snnhub.api.options import ImportOptions
from snnhub.api.run import run_loaded
from snnhub.api.source import Source
from snnhub.compare.align import key_of
from snnhub.compare.piece import Peer, Piece
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UnsupportedError
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.graph import Graph, Match, Port
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext, run_passes

GRAPHS = "graph"
OWN_FILE = "snn"
"""The importer of files that hold a piece as it is."""


def live_peer(runner: Runner, loaded: Loaded | None, given: Mapping[str, str], first: bool = False) -> Peer | None:
    """Runs pieces in a runner: as graphs, or exported to what it takes. None for runners of live objects.

    ``first``: only runners that take graphs, which are quick enough for every step of the search.
    """
    exported = runner.takes in load().exporters
    if runner.takes != GRAPHS and (first or not exported):
        return None
    options = ImportOptions() if loaded is None else ImportOptions(lookup=loaded.options.lookup)
    source = Source(load().importers[OWN_FILE], Path("piece.snn"))

    def run(piece: Piece) -> Array:
        if len(piece.inputs) != 1:
            raise UnsupportedError("runners take one input", found=f"{len(piece.inputs)} inputs")
        item, values = piece.a.inputs[0], next(iter(piece.inputs.values()))
        stimulus = read_stimulus(values.reshape(*values.shape[:2], *item.shape), item)
        graph, match = _arranged(piece, runner)
        key, steps = key_of(match.new), piece.steps + piece.lag + match.lag
        made = Loaded(graph, source, options)
        recording = run_loaded(made, runner, stimulus, (key,), given, steps=steps)
        found = np.asarray(recording.with_batch(key))[match.lag :]
        return found if match.select is None else found[:, :, match.select[0] : match.select[1]]

    return run


def _arranged(piece: Piece, runner: Runner) -> tuple[Graph, Match]:
    """The graph as the exporter to what the runner takes arranges it, and where ``b_key`` is in it."""
    node, _, name = piece.b_key.rpartition("/")
    same = Match(Port(node, name), Port(node, name))
    if runner.takes == GRAPHS:
        return piece.a, same
    exporter = choose_exporter(None, runner.takes)
    graph = run_passes(piece.a, passes_for(replace(exporter, target="")), PassContext())
    if not graph.correspondence:
        return graph, same
    found = next((match for match in graph.correspondence if match.old == same.old), None)
    if found is None:
        raise UnsupportedError(f"{runner.takes} has nothing for {piece.b_key}", where=piece.a.name)
    return graph, found
