"""Rockpool's own conversion of LIF networks to DynapSim, asked for from outside: ``QUESTION ANSWER``.

Runs in the environment ``dynapse2`` as a script of its own and knows nothing of snnhub. The question, an ``.npz``,
holds networks as ``<net>/<layer>/weight`` …, and a raster ``<net>/x`` (time, inputs) for each; the answer has the
spikes of every layer of LIFJax, and those of all neurons of Rockpool's conversion.
"""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any

import numpy as np


def lif_net(arrays: dict[str, Any], count: int, dt: float) -> Any:
    """A Sequential of LinearJax and LIFJax."""
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFJax, LinearJax

    modules = []
    for number in range(count):
        own = {name.split("/", 1)[1]: value for name, value in arrays.items() if name.startswith(f"{number}/")}
        inputs, size = own["weight"].shape
        recurrent = "w_rec" in own
        modules.append(LinearJax((inputs, size), has_bias=False, weight=own["weight"]))
        modules.append(
            LIFJax(
                (size, size),
                tau_mem=own["tau_mem"],
                tau_syn=own["tau_syn"].reshape(size, 1),
                threshold=own["threshold"],
                bias=own["bias"],
                has_rec=recurrent,
                w_rec=own["w_rec"] if recurrent else None,
                dt=dt,
            )
        )
    return Sequential(*modules)


def analog_net(arrays: dict[str, Any], count: int, dt: float, iscale: float) -> Any:
    """A Sequential of LinearJax and DynapSim."""
    from rockpool.devices.dynapse import DynapSim
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LinearJax

    modules = []
    for number in range(count):
        start = f"analog/{number}/"
        own = {name[len(start) :]: value for name, value in arrays.items() if name.startswith(start)}
        weight, w_rec = own.pop("weight"), own.pop("w_rec", None)
        size = weight.shape[1]
        modules.append(LinearJax(weight.shape, has_bias=False, weight=weight))
        modules.append(DynapSim((size, size), has_rec=w_rec is not None, w_rec=w_rec, Iscale=iscale, dt=dt, **own))
    return Sequential(*modules)


def answer(arrays: dict[str, Any]) -> dict[str, Any]:
    """Spikes of LIFJax by layer, and of Rockpool's DynapSim of the same network."""
    from rockpool.devices.dynapse import dynapsim_net_from_spec, mapper

    count, dt = int(arrays["count"]), float(arrays["dt"])
    x = np.ascontiguousarray(arrays["x"].astype(np.float32).transpose(1, 0, 2))
    net = lif_net(arrays, count, dt)
    _, _, record = net(x, record=True)
    names = [name for name in record if name.endswith("LIFJax")]
    found = {f"lif{number}": record[name]["spikes"] for number, name in enumerate(names)}
    spec = mapper(net.as_graph())
    spec["Iscale"] = float(spec["Iscale"])
    found["dynapsim"], _, _ = dynapsim_net_from_spec(**spec, dt=dt)(x)
    if "analog/iscale" in arrays:
        found["analog"], _, _ = analog_net(arrays, count, dt, float(arrays["analog/iscale"]))(x)
    return {name: np.asarray(value).transpose(1, 0, 2) for name, value in found.items()}


def main(question: str, reply: str) -> None:
    """Answer for every network."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with np.load(question, allow_pickle=False) as file:
        asked = {name: file[name] for name in file.files}
    found: dict[str, Any] = {}
    for net in dict.fromkeys(name.split("/", 1)[0] for name in asked):
        own = {name.split("/", 1)[1]: value for name, value in asked.items() if name.startswith(f"{net}/")}
        found |= {f"{net}/{name}": value for name, value in answer(own).items()}
    np.savez(reply, allow_pickle=False, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
