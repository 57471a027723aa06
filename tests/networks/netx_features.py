"""One NetX file per feature of the format, for the support matrix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

from tests.networks.netx_files import CUBA, conv_layer, dense_layer, write

File = tuple[list[dict[str, Any]], tuple[int, ...], dict[str, str]]
"""Layers, input shape, options of the reader."""


def weights(*shape: int, seed: int = 3) -> Array:
    """Even weights of both signs."""
    return 2 * np.random.default_rng(seed).integers(-12, 20, shape)


def image(*layers: dict[str, Any], size: tuple[int, int, int] = (2, 6, 5)) -> File:
    """An input layer and what follows."""
    return [{"type": "input", "shape": np.array(size)}, *layers], size, {}


def vector(*layers: dict[str, Any], **options: str) -> File:
    """Six inputs without an input layer."""
    return list(layers), (6,), options


def resonators(real: Array, imag: Array) -> dict[str, Any]:
    """A complex layer, with decays that Lava has the same on every machine."""
    neuron = {"type": "RF_PHASE", "sinDecay": 3000.5, "cosDecay": 2500.5, "vThMant": 20, "gradedSpike": False}
    parts = {"weight/real": real.astype(np.float32), "weight/imag": imag.astype(np.float32)}
    return {"type": "dense", "shape": np.array([len(real)]), **parts, "neuron": neuron}


def input_block() -> File:
    """An input block with neurons of its own, as PilotNet has."""
    block = {"type": "input", "shape": np.array([2, 6, 5]), "neuron": {**CUBA, "vThMant": 1}, "bias": 1.0}
    layers = [block, conv_layer(weights(3, 2, 3, 3), (3, 4, 3))]
    return layers, (2, 6, 5), {}


FEATURES: dict[str, Callable[[], File]] = {
    "dense": lambda: vector(dense_layer(weights(5, 6)), dense_layer(weights(4, 5))),
    "dense, recurrent": lambda: vector(
        dense_layer(weights(5, 6), type="dense_rec", weight_rec=weights(5, 5, seed=4).astype(np.float32))
    ),
    "conv, flatten, dense": lambda: image(
        conv_layer(weights(3, 2, 3, 3), (3, 4, 3)), {"type": "flatten"}, dense_layer(weights(4, 36))
    ),
    "conv: stride, padding, dilation, groups": lambda: image(
        conv_layer(
            weights(4, 1, 3, 2),
            (4, 3, 5),
            stride=np.array([2, 1]),
            padding=np.array([1, 1]),
            dilation=np.array([1, 2]),
            groups=2,
        )
    ),
    "input block with neurons": input_block,
    "decays per channel": lambda: vector(
        dense_layer(
            weights(4, 6),
            neuron={**CUBA, "iDecay": np.array([9, 900, 4000, 0]), "vDecay": np.array([4, 40, 400, 0])},
        )
    ),
    "biases": lambda: vector(dense_layer(weights(4, 6), bias=np.array([3.0, -2, 0, 50]))),
    "one delay per layer": lambda: vector(dense_layer(weights(4, 6), delay=np.array(5.0))),
    "delays per neuron (output or input)": lambda: vector(
        dense_layer(weights(4, 6), delay=np.array([1.0, 2, 3, 0])),
        dense_layer(weights(3, 4), delay=np.array([0.0, 4, 2, 7])),
    ),
    "delays per synapse": lambda: vector(
        dense_layer(weights(4, 6), delay=np.random.default_rng(6).integers(0, 9, (4, 6)).astype(np.float32))
    ),
    "delays beyond 62, or with fractions (as Lava has them)": lambda: vector(
        dense_layer(weights(4, 6), delay=np.array([1.5, 2, 70, 0]))
    ),
    "reset_interval": lambda: vector(
        dense_layer(weights(4, 6), bias=np.array([3.0, 2, 0, 5])), reset_interval="8", reset_offset="3"
    ),
    "weights that Lava's packing changes": lambda: vector(
        dense_layer(weights(5, 6)),
        dense_layer(np.full((3, 5), -9), bias=np.full(3, 20.0)),
        dense_layer([[4, 6, 2]]),
    ),
    "old names (LOIHI neurons, shape (N, 1, 1))": lambda: vector(
        dense_layer(
            weights(5, 6), shape=np.array([5, 1, 1]), neuron={**CUBA, "type": "LOIHI", "wgtExp": 0, "theta": 4096}
        )
    ),
    "resonate-and-fire neurons (complex weights)": lambda: vector(
        dense_layer(weights(5, 6)), resonators(weights(4, 5), weights(4, 5, seed=5)), dense_layer(weights(3, 4))
    ),
    "sigma-delta, adaptive neurons": lambda: vector(dense_layer(weights(4, 6), neuron={**CUBA, "type": "SDNN"})),
    "average pooling layers": lambda: image({"type": "average", "shape": np.array([2, 3, 2])}),
}


def write_feature(feature: str, folder: Path) -> tuple[Path, tuple[int, ...], dict[str, str]]:
    """Path, input shape and reader options of one row's file."""
    layers, shape, options = FEATURES[feature]()
    return write(folder / "net.net", layers), shape, options
