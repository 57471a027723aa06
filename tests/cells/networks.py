"""The networks of the table: two per source, stored as files beside this one, each with its input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from snnhub.hub.loader import load
from snnhub.ir.tensor import Array

from tests.networks.soft_reset import digits

FOLDER = Path(__file__).parent / "stored"
NETWORKS = Path(__file__).parent.parent / "networks"
TARGETS = ("snn", "netx", "xylo-a2", "xylo-imu", "xylo-a3")
SAMPLES = 40


@dataclass(frozen=True)
class Net:
    """``file``: the network as it was stored. ``factory``: what makes it in its framework, for sources that are
    live. ``shape``: features of a step. ``words``: what it is.
    """

    source: str
    name: str
    reset: str
    words: str
    file: Path
    factory: str = ""
    shape: tuple[int, ...] = (16,)

    @property
    def key(self) -> str:
        return f"{self.source} {self.name}"

    def stimulus(self) -> Array:
        """Input that it is measured on: (time, samples, features…)."""
        return _digits("images") if self.shape == (16,) else _noise(self.shape, 1)

    def calibration(self) -> Array:
        """Other input, on which scales are chosen."""
        return _digits("calibration") if self.shape == (16,) else _noise(self.shape, 2)


def _digits(part: str) -> Array:
    return digits(part, SAMPLES)


def _noise(shape: tuple[int, ...], seed: int) -> Array:
    return (np.random.default_rng(seed).random((40, 4, *shape)) < 0.4).astype(np.uint8)


def _net(
    source: str, name: str, reset: str, words: str, suffix: str, factory: str = "", **more: tuple[int, ...]
) -> Net:
    file = FOLDER / f"{source}-{name.replace(' ', '-')}{suffix}"
    return Net(source, name, reset, words, file, factory, **more)


DIGITS = "16-60-8, reads the digits 0 to 7 from 4 x 4 pixels"
ALL = (
    _net("spikingjelly", "IF hard", "hard", f"{DIGITS}: IFNode, v_reset=0", ".snn", "hard"),
    _net("spikingjelly", "IF soft", "soft", f"{DIGITS}: IFNode, biases, v_reset=None", ".snn", "if"),
    _net("rockpool", "two layers", "soft", f"{DIGITS}: weights of a trained LIF network", ".json", "two_layers"),
    _net("rockpool", "recurrent", "soft", "16-24-8, hidden neurons feed each other", ".json", "recurrent"),
    _net("netx", "dense", "hard", f"{DIGITS}: weights of `IF hard` as integers, a decay", ".net"),
    _net("netx", "conv", "hard", "convolution, flatten, dense, random even weights", ".net", shape=(2, 6, 5)),
    _net("lava-dl", "dense", "hard", f"{DIGITS}: slayer CUBA blocks, weights of `IF hard`", ".snn", "dense"),
    _net("lava-dl", "conv", "hard", "slayer CUBA convolution, flatten, dense", ".snn", "conv", shape=(2, 6, 5)),
)
ABSENT = {
    "rockpool": "Rockpool's LIF subtracts the threshold: there is no network with a hard reset",
    "netx": "Loihi's neuron resets to 0: there is no NetX file with a soft reset",
    "lava-dl": "slayer's CUBA neuron resets to 0: there is no network with a soft reset",
}
"""Why a source has two networks with the same reset."""
FACTORIES: dict[str, Callable[[Net], str]] = {
    "rockpool": lambda net: f"{NETWORKS / 'rockpool_digits.py'}:{net.factory}",
    "lava-dl": lambda net: f"{NETWORKS / 'lavadl_nets.py'}:{net.factory}",
}


def networks() -> tuple[Net, ...]:
    """Those whose source has an importer here."""
    known = load().importers
    return tuple(net for net in ALL if net.source in known)


def cells() -> list[tuple[Net, str]]:
    """Every network with every target."""
    return [(net, target) for net in networks() for target in TARGETS]
