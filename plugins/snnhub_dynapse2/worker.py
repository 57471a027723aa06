"""The worker of Dynap-SE2's environment: imports and runs DynapSim networks there."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

from snnhub.peers.worker import PROTOCOL, Report, private_pipe, serve, versions


def main() -> None:
    """Entry point of the worker process."""
    pipe = private_pipe()
    warnings.simplefilter("ignore")  # Rockpool warns of every optional package that is not there
    os.environ.setdefault("JAX_PLATFORMS", "cpu")  # what the factors and equations were measured on
    from snnhub.api import hosted

    serve({"hello": hello, "capabilities": capabilities, **hosted.HANDLERS}, pipe)


def hello(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Protocol version and what is installed here."""
    return {
        "protocol": PROTOCOL,
        "name": "dynapse2",
        "environment": versions("rockpool", "jax", "jaxlib", "numpy"),
    }


def capabilities(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """What ``run`` and ``import`` take."""
    return {
        "models": ["dynapse2"],
        "imports": ["dynapse2"],
        "records": ["s", "isyn", "iahp", "imem", "vmem", "y"],
        "batch": True,
        "options": [],
    }
