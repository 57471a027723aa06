"""The worker of the environment ``nir-frameworks``: one NIR file in one framework, one stimulus, its output; and
live networks of its frameworks, imported and run by the plugins for them.

The call protocol of files: the framework's importer as released, dt where it takes one; one call per step with a
batch of 1 and the state of the call before (spyx: its own scan over all steps, batch 1); one thread; f32 input.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snnhub.peers.worker import PROTOCOL, Report, private_pipe, serve, versions

PACKAGES = (
    "nir",
    "nirtorch",
    "snntorch",
    "norse",
    "spikingjelly",
    "sinabs",
    "spyx",
    "rockpool",
    "nengo",
    "torch",
    "jax",
)


def main() -> None:
    """Entry point of the worker process."""
    pipe = private_pipe()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    from snnhub.api import hosted

    serve({"hello": hello, "capabilities": capabilities, **hosted.HANDLERS, "run": run}, pipe)


def hello(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Protocol version and what is installed here."""
    return {"protocol": PROTOCOL, "name": "nir-frameworks", "environment": versions(*PACKAGES)}


def capabilities(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """What ``run`` takes."""
    from snnhub_profiles.frameworks import CALLS

    imports = ["snntorch", "norse", "sinabs"]
    return {
        "models": ["nir"],
        "imports": imports,
        "records": ["y"],
        "batch": False,
        "options": [],
        "frameworks": sorted(CALLS),
    }


def run(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run a file, or the runner that ``runner`` names (``snnhub.api.hosted.run``).

    ``framework``; ``model``: a NIR file; ``input``: ``.npy`` (time, features…); ``dt`` in seconds; ``folder``.
    Answers ``{"output": path}`` of ``.npy`` (time, features…), or ``{"refused": words}`` where the framework
    raised.
    """
    if "runner" in params:
        from snnhub.api import hosted

        return hosted.run(params, report)
    import numpy as np

    from snnhub_profiles.frameworks import CALLS

    stimulus = np.load(params["input"], allow_pickle=False).astype(np.float32)
    call = CALLS[params["framework"]]
    try:
        output = call(params["model"], stimulus, float(params["dt"]))
    except Exception as problem:  # noqa: BLE001  whatever a framework raises is its refusal
        return {"refused": f"{type(problem).__name__}: {problem}"}
    path = Path(params["folder"]) / f"{params['name']}.npy"
    np.save(path, output, allow_pickle=False)
    return {"output": str(path)}
