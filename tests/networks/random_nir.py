"""Random NIR graphs of all nineteen types: any names, dtypes and shapes, single numbers, cycles, double edges,
subgraphs, metadata. They mean nothing; they are to be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.networks.nir_files import Spec, whole

NAMES = (
    "lif1.lif",
    "0",
    "a/b",
    "é中",
    "x y",
    "input",
    "output~",
    "%41",
    "tab\there",
    "metadata",
    "nodes",
    "A",
    "-",
)
FLOATS = ("float16", "float32", "float64", "int8", "int32", "uint8")
NEURONS: dict[str, tuple[str, ...]] = {
    "I": ("r",),
    "IF": ("r", "v_threshold", "v_reset?"),
    "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset?"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in?"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset?", "w_in?"),
    "Scale": ("scale",),
    "Delay": ("delay",),
    "Threshold": ("threshold",),
}
KINDS = (*NEURONS, "Linear", "Affine", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Flatten", "Input", "Output")


class Maker:
    """Draws everything from one generator."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def array(self, *shape: int, dtype: str = "") -> Any:
        chosen = dtype or str(self.random.choice(FLOATS))
        return (self.random.normal(size=shape) * 3).astype(chosen)

    def numbers(self, *choices: int) -> Any:
        """One number or two, as the file may have them."""
        value = int(self.random.choice(choices))
        return np.array([value, value]) if self.random.random() < 0.5 else np.array(value)

    def metadata(self, depth: int = 0) -> Spec:
        """Numbers, texts, truth values, lists, and groups of these."""
        values: list[Callable[[], Any]] = [
            lambda: "text é",
            lambda: np.array(True),
            lambda: np.array(self.random.normal()),
            lambda: self.array(2, 3),
            lambda: np.array(["a", "", "b\n"], object),
            lambda: np.array([True, False]),
            lambda: np.array(7),
            lambda: self.metadata(depth + 1) if depth < 2 else "deep",
            dict,
        ]
        picked = self.random.permutation(len(values))[: self.random.integers(0, 5)]
        return {f"{NAMES[index % 4].replace('/', '.')}{index}": values[index]() for index in picked}

    def node(self, depth: int) -> Spec:
        """A node of any type, a graph among them."""
        if depth < 2 and self.random.random() < 0.15:
            return self.graph(depth + 1)
        kind = str(self.random.choice(KINDS))
        made = {"type": kind, **self.fields(kind)}
        if self.random.random() < 0.3:
            made["metadata"] = self.metadata()
        return made

    def fields(self, kind: str) -> Spec:
        if kind in NEURONS:
            shape = ((), (3,), (2, 2), (0,))[int(self.random.integers(4))]
            names = [name for name in NEURONS[kind] if not name.endswith("?") or self.random.random() < 0.5]
            return {name.rstrip("?"): self.array(*shape) for name in names}
        if kind in ("Linear", "Affine"):
            bias = {"bias": self.array(3)} if kind == "Affine" else {}
            return {"weight": self.array(3, 2), **bias}
        if kind in ("SumPool2d", "AvgPool2d"):
            return {"kernel_size": self.numbers(1, 2), "stride": self.numbers(1, 2), "padding": self.numbers(0, 1)}
        if kind == "Flatten":
            said = {"input_type": np.array([2, 3])} if self.random.random() < 0.5 else {}
            return {"start_dim": np.array(0), "end_dim": np.array(-1), **said}
        if kind in ("Input", "Output"):
            return {"shape": self.random.integers(1, 5, size=int(self.random.integers(1, 4)))}
        axes = int(kind[4])
        said = {"input_shape": np.full(axes, 9)} if self.random.random() < 0.5 else {}
        return {
            "weight": self.array(4, 2, *([3] * axes)),
            "stride": self.numbers(1, 2) if axes == 2 else np.array(1),
            "padding": "same" if self.random.random() < 0.3 else np.array([1] * axes),
            "dilation": np.array([1] * axes),
            "groups": np.array(int(self.random.integers(1, 3))),
            "bias": self.array(4),
            **said,
        }

    def graph(self, depth: int = 0) -> Spec:
        """Nodes of random names with random edges between them."""
        names = [NAMES[index] for index in self.random.permutation(len(NAMES))[: self.random.integers(1, 8)]]
        nodes = {name: self.node(depth) for name in names}
        count = int(self.random.integers(0, 12))
        edges = [(str(self.random.choice(names)), str(self.random.choice(names))) for _ in range(count)]
        more = {"metadata": kept} if (kept := self.metadata()) else {}
        return whole(nodes, edges, **more)


def random_nir(seed: int) -> Spec:
    """A whole file."""
    return Maker(seed).graph()
