"""The reference engine as a worker: ``python -m snnhub.peers.engine_worker``. The example of a graph worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from snnhub_formats import container, graph_json

from snnhub.engine.reference import prepare
from snnhub.errors import UsageError
from snnhub.hub.catalogue import register_ops
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import Kind
from snnhub.ir.op import OpKind
from snnhub.ops.registry import REGISTRY
from snnhub.peers.worker import PROTOCOL, Report, private_pipe, serve, versions


def main() -> None:
    """Entry point of the worker process."""
    pipe = private_pipe()
    register_ops()
    serve({"hello": hello, "capabilities": capabilities, "run": run}, pipe)


def hello(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Protocol version and what is installed here."""
    return {"protocol": PROTOCOL, "name": "engine", "environment": versions("snnhub", "numpy")}


def capabilities(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Everything: the engine is the reference."""
    transforms = [op for op in REGISTRY.all() if op.kind is OpKind.TRANSFORM]
    kernels = [op for op in REGISTRY.all() if op.kind is OpKind.KERNEL]
    return {
        "models": ["snn/1", "graph-json/1"],
        "ops": [f"{op.name}/{op.version}" for op in kernels],
        "micro_ops": [op.value for op in MicroOp],
        "transforms": {f"{op.name}/{op.version}": {} for op in transforms},
        "types": [kind.value for kind in Kind],
        "records": ["*"],
        "options": [],
        "batch": True,
        "limits": {"inputs": 1},
    }


def run(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run a graph. ``model``: a ``.snn`` or graph-json file, told by its content; the rest as in the protocol."""
    if params["options"]:
        raise UsageError("the engine has no options of its own", found=", ".join(params["options"]))
    path = Path(params["model"])
    with path.open("rb") as file:
        is_text = graph_json.is_graph_json(file.read(4096))
    graph = graph_json.load(path) if is_text else container.load(path)
    values = np.load(params["input"], allow_pickle=False)
    keys = tuple(params["record"])
    recording, _ = prepare(graph).run(values, record=keys, steps=params["steps"], progress=report)
    folder = Path(params["folder"])
    paths = {key: str(folder / f"record{number}.npy") for number, key in enumerate(keys)}
    for key, place in paths.items():
        np.save(place, recording[key], allow_pickle=False)
    return {"arrays": paths}


if __name__ == "__main__":
    main()
