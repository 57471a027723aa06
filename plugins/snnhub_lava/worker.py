"""The Lava worker: runs a NetX file over one timeline and leaves what was asked for in ``.npy`` files.

It also hosts importers and runners of networks that can only be built beside lava-dl (``snnhub.api.hosted``).

Runs inside the Lava environment. Axes there are (W, H, C); files exchanged with snnhub are (time, C, H, W).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.peers.worker import PROTOCOL, Report, private_pipe, serve, versions

REPORT_EVERY = 8


def main() -> None:
    """Entry point of the worker process."""
    pipe = private_pipe()
    from snnhub_lava import patches

    patches.apply()
    serve({"hello": hello, "capabilities": capabilities, "import": hosted_import, "run": run}, pipe)


def hello(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Protocol version and what is installed here."""
    packages = versions("lava-nc", "lava-dl", "numpy", "torch", "spikingjelly")
    return {"protocol": PROTOCOL, "name": "lava", "environment": packages}


def hosted_import(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Import a network with an importer of ours, here where lava-dl is."""
    from snnhub.api import hosted

    return hosted.import_graph(params, report)


def capabilities(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """What ``run`` and ``import`` take."""
    return {
        "imports": ["spikingjelly", "lava-dl"],
        "models": ["netx"],
        "records": ["s", "u", "v", "sigma", "act", "residue", "real", "imag"],
        "batch": False,
        "options": ["reset_interval", "reset_offset", "num_layers"],
    }


def run(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run one timeline.

    ``model``: a NetX file; ``input``: ``.npy`` (time, features…); ``blocks``: names of Lava's blocks in order;
    ``input_neuron``: whether the first block is an input with neurons; ``record``: keys ``<block>/<name>``, the
    name ``s`` or that of a variable of its neurons; ``folder``: where results go.

    Answers ``{"arrays": {key: path}, "decays": {block: [sine, cosine]}}``, the decays that Lava gave its
    resonators. With ``runner``, runs that instead.
    """
    if "runner" in params:
        from snnhub.api import hosted

        return hosted.run(params, report)
    from lava.lib.dl.netx.hdf5 import Network
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.io.source import RingBuffer

    stimulus = np.load(params["input"], allow_pickle=False)
    timeline = reverse(stimulus)
    net = Network(params["model"], input_shape=timeline.shape[:-1], **params.get("options", {}))
    if len(net.layers) != len(params["blocks"]):
        raise RuntimeError(f"Lava made {len(net.layers)} blocks of the file, expected {len(params['blocks'])}")
    source = RingBuffer(data=timeline.astype(np.int32))
    target = net.in_layer.neuron.a_in if params.get("input_neuron") else net.inp
    source.s_out.reshape(target.shape).connect(
        target
    ) if source.s_out.shape != target.shape else source.s_out.connect(target)
    layers = dict(zip(params["blocks"], net.layers, strict=True))
    decays = {name: _decays(layer.neuron) for name, layer in layers.items() if hasattr(layer.neuron, "sin_decay")}
    steps = stimulus.shape[0]
    paths, keep = _probe(layers, params["record"], steps, Path(params["folder"]))
    try:
        for start in range(0, steps, REPORT_EVERY):
            count = min(REPORT_EVERY, steps - start)
            net.run(condition=RunSteps(num_steps=count), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
            report(start + count, steps)
    finally:
        net.stop()
    del keep
    for path in paths.values():
        np.save(path, forward(np.load(path, allow_pickle=False)))
    return {"arrays": paths, "decays": decays}


def _decays(neuron: Any) -> list[list[int]]:
    """Sine and cosine decays that Lava made of the file's, as lists of whole 4096ths."""
    return [np.asarray(var.init).astype(int).reshape(-1).tolist() for var in (neuron.sin_decay, neuron.cos_decay)]


def reverse(array: np.ndarray) -> np.ndarray:
    """(time, C, H, W) to (W, H, C, time)."""
    return np.ascontiguousarray(array.T)


def forward(array: np.ndarray) -> np.ndarray:
    """(time, W, H, C) to (time, C, H, W)."""
    return np.ascontiguousarray(array.transpose(0, *range(array.ndim - 1, 0, -1)))


def _probe(
    layers: Mapping[str, Any], record: list[str], steps: int, folder: Path
) -> tuple[dict[str, str], list[Any]]:
    from snnhub_lava.probes import SpikeProbe, StateProbe

    paths: dict[str, str] = {}
    probes: list[Any] = []
    for number, key in enumerate(record):
        block, _, name = key.rpartition("/")
        neuron = layers[block].neuron
        path = str(folder / f"rec{number}.npy")
        shape = tuple(int(size) for size in neuron.s_out.shape)
        np.lib.format.open_memmap(path, mode="w+", dtype=np.int32, shape=(steps, *shape)).flush()
        if name == "s":
            probe = SpikeProbe(shape=shape, path=path)
            layers[block].out.connect(probe.a_in)
        else:
            probe = StateProbe(shape=shape, path=path)
            probe.state.connect_var(getattr(neuron, name))
        probes.append(probe)
        paths[key] = path
    return paths, probes
