"""The worker of Rockpool's environment: imports and runs Rockpool networks there, next to nothing else of ours."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from snnhub.peers.worker import PROTOCOL, Report, private_pipe, serve, versions


def main() -> None:
    """Entry point of the worker process."""
    pipe = private_pipe()
    warnings.simplefilter("ignore")  # Rockpool warns of every optional package that is not there
    from snnhub.api import hosted

    from snnhub_rockpool import without_samna

    without_samna.apply()
    serve({"hello": hello, "capabilities": capabilities, **hosted.HANDLERS}, pipe)


def hello(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Protocol version and what is installed here."""
    return {"protocol": PROTOCOL, "name": "rockpool", "environment": versions("rockpool", "torch", "numpy")}


def capabilities(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """What ``run`` and ``import`` take."""
    return {
        "models": ["rockpool"],
        "imports": ["rockpool"],
        "records": ["s", "vmem", "isyn", "y"],
        "batch": True,
        "options": [],
    }
