"""Random networks for live Lava by the hundred: twenty in one file, side by side and not connected.

Matrices lie on a diagonal of blocks, convolutions have a group for each network, decays and biases are arrays.
Only thresholds and what Lava does to a whole matrix are shared by the networks of one file. A kind, a regime and a
member are one network, on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

from tests.networks.netx_files import CUBA, conv_layer, dense_layer

BASE = 20261122
KINDS = ("dense", "conv", "recurrent", "delay", "bias", "resonate")
REGIMES = (
    "even",
    "one decay",
    "negative",
    "beyond 8 bits",
    "not negative",
    "high threshold",
    "bias at 16 bits",
    "late",
    "wide",
    "uniform and zero",
)
"""What each group of a kind has; with twenty networks each, 200 of a kind."""
TOGETHER = 20
STEPS = {"late": 90, "wide": 300}
FAN_IN = 2048


@dataclass
class Group:
    """``layers`` for ``netx_files.write``: the networks of one file. ``outputs``: neurons of each in a layer."""

    kind: str
    regime: str
    layers: list[dict[str, Any]] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    rate: float = 0.5

    @property
    def steps(self) -> int:
        """Length of the run: longer where something takes long to come."""
        return STEPS.get(self.regime, 40)


class Draw:
    """Draws one group: ``shared`` for what its networks have in common, ``own`` for each network."""

    def __init__(self, kind: str, regime: str) -> None:
        key = (BASE, KINDS.index(kind), REGIMES.index(regime))
        self.shared = np.random.default_rng(key)
        self.own = [np.random.default_rng((*key, member)) for member in range(TOGETHER)]
        self.group = Group(kind, regime)
        self.kind, self.regime = kind, regime

    def draw(self) -> Group:
        """The file."""
        wide = self.regime == "wide"
        self.group.rate = 1.0 if wide else float(self.shared.uniform(0.3, 0.7))
        if self.kind == "conv":
            width = self._conv(wide)
        else:
            width = FAN_IN if wide else int(self.shared.integers(3, 8))
            self.group.shape = (TOGETHER * width,)
            width = self._dense(width, first=True)
        if self.kind == "resonate":
            width = self._resonators(width)
        self._dense(width, first=False)
        return self.group

    def _weight(self, random: np.random.Generator, shape: tuple[int, ...], first: bool) -> Array:
        """Weights of one network. What only inhibits comes second, so that something is there to inhibit."""
        if self.regime == "wide" and first:
            return np.asarray(
                np.where(random.random((shape[0], *[1] * (len(shape) - 1))) < 0.3, -256, 254)
            ) + np.zeros(shape, np.int64)
        if self.regime == "negative" and not first:
            weight = -random.integers(1, 120, shape)
            weight.flat[0] = -128  # a power of two at the end of the range is what Lava's packing loses
            return np.asarray(weight)
        if self.regime == "uniform and zero" and not first:
            return np.zeros(shape, np.int64) if random.random() < 0.3 else np.full(shape, -8)
        if self.regime == "not negative":
            return random.integers(0, 128, shape) if first else random.integers(0, 300, shape)
        if self.regime == "beyond 8 bits":
            return random.integers(-400, 500, shape)
        return 2 * random.integers(-60, 100, shape)

    def _weights(self, outputs: int, inputs: int, first: bool) -> Array:
        whole = np.zeros((TOGETHER * outputs, TOGETHER * inputs), np.int64)
        for at, random in enumerate(self.own):
            rows, columns = slice(at * outputs, (at + 1) * outputs), slice(at * inputs, (at + 1) * inputs)
            whole[rows, columns] = self._weight(random, (outputs, inputs), first)
        return whole

    def _each(self, draw: Any) -> Array:
        """An array of what ``draw`` gives for each network."""
        return np.concatenate([np.asarray(draw(random)) for random in self.own])

    def _cuba(self, size: int, first: bool) -> dict[str, Any]:
        threshold = int(self.shared.choice([1, 30, 100, 400]))
        if self.regime == "high threshold":
            threshold = int(self.shared.integers(4096, 9000))
        slow = self.regime in ("high threshold",) or (self.regime == "wide" and first)
        decays = [0] if slow else [0, 900, 2000, 4096]
        fast = 0 if slow else int(self.shared.choice([900, 4096]))
        each = {
            "iDecay": self._each(lambda r: r.choice(decays, size)),
            "vDecay": self._each(lambda r: r.choice([0, 1, 128, 4096], size)),
        }
        alone = {"iDecay": fast, "vDecay": int(self.shared.choice([0, 128]))}
        return {**CUBA, **(alone if self.regime == "one decay" else each), "vThMant": threshold}

    def _changes(self, size: int, inputs: int, first: bool) -> dict[str, Any]:
        """Bias and delays of a layer, as its kind and regime want them."""
        changes: dict[str, Any] = {}
        if self.kind == "bias" or self.regime in ("bias at 16 bits", "uniform and zero", "negative"):
            top = 40_000 if self.regime == "bias at 16 bits" else 300
            low = 0 if self.regime in ("uniform and zero", "negative") else -top
            changes["bias"] = self._each(lambda r: r.integers(low, top + 1, size)).astype(np.float32)
        # Lava keeps a row for each delay: of the widest layers that would be a hundred million weights
        if (self.kind == "delay" and not (self.regime == "wide" and first)) or (
            self.regime == "late" and self.kind not in ("recurrent", "conv") and not first
        ):
            changes["delay"] = self._delay(size, inputs)
        return changes

    def _delay(self, size: int, inputs: int) -> Array:
        top = 80 if self.regime == "late" else 7
        form = int(self.shared.integers(0, 3))
        if form < 2:
            delay = self._each(lambda r: r.integers(0, top, (size, inputs)[form])).astype(np.float32)
        else:
            delay = np.zeros((TOGETHER * size, TOGETHER * inputs), np.float32)
            for at, random in enumerate(self.own):
                part = random.integers(0, top, (size, inputs))
                delay[at * size : (at + 1) * size, at * inputs : (at + 1) * inputs] = part
        return delay + np.float32(0.5) if self.regime == "late" else delay

    def _dense(self, inputs: int, first: bool) -> int:
        outputs = int(self.shared.integers(2, 6))
        layer = dense_layer(
            self._weights(outputs, inputs, first),
            neuron=self._cuba(outputs, first),
            **self._changes(outputs, inputs, first),
        )
        if self.kind == "recurrent":
            layer |= {"type": "dense_rec", "weight_rec": self._weights(outputs, outputs, False).astype(np.float32)}
        self.group.layers.append(layer)
        return outputs

    def _resonators(self, inputs: int) -> int:
        """Decays half a step farther from 0, which Lava cuts to the same whole numbers everywhere."""
        size = int(self.shared.integers(2, 6))
        real, imag = (self._weights(size, inputs, False) for _ in range(2))
        turn = self._each(lambda r: r.uniform(0.05, 3.1, size))
        kept = self._each(lambda r: r.integers(2500, 4096, size))
        decays = {
            "sinDecay": np.trunc(kept * np.sin(turn)) + 0.5,
            "cosDecay": np.trunc(kept * np.cos(turn)) + np.copysign(0.5, np.cos(turn)),
        }
        kind = str(self.shared.choice(["RF_PHASE", "RF_IZHIKEVICH"]))
        threshold = (
            int(self.shared.choice([4096, 9000]))
            if self.regime == "high threshold"
            else int(self.shared.choice([1, 20, 100]))
        )
        self.group.layers.append(
            {
                "type": "dense",
                "shape": np.array([TOGETHER * size]),
                "weight/real": real.astype(np.float32),
                "weight/imag": imag.astype(np.float32),
                "neuron": {"type": kind, **decays, "vThMant": threshold, "gradedSpike": False},
            }
        )
        return size

    def _conv(self, wide: bool) -> int:
        # few channels and a large kernel: Lava convolves each pair of channels by itself
        side = 32 if wide else 2
        channels, height, width = (FAN_IN // side**2, side, side + 1) if wide else (2, 4, 5)
        filters = 2
        self.group.shape = (TOGETHER * channels, height, width)
        kernel = self._each(lambda r: self._weight(r, (filters, channels, side, side), True))
        stride = np.array([1, 1]) if wide else self.shared.integers(1, 3, 2)
        padding = np.array([0, 0]) if wide else self.shared.integers(0, 2, 2)
        sizes = [
            (size + 2 * int(pad) - side) // int(step) + 1
            for size, pad, step in zip((height, width), padding, stride, strict=True)
        ]
        changes = self._changes(filters, channels, True)
        if self.regime == "late":
            changes["delay"] = self._each(lambda r: r.integers(0, 5, filters)).astype(np.float32)
        shape = (TOGETHER * filters, sizes[0], sizes[1])
        self.group.layers += [
            {"type": "input", "shape": np.array(self.group.shape)},
            conv_layer(
                kernel,
                shape,
                neuron=self._cuba(filters, True),
                stride=stride,
                padding=padding,
                groups=TOGETHER,
                **changes,
            ),
            {"type": "flatten"},
        ]
        return filters * sizes[0] * sizes[1]


def packed_netx(kind: str, regime: str) -> Group:
    """Twenty networks of one kind and regime in one file."""
    return Draw(kind, regime).draw()
