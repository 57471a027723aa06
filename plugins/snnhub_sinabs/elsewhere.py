"""Which interpreter a network is imported and run in: this one, or the environment that has sinabs."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from snnhub.api.options import ImportOptions
from snnhub.api.remote import OPTION, import_in, run_in
from snnhub.api.request import RunRequest
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording

from snnhub_sinabs import ENVIRONMENT

IMPORTER = "snnhub_sinabs.importer:import_sinabs"
RUNNER = "snnhub_sinabs.importer:run_sinabs"


def import_model(source: Any, options: ImportOptions) -> Graph:
    """Import here where sinabs is installed, else in the environment that has it, or where ``environment`` says.

    Raises what the importer raises, and ``MissingPeerError`` with what to do where neither is there.
    """
    name = _where(options.given.get(OPTION))
    if name:
        return import_in(name, IMPORTER, source, options)
    from snnhub_sinabs.importer import import_sinabs

    return import_sinabs(source, options)


def run_model(request: RunRequest) -> Recording:
    """Run here or there, as ``import_model``. Raises what the runner raises."""
    name = _where(request.options.get(OPTION) or request.import_options.given.get(OPTION))
    if name:
        return run_in(name, RUNNER, request)
    from snnhub_sinabs.importer import run_sinabs

    return run_sinabs(request)


def _where(chosen: str | None) -> str:
    """The environment to use; empty for this interpreter."""
    if chosen is not None:
        return chosen
    return "" if find_spec("sinabs") is not None and find_spec("torch") is not None else ENVIRONMENT
