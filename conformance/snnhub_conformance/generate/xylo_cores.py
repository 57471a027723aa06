"""Random Xylo cores, of kinds that bring out one rule of the arithmetic each, and all of them at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import unsigned
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub_xylo.core import NO_ALIAS, Core

KINDS = (
    "plain",
    "negative",
    "saturate",
    "shift",
    "alias forward",
    "alias chain",
    "alias any",
    "recurrent",
    "two synapses",
    "bias",
    "threshold not above 0",
    "dash 0",
    "everything",
)
SIZES = (8, 12, 4)
"""Most inputs, hidden and output neurons of a random core."""


def random_core(seed: int, sizes: tuple[int, int, int] | None = None, steps: int = 40) -> tuple[Core, Array]:
    """A core of the kind and version that ``seed`` gives, and input (time, 2, channels), u8."""
    random = np.random.default_rng((65302, seed))
    kind, version = KINDS[seed % len(KINDS)], "v1" if seed // len(KINDS) % 4 == 3 else "v2"
    inputs, hidden, outputs = sizes or (int(random.integers(1, most + 1)) for most in SIZES)
    wild = kind == "everything"
    synapses = 2 if kind == "two synapses" or (wild and random.random() < 0.6) else 1
    low, high = (-128, 128) if wild or kind == "saturate" else ((-120, 20) if kind == "negative" else (-60, 128))
    density = 0.9 if kind == "saturate" else 0.5

    def weights(*shape: int, share: float = density) -> Array:
        return np.where(random.random(shape) < share, random.integers(low, high, shape), 0)

    loud = kind in ("saturate", "shift") or wild
    recurrent = 0.7 if kind in ("recurrent", "saturate") or wild else 0.15
    arrays: dict[str, Any] = {
        "weights_in": weights(inputs, hidden, synapses),
        "weights_rec": weights(hidden, hidden, synapses, share=recurrent),
        "weights_out": weights(hidden, outputs),
        "threshold": random.integers(1, 4000 if loud else 400, hidden),
        "threshold_out": random.integers(1, 4000 if loud else 400, outputs),
        "bias": np.zeros(hidden, np.int64),
        "bias_out": np.zeros(outputs, np.int64),
        "alias": _aliases(random, hidden, kind),
    }
    least = 0 if kind == "dash 0" or wild else 1
    for name, shape in (("mem", hidden), ("syn", (hidden, synapses)), ("mem_out", outputs), ("syn_out", outputs)):
        dash = random.integers(least, 16 if wild or kind == "saturate" else 6, shape)
        arrays[f"dash_{name}"] = np.where(random.random(shape) < 0.4, 0, dash) if kind == "dash 0" else dash
    for name in ("in", "rec", "out"):
        arrays[f"shift_{name}"] = random.integers(0, 12) if kind == "shift" or (wild and seed % 2) else np.int64(0)
    if version == "v2" and (kind == "bias" or wild):
        size = 30000 if wild else 60
        arrays["bias"] = random.integers(-size, size, hidden)
        arrays["bias_out"] = random.integers(-size, size, outputs)
    if kind == "threshold not above 0" or (wild and random.random() < 0.5):
        for name in ("threshold", "threshold_out"):
            arrays[name] = random.choice([-32768, -20000, -300, -1, 0, 1, 5, 300, 32767], arrays[name].shape)
    rate = random.choice([0.05, 0.5, 3.0, 25.0]) if loud else random.choice([0.1, 0.5, 2.0])
    x = np.minimum(random.poisson(rate, (steps, 2, inputs)), 255).astype(np.uint8)
    return Core.made(version, arrays), x


def _aliases(random: np.random.Generator, hidden: int, kind: str) -> Array:
    alias = np.full(hidden, NO_ALIAS, np.int64)
    if kind == "alias chain":
        alias[:-1] = np.arange(1, hidden)
    elif kind == "alias forward":
        for source in range(hidden - 1):
            alias[source] = random.integers(source + 1, hidden) if random.random() < 0.6 else NO_ALIAS
    elif kind in ("alias any", "everything"):
        alias = np.where(random.random(hidden) < 0.6, random.integers(0, hidden, hidden), NO_ALIAS)
    return alias


def core_graph(core: Core, name: str = "xylo") -> Graph:
    """The core as a network of one node, its output neurons the output."""
    builder = GraphBuilder("core", REGISTRY)
    x = builder.input((core.inputs,), unsigned(8))
    builder.node(name, "xylo.Core", x, params=core.params(), core=core.version, synapses=core.synapses)
    builder.output(Port(name, "s_out"))
    return builder.graph()
