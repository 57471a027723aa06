"""Rockpool's bias generator, quantiser and mapper of Dynap-SE2, asked for from outside: ``QUESTION ANSWER``.

Runs in the environment ``dynapse2`` as a script of its own and knows nothing of snnhub. ``QUESTION``: ``.npz``.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

BASES = 4
SCALE, KIND = 0.22, "P"
Arrays = dict[str, Any]


def table(question: Mapping[str, Any]) -> Arrays:
    """The vendor's currents (2, 6, 256), types N and P, and the scale factors of the parameters asked for."""
    from rockpool.devices.dynapse.lookup import paramgen_se2, scale_factor_se2

    currents = np.array([[paramgen_se2[kind][coarse] for coarse in range(6)] for kind in "NP"])
    return {
        "currents": currents,
        "scales": np.array([scale_factor_se2[name] for name in question["names"].tolist()]),
    }


def code(question: Mapping[str, Any]) -> Arrays:
    """Rockpool's own codes of currents, by parameter."""
    from rockpool.devices.dynapse.parameters.biasgen import analog_to_param

    pairs = zip(question["names"].tolist(), question["values"].tolist(), strict=True)
    return {"codes": np.array([analog_to_param(name, value) for name, value in pairs])}


def autoencoder(question: Mapping[str, Any]) -> Arrays:
    """``autoencoder_quantization`` of ``w_in`` (n_in, n), ``runs`` times after one that is not counted: weights
    (runs, n_in, n) as its masks make them with currents of the vendor's table, and the seconds of each run.
    """
    from rockpool.devices.dynapse import autoencoder_quantization
    from rockpool.devices.dynapse.parameters.biasgen import analog_to_digital, digital_to_analog

    weights, iscale = question["w_in"].astype(np.float32), float(question["iscale"])
    found, seconds = [], []
    for run in range(int(question["runs"]) + 1):
        np.random.seed(int(question["seed"]) + run)  # noqa: NPY002  Rockpool has no other way
        start = time.perf_counter()
        spec = autoencoder_quantization(
            n_cluster=1,
            core_map=np.zeros(weights.shape[1], int),
            weights_in=weights,
            weights_rec=np.zeros((weights.shape[1],) * 2, np.float32),
            Iscale=iscale,
        )
        seconds.append(time.perf_counter() - start)
        amps = [
            float(digital_to_analog(*analog_to_digital(float(spec[f"Iw_{bit}"][0]), SCALE, KIND), SCALE, KIND))
            for bit in range(BASES)
        ]
        masks = np.asarray(spec["weights_in"][0])
        bits = (masks[..., None] >> np.arange(BASES)) & 1
        found.append(np.asarray(spec["sign_in"][0]) * (bits @ np.array(amps)) / iscale)
    return {"weights": np.array(found[1:]), "seconds": np.array(seconds[1:])}


def mapped(question: Mapping[str, Any]) -> Arrays:
    """Seconds that Rockpool takes from a module in memory to masks: its graph, its mapper, its quantiser, each
    ``runs`` times after one that is not counted. One core, at most 255 neurons: it does not map more.
    """
    from rockpool.devices.dynapse import DynapSim, autoencoder_quantization, mapper
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LinearJax

    w_in, w_rec = (question[name].astype(np.float32) for name in ("w_in", "w_rec"))
    linear = LinearJax(w_in.shape, has_bias=False, weight=w_in)
    net = Sequential(linear, DynapSim(w_rec.shape, has_rec=True, w_rec=w_rec))
    seconds = []
    for run in range(int(question["runs"]) + 1):
        np.random.seed(int(question["seed"]) + run)  # noqa: NPY002  Rockpool has no other way
        start = time.perf_counter()
        spec = mapper(net.as_graph())
        spec.pop("mapped_graph")
        autoencoder_quantization(**spec)
        seconds.append(time.perf_counter() - start)
    return {"seconds": np.array(seconds[1:])}


def main(question: str, answer: str) -> None:
    """Answer one question."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)  # Rockpool warns of every optional package that is not there
    with np.load(question, allow_pickle=False) as file:
        asked = {name: file[name] for name in file.files}
    answers = {"table": table, "code": code, "autoencoder": autoencoder, "map": mapped}
    found = answers[str(asked["ask"])](asked)
    np.savez(answer, allow_pickle=False, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
