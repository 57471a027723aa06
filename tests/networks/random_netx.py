"""Random NetX files with everything that Lava's reader gives a meaning to, sound or not: for live Lava.

Matrices that its packing damages, weights beyond 8 bits, biases that wrap, thresholds at both ends, currents that
wrap at 2^23, delays of every shape, resets while running. One seed is one file, on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

from tests.networks.netx_files import CUBA, conv_layer, dense_layer

BASE = 20261121
KINDS = ("dense", "conv", "recurrent", "delay", "bias", "negative", "saturating", "wrap", "channels", "reset")
"""Seed modulo their number is what a network certainly has; the rest is drawn."""


@dataclass
class RandomNet:
    """``layers`` for ``netx_files.write``, what the reader needs, and the ``features`` that were drawn."""

    seed: int
    layers: list[dict[str, Any]] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    features: set[str] = field(default_factory=set)
    rate: float = 0.4


class Draw:
    """Draws one network."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng((BASE, seed))
        self.net = RandomNet(seed)
        self.kind = KINDS[seed % len(KINDS)]

    def chance(self, kind: str, share: float = 0.2) -> bool:
        """Whether the network gets this; remembered as a feature."""
        drawn = bool(self.random.random() < share)
        found = drawn or self.kind == kind
        if found:
            self.net.features.add(kind)
        return found

    def whole(self, low: int, high: int) -> int:
        """An integer in low .. high."""
        return int(self.random.integers(low, high + 1))

    def network(self) -> RandomNet:
        """The file."""
        spatial = self.chance("conv", 0.25)
        if spatial:
            self._image()
        else:
            size = self.whole(30, 48) if self.kind == "wrap" else self.whole(2, 10)
            self.net.shape = (size,)
            if self.chance("input neurons", 0.1):
                self._input((size,))
            elif self.chance("input layer", 0.3):
                self.net.layers.append({"type": "input", "shape": np.array([size])})
        width = int(np.prod(self.net.shape)) if not spatial else self._convolutions()
        for index in range(1 if spatial else int(self.random.choice([1, 2, 3], p=[0.4, 0.45, 0.15]))):
            width = self._dense(width, first=index == 0)
        if self.chance("reset", 0.2):
            self.net.options = {"reset_interval": str(self.whole(2, 12)), "reset_offset": str(self.whole(0, 14))}
        self.net.rate = 0.9 if "wrap" in self.net.features else float(self.random.uniform(0.2, 0.7))
        return self.net

    def _neuron(self, channels: int, slow: bool = False) -> dict[str, Any]:
        """Decays and threshold. ``slow``: currents that hardly decay."""
        random, each = self.random, self.chance("channels", 0.25)

        def decay(*usual: int) -> Any:
            return random.integers(0, 4097, channels) if each else int(random.choice(usual))

        threshold = int(
            random.choice([0, 1, 30, 100, 400, 3000, 2**17 - 1], p=[0.1, 0.1, 0.2, 0.3, 0.2, 0.05, 0.05])
        )
        return {
            **CUBA,
            "iDecay": int(random.choice([0, 1, 40])) if slow else decay(0, 900, 4096, 4096),
            "vDecay": decay(0, 0, 128, 4096),
            "vThMant": threshold,
        }

    def _input(self, shape: tuple[int, ...]) -> None:
        neuron = {**self._neuron(shape[0]), "vThMant": 0}
        self.net.layers.append({"type": "input", "shape": np.array(shape), "neuron": neuron})

    def _image(self) -> None:
        shape = (2 * self.whole(1, 2), self.whole(4, 6), self.whole(4, 6))
        self.net.shape = shape
        if self.chance("input neurons", 0.25):
            self._input(shape)
        else:
            self.net.layers.append({"type": "input", "shape": np.array(shape)})

    def _convolutions(self) -> int:
        """One or two, then a flatten. Returns the number of elements."""
        shape = self.net.shape
        for index in range(self.whole(1, 2)):
            groups = 2 if index == 0 and self.chance("groups", 0.4) else 1
            kernel = np.array([self.whole(1, 3), self.whole(1, 3)])
            step, pad = (np.array([self.whole(low, 2), self.whole(low, 2)]) for low in (1, 0))
            gap = np.array([self.whole(1, 2), self.whole(1, 2)]) if index == 0 else np.array([1, 1])
            span = np.array(shape[1:]) + 2 * pad - gap * (kernel - 1) - 1
            if (span < 0).any():
                break
            filters = 2 * self.whole(1, 2)
            top = 2**20 if self.chance("wrapped sums", 0.1) else 120
            weight = self.random.integers(-top, top * 5 // 4, (filters, shape[0] // groups, *kernel))
            shape = (filters, *(int(size) for size in span // step + 1))
            changes: dict[str, Any] = {"stride": step, "padding": pad, "dilation": gap, "groups": groups}
            if self.chance("bias", 0.3):
                changes["bias"] = self._bias(filters)
            neuron = self._neuron(filters)
            self.net.layers.append(conv_layer(weight, shape, neuron=neuron, **changes))  # type: ignore[arg-type]
        self.net.layers.append({"type": "flatten"})
        return int(np.prod(shape))

    def _bias(self, size: int) -> Array:
        top = 40_000 if self.chance("bias that wraps", 0.1) else 300
        bias = self.random.integers(-top, top + 1, size).astype(np.float32)
        return np.asarray(np.abs(bias)) if self.kind == "negative" else bias  # what only inhibits needs a drive

    def _weight(self, outputs: int, inputs: int) -> Array:
        """Weights (out, in), not all 0: Lava's reader fails on such a matrix."""
        random, shape = self.random, (outputs, inputs)
        if self.kind == "wrap" and "wrap" not in self.net.features:
            self.net.features.add("wrap")
            return np.asarray(2 * random.integers(90, 128, shape) * random.choice([-1, 1, 1], (outputs, 1)))
        if self.chance("negative", 0.15):
            even = random.integers(1, 60, shape) * -2
            weight = np.full(shape, -(2 ** self.whole(1, 8))) if self.chance("uniform", 0.2) else even
            return weight + random.integers(0, 2, shape) if self.chance("odd", 0.2) else weight
        if self.chance("saturating", 0.15):
            return random.integers(-400, 420, shape)
        if self.chance("not negative", 0.1):
            return random.integers(0, 140, shape)
        weight = random.integers(-60, 90, shape) * (1 if self.chance("odd", 0.2) else 2)
        return weight * (random.random(shape) < 0.5) if self.chance("sparse", 0.2) else weight

    def _dense(self, inputs: int, first: bool) -> int:
        outputs = inputs if self.chance("square", 0.2) and inputs < 12 else self.whole(2, 9)
        weight = self._weight(outputs, inputs)
        weight[0, 0] += not weight.any()
        changes: dict[str, Any] = {}
        if self.chance("bias", 1.0 if self.kind == "negative" else 0.3):
            changes["bias"] = self._bias(outputs)
        if self.chance("recurrent", 0.15):
            back = 2 * self.random.integers(-40, 30, (outputs, outputs))
            changes |= {"type": "dense_rec", "weight_rec": back.astype(np.float32)}
        elif self.chance("delay", 0.3):
            changes["delay"] = self._delay(outputs, inputs)
        if not self.chance("no neuron group", 0.03):
            changes["neuron"] = self._neuron(outputs, slow=first and self.kind == "wrap")
        layer = dense_layer(weight, **changes)
        if "neuron" not in changes:
            del layer["neuron"]
        self.net.layers.append(layer)
        return outputs

    def _delay(self, outputs: int, inputs: int) -> Array:
        """Of one of the four shapes; some beyond 62, some with fractions."""
        shapes: list[tuple[int, ...]] = [(), (outputs,), (inputs,), (outputs, inputs)]
        number = self.whole(0, 3)
        self.net.features.add(f"delay {('one', 'per output', 'per input', 'per synapse')[number]}")
        delay = self.random.integers(0, 9, shapes[number]).astype(np.float32)
        if self.chance("delay clamped", 0.15):
            delay = np.where(self.random.random(delay.shape) < 0.3, np.float32(70), delay)
        if self.chance("delay cut", 0.15):
            delay = delay + np.float32(0.5)
        return np.asarray(delay, np.float32)


def random_netx(seed: int) -> RandomNet:
    """The file of one seed."""
    return Draw(seed).network()
