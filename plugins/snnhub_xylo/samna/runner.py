"""Runs a network of one core on a board through samna, in a process of its own. **Not verified on a chip.**"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.api.request import RunRequest
from snnhub.errors import FormatError, UsageError
from snnhub.findings import Finding, info, note
from snnhub.ir.graph import TERMINAL_PORT, Port
from snnhub.ir.recording import Recording
from snnhub.peers.env import worker_command
from snnhub.peers.protocol import Worker
from snnhub.peers.samna_guard import NAME
from snnhub.peers.samna_report import LoadReport
from snnhub_formats.strictjson import finite, parse

from snnhub_xylo.core import Core
from snnhub_xylo.document import FORMAT
from snnhub_xylo.families import FAMILIES
from snnhub_xylo.reader import MAX_BYTES
from snnhub_xylo.runner import EVERYTHING, ensure_single_core
from snnhub_xylo.samna.loader import ensure_fits

WORKER = "snnhub_xylo.samna.worker:main"
TIMEOUT, MARGIN = 60.0, 120.0
"""Seconds for the steps of a run, and for everything around them: starting samna, opening a board."""
UNVERIFIED = "ran through samna: neither this way nor the chip's results were ever verified by snnhub"


def run_samna(request: RunRequest) -> Recording:
    """Run the core of the request's graph on the one board of its family. Record keys: spikes of the output
    neurons.

    Options: ``family``, ``timeout`` (seconds), ``report`` (file for what became of every attribute). Raises
    ``UnsupportedError`` with every reason, ``MissingPeerError`` without the real samna or a board,
    ``UsageError`` for several samples, since no way to put a board's neurons to rest is documented.
    """
    node = ensure_single_core(request.graph)
    family = _family(request)
    core = Core.of(node)
    ensure_fits(core, FAMILIES[family])
    keys = _keys(request, node.id)
    timeout = _timeout(request.options)
    values = request.stimulus.values[: request.length]
    if values.shape[1] != 1:
        words = "a board runs one sample: how its neurons are put to rest between samples is not documented"
        raise UsageError(words, found=f"{values.shape[1]} samples", remedy="Run one sample at a time.")
    missing = request.length - len(values)
    events = np.concatenate([values[:, 0], np.zeros((missing, core.inputs), values.dtype)])
    with open_worker() as worker:
        spikes, loaded = _call(worker, core, family, events, timeout, request)
        versions = worker.identity.get("environment", {})
    if "report" in request.options:
        Path(request.options["report"]).write_text(json.dumps(loaded.to_json(), indent=1) + "\n")
    types = spikes.astype(np.uint8)
    arrays = dict.fromkeys(keys, types if not request.stimulus.batched else types[:, None])
    words = ", ".join(f"{name} {version}" for name, version in versions.items())
    told = (info("SNN-6001", NAME, f"ran in {words}"), *_told(loaded))
    return Recording(arrays, request.stimulus.batched, NAME, told)


def open_worker() -> Worker:
    """Start the worker, in this interpreter's own installation: samna is looked for beside snnhub."""
    return Worker(NAME, worker_command(Path(sys.executable), WORKER))


def _told(loaded: LoadReport) -> tuple[Finding, ...]:
    names = ", ".join(entry.path for entry in loaded.done)
    done = info("SNN-4307", NAME, f"{len(loaded.done)} attributes set and read back equal", new=names)
    return (note("SNN-4308", NAME, UNVERIFIED), done, *loaded.findings())


def _family(request: RunRequest) -> str:
    """The option, or the family that the ``xylo.json`` was made for."""
    given = request.options.get("family") or _target(request.source)
    if not given:
        words = "which board is it for? A network does not say, a xylo.json does"
        raise UsageError(words, allowed=", ".join(FAMILIES), remedy="Pass --option family=NAME.")
    if given not in FAMILIES:
        raise UsageError("no family of this name", found=given, allowed=", ".join(FAMILIES))
    return given


def _target(source: Any) -> str:
    if not isinstance(source, Path) or not source.is_file():
        return ""
    with source.open("rb") as file:
        if FORMAT.encode() not in file.read(200):
            return ""
    try:
        return str(parse(source.read_bytes(), MAX_BYTES, finite)["target"])
    except (FormatError, KeyError, TypeError):
        return ""


def _keys(request: RunRequest, node: str) -> tuple[str, ...]:
    own = Port(node, "s_out")
    into = {output.id: request.graph.into[Port(output.id, TERMINAL_PORT)] for output in request.graph.outputs}
    known = [f"{node}/s_out", *(name for name, edges in into.items() if edges[0].src == own)]
    if EVERYTHING in request.record:
        return tuple(known)
    absent = [key for key in request.record if key not in known]
    if absent:
        raise UsageError("a board does not record this", found=", ".join(absent[:3]), allowed=", ".join(known))
    return request.record


def _timeout(options: Mapping[str, str]) -> float:
    text = options.get("timeout", str(TIMEOUT))
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise UsageError("timeout is a number of seconds", found=text, allowed="above 0")
    return value


def _call(
    worker: Worker, core: Core, family: str, events: Any, timeout: float, request: RunRequest
) -> tuple[Any, LoadReport]:
    with tempfile.TemporaryDirectory(dir=worker.folder) as name:
        folder = Path(name)
        np.savez(folder / "core.npz", allow_pickle=False, **core.arrays)
        np.save(folder / "input.npy", events, allow_pickle=False)
        params = {"model": str(folder / "core.npz"), "input": str(folder / "input.npy"), "family": family}
        params |= {"timeout": str(timeout), "folder": name}
        answer = worker.call("run", params, timeout=timeout + MARGIN, progress=request.progress)
        spikes = np.load(answer["arrays"]["s_out"], allow_pickle=False)
    return spikes, LoadReport.from_json(answer["load"])
