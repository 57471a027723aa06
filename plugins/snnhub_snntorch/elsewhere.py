"""Where snnTorch networks are imported and run: this interpreter, or the environment that has snnTorch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.torchnet.elsewhere import Elsewhere

FACTORY = "net"
"""What the exporter calls the factory of a written network."""
PLACE = Elsewhere(
    "snntorch",
    "nir-frameworks",
    "snnhub_snntorch.importer:import_snntorch",
    "snnhub_snntorch.importer:run_snntorch",
    "Run: pip install snntorch==1.0.0 (pin torch to a CPU build if you have no GPU).",
)


def import_model(source: Any, options: ImportOptions) -> Graph:
    """Import a factory reference, or a live network where snnTorch is here. Raises what the importer raises."""
    return PLACE.import_model(source, options)


def read_code(path: Path, options: ImportOptions) -> Graph:
    """Import a file that the exporter wrote, with the state dict beside it. Raises what the importer raises."""
    return import_model(_factory(path), replace(options, weights=_state(path)))


def run_model(request: RunRequest) -> Recording:
    """Run the network itself: the user's, or a graph that was written as code for this run. Raises what the runner
    raises.
    """
    path = request.source
    if isinstance(path, Path):
        options = replace(request.import_options, weights=_state(path), input_shape=request.graph.inputs[0].shape)
        request = replace(request, source=_factory(path), import_options=options)
    return PLACE.run_model(request)


def _factory(path: Path) -> str:
    return f"{path.absolute()}:{FACTORY}"


def _state(path: Path) -> Path:
    return path.with_suffix(".pt").absolute()
