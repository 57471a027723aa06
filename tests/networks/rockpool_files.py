"""Writes files in the form of Rockpool's ``net.save()``: every parameter a JSON text, modules in any order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

F = np.float32
Module = dict[str, Any]


def linear(*shape: int, seed: int = 0, bias: bool = False, scale: float = 1.0) -> Module:
    """A LinearTorch with weights on a grid of 1/16, so that their sums are exact in any order."""
    random = np.random.default_rng(seed)
    weight = (np.rint(random.normal(0.2, 0.6, shape) * scale * 16) / 16).astype(F)
    values = {"weight": text(weight)}
    return {**values, "bias": text(np.rint(random.normal(0, 1, shape[1]) * 8) / 16)} if bias else values


def lif(size: int, n_syn: int = 1, **changed: Any) -> Module:
    """A LIFTorch or LIFBitshiftTorch: the file does not say which."""
    values: dict[str, Any] = {
        "tau_mem": np.full(size, 0.02, F),
        "tau_syn": np.full((size, n_syn), 0.01, F),
        "threshold": np.ones(size, F),
        "bias": np.zeros(size, F),
        "w_rec": np.zeros((size, size * n_syn), F),
        "_has_rec": False,
        "dt": 0.001,
        "leak_mode": "taus",
        "learning_window": 0.5,
        "max_spikes_per_dt": 31.0,
        "noise_std": 0.0,
    }
    values |= changed
    return {
        "spike_generation_fn": None,
        **{name: text(value) for name, value in values.items() if value is not None},
    }


def exp_syn(size: int) -> Module:
    return {"tau": text(np.full(size, 0.01, F)), "noise_std": text(0.0), "dt": text(0.001)}


def dropout(training: bool = True) -> Module:
    return {"p": text(0.5), "training": text(training)}


def synnet(*sizes: int, vmem: bool = False, drops: bool = False) -> Module:
    """A SynNet: inputs, hidden layers, classes."""
    seq: Module = {}
    for i, (before, size) in enumerate(zip(sizes[:-2], sizes[1:-1], strict=True)):
        seq[f"{i}_neurons"] = lif(size, tau_mem=0.0014426950408889634, tau_syn=0.003476059501913853, threshold=1.0)
        seq[f"{i}_linear"] = linear(before, size, seed=i)
        if drops:
            seq[f"{i}_dropout"] = dropout()
    seq["out_neurons"] = lif(sizes[-1], threshold=32767.0 if vmem else 1.0, max_spikes_per_dt=1.0)
    seq["out_linear"] = linear(sizes[-2], sizes[-1], seed=9)
    return {"seq": seq}


def text(value: Any) -> str:
    """A parameter as Rockpool writes it."""
    return json.dumps(value.tolist() if isinstance(value, np.ndarray) else value)


def turned(net: Module) -> Module:
    """The same modules in another order, as files have them."""
    return {name: net[name] for name in reversed(net)}


def write(path: Path, net: Module) -> Path:
    path.write_text(json.dumps(net))
    return path


def counts(steps: int, samples: int, size: int, seed: int = 0, rate: float = 0.7) -> Array:
    """Poisson counts, f32 (time, batch, features)."""
    found: Array = np.random.default_rng(seed).poisson(rate, (steps, samples, size)).astype(F)
    return found
