"""DynapSim itself as a runner: Rockpool's simulation of a network, recorded under the keys of its graph."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.api.remote import open_worker, run_with
from snnhub.api.request import RunRequest
from snnhub.errors import UsageError
from snnhub.findings import Finding, info, loss
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.numtype import NumType
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.peers.protocol import Worker

from snnhub_dynapse2 import FORMAT_LINE
from snnhub_dynapse2.importer import import_here, wanted

HERE = "snnhub_dynapse2.runner:run_here"
NAME = "dynapsim"
EVERYTHING = "*"
STATES = ("isyn", "iahp", "imem", "vmem")
WHOLE = "net"
"""Path of a module that is the whole network: Rockpool records it without a name."""
Get = Callable[[], Array]


def run_model(request: RunRequest) -> Recording:
    """Run the network of the request in Rockpool's environment, or here where a live module was given.

    Of an ``.npz`` file the recording in it is the answer; of a ``dynapse2.json`` DynapSim runs the currents and
    weights, with factors that it computes from them itself. Raises ``MissingPeerError`` without the environment,
    ``UsageError`` for keys that DynapSim does not record and for a file without a recording of this stimulus.
    """
    name = wanted(request.import_options)
    if isinstance(request.source, Path) or (isinstance(request.source, str) and Path(request.source).is_file()):
        if not is_mapped(Path(request.source)):
            return replayed(request)
        request = replace(request, source=str(request.source))
    if name is None or not isinstance(request.source, str):
        return run_here(request)
    with open_worker(name) as worker:
        return run_in(worker, request)


def run_in(worker: Worker, request: RunRequest) -> Recording:
    """Run a request in a worker that is open."""
    return replace(run_with(worker, HERE, replace(request, source=str(request.source))), source=NAME)


def run_here(request: RunRequest) -> Recording:
    """Run in this interpreter: one evolve from the state of rest, all samples in one batch.

    DynapSim cannot be continued (the state that it returns is not the one that it reads), so nothing here does.
    Keys: ``<id>/s``, ``/isyn``, ``/iahp``, ``/imem``, ``/vmem`` of neurons, ``/y`` of layers, and ``output``.
    """
    from snnhub.api.factory import made

    from snnhub_dynapse2.live import versions
    from snnhub_dynapse2.lowered.rebuild import dynapsim_of

    source, graph = request.source, request.graph
    found: tuple[Finding, ...] = ()
    if isinstance(source, str) and is_mapped(Path(source)):
        net, graph, said = dynapsim_of(graph, REGISTRY)
        found = tuple(said)
    else:
        net = made(source, request.import_options.settings) if isinstance(source, str) else copy.deepcopy(source)
        found = tuple(other_than_imported(net, request)) if isinstance(source, str) else ()
    values = request.stimulus.values
    missing = request.length - values.shape[0]
    if missing > 0:
        values = np.concatenate([values, np.zeros((missing, *values.shape[1:]), values.dtype)])
    batch = np.ascontiguousarray(values[: request.length].swapaxes(0, 1).astype(np.float32))
    output, _, record = net.reset_state()(batch, record=True)
    known = _known(graph, request.import_options.lookup, record, output)
    keys = tuple(known) if EVERYTHING in request.record else request.record
    absent = [key for key in keys if key not in known]
    if absent:
        raise UsageError("DynapSim does not record this", found=", ".join(absent[:3]), allowed=", ".join(known))
    arrays = {key: known[key]() for key in keys}
    if not request.stimulus.batched:
        arrays = {key: array[:, 0] for key, array in arrays.items()}
    found = (*found, info("SNN-6001", NAME, f"ran in {versions()}, on the CPU"))
    return Recording(arrays, request.stimulus.batched, NAME, found)


def other_than_imported(net: Any, request: RunRequest) -> Iterator[Finding]:
    """A factory that draws weights or mismatch without a seed makes another network each time."""
    again = import_here(net, request.import_options).node
    nodes = [node for node in request.graph.nodes if node.id in again and node.op == again[node.id].op]
    differ = [node.id for node in nodes if node.params != again[node.id].params]
    if differ:
        words = f"the factory made another network than the one that was imported: {', '.join(differ[:3])}"
        remedy = "Give it a seed: weights of its own, rng_key for mismatch."
        yield loss("SNN-2527", str(request.source), words, remedy=remedy)


def is_mapped(path: Path) -> bool:
    """Whether a source is a ``dynapse2.json``."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return bool(FORMAT_LINE.match(file.read(256)))


def replayed(request: RunRequest) -> Recording:
    """The recording that a file brings along: DynapSim cannot be given factors, so it is not run again.

    Raises ``UsageError`` if there is none, or if it is of another stimulus than the request's.
    """
    from snnhub_dynapse2.archive import INPUT, node_of, read_archive

    path = Path(request.source)
    archive = read_archive(path)
    x = archive.x
    if x is None or not archive.records:
        remedy = f"Store its input as {INPUT} and its states beside it, or give the factory of the network."
        raise UsageError("the file holds no recording of DynapSim", where=str(path), remedy=remedy)
    if x.ndim == 2:
        x = x[:, None]
    given = request.stimulus.values
    if x.shape != given.shape or (x != given).any() or request.length > x.shape[0]:
        words = "the recording in the file is of another stimulus"
        allowed = f"{INPUT} of the file, {list(x.shape)}"
        raise UsageError(words, where=str(path), found=f"{list(given.shape)}", allowed=allowed)
    known: dict[str, Array] = {}
    for key, array in archive.records.items():
        number, _, name = key.partition("/")
        values = array.reshape(*x.shape[:2], -1)[: request.length]
        known[f"{node_of(int(number))}/{name}"] = values.astype(np.uint8) if name == "s" else values
    last = request.graph.into[Port(request.graph.outputs[0].id, TERMINAL_PORT)][0].src
    if f"{last.node}/{last.name}" in known:
        known["output"] = known[f"{last.node}/{last.name}"]
    keys = tuple(known) if EVERYTHING in request.record else request.record
    absent = [key for key in keys if key not in known]
    if absent:
        raise UsageError(
            "the file has no recording of this", found=", ".join(absent[:3]), allowed=", ".join(known)
        )
    arrays = {key: known[key] if request.stimulus.batched else known[key][:, 0] for key in keys}
    found = (info("SNN-3410", str(path), "the recording in the file, made where the network was run"),)
    return Recording(arrays, request.stimulus.batched, NAME, found)


def _known(graph: Graph, lookup: OpLookup, record: Mapping[str, Any], output: Any) -> dict[str, Get]:
    """Every record key that DynapSim can give, with what fetches it."""
    known: dict[str, Get] = {}
    types = analyse(graph, lookup).types
    for node in graph.nodes:
        known |= _of_node(node, record, output, types)
    last = graph.into[Port(graph.outputs[0].id, TERMINAL_PORT)][0].src
    known["output"] = known.get(f"{last.node}/{last.name}", lambda: _array(output))
    return known


def _of_node(node: Node, record: Mapping[str, Any], output: Any, types: Mapping[Port, NumType]) -> dict[str, Get]:
    path = node.origin.path.replace(".", "/")
    if path.endswith("/w_rec"):
        return {}
    parent, _, name = path.rpartition("/")
    holder = record
    for part in parent.split("/") if parent else ():
        holder = holder[part]
    if node.op in ("core.Dense", "core.Add"):
        if f"{name}_output" not in holder and path != WHOLE:
            return {}  # weights between the layers of an FFwdStack
        numpy = types[Port(node.id, "y")].numpy
        return {f"{node.id}/y": lambda: _array(holder.get(f"{name}_output", output)).astype(numpy)}
    own = holder.get(name, record)  # a single module records without a name
    found: dict[str, Get] = {f"{node.id}/{key}": lambda key=key: _array(own[key]) for key in STATES}  # type: ignore[misc]
    whole = node.program.output_type("s").numpy if node.program else np.uint8
    found[f"{node.id}/s"] = lambda: _array(own["spikes"]).astype(whole)
    return found


def _array(value: Any) -> Array:
    """(batch, time, …) as (time, batch, …)."""
    found: Array = np.ascontiguousarray(np.asarray(value).swapaxes(0, 1))
    return found
