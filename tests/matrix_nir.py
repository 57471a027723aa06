"""The table of docs/support.md about NIR: files in each framework, beside the profile that is to say the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from snnhub.api.agree_runs import call_shape_output, run_profile
from snnhub.api.load import load_graph
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub_conformance.frameworks import Frameworks
from snnhub_conformance.generate.nir_parts import nir
from snnhub_conformance.generate.profile_nets import DT, networks, shape_of, stimulus

PROFILES = {
    "norse": "norse-1",
    "snntorch": "snntorch-1",
    "spikingjelly": "spikingjelly-2",
    "sinabs": "sinabs-3",
    "spyx": "spyx-1",
    "rockpool": "rockpool-3",
}


def rows() -> list[list[str]]:
    """A row per network of the families ``profile.*``, a cell per framework. Needs nir-frameworks, and torch."""
    found = []
    with Frameworks() as live, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.nir"
        for title, spec in networks().items():
            path.write_bytes(nir(spec))
            graph, x = load_graph(path, continuous=True).graph, stimulus(shape_of(spec))
            cells = [
                cell(graph, profile, x, live.output(name, path.read_bytes(), x, DT))
                for name, profile in PROFILES.items()
            ]
            found.append([title, *cells])
    return found


def cell(graph: Graph, profile: str, x: Array, theirs: Array | str) -> str:
    """What the profile is beside its framework, and how many things it does otherwise than NIR says."""
    run = run_profile(graph, profile, DT, x, robust=False)
    if run.refused:
        return "both refuse" if isinstance(theirs, str) else "profile does not cover it"
    if isinstance(theirs, str):
        return "FRAMEWORK REFUSES"
    ours, _ = call_shape_output(run, x)
    if ours.size != theirs.size or not np.array_equal(ours.ravel(), theirs.ravel()):
        return "DIFFERS"
    said = "equal" if theirs.any() else "equal, silent"
    return f"{said}; {len(run.losses)} losses" if run.losses else said
