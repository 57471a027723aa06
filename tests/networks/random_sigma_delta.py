"""Random sigma-delta NetX files: in groups of one form, which run side by side as one network, and wild ones.

One seed is one file, on every machine. The networks of a group have the same layers and thresholds; weights,
biases and inputs are each network's own, and small enough that no 32-bit word of Lava overflows. Wild ones do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

from tests.networks.netx_files import conv_layer, dense_layer

BASE = 20261121
SDNN = {"type": "SDNN", "activation": "relu", "vThMant": 8}
KINDS = ("dense", "conv", "spikes", "flatten", "delay", "recurrent", "mixed")
"""Group modulo their number: what its networks certainly have."""
STEPS = 14
Random = np.random.Generator


@dataclass
class Drawn:
    """``layers`` for ``netx_files.write``; ``x``: input (time, features…)."""

    x: Array
    layers: list[dict[str, Any]] = field(default_factory=list)


def sdnn(threshold: int, **changes: Any) -> dict[str, Any]:
    """A neuron group."""
    return {**SDNN, "vThMant": threshold, **changes}


class Form:
    """What the networks of a group share. ``draw`` gives one of them."""

    def __init__(self, group: int) -> None:
        random = np.random.default_rng((BASE, 77, group))
        self.kind = KINDS[group % len(KINDS)]
        self.binary = self.kind == "spikes"
        self.spatial = self.kind in ("conv", "flatten")
        self.shape: tuple[int, ...] = (2, 5, 4) if self.spatial else (int(random.integers(2, 6)),)
        self.widths = [int(width) for width in random.integers(2, 6, int(random.integers(1, 4)))]
        self.thresholds = [int(value) for value in random.choice([0, 1] if self.binary else [0, 1, 3, 12, 30], 6)]
        self.biases = random.random(6) < 0.6
        self.sigma = bool(random.random() < 0.6) and self.kind != "conv"
        self.stride, self.padding = (tuple(int(n) for n in random.integers(low, 3, 2)) for low in (1, 0))
        self.groups = int(random.choice([1, 2]))
        self.delay = int(random.integers(0, 6))

    def draw(self, random: Random) -> Drawn:
        """One network."""
        shape = (STEPS, *self.shape)
        x = random.random(shape) < 0.4 if self.binary else random.integers(-60, 61, shape)
        drawn = Drawn(x.astype(np.uint8 if self.binary else np.int32))
        if not self.binary:
            layer = {"type": "input", "shape": np.array(self.shape), "neuron": sdnn(self.thresholds[0])}
            drawn.layers.append(layer)
        width = self._convolutions(drawn, random) if self.spatial else self.shape[0]
        if self.kind != "conv":
            for index, outputs in enumerate(self.widths):
                drawn.layers.append(self._dense(random, index, outputs, width))
                width = outputs
        return drawn

    def _convolutions(self, drawn: Drawn, random: Random) -> int:
        sizes = [
            (size + 2 * pad - 2) // step + 1
            for size, pad, step in zip(self.shape[1:], self.padding, self.stride, strict=True)
        ]
        changes: dict[str, Any] = {"bias": self._bias(random, 4)} if self.biases[0] else {}
        weight = 2 * random.integers(-12, 16, (4, 2 // self.groups, 2, 2))
        layer = conv_layer(weight, (4, sizes[0], sizes[1]), neuron=sdnn(self.thresholds[1]), **changes)
        layer |= {"stride": np.array(self.stride), "padding": np.array(self.padding), "groups": self.groups}
        drawn.layers.append(layer)
        if self.kind == "flatten":
            drawn.layers.append({"type": "flatten", "shape": np.array([4 * sizes[0] * sizes[1]])})
        return 4 * sizes[0] * sizes[1]

    def _dense(self, random: Random, index: int, outputs: int, inputs: int) -> dict[str, Any]:
        scale = 14 if self.binary and not index else 2  # a plain spike is 1/64 of what a graded one stands for
        weight = scale * random.integers(-12, 16, (outputs, inputs))
        weight[0, 0], weight[-1, -1] = 6, -4 if weight.size > 1 else 6
        last = index == len(self.widths) - 1
        neuron = sdnn(self.thresholds[2 + index], **({"sigma_output": True} if last and self.sigma else {}))
        changes: dict[str, Any] = {"neuron": neuron}
        if self.biases[1 + index] and "sigma_output" not in neuron:
            changes["bias"] = self._bias(random, outputs)
        if self.kind == "delay":
            changes["delay"] = np.float32(self.delay)
        if self.kind == "recurrent" and index == 0 and "sigma_output" not in neuron:
            back = 2 * random.integers(-2, 3, (outputs, outputs))
            changes |= {"type": "dense_rec", "weight_rec": back.astype(np.float32)}
        return dense_layer(weight, **changes)

    def _bias(self, random: Random, size: int) -> Array:
        bias = random.integers(-60, 90, size).astype(np.float32)
        bias[0] = 33
        return np.asarray(bias)


def group(number: int, size: int) -> list[Drawn]:
    """The networks of a group."""
    form = Form(number)
    return [form.draw(np.random.default_rng((BASE, 78, number, seed))) for seed in range(size)]


def wild(seed: int) -> Drawn:
    """A network whose words overflow, with matrices that Lava's packing damages, wrapped thresholds and biases."""
    random = np.random.default_rng((BASE, 79, seed))
    spatial = seed % 3 == 0
    # sums of a convolution beyond 32 bits are undefined in Lava: see test_convolutions_beyond_32_bits
    tops = [(2**11, 100), (2**4, 2**14)] if spatial else [(2**9, 0), (2**15, 0), (2**20, 0), (2**31 - 1, 0)]
    reach, top = tops[int(random.integers(len(tops)))]
    shape: tuple[int, ...] = (2, 4, 3) if spatial else (int(random.integers(2, 7)),)
    drawn = Drawn(random.integers(-reach, reach, (STEPS, *shape)).astype(np.int32))

    def neuron() -> dict[str, Any]:
        return sdnn(int(random.choice([0, 1, 50, 2**11, 2**19, 2**20 + 3, -7])))

    def bias(size: int) -> dict[str, Any]:
        top = int(random.choice([50, 2**11, 2**21]))
        return {"bias": random.integers(-top, top, size).astype(np.float32)} if random.random() < 0.6 else {}

    drawn.layers.append({"type": "input", "shape": np.array(shape), "neuron": neuron()})
    if spatial:
        weight = random.integers(-top, top, (3, 2, 2, 2))
        drawn.layers.append(conv_layer(weight, (3, 3, 2), neuron=neuron(), **bias(3)))
        drawn.layers.append({"type": "flatten"})
        shape = (18,)
    for index in range(int(random.integers(1, 4))):
        outputs = int(random.integers(2, 6))
        low, high = [(-128, 128), (-8, 9), (0, 200), (-100, 0), (-400, 400)][int(random.integers(5))]
        weight = random.integers(low, high, (outputs, shape[0])) * int(random.choice([1, 2]))
        weight[0, 0] = weight[0, 0] or -2
        last = {"sigma_output": random.random() < 0.5} if index == 2 else {}
        changes = {} if last else bias(outputs)
        drawn.layers.append(dense_layer(weight, neuron={**neuron(), **last}, **changes))
        shape = (outputs,)
    return drawn
