"""The worker of SpikingJelly's own environments: imports and runs networks that need another version of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snnhub.peers.worker import PROTOCOL, Report, private_pipe, serve, versions


def main() -> None:
    """Entry point of the worker process."""
    pipe = private_pipe()
    from snnhub.api import hosted

    serve({"hello": hello, "capabilities": capabilities, **hosted.HANDLERS}, pipe)


def hello(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Protocol version and what is installed here."""
    return {
        "protocol": PROTOCOL,
        "name": "spikingjelly",
        "environment": versions("spikingjelly", "torch", "numpy"),
    }


def capabilities(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """What ``run`` and ``import`` take."""
    return {
        "models": ["spikingjelly"],
        "imports": ["spikingjelly"],
        "records": ["s", "u", "v", "y"],
        "batch": True,
        "options": ["batch"],
    }
