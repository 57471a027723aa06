"""The xylosim worker: runs one core over samples, one after the other. Inside the environment ``xylosim`` only."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.peers.worker import PROTOCOL, Report, private_pipe, serve, versions

RECORDS = {
    "s": "rec_recurrent_spikes",
    "isyn": "rec_i_syn",
    "isyn2": "rec_i_syn2",
    "vmem": "rec_v_mem",
    "s_out": "rec_out_spikes",
    "isyn_out": "rec_i_syn_out",
    "vmem_out": "rec_v_mem_out",
}
"""Our names of what xylosim records, and its own."""


def main() -> None:
    """Entry point of the worker process."""
    pipe = private_pipe()
    serve({"hello": hello, "capabilities": capabilities, "run": run}, pipe)


def hello(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Protocol version and what is installed here."""
    return {"protocol": PROTOCOL, "name": "xylosim", "environment": versions("xylosim", "numpy")}


def capabilities(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """What ``run`` takes."""
    return {"models": ["xylo-arrays"], "records": list(RECORDS), "batch": True, "options": []}


def run(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run a core.

    ``model``: ``.npz`` with the arrays of ``snnhub_xylo.core.Core``; ``core``: v1 or v2; ``input``: ``.npy``, axes
    time, samples, channels; ``record``: names of ``RECORDS``; ``folder``. Answers ``arrays``: {name: path}, axes
    time, samples, neurons, and ``seconds``: what the simulation alone took.
    """
    with np.load(params["model"], allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    stimulus = np.load(params["input"], allow_pickle=False)
    layer, keep = build(arrays, params["core"])
    steps, samples = stimulus.shape[:2]
    found: dict[str, list[np.ndarray]] = {name: [] for name in params["record"]}
    took = 0.0
    for sample in range(samples):
        layer.reset_all()
        events = stimulus[:, sample].tolist()
        start = time.perf_counter()
        layer.evolve(events)
        took += time.perf_counter() - start
        for name, values in found.items():
            values.append(recorded(layer, name, steps))
        report(sample + 1, samples)
    del keep
    paths = {name: str(Path(params["folder"]) / f"{name}.npy") for name in found}
    for name, path in paths.items():
        np.save(path, np.stack(found[name], axis=1))
    return {"arrays": paths, "seconds": took}


def recorded(layer: Any, name: str, steps: int) -> np.ndarray:
    """One record of the last run (time, neurons). xylosim has spikes by step, states by neuron."""
    array = np.array(getattr(layer, RECORDS[name]), np.int32)
    return array.reshape(steps, -1) if name in ("s", "s_out") else array.reshape(-1, steps).T


def build(arrays: Mapping[str, np.ndarray], core: str) -> tuple[Any, list[Any]]:
    """The layer, and its synapses: xylosim points to them without owning them, so they must outlive it."""
    import xylosim.v1
    import xylosim.v2

    module = xylosim.v1 if core == "v1" else xylosim.v2
    spread = {
        "synapses_in": _synapses(module, arrays["weights_in"]),
        "synapses_rec": _synapses(module, arrays["weights_rec"]),
        "synapses_out": _synapses(module, arrays["weights_out"][:, :, None]),
    }
    options: dict[str, Any] = {
        "aliases": [[int(target)] if target >= 0 else [] for target in arrays["alias"]],
        "threshold": arrays["threshold"].tolist(),
        "threshold_out": arrays["threshold_out"].tolist(),
        "weight_shift_inp": int(arrays["shift_in"]),
        "weight_shift_rec": int(arrays["shift_rec"]),
        "weight_shift_out": int(arrays["shift_out"]),
        "dash_mem": arrays["dash_mem"].tolist(),
        "dash_mem_out": arrays["dash_mem_out"].tolist(),
        "dash_syns": arrays["dash_syn"].tolist(),
        "dash_syns_out": arrays["dash_syn_out"][:, None].tolist(),
        "name": "core",
    }
    if core == "v2":
        biased = bool(arrays["bias"].any() or arrays["bias_out"].any())
        options |= {"has_bias": biased, "bias": arrays["bias"].tolist(), "bias_out": arrays["bias_out"].tolist()}
    return module.XyloLayer(**spread, **options), list(spread.values())


def _synapses(module: Any, weights: np.ndarray) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for row in weights:
        targets, synapses = np.nonzero(row)
        rows.append(
            [module.XyloSynapse(int(t), int(s), int(row[t, s])) for t, s in zip(targets, synapses, strict=True)]
        )
    return rows
