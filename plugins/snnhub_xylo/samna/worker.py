"""The samna worker: the only process that imports samna, and only after the guard has found it to be the real
one.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.peers.samna_guard import NAME, ensure_real
from snnhub.peers.worker import PROTOCOL, Report, private_pipe, serve, versions

from snnhub_xylo.core import Core
from snnhub_xylo.families import FAMILIES
from snnhub_xylo.samna.board import run_board


def main() -> None:
    """Entry point of the worker process."""
    pipe = private_pipe()
    serve({"hello": hello, "capabilities": capabilities, "run": run}, pipe)


def hello(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Protocol version and what is installed here. Nothing is imported for it."""
    return {"protocol": PROTOCOL, "name": NAME, "environment": versions(NAME, "numpy")}


def capabilities(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """What ``run`` takes."""
    return {"models": ["xylo-arrays"], "records": ["s_out"], "batch": False, "families": list(FAMILIES)}


def run(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run a core on a board.

    ``model``: ``.npz`` with the arrays of ``snnhub_xylo.core.Core``; ``family``; ``input``: ``.npy``, axes time,
    channels; ``timeout``: seconds; ``folder``. Answers ``arrays``: {"s_out": path}, axes time, outputs, and
    ``load``: the loader's whole report.
    """
    ensure_real()
    samna = importlib.import_module(NAME)
    with np.load(params["model"], allow_pickle=False) as file:
        core = Core.made("v2", {name: file[name] for name in file.files})
    events = np.load(params["input"], allow_pickle=False).astype(np.int64)
    spikes, loaded = run_board(samna, core, params["family"], events, float(params["timeout"]), report)
    path = Path(params["folder"]) / "s_out.npy"
    np.save(path, spikes)
    return {"arrays": {"s_out": str(path)}, "load": loaded.to_json()}
