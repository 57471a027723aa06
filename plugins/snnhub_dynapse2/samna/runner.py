"""Runs a ``dynapse2.json`` on a board through samna, in a process of its own. **Not verified on a chip.**

Spikes of an analog chip differ from run to run: what can be said of them is the verdict ``distribution``, of rates
over many runs, and nothing else.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.api.request import RunRequest
from snnhub.errors import FormatError, UsageError
from snnhub.findings import Finding, info, loss, note
from snnhub.ir.graph import TERMINAL_PORT, Graph, Port
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.peers.env import worker_command
from snnhub.peers.faults import finding_from
from snnhub.peers.protocol import Worker
from snnhub.peers.samna_guard import NAME
from snnhub.peers.samna_report import LoadReport

from snnhub_dynapse2.config import Configuration
from snnhub_dynapse2.network import Ints
from snnhub_dynapse2.reader import read_file
from snnhub_dynapse2.samna.events import columns, control_tag, timed
from snnhub_dynapse2.samna.names import parameters

RUNNER = "samna-dynapse2"
WORKER = "snnhub_dynapse2.samna.worker:main"
TIMEOUT, MARGIN = 60.0, 120.0
"""Seconds to wait beyond the run, and for everything around it: starting samna, opening a board."""
EVERYTHING = "*"
UNSET = "by parameters that the file does not set"
UNVERIFIED = (
    "ran through samna: neither this way nor the chip's results were ever verified by snnhub; spikes differ from "
    "run to run, and only rates over many runs can be compared"
)


def run_chip(request: RunRequest) -> Recording:
    """Run the ``dynapse2.json`` that the request's network came from. Record keys: ``<node>/s`` of
    every node whose neurons are all monitored, and the output that it feeds.

    Options: ``timeout`` (seconds), ``bitfile`` (for the FPGA), ``report`` (file for what became of every
    attribute). Raises ``UsageError`` for anything but such a file, several samples, a raster that holds no counts,
    and neurons that are not monitored; ``UnsupportedError`` with every attribute that cannot be set,
    ``MissingPeerError`` without the real samna or a board.
    """
    path, held = _board(request.source)
    raster = _raster(request)
    timed(held, raster)
    control_tag(held)
    timeout = _timeout(request.options)
    keys = _keys(request, held)
    with open_worker() as worker:
        spikes, loaded, found = _call(worker, path, raster, timeout, request)
        versions = worker.identity.get("environment", {})
    if "report" in request.options:
        Path(request.options["report"]).write_text(json.dumps(loaded.to_json(), indent=1) + "\n")
    kind = np.uint8 if spikes.max(initial=0) <= np.iinfo(np.uint8).max else np.uint32
    values = spikes.astype(kind)
    arrays = {key: values[:, places] for key, places in keys.items()}
    if request.stimulus.batched:
        arrays = {key: array[:, None] for key, array in arrays.items()}
    words = ", ".join(f"{name} {version}" for name, version in versions.items())
    told = (info("SNN-6001", RUNNER, f"ran in {words}"), *_told(loaded), *unset(held), *found)
    return Recording(arrays, request.stimulus.batched, RUNNER, told)


def open_worker() -> Worker:
    """Start the worker, in this interpreter's own installation: samna is looked for beside snnhub."""
    return Worker(NAME, worker_command(Path(sys.executable), WORKER))


def _board(source: Any) -> tuple[Path, Configuration]:
    remedy = "Map the network to a dynapse2.json, and run that."
    if not isinstance(source, str | Path) or not Path(source).is_file():
        raise UsageError("a board runs a dynapse2.json", found=type(source).__name__, remedy=remedy)
    try:
        return Path(source), read_file(Path(source))
    except FormatError as problem:
        words = "a board runs a dynapse2.json, and this is none"
        raise UsageError(words, where=str(source), found=str(problem)[:200], remedy=remedy) from None


def _raster(request: RunRequest) -> Ints:
    """The stimulus as counts (steps, channels), with nothing beyond its end."""
    values = request.stimulus.values
    if values.shape[1] != 1:
        words = "a board runs one sample: its chips are discharged between runs, not between samples"
        raise UsageError(words, found=f"{values.shape[1]} samples", remedy="Run one sample at a time.")
    given: Array = values[: request.length, 0].reshape(min(request.length, len(values)), -1)
    counts = given.astype(np.int64)
    if (counts != given).any() or (counts < 0).any():
        wrong = given[(counts != given) | (counts < 0)].ravel()[0]
        raise UsageError("a board takes spikes: whole numbers, 0 or above", found=f"{wrong:g}")
    rest = np.zeros((request.length - len(counts), counts.shape[1]), np.int64)
    return np.concatenate([counts, rest])


def _keys(request: RunRequest, held: Configuration) -> dict[str, list[int]]:
    """Columns of the board's raster by record key. Raises ``UsageError`` for what is not monitored."""
    known = recordable(request.graph, held)
    if EVERYTHING in request.record and known:
        return known
    absent = [key for key in request.record if key not in known]
    if absent:
        watched = len(held.monitors)
        raise UsageError(
            f"the board does not record this: {watched} of {len(held.map)} neurons are monitored",
            found=", ".join(absent[:3]),
            allowed=", ".join(known) or "nothing: no layer is monitored whole",
            remedy="Map the network with these neurons monitored.",
        )
    return {key: known[key] for key in request.record}


def recordable(graph: Graph, held: Configuration) -> dict[str, list[int]]:
    """Columns by record key: ``<node>/s`` of every node of the map whose neurons are all monitored, and outputs of
    the graph that such a node alone feeds.
    """
    tags = {(row.chip, row.core, row.neuron): row.tag for row in held.monitors}
    column, rows = columns(held), dict[str, list[int | None]]()
    for row in held.map:
        tag = tags.get((row.chip, row.core, row.neuron))
        rows.setdefault(f"{row.node}/s", []).append(None if tag is None else column[tag])
    found = {key: [place for place in places if place is not None] for key, places in rows.items()}
    found = {key: places for key, places in found.items() if len(places) == len(rows[key])}
    for item in graph.outputs:
        edges = graph.into[Port(item.id, TERMINAL_PORT)]
        source = f"{edges[0].src.node}/{edges[0].src.name}"
        if len(edges) == 1 and source in found:
            found[item.id] = found[source]
    return found


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
    worker: Worker, path: Path, raster: Ints, timeout: float, request: RunRequest
) -> tuple[Ints, LoadReport, list[Finding]]:
    with tempfile.TemporaryDirectory(dir=worker.folder) as name:
        folder = Path(name)
        np.save(folder / "input.npy", raster, allow_pickle=False)
        params = {"model": str(path.resolve()), "input": str(folder / "input.npy"), "folder": name}
        params |= {"timeout": str(timeout), "bitfile": request.options.get("bitfile", "")}
        longest = timeout * 2 + len(raster) * (request.graph.dt or 0.0) + MARGIN
        answer = worker.call("run", params, timeout=longest, progress=request.progress)
        spikes = np.load(answer["arrays"]["spikes"], allow_pickle=False)
    found = [finding_from(row) for row in answer["findings"]]
    return spikes, LoadReport.from_json(answer["load"]), found


def _told(loaded: LoadReport) -> tuple[Finding, ...]:
    names = ", ".join(entry.path for entry in loaded.done)
    done = info("SNN-4307", RUNNER, f"{len(loaded.done)} attributes set and read back equal", new=names)
    return (note("SNN-4308", RUNNER, UNVERIFIED), done, *loaded.findings())


def unset(held: Configuration) -> Iterator[Finding]:
    """Switches of synapses that do what parameters say which the file does not set."""
    cam = [entry for chip in held.chips for core in chip.cores for neuron in core.neurons for entry in neuron.cam]
    late = sum(entry.precise_delay or entry.mismatched_delay for entry in cam)
    tired = sum(entry.stp for entry in cam)
    if late:
        names, others = parameters("delays"), parameters("delays_in_rockpool")
        said = f"{', '.join(names)} (in Rockpool's table {', '.join(others)})"
        yield loss("SNN-4411", RUNNER, f"{late} synapses are delayed, {UNSET}: {said}")
    if tired:
        said = ", ".join(parameters("depression"))
        yield loss("SNN-4411", RUNNER, f"{tired} synapses tire, {UNSET}: {said}")
