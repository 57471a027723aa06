"""Decays of resonators: what the graph has, and what Lava made of the file on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from snnhub.findings import Finding, loss
from snnhub.ir.graph import Graph

NAMES = ("sinDecay", "cosDecay")


def rounded_decays(graph: Graph, found: Mapping[str, Sequence[Sequence[int]]]) -> Iterable[Finding]:
    """A finding for every layer in which Lava computes with other decays than the graph has.

    Lava makes them of floats and cuts them to whole 4096ths (lava-nc 0.10.0, ``proc/rf/process.py``). ``found``:
    sine and cosine decays by block, one each or one per neuron.
    """
    for block, pair in found.items():
        for name, theirs in zip(NAMES, pair, strict=True):
            ours = graph.node[block].param[name].array.astype(np.int64).reshape(-1)
            ours, other = np.broadcast_arrays(ours, np.asarray(theirs, np.int64))
            wrong = np.flatnonzero(ours != other)
            if wrong.size:
                yield loss(
                    "SNN-3131",
                    f"{block}/{name}",
                    f"Lava rounded {wrong.size} of {ours.size} decays down on this machine: its states differ",
                    old=str(ours[wrong[0]]),
                    new=str(other[wrong[0]]),
                    remedy="Convert the file to NetX with snnhub: Lava then has exactly these decays.",
                )
