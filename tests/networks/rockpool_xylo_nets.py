"""Random Rockpool networks that fit a family of Xylo, from a few neurons to the largest. Only where that is."""

from __future__ import annotations

from typing import Any

import numpy as np

KINDS = (
    "one layer",
    "two layers",
    "three layers",
    "recurrent",
    "two synapses",
    "biases",
    "residual",
    "nested residual",
    "bitshift",
    "high thresholds",
    "unfed",
    "everything",
)
"""``high thresholds``: above 16 bits where weights are scaled to 8. ``unfed``: a neuron without weights."""
TRAPS = ("edge threshold", "recurrent residual", "linear bias")
"""What Rockpool fails at, or maps to something else without a word."""
REFUSED = {"xylo-imu": ("one layer", "two synapses", "everything")}
"""What Rockpool's mapper does not take: two synapses, and (its defect) a single hidden layer."""
FAMILIES = ("xylo-a2", "xylo-imu", "xylo-a3")
LARGEST = {"xylo-a2": (16, 1000, 8), "xylo-imu": (16, 496, 16), "xylo-a3": (16, 992, 32)}
EDGE = {"xylo-a2": 1000, "xylo-imu": 128, "xylo-a3": 128}
"""Most neurons that the input reaches, and that reach the output."""
FAN_OUT = 63
Random = np.random.Generator


def kinds(family: str) -> tuple[str, ...]:
    """Those that Rockpool maps for a family."""
    return tuple(kind for kind in KINDS if kind not in REFUSED.get(family, ()))


def random_net(seed: int, kind: str, family: str = "xylo-a3", size: str = "small") -> Any:
    """A Sequential with random parameters. ``size``: small, or largest (all neurons of the family, where the kind
    can use them). Every neuron has at most 63 recurrent weights that are not 0; the outputs cap at 1 spike.
    """
    choice = ((*KINDS, *TRAPS).index(kind), FAMILIES.index(family), int(size == "largest"))
    random = np.random.default_rng((65302, seed, *choice))
    inputs, layers, outputs = _sizes(random, kind, family, size)
    return _Builder(random, kind).net(inputs, layers, outputs)


def _sizes(random: Random, kind: str, family: str, size: str) -> tuple[int, list[int], int]:
    inputs, hidden, outputs = LARGEST[family]
    edge = EDGE[family]
    count = {"one layer": 1, "two layers": 2, "residual": 2, "recurrent residual": 2}.get(kind, 3)
    if size == "largest":
        if "residual" in kind:  # blocks have the width of what they are around
            return inputs, [min(edge, hidden // count)] * count, outputs
        ends = min(edge, hidden // count)
        middle = [hidden - 2 * ends] if count == 3 else []
        return inputs, [ends, *middle, *([ends] if count > 1 else [])], outputs
    sizes = random.integers(3, 13, count).tolist()
    if "residual" in kind:
        sizes = [sizes[0]] * count
    if kind == "everything":
        sizes[2] = sizes[1]
    return int(random.integers(2, 9)), sizes, int(random.integers(1, 5))


class _Builder:
    """Makes one network; every draw comes from one generator, in order."""

    def __init__(self, random: Random, kind: str) -> None:
        self.random, self.kind = random, kind
        self.dt = float(random.choice([1e-3, 9.994e-3]))
        self.biased = kind in ("biases", "everything")

    def net(self, inputs: int, sizes: list[int], outputs: int) -> Any:
        from rockpool.nn.combinators import Residual, Sequential

        wild = self.kind == "everything"
        synapses = [2 if self.kind == "two synapses" or (wild and k != 1) else 1 for k in range(len(sizes))]
        where = {"recurrent": (0, 1), "recurrent residual": (1,), "everything": (0,)}.get(self.kind, ())
        recurrent = [k in where for k in range(len(sizes))]
        blocks, before = [], inputs
        for k, size in enumerate(sizes):
            fan = None if k == 0 else FAN_OUT // (2 if recurrent[k - 1] else 1)
            unfed = self.kind == "unfed" and k == len(sizes) - 1
            linear = self.linear(before, size * synapses[k], fan, size if unfed else None)
            blocks.append((linear, self.neurons(size, synapses[k], recurrent[k], k)))
            before = size
        modules = list(blocks[0])
        if self.kind == "nested residual":
            modules.append(Residual(*blocks[1], Residual(*blocks[2])))
        elif "residual" in self.kind:
            modules.append(Residual(*blocks[1]))
        elif wild and sizes[1] == sizes[2]:
            modules += [*blocks[1], Residual(*blocks[2])]
        else:
            modules += [module for block in blocks[1:] for module in block]
        return Sequential(*modules, self.linear(before, outputs, None, None), self.neurons(outputs, 1, False, -1))

    def linear(self, before: int, after: int, fan_out: int | None, unfed: int | None) -> Any:
        """``fan_out``: most weights of a source that are not 0; ``unfed``: the last of so many gets none."""
        from rockpool.nn.modules import LinearTorch

        weight = self.sparse(before, after, fan_out)
        if unfed is not None:
            weight[:, unfed - 1 :: unfed] = 0
        offset = {"bias": _tensor(self.random.normal(0, 0.1, after))} if self.kind == "linear bias" else {}
        return LinearTorch((before, after), weight=_tensor(weight), has_bias=bool(offset), **offset)

    def sparse(self, before: int, after: int, fan_out: int | None) -> Any:
        kept = np.ones((before, after), bool)
        if fan_out is not None and after > fan_out:
            order = self.random.random((before, after)).argsort(axis=1)
            kept = order < fan_out
        fan_in = max(1.0, kept.sum() / after)
        return np.where(kept, self.random.normal(0.25, 0.8, (before, after)) / np.sqrt(fan_in), 0)

    def taus(self, *shape: int) -> Any:
        """Half of them exact shifts, the others anything to 60 steps, from above where shifts are rounded to 0."""
        shift = self.random.integers(1, 6, shape)
        exact = -1 / np.log1p(-(2.0**-shift))
        return self.dt * np.where(self.random.random(shape) < 0.5, exact, self.random.uniform(1.42, 60, shape))

    def neurons(self, size: int, n_syn: int, recurrent: bool, number: int) -> Any:
        from rockpool.nn import modules

        bitshift = self.kind == "bitshift" or (self.kind == "everything" and number == 1)
        values: dict[str, Any] = {
            "tau_mem": _tensor(self.taus(size)),
            "tau_syn": _tensor(self.taus(size, n_syn)),
            "threshold": _tensor(self.random.uniform(0.4, 1.6, size)),
            "bias": _tensor(self.random.normal(0, 0.06 if self.biased else 0, size)),
            "dt": self.dt,
            "max_spikes_per_dt": 1 if number < 0 else 31,
            "has_rec": recurrent,
        }
        if self.kind in ("high thresholds", "edge threshold") and number:
            high = self.random.choice([1.0, 400.0], size)
            high[0] = 1.0 if self.kind == "high thresholds" else 400.0  # the first neuron without input weights
            values["threshold"] = values["threshold"] * _tensor(high)
        if recurrent:
            values["w_rec"] = _tensor(0.5 * self.sparse(size, size * n_syn, FAN_OUT // 2))
        return getattr(modules, "LIFBitshiftTorch" if bitshift else "LIFTorch")((size * n_syn, size), **values)


def _tensor(values: Any) -> Any:
    import torch

    return torch.tensor(np.asarray(values, np.float32))
