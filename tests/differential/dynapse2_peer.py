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
    w_in = question["w_in"]
    found, seconds = [], []
    for run in range(int(question["runs"]) + 1):
        weights, taken = _encoded(w_in, np.zeros((w_in.shape[1],) * 2), question, int(question["seed"]) + run)
        found.append(weights[: len(w_in)])
        seconds.append(taken)
    return {"weights": np.array(found[1:]), "seconds": np.array(seconds[1:])}


def _encoded(w_in: Any, w_rec: Any, question: Mapping[str, Any], seed: int) -> tuple[Any, float]:
    """One run of the autoencoder on one core: weights (n_in + n, n) with the vendor's currents, and seconds."""
    from rockpool.devices.dynapse import autoencoder_quantization
    from rockpool.devices.dynapse.parameters.biasgen import analog_to_digital, digital_to_analog

    iscale = float(question["iscale"])
    np.random.seed(seed)  # noqa: NPY002  Rockpool has no other way
    start = time.perf_counter()
    spec = autoencoder_quantization(
        n_cluster=1,
        core_map=np.zeros(w_in.shape[1], int),
        weights_in=w_in.astype(np.float32),
        weights_rec=w_rec.astype(np.float32),
        Iscale=iscale,
    )
    seconds = time.perf_counter() - start
    amps = [
        float(digital_to_analog(*analog_to_digital(float(spec[f"Iw_{bit}"][0]), SCALE, KIND), SCALE, KIND))
        for bit in range(BASES)
    ]
    parts = []
    for kind in ("in", "rec"):
        bits = (np.asarray(spec[f"weights_{kind}"][0])[..., None] >> np.arange(BASES)) & 1
        parts.append(np.asarray(spec[f"sign_{kind}"][0]) * (bits @ np.array(amps)) / iscale)
    return np.concatenate(parts), seconds


def rates(question: Mapping[str, Any]) -> Arrays:
    """Spikes of every neuron in live DynapSim, of networks of one core, by number: ``counts_<k>``.

    ``weights_<k>`` (variants, n_in + n, n): the first variant is the network itself, in units of ``iscale``;
    ``currents_<k>`` (variants, names, n) in A; ``x_<k>`` (steps, n_in). Behind the given variants follow
    the ``runs`` of the autoencoder, first with the currents that Rockpool's codes make of the network's, then with
    its own.
    """
    import jax
    from rockpool.devices.dynapse.lookup import scale_factor_se2
    from rockpool.devices.dynapse.parameters.biasgen import analog_to_param, digital_to_analog

    jax.config.update("jax_compilation_cache_dir", str(question["cache"]))  # seeds of a network share a program
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    names = question["names"].tolist()
    parameters = question["parameters"].tolist()
    found: Arrays = {}
    for k in range(int(question["networks"])):
        weights, currents, x = (question[f"{name}_{k}"] for name in ("weights", "currents", "x"))
        n_in = x.shape[1]
        runs = [
            _encoded(weights[0, :n_in], weights[0, n_in:], question, seed) for seed in range(int(question["runs"]))
        ]
        encoded = np.array([run for run, _ in runs])
        codes = [analog_to_param(p, float(i)) for p, i in zip(parameters, currents[0, :, 0], strict=True)]
        theirs = np.array(
            [
                float(digital_to_analog(*code, scale_factor_se2[p], p[-1]))
                for p, code in zip(parameters, codes, strict=True)
            ]
        )
        rounded = np.broadcast_to(theirs[:, None], currents[0].shape)
        weights = np.concatenate([weights, encoded, encoded])
        behind = [np.repeat(kind[None], len(runs), axis=0) for kind in (rounded, currents[0])]
        currents = np.concatenate([currents, *behind])
        found[f"counts_{k}"] = _spikes(weights, currents, names, x, float(question["iscale"]))
        found[f"seconds_{k}"] = np.array([seconds for _, seconds in runs])
    return found


def _spikes(weights: Any, currents: Any, names: list[str], x: Any, iscale: float) -> Any:
    """(variants, n) spikes: all variants side by side in one DynapSim, which nothing leads from one to another."""
    from rockpool.devices.dynapse import DynapSim
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LinearJax

    variants, _, n = weights.shape
    n_in = x.shape[1]
    w_in = np.concatenate(list(weights[:, :n_in]), axis=1)
    w_rec = np.zeros((variants * n,) * 2)
    for v in range(variants):
        w_rec[v * n : (v + 1) * n, v * n : (v + 1) * n] = weights[v, n_in:]
    given = {name: currents[:, column].reshape(-1).astype(np.float32) for column, name in enumerate(names)}
    linear = LinearJax(w_in.shape, has_bias=False, weight=w_in.astype(np.float32))
    neurons = DynapSim(w_rec.shape, has_rec=True, w_rec=w_rec.astype(np.float32), Iscale=iscale, dt=1e-3, **given)
    output, _, _ = Sequential(linear, neurons)(x[None].astype(np.float32))
    return np.asarray(output)[0].sum(axis=0).reshape(variants, n)


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
    answers = {"table": table, "code": code, "autoencoder": autoencoder, "map": mapped, "rates": rates}
    found = answers[str(asked["ask"])](asked)
    np.savez(answer, allow_pickle=False, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
