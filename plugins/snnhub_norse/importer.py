"""Importer and runner of norse networks, where norse is installed."""

from __future__ import annotations

from typing import Any

from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.torchnet.importer import import_network
from snnhub.torchnet.runner import run_network

from snnhub_norse.framework import NORSE


def import_norse(source: Any, options: ImportOptions) -> Graph:
    """The graph of a factory reference or of a live module. Raises as ``import_network`` does."""
    return import_network(NORSE, source, options)


def run_norse(request: RunRequest) -> Recording:
    """Run the network of the request in norse. Raises as ``run_network`` does."""
    return run_network(NORSE, request)
