"""slayer's own forward of a network, recorded under the keys of its graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from snnhub.api.remote import run_in
from snnhub.api.request import RunRequest
from snnhub.errors import UsageError
from snnhub.findings import info
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import Graph, Port
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

from snnhub_lavadl.chain import Block
from snnhub_lavadl.importer import prepare, versions_here, wanted
from snnhub_lavadl.recorder import STATES, Heard, listening, neuron_kind

HERE = "snnhub_lavadl.runner:run_here"
EVERYTHING = "*"
Get = Callable[[], Array]


def run_model(request: RunRequest) -> Recording:
    """Run the network of the request in the Lava environment, or here where a live module was given.

    Raises ``MissingPeerError`` without the environment, ``UsageError`` for keys that slayer does not give.
    """
    name = wanted(request.import_options)
    if name is None or not isinstance(request.source, str):
        return run_here(request)
    return run_in(name, HERE, request)


def run_here(request: RunRequest) -> Recording:
    """Run in this interpreter, from the state of rest, all samples in one batch.

    Keys: ``<block>/s`` and states of neurons, ``<block>/synapse/y``, ``<block>/recurrent/y``, ``/y`` of blocks
    without neurons, and ``output``.
    """
    import torch

    prepared = prepare(request.source, request.import_options)
    values = request.stimulus.values
    missing = request.length - values.shape[0]
    if missing > 0:
        values = np.concatenate([values, np.zeros((missing, *values.shape[1:]), values.dtype)])
    x = np.ascontiguousarray(np.moveaxis(values[: request.length], 0, -1).astype(np.float32))
    with torch.no_grad(), listening(prepared.blocks) as heard:
        output = torch.from_numpy(x)
        for block in prepared.blocks:
            output = forward(block, output)
    known = _known(request.graph, heard, prepared.blocks)
    keys = tuple(known) if EVERYTHING in request.record else request.record
    if absent := [key for key in keys if key not in known]:
        raise UsageError("slayer does not record this", found=", ".join(absent[:3]), allowed=", ".join(known))
    arrays = {key: known[key]() for key in keys}
    if not request.stimulus.batched:
        arrays = {key: array[:, 0] for key, array in arrays.items()}
    words = f"ran in {versions_here()}, {torch.get_num_threads()} threads"
    return Recording(arrays, request.stimulus.batched, "lava-dl", (info("SNN-6001", "lava-dl", words),))


def forward(block: Block, x: Any) -> Any:
    """One block; bootstrap's in the mode SNN. A time decimation at the end is left to whoever reads."""
    if block.kind == "TimeDecimation":
        return x
    if not block.bootstrap or block.kind in ("Flatten", "Affine"):
        result = block.module(x)
    else:
        from lava.lib.dl.bootstrap.routine import Mode

        result = block.module(x, Mode.SNN)
    return result[0] if isinstance(result, tuple) else result


def _known(graph: Graph, heard: Mapping[str, Heard], blocks: list[Block]) -> dict[str, Get]:
    """Every record key that slayer can give, with what fetches it."""
    types = analyse(graph, REGISTRY).types
    found: dict[str, Get] = {}
    for block in blocks:
        found |= _of_block(graph, block, heard[block.path])
    ran = [block for block in blocks if block.kind != "TimeDecimation"]
    found["output"] = lambda: heard[ran[-1].path].array("block")
    edge = next(edge for edge in graph.edges if edge.dst.node == graph.outputs[0].id)
    return {key: _typed(get, types.get(edge.src if key == "output" else _port(key))) for key, get in found.items()}


def _port(key: str) -> Port:
    return Port(*key.rsplit("/", 1))


def _typed(get: Get, type_: Any) -> Get:
    """In the dtype of a port; states are in theirs."""
    return get if type_ is None else lambda: get().astype(type_.numpy)


def _of_block(graph: Graph, block: Block, heard: Heard) -> dict[str, Get]:
    path = block.path
    found: dict[str, Get] = {}
    for name in ("synapse", "synapse_real", "synapse_imag"):
        if f"{path}/{name}" in graph.node and name in heard:
            found[f"{path}/{name}/y"] = lambda name=name: heard.array(name)  # type: ignore[misc]
    node = graph.node.get(path)
    if f"{path}/transform" in graph.node and "arrived0" in heard:
        found[f"{path}/transform/y"] = lambda: heard.array("arrived0")
    if node is None:
        return found
    if node.program is None:
        return {**found, f"{path}/y": lambda: heard.array("block")}
    if f"{path}/recurrent" in graph.node:
        found[f"{path}/recurrent/y"] = lambda: _fed_back(heard)
    output = node.program.outputs[0][0]
    found[f"{path}/{output}"] = lambda: heard.array("spikes" if "spikes" in heard else "block")
    states = STATES.get(neuron_kind(block.module.neuron))
    stepwise = node.attribute.get("stepwise") is True
    held = {state.name for state in node.program.states}
    ran = "dynamics0" in heard or "sigma" in heard or "changing" in heard
    own = states(heard, stepwise) if states is not None and ran else {}
    return found | {f"{path}/{name}": get for name, get in own.items() if name in held}


def _fed_back(heard: Heard) -> Array:
    """What recurrence adds: what arrives at the neurons less what the input synapse gives."""
    return heard.array("arrived0") - heard.array("synapse")
