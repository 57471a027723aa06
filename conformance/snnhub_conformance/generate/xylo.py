"""``xylo``: cores of Xylo as xylosim itself runs them, every spike and state. Needs xylosim's environment.

A core becomes a case only if the engine finds every number that xylosim found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.hub.loader import load
from snnhub.hub.objects import resolve
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import unsigned
from snnhub.ir.tensor import Array, smallest_integer
from snnhub.ops.registry import REGISTRY

from snnhub_conformance.generate.write import Writer, runner_case

FAMILY, STEPS, SAMPLES = "xylo", 24, 2
VERSIONS = ("v1", "v2")
INPUTS, HIDDEN, OUTPUTS = 3, 6, 2
V2_ONLY = ("bias", "bias_out")
Parts = dict[str, Array]


@dataclass(frozen=True)
class Kind:
    """Cores that bring out one rule. ``change``: of the plain core's arrays, with a source of random numbers."""

    about: str
    change: Callable[[Parts, np.random.Generator], Mapping[str, Any]]
    rate: float = 1.5
    synapses: int = 1
    only: tuple[str, ...] = field(default=VERSIONS)


def alias(*pairs: tuple[int, int]) -> Callable[[Parts, np.random.Generator], Parts]:
    targets = np.full(HIDDEN, -1)
    for source, target in pairs:
        targets[source] = target
    return lambda parts, random: {"alias": targets}


def _without_weights(parts: Parts, random: np.random.Generator) -> Parts:
    fed = (np.arange(HIDDEN) != 2)[:, None]
    return {name: parts[name] * fed for name in ("weights_in", "weights_rec")}


KINDS: dict[str, Kind] = {
    "plain": Kind(
        "Input, recurrent and output weights; the output comes a step after the hidden spikes.", lambda p, r: {}
    ),
    "two synapses": Kind("Each with a decay of its own.", lambda p, r: {}, synapses=2),
    "caps": Kind(
        "Up to 15 events of an input, 31 spikes of a hidden and 1 of an output neuron.",
        lambda p, r: {"threshold": np.full(HIDDEN, 20), "threshold_out": np.full(OUTPUTS, 20)},
        rate=18,
    ),
    "saturation": Kind(
        "Sums end at 16 bits, after each addition, in the order of ids.",
        lambda p, r: {
            "weights_in": r.choice([-128, 127], p["weights_in"].shape),
            "dash_syn": p["dash_syn"] * 0 + 12,
        },
        rate=25,
    ),
    "inhibition": Kind(
        "Negative states leak towards 0, by 1 at least.", lambda p, r: {"weights_in": -abs(p["weights_in"])}
    ),
    "dash 0": Kind(
        "The whole state leaks.", lambda p, r: {"dash_mem": np.arange(HIDDEN) % 2, "dash_syn": p["dash_syn"] % 2}
    ),
    "dash 15": Kind(
        "Almost nothing leaks, and still 1 of what is above 0.", lambda p, r: {"dash_mem": np.full(HIDDEN, 15)}
    ),
    "alias forward": Kind("Seen by the target before it fires.", alias((0, 3), (1, 4))),
    "alias chain": Kind("Runs through in one step.", alias((0, 1), (1, 2), (2, 5))),
    "alias back": Kind("To a neuron that fired already: added, and not handed on.", alias((4, 1), (5, 0), (1, 2))),
    "alias of many": Kind("Two neurons add to one.", alias((0, 5), (2, 5))),
    "recurrent": Kind("Spikes of the step before.", lambda p, r: {"weights_rec": p["weights_rec"] * 3 % 97 - 20}),
    "shifts": Kind(
        "Weights are shifted, and keep their lowest 16 bits.",
        lambda p, r: {"shift_in": np.int64(3), "shift_rec": np.int64(9), "shift_out": np.int64(2)},
    ),
    "threshold 0": Kind(
        "31 spikes of every step that V is not below 0.", lambda p, r: {"threshold": np.zeros(HIDDEN)}
    ),
    "bias": Kind(
        "Added to V after the currents, with its own end of 16 bits.",
        lambda p, r: {"bias": r.integers(-60, 90, HIDDEN), "bias_out": r.integers(-20, 30, OUTPUTS)},
        only=("v2",),
    ),
    "large bias": Kind(
        "Both sums of V end at 16 bits.", lambda p, r: {"bias": r.choice([-30000, 30000], HIDDEN)}, only=("v2",)
    ),
    "unconnected": Kind("A neuron without weights stays at rest.", _without_weights),
}


def add(writer: Writer) -> None:
    """A case per kind and version of the core."""
    runner = load().runners["xylosim"]
    entry = resolve(runner.entry)
    for number, (title, kind) in enumerate(KINDS.items()):
        for version in kind.only:
            random = np.random.default_rng((65302, number))
            graph = _graph(version, kind, random)
            x = np.minimum(random.poisson(kind.rate, (STEPS, SAMPLES, INPUTS)), 255).astype(np.uint8)
            theirs = entry(RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",)))
            records = {key: np.ascontiguousarray(array) for key, array in theirs.items() if key != "output"}
            _ensure_engine_agrees(f"{title}, {version}", graph, x, records)
            case, files = runner_case(
                FAMILY, f"{title}, {version}", kind.about, graph, {graph.inputs[0].id: x}, records, batched=True,
                source={"kind": "peer", "peer": "xylosim", "version": "0.1.3"},
            )  # fmt: skip
            writer.add(case, files)


def _ensure_engine_agrees(title: str, graph: Graph, x: Array, records: Mapping[str, Array]) -> None:
    ours, _ = prepare(graph).run(x, record=list(records))
    for key, array in records.items():
        if (ours[key] != array).any() or ours[key].dtype != array.dtype:
            raise ValueError(f"{title}: {key} differs from xylosim")
    if not any(array.any() for array in records.values()):
        raise ValueError(f"{title} says nothing")


def _graph(version: str, kind: Kind, random: np.random.Generator) -> Graph:
    """A core between one input and its output neurons."""
    parts: Parts = {
        "weights_in": random.integers(-40, 90, (INPUTS, HIDDEN, kind.synapses)),
        "weights_rec": np.where(
            random.random((HIDDEN, HIDDEN, kind.synapses)) < 0.3,
            random.integers(-50, 60, (HIDDEN, HIDDEN, kind.synapses)),
            0,
        ),
        "weights_out": random.integers(-40, 90, (HIDDEN, OUTPUTS)),
        "threshold": random.integers(60, 300, HIDDEN),
        "threshold_out": random.integers(60, 300, OUTPUTS),
        "bias": np.zeros(HIDDEN),
        "bias_out": np.zeros(OUTPUTS),
        "dash_mem": random.integers(1, 6, HIDDEN),
        "dash_syn": random.integers(1, 6, (HIDDEN, kind.synapses)),
        "dash_mem_out": random.integers(1, 6, OUTPUTS),
        "dash_syn_out": random.integers(1, 6, OUTPUTS),
        "alias": np.full(HIDDEN, -1),
        **{name: np.zeros((), np.int64) for name in ("shift_in", "shift_rec", "shift_out")},
    }
    parts |= kind.change(parts, random)
    params = {
        name: smallest_integer(np.asarray(array).astype(np.int64))
        for name, array in parts.items()
        if version == "v2" or name not in V2_ONLY
    }
    builder = GraphBuilder("core", REGISTRY)
    x = builder.input((INPUTS,), unsigned(8))
    builder.node("xylo", "xylo.Core", x, params=params, core=version, synapses=kind.synapses)
    builder.output(Port("xylo", "s_out"))
    return builder.graph()
