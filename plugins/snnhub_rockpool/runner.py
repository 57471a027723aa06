"""Rockpool's own float simulation of a network, recorded under the keys of its graph."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.api.options import ImportOptions
from snnhub.api.remote import open_worker, run_with
from snnhub.api.request import RunRequest
from snnhub.errors import UsageError
from snnhub.findings import info
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker

from snnhub_rockpool.importer import structure_path, wanted
from snnhub_rockpool.part import DROPOUT, SYNNET
from snnhub_rockpool.recorder import Recorder, is_known

HERE = "snnhub_rockpool.runner:run_here"
EVERYTHING = "*"
Get = Callable[[], Array]


def run_model(request: RunRequest) -> Recording:
    """Run the network of the request in Rockpool's environment, or here where a live module was given.

    Raises ``MissingPeerError`` without the environment, ``UsageError`` for keys that Rockpool does not give.
    """
    name = wanted(request.import_options)
    if name is None or not isinstance(request.source, str | Path):
        return run_here(request)
    with open_worker(name) as worker:
        return run_in(worker, request)


def run_in(worker: Worker, request: RunRequest) -> Recording:
    """Run a request in a worker that is open."""
    source = request.source
    if isinstance(source, Path):
        source = str(source.absolute())
    from dataclasses import replace

    return run_with(worker, HERE, replace(request, source=source))


def run_here(request: RunRequest) -> Recording:
    """Run in this interpreter, from the state of rest, all samples in one batch.

    Keys: ``<id>/s``, ``/vmem``, ``/isyn``, ``/isyn2`` … of neurons, ``/y`` of layers, and ``output``.
    """
    import torch

    from snnhub_rockpool.live import versions

    net = _net(request.source, request.import_options)
    values = request.stimulus.values
    missing = request.length - values.shape[0]
    if missing > 0:
        values = np.concatenate([values, np.zeros((missing, *values.shape[1:]), values.dtype)])
    batch = np.ascontiguousarray(values[: request.length].swapaxes(0, 1).astype(np.float32))
    net.reset_state()
    inner = net.seq if type(net).__name__ == SYNNET else net
    recorder = None if is_known(inner) else Recorder(inner)
    with torch.no_grad():
        output, _, record = inner(torch.from_numpy(batch), record=True)
    known = _known(request.graph, recorder.record if recorder else record, _array(output))
    keys = tuple(known) if EVERYTHING in request.record else request.record
    absent = [key for key in keys if key not in known]
    if absent:
        raise UsageError("Rockpool does not record this", found=", ".join(absent[:3]), allowed=", ".join(known))
    arrays = {key: known[key]() for key in keys}
    if not request.stimulus.batched:
        arrays = {key: array[:, 0] for key, array in arrays.items()}
    words = f"ran in {versions()}, {torch.get_num_threads()} threads"
    return Recording(arrays, request.stimulus.batched, "rockpool", (info("SNN-6001", "rockpool", words),))


def _net(source: Any, options: ImportOptions) -> Any:
    """The network at rest, with dropout off; a live one is copied first."""
    if isinstance(source, str | Path) and Path(source).is_file():
        from snnhub_rockpool.document import read_saved
        from snnhub_rockpool.rebuild import rebuilt
        from snnhub_rockpool.structure import Structure

        path = Path(source)
        return rebuilt(Structure(read_saved(path), str(path), structure_path(options)).root, path)
    if isinstance(source, str):
        from snnhub.api.factory import made

        net = made(source, options.settings)
    else:
        net = copy.deepcopy(source)
    _quieten(net)
    return net


def _quieten(module: Any) -> None:
    if type(module).__name__ == DROPOUT:
        module.training = False
    for inner in module.modules().values():
        _quieten(inner)


def _known(graph: Graph, record: Mapping[str, Any], output: Array) -> dict[str, Get]:
    """Every record key that Rockpool can give, with what fetches it."""
    known: dict[str, Get] = {}
    for node in graph.nodes:
        known |= _of_node(graph, node, record, output)
    last = graph.into[Port(graph.outputs[0].id, TERMINAL_PORT)][0].src
    known["output"] = known.get(f"{last.node}/{last.name}", lambda: output)
    return known


def _of_node(graph: Graph, node: Node, record: Mapping[str, Any], output: Array) -> dict[str, Get]:
    path = node.origin.path.replace(".", "/")
    if node.op == "core.MultiSpikeLIF":
        own, n_syn = _at(record, path) if path else record, node.integer("n_syn")
        if "spikes" not in own:  # a layer of a module of one's own that nobody heard
            return {}
        whole = node.program.output_type("s").numpy if node.program else np.uint8
        found: dict[str, Get] = {f"{node.id}/s": lambda: _array(own["spikes"]).astype(whole)}
        found[f"{node.id}/vmem"] = lambda: _array(own["vmem"])
        for k in range(n_syn):
            name = "isyn" if k == 0 else f"isyn{k + 1}"
            found[f"{node.id}/{name}"] = lambda k=k: _array(own["isyn"])[..., k]  # type: ignore[misc]
        return found
    parent, _, last = node.id.rpartition("/")
    if path.endswith("/w_rec"):
        own, k = _at(record, path.removesuffix("/w_rec")), int(last.removeprefix("rec") or 1) - 1
        return {f"{node.id}/y": lambda: _array(own["irec"])[..., k]} if "irec" in own else {}
    if last.startswith("sum") or not _is_recorded(record, parent if last.startswith("syn") else path):
        return {}  # sums of signals have no record; nor have layers that nobody heard
    if node.id == path:
        names = [f"{node.id}/y", *([f"{node.id}/isyn"] if node.op == "core.ExpSyn" else [])]
        return {name: lambda: _output(record, path) for name in names}
    if last.startswith("syn") and node.origin.path and not _neurons(graph, parent):
        siblings = sum(other.id.startswith(f"{parent}/syn") for other in graph.nodes)
        return {f"{node.id}/y": lambda: _output(record, parent)[..., int(last[3:]) - 1 :: siblings]}
    return {f"{node.id}/y": lambda: output} if not path else {}


def _neurons(graph: Graph, name: str) -> bool:
    return name in graph.node


def _at(record: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """What was recorded of a module. SynNet passes on what its ``seq`` recorded as its own."""
    for name in path.split("/"):
        if name in record:
            record = record[name]
        elif name != "seq":
            return record  # one module alone records without a name
    return record


def _is_recorded(record: Mapping[str, Any], path: str) -> bool:
    parent, _, name = path.rpartition("/")
    return not path or f"{name}_output" in (_at(record, parent) if parent else record)


def _output(record: Mapping[str, Any], path: str) -> Array:
    parent, _, name = path.rpartition("/")
    return _array((_at(record, parent) if parent else record)[f"{name}_output"])


def _array(value: Any) -> Array:
    """(batch, time, …) of torch as (time, batch, …)."""
    found: Array = np.ascontiguousarray(value.detach().cpu().numpy().swapaxes(0, 1))
    return found
