"""Networks of DynapSim as factories. Only for interpreters that have Rockpool and jax: its worker, live tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

CHANNELS = 16
DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "rockpool"


def _dynapsim(size: int, w_rec: Any = None, **values: Any) -> Any:
    from rockpool.devices.dynapse import DynapSim

    if w_rec is not None:
        values |= {"has_rec": True, "w_rec": w_rec}
    return DynapSim((size, size), **values)


def _key(seed: int) -> Any:
    from jax import random

    return random.PRNGKey(seed)


def _linear(weight: Any, bias: Any = None) -> Any:
    from rockpool.nn.modules.jax import LinearJax

    more = {} if bias is None else {"bias": bias}
    return LinearJax(shape=weight.shape, has_bias=bias is not None, weight=weight, **more)


def _sequential(*layers: Any) -> Any:
    from rockpool.nn.combinators import Sequential

    return Sequential(*layers)


def _wide(random: np.random.Generator, size: int) -> dict[str, Any]:
    """Bias currents that differ from neuron to neuron."""
    spread = {
        "Itau_syn": 86.9e-12,
        "Igain_syn": 8.69e-9,
        "Itau_mem": 5.32e-12,
        "Igain_mem": 21.3e-12,
        "Ispkthr": 1e-7,
        "Iref": 0.6e-9,
        "Ipulse": 35e-9,
    }
    return {
        name: (value * 2.0 ** random.uniform(-1, 1, size)).astype(np.float32) for name, value in spread.items()
    }


def random_net(
    seed: int = 0, size: int = 16, recurrent: bool = True, ahp: bool = False, mismatch: float = 0.0
) -> Any:
    """One layer: weights of both signs, its own bias currents per neuron, recurrence, adaptation, mismatch."""
    random = np.random.default_rng(seed)
    weight = random.normal(0.15, 0.8, (CHANNELS, size)).astype(np.float32)
    w_rec = random.normal(0.0, 1.6 / np.sqrt(size), (size, size)).astype(np.float32) if recurrent else None
    values = _wide(random, size)
    if ahp:
        values["Iw_ahp"] = (1e-9 * random.uniform(0.2, 2, size)).astype(np.float32)
    if mismatch:
        values |= {"percent_mismatch": mismatch, "rng_key": _key(seed)}
    return _sequential(_linear(weight), _dynapsim(size, w_rec, **values))


def layered(seed: int = 0, mismatch: float = 0.0) -> Any:
    """Three layers of neurons, the middle one recurrent and in a Sequential of its own; a bias before the last."""
    random = np.random.default_rng(seed)
    more: dict[str, Any] = {"percent_mismatch": mismatch, "rng_key": _key(seed)} if mismatch else {}
    weights = [random.normal(mean, 0.9, shape).astype(np.float32) for mean, shape in LAYERS]
    return _sequential(
        _linear(weights[0]),
        _dynapsim(20, **_wide(random, 20), **more),
        _sequential(
            _linear(weights[1]), _dynapsim(12, random.normal(0, 0.5, (12, 12)).astype(np.float32), **more)
        ),
        _linear(weights[2], random.normal(0, 0.01, 5).astype(np.float32)),
        _dynapsim(5, **more),
    )


def plain_layers(seed: int = 0) -> Any:
    """Three layers of neurons without biases, the middle one recurrent, in one Sequential."""
    random = np.random.default_rng(seed)
    weights = [random.normal(mean, 0.9, shape).astype(np.float32) for mean, shape in LAYERS]
    return _sequential(
        _linear(weights[0]),
        _dynapsim(20),
        _linear(weights[1]),
        _dynapsim(12, random.normal(0, 0.5, (12, 12)).astype(np.float32)),
        _linear(weights[2]),
        _dynapsim(5),
    )


LAYERS = ((0.15, (CHANNELS, 20)), (0.3, (20, 12)), (0.5, (12, 5)))


def alone(size: int = CHANNELS) -> Any:
    """A DynapSim that is the whole network."""
    return _dynapsim(size)


def seed(folder: str = str(DATA), mismatch: float = 0.0, key: int = 1) -> Any:
    """The network of the tutorial with its trained weights: 60 channels, two recurrent neurons."""
    w_in, w_rec = (np.load(Path(folder) / f"w_{name}_optimized.npy") for name in ("in", "rec"))
    more: dict[str, Any] = {"percent_mismatch": mismatch, "rng_key": _key(key)} if mismatch else {}
    return _sequential(_linear(w_in), _dynapsim(w_in.shape[1], w_rec, dt=1e-3, **more))


def two_steps() -> Any:
    """Layers with steps of different length, a module that is no layer of ours, and sizes that do not fit."""
    from rockpool.nn.modules.jax import LIFJax

    weight = np.ones((4, 4), np.float32)
    return _sequential(
        _linear(weight), _dynapsim(4, dt=1e-3), LIFJax((4, 4)), _linear(weight), _dynapsim(4, dt=2e-3)
    )
