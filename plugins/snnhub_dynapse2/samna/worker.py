"""The samna worker for Dynap-SE2: imports samna, and only after the guard has found it to be the real one."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.peers.samna_guard import NAME, ensure_real
from snnhub.peers.worker import PROTOCOL, Report, private_pipe, serve, versions

from snnhub_dynapse2.reader import read_file
from snnhub_dynapse2.samna.board import Setting, run_board


def main() -> None:
    """Entry point of the worker process."""
    pipe = private_pipe()
    serve({"hello": hello, "capabilities": capabilities, "run": run}, pipe)


def hello(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Protocol version and what is installed here. Nothing is imported for it."""
    return {"protocol": PROTOCOL, "name": NAME, "environment": versions(NAME, "numpy")}


def capabilities(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """What ``run`` takes."""
    return {"models": ["dynapse2.json"], "records": ["spikes"], "batch": False}


def run(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run a board.

    ``model``: a ``dynapse2.json``; ``input``: ``.npy`` of counts, axes time, channels; ``timeout`` (seconds),
    ``bitfile``; ``folder``. Answers ``arrays``: {"spikes": path}, axes time, monitored neurons; ``load``: the
    loader's whole report; ``findings``: what happened to events.
    """
    ensure_real()
    samna = importlib.import_module(NAME)
    importlib.import_module(f"{NAME}.dynapse2")
    held = read_file(Path(params["model"]))
    raster = np.load(params["input"], allow_pickle=False).astype(np.int64)
    setting = Setting(float(params["timeout"]), str(params.get("bitfile", "")))
    found, sent, loaded = run_board(samna, held, raster, setting, report)
    path = Path(params["folder"]) / "spikes.npy"
    np.save(path, found.spikes)
    told = [item.to_json() for item in (*sent.findings(), *found.findings())]
    return {"arrays": {"spikes": str(path)}, "load": loaded.to_json(), "findings": told}
