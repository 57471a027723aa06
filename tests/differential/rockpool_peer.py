"""Rockpool's mappers, quantisers and XyloSim, asked for from outside: the process behind ``rockpool_reference``.

Runs in the environment ``rockpool``; the folder of xylosim's packages is its one argument. It calls what
Rockpool's own users call, in the order in which they do.
"""

from __future__ import annotations

import copy
import importlib
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.peers.worker import PROTOCOL, Report, private_pipe, serve, versions

FAMILIES = {"xylo-a2": "syns61201", "xylo-imu": "syns63300", "xylo-a3": "syns65302"}
SIMULATORS = {"xylo-a2": "syns61201", "xylo-imu": "syns63300", "xylo-a3": "syns63300"}
"""The package of the mapper, and of the simulator: Audio 3 has the IMU's."""
QUANTISERS = {"global": "global_quantize", "channel": "channel_quantize"}
ARRAYS = (
    *("weights_in", "weights_rec", "weights_out", "threshold", "threshold_out", "bias", "bias_out"),
    *("dash_mem", "dash_syn", "dash_syn_2", "dash_mem_out", "dash_syn_out"),
)
SHIFTS = ("weight_shift_in", "weight_shift_rec", "weight_shift_out")
RECORDS = {
    "s": "rec_recurrent_spikes",
    "isyn": "rec_i_syn",
    "isyn2": "rec_i_syn2",
    "vmem": "rec_v_mem",
    "isyn_out": "rec_i_syn_out",
    "vmem_out": "rec_v_mem_out",
}
"""Our names of what xylosim records; Rockpool's own record leaves ``isyn2`` out on two families."""
BY_STEP = ("s",)
Spec = dict[str, Any]


def main() -> None:
    """Entry point of the process."""
    pipe = private_pipe()
    warnings.simplefilter("ignore")  # Rockpool warns of every optional package that is not there
    sys.path += sys.argv[1:]
    from snnhub_rockpool import without_samna

    without_samna.apply()
    serve({"hello": hello, "map": mapped, "simulate": simulated, "generate": generated, "train": trained}, pipe)


def hello(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Protocol version and what is installed here."""
    environment = versions("rockpool", "xylosim", "torch", "numpy")
    return {"protocol": PROTOCOL, "name": "rockpool reference", "environment": environment}


def mapped(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Map a network, quantise it, and run it.

    ``network``: file of ``net.save()``; ``layers``: how it is built; ``family``; ``quantiser``: none, global,
    channel; ``raster``: ``.npy`` or None; ``answer``: where the ``.npz`` goes.
    """
    from tests.networks.rockpool_layers import built

    device = f"rockpool.devices.xylo.{FAMILIES[params['family']]}.xylo_mapper"
    mapper = importlib.import_module(device).mapper
    net = built(params["layers"])
    net.load(params["network"])
    start = time.perf_counter()
    spec = mapper(net.as_graph(), weight_dtype="float")
    found = {"seconds_map": time.perf_counter() - start}
    spec.pop("mapped_graph")
    if params["quantiser"] != "none":
        from rockpool.transform import quantize_methods

        quantise = getattr(quantize_methods, QUANTISERS[params["quantiser"]])
        spec = copy.deepcopy(spec)
        start = time.perf_counter()
        spec.update(quantise(**spec))
        found["seconds_quantise"] = time.perf_counter() - start
    if params["raster"] is not None:
        found |= _traces(spec, params["family"], np.load(params["raster"]))
    np.savez(params["answer"], allow_pickle=False, **_plain(spec), **found)
    return {}


def _plain(spec: Spec) -> Spec:
    """A specification as arrays: ``aliases`` as pairs (source, target), int64 (n, 2)."""
    pairs = [(source, target) for source, targets in enumerate(spec["aliases"]) for target in targets]
    arrays = {name: np.asarray(spec[name]) for name in (*ARRAYS, *SHIFTS, "dt")}
    return {**arrays, "aliases": np.array(pairs, np.int64).reshape(-1, 2)}


def simulated(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run a quantised specification. ``spec``: ``.npz`` as ``mapped`` answers; the rest as there."""
    with np.load(params["spec"], allow_pickle=False) as file:
        spec: Spec = {name: file[name] for name in (*ARRAYS, *SHIFTS)}
        aliases: list[list[int]] = [[] for _ in range(len(spec["threshold"]))]
        for source, target in file["aliases"].tolist():
            aliases[source].append(target)
        spec |= {"aliases": aliases, "dt": float(file["dt"])} | {name: int(spec[name]) for name in SHIFTS}
    np.savez(params["answer"], **_traces(spec, params["family"], np.load(params["raster"])))
    return {}


def _traces(spec: Spec, family: str, raster: np.ndarray) -> dict[str, Any]:
    """What XyloSim records of a raster (time, channels) or (time, samples, channels), reset before each sample."""
    simulator = importlib.import_module(f"rockpool.devices.xylo.{SIMULATORS[family]}.xylo_sim").XyloSim
    start = time.perf_counter()
    chip = simulator.from_specification(**spec)
    took = {"seconds_build": time.perf_counter() - start, "seconds_simulate": 0.0}
    batched = raster.ndim == 3
    found: dict[str, list[np.ndarray]] = {name: [] for name in (*RECORDS, "s_out")}
    for sample in range(raster.shape[1] if batched else 1):
        events = raster[:, sample] if batched else raster
        chip.reset_state()
        start = time.perf_counter()
        output, _, _ = chip.evolve(events)
        took["seconds_simulate"] += time.perf_counter() - start
        found["s_out"].append(np.asarray(output, np.int32).reshape(len(events), -1))
        for name, own in RECORDS.items():
            array = np.array(getattr(chip._xylo_layer, own), np.int32)
            shaped = array.reshape(len(events), -1) if name in BY_STEP else array.reshape(-1, len(events)).T
            found[name].append(shaped)
    return {name: np.stack(each, axis=1) if batched else each[0] for name, each in found.items()} | took


def generated(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Save the random network of ``seed``, ``kind``, ``family`` and ``size`` in ``folder``; its path, layers."""
    from tests.networks.rockpool_layers import described
    from tests.networks.rockpool_xylo_nets import random_net

    net = random_net(int(params["seed"]), params["kind"], params["family"], params["size"])
    path = Path(params["folder"]) / f"{params['family']}-{params['kind']}-{params['size']}-{params['seed']}.json"
    net.save(path)
    return {"network": str(path), "layers": described(net)}


def trained(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Train the tutorial's residual network and write what ``tests.networks.seed_residual`` says to ``folder``."""
    from tests.networks.seed_residual import store

    store(Path(params["folder"]))
    return {}
