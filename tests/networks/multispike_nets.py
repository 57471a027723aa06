"""Networks of Dense and MultiSpikeLIF as graphs, in the forms that Xylo's mapper has to place. No framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import tensor
from snnhub.ops.registry import REGISTRY

F = np.float32
Random = np.random.Generator
SHAPES = ("one", "two", "three", "recurrent", "synapses", "residual", "nested", "deep", "input", "skip", "loop")
"""``deep``: a block of two layers; ``input``: a block around the first layer; ``skip``: the input also feeds the
second layer; ``loop``: the second layer also feeds the first, three steps later.
"""


class Stack:
    """Builds one network, layer by layer. ``at``: where the next one goes."""

    def __init__(self, seed: int, inputs: int) -> None:
        self.random = np.random.default_rng(seed)
        self.builder = GraphBuilder(f"net{seed}", REGISTRY)
        self.at = self.builder.input((inputs,), F32)
        self.width, self.number = inputs, 0

    def dense(self, size: int, source: Port | None = None, width: int | None = None, delay: int = 0) -> Port:
        """Weights on a grid of 1/64."""
        self.number += 1
        shape = (size, width or self.width)
        weight = np.rint(self.random.normal(0.08, 0.35, shape) / np.sqrt(shape[1]) * 128) / 64
        params = {"weight": tensor(weight.astype(F))}
        choice: dict[str, Any] = {"bias": False, "accumulate": "exact", "shift": 0}
        name = f"d{self.number}"
        return self.builder.node(name, "core.Dense", source or self.at, params=params, delay=delay, **choice)

    def lif(self, size: int, n_syn: int = 1, recurrent: bool = False, bias: float = 0.0, **more: Port) -> Port:
        """A layer behind a Dense per synapse. ``more``: further sources by port."""
        name, random = f"n{self.number}", self.random
        ports = ["x", "x2"][:n_syn]
        sources: dict[str, Any] = {port: self.dense(size) for port in ports} | more
        dashes = [random.integers(1, 4, size) for _ in range(n_syn + 1)]
        kept = [(1 - 0.5**dash).astype(F) for dash in dashes]
        params = {name: tensor(values) for name, values in zip(["beta", "beta2"][:n_syn], kept, strict=False)}
        params |= {"alpha": tensor(kept[-1]), "threshold": tensor(random.uniform(0.6, 1.8, size).astype(F))}
        params["bias"] = tensor((bias * random.normal(0, 1, size)).astype(F))
        choice: dict[str, Any] = {"n_syn": n_syn, "recurrent": recurrent, "max_spikes": 31}
        port = self.builder.node(name, "core.MultiSpikeLIF", sources, params=params, **choice)
        if recurrent:
            for r in ["r", "r2"][:n_syn]:
                self.builder.edge(self.dense(size, port, size, delay=1), Port(name, r))
        self.at, self.width = port, size
        return port

    def add(self, before: Port) -> None:
        """The sum of what is there and something before it."""
        self.number += 1
        self.at = self.builder.node(f"add{self.number}", "core.Add", {"a": self.at, "b": before})

    def graph(self, outputs: int = 3) -> Graph:
        """With an output layer."""
        self.lif(outputs)
        self.builder.output(self.at)
        return self.builder.graph(dt=0.001, decoder=Decoder("sum"))


def network(shape: str, seed: int = 0, sizes: Sequence[int] = (5, 9, 3), bias: float = 0.0) -> Graph:
    """One of ``SHAPES``. ``sizes``: inputs, neurons of every hidden layer, outputs."""
    inputs, hidden, outputs = sizes
    stack = Stack(seed, hidden if shape == "input" else inputs)
    start = stack.at
    first = stack.lif(hidden, recurrent=shape == "recurrent", bias=bias)
    if shape == "input":
        stack.add(start)
    if shape in ("two", "three", "synapses", "skip", "recurrent", "loop"):
        stack.lif(hidden, n_syn=2 if shape == "synapses" else 1, recurrent=shape == "loop")
    if shape == "three":
        stack.lif(hidden)
    if shape in ("residual", "nested", "deep"):
        stack.lif(hidden)
    if shape == "deep":
        stack.lif(hidden)
    if shape == "nested":
        inner = stack.at
        stack.lif(hidden)
        stack.add(inner)
    if shape in ("residual", "nested", "deep"):
        stack.add(first)
    if shape == "skip":  # the input feeds the second layer as well
        node = stack.at.node
        stack.builder.edge(stack.dense(hidden, start, inputs), Port(node, "x"))
    if shape == "loop":
        stack.builder.edge(stack.dense(hidden, stack.at, hidden, delay=3), Port(first.node, "x"))
    return stack.graph(outputs)


def raster(channels: int, steps: int = 60, samples: int = 2, seed: int = 0, rate: float = 0.3) -> np.ndarray:
    """Counts of events (steps, samples, channels), f32."""
    return np.random.default_rng(seed).poisson(rate, (steps, samples, channels)).clip(0, 15).astype(F)
