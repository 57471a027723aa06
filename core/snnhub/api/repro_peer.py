"""Runners as the other side of a failing piece."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from snnhub.api.load import Loaded
from snnhub.api.options import ImportOptions
from snnhub.api.run import run_loaded
from snnhub.api.source import Source
from snnhub.compare.piece import Peer, Piece
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UnsupportedError
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.tensor import Array

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
        recording = run_loaded(
            Loaded(piece.a, source, options),
            runner,
            stimulus,
            (piece.b_key,),
            given,
            steps=piece.steps + piece.lag,
        )
        return np.asarray(recording.with_batch(piece.b_key))

    return run
