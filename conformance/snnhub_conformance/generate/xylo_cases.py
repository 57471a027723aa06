"""Family ``kernel.xylo``: one core of Xylo alone, of every kind and version, and at each of its limits.

A case is for mistakes of ``snnhub_conformance.mutants.kernels``: of some random cores the one is kept that notices
them and little else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array
from snnhub_xylo.core import HIGH, LOW, NO_ALIAS, Core

from snnhub_conformance.generate.graphs import Drawn, Random, Sketch
from snnhub_conformance.generate.xylo_cores import KINDS, core_graph, random_core

NODE = "xylo"
SIZES = (3, 5, 2)
STEPS = 14
Numbers = Callable[[Random, Core], Mapping[str, Any]]
"""Arrays that take the place of some of a random core's; the rest stays."""
Events = Callable[[Random, Array], Array]
"""What goes in instead of the random input (time, samples, channels)."""


def records(synapses: int) -> tuple[str, ...]:
    """Outputs, spikes, currents and potentials; ``pending`` are the spikes again."""
    second = ("isyn2",) if synapses == 2 else ()
    names = ("s", "isyn", *second, "vmem", "s_out", "isyn_out", "vmem_out")
    return ("output", *(f"{NODE}/{name}" for name in names))


def cased(
    title: str,
    comment: str,
    kind: str,
    *aims: str,
    version: str = "v2",
    sizes: tuple[int, int, int] = SIZES,
    numbers: Numbers | None = None,
    x: Events | None = None,
    steps: int = 0,
    batched: bool = True,
    landmine: int | None = None,
) -> Sketch:
    """A random core of a kind, with some of its numbers exchanged. ``aims``: mistakes without their group."""
    synapses = 2 if kind in ("two synapses", "everything") else 1

    def draw(random: Random) -> Drawn:
        core, events = _random(random, kind, version, sizes)
        while core.synapses != synapses:
            core, events = _random(random, kind, version, sizes)
        if numbers is not None:
            core = Core.made(version, core.arrays | dict(numbers(random, core)))
        if x is not None:
            events = x(random, events).astype(np.uint8)
        return Drawn(core_graph(core, NODE), events if batched else events[:, 0], steps, batched)

    return Sketch(title, comment, draw, tuple(f"xylo.{name}" for name in aims), records(synapses), landmine)


def _random(random: Random, kind: str, version: str, sizes: tuple[int, int, int]) -> tuple[Core, Array]:
    turn = 4 * int(random.integers(2**20)) + (3 if version == "v1" else 0)
    return random_core(KINDS.index(kind) + len(KINDS) * turn, sizes, STEPS)


def sketches() -> Iterator[Sketch]:
    """The whole family."""
    yield from kinds()
    yield from caps()
    yield from thresholds()
    yield from leaks()
    yield from sums()
    yield from aliases()
    yield from runs()


AIMS: dict[str, tuple[str, ...]] = {
    "saturate": ("sums-wrap",),
    "shift": ("shift-dropped",),
    "alias forward": ("alias-dropped",),
    "alias chain": ("alias-dropped",),
    "alias any": ("alias-dropped",),
    "two synapses": ("second-synapse",),
    "dash 0": ("dash-0-keeps",),
}


def kinds() -> Iterator[Sketch]:
    """Random cores of every kind, of both versions. Version 1 has no biases."""
    for version in ("v2", "v1"):
        for kind in KINDS:
            if kind != "bias" or version == "v2":
                aims = AIMS.get(kind, ())
                yield cased(f"{version}, {kind}", f"A random core: {kind}.", kind, *aims, version=version)


def ones(core: Core, **values: Any) -> dict[str, Array]:
    """Arrays of one value in the shapes of the core's."""
    return {name: np.full_like(core.arrays[name], value) for name, value in values.items()}


def constant(*counts: int) -> Events:
    """As many events on every channel, one number after the other."""
    return lambda _, x: np.broadcast_to(np.resize(counts, len(x))[:, None, None], x.shape)


def caps() -> Iterator[Sketch]:
    """15 events per channel, 31 and 1 spikes."""
    still = {"weights_rec": 0, "dash_syn": 1, "dash_mem": 1}
    yield cased(
        "15, 16 and 255 events on a channel",
        "A step takes 15 of them.",
        "plain",
        "input-uncapped",
        numbers=lambda _, core: ones(core, **still, threshold=3000),
        x=constant(15, 0, 16, 0, 255, 0),
    )
    yield cased(
        "15 events on a channel",
        "All of them count.",
        "plain",
        numbers=lambda _, core: ones(core, **still, threshold=3000),
        x=constant(14, 15),
    )
    yield cased(
        "31 spikes in a step",
        "More are not given; the potential stays above the threshold.",
        "plain",
        "hidden-uncapped",
        "hidden-once",
        numbers=lambda _, core: ones(core, threshold=3),
    )
    yield cased(
        "one spike of an output in a step",
        "The potential may stay above the threshold.",
        "plain",
        "output-often",
        numbers=lambda _, core: ones(core, threshold_out=5),
    )


def thresholds() -> Iterator[Sketch]:
    """A potential at the threshold; thresholds of 0 and at the ends of 16 bits."""
    yield cased(
        "exactly at the threshold",
        "A potential at the threshold fires.",
        "plain",
        "above-threshold",
        "reset-to-zero",
        numbers=lambda _, core: ones(core, weights_in=1, weights_rec=0, threshold=3, dash_syn=1, dash_mem=2),
        x=lambda random, x: random.integers(0, 4, x.shape),
    )
    yield cased(
        "threshold 32767",
        "The potential saturates there, and fires: it is no way to switch spikes off.",
        "saturate",
        "above-threshold",
        numbers=lambda _, core: ones(core, threshold=HIGH, weights_in=127, shift_in=5, dash_mem=15, dash_syn=15),
        x=constant(15),
        landmine=8,
    )
    yield cased(
        "threshold 0",
        "Fires 31 times whenever the potential is not below 0.",
        "negative",
        "above-threshold",
        numbers=lambda _, core: ones(core, threshold=0, threshold_out=0),
    )
    yield cased(
        "threshold -32768",
        "Every spike takes off 32768 below 0, which wraps.",
        "plain",
        "reset-saturates",
        numbers=lambda _, core: ones(core, threshold=LOW, threshold_out=LOW),
    )


def leaks() -> Iterator[Sketch]:
    """What a step takes off what is at rest, above and below 0."""
    for version in ("v2", "v1"):
        yield cased(
            f"{version}, leaks to rest from both sides",
            "At least 1 is taken off what is above 0; below 0 the shift rounds down.",
            "negative",
            "leak-stops",
            "leak-toward-zero",
            version=version,
            numbers=lambda _, core: ones(core, dash_mem=4, dash_syn=3, threshold=400),
            x=lambda random, x: random.integers(0, 4, x.shape) * (np.arange(len(x)) < 4)[:, None, None],
            landmine=5,
        )
    yield cased(
        "dash 15 and dash 0 side by side",
        "15 takes 1 above 0, and a step of 0 takes everything.",
        "plain",
        "dash-0-keeps",
        "leak-stops",
        numbers=lambda random, core: {
            name: random.choice([0, 15], core.arrays[name].shape) for name in ("dash_mem", "dash_syn")
        },
    )


def sums() -> Iterator[Sketch]:
    """Saturation event by event, shifts that lose bits, biases, versions, synapses."""
    yield cased(
        "a sum that comes back from its limit",
        "Channel by channel, event by event: what follows counts from the limit.",
        "saturate",
        "channels-backwards",
        "sums-wrap",
        numbers=lambda _, core: ones(core, shift_in=8, shift_rec=8, dash_syn=8),
        x=lambda random, x: random.integers(0, 16, x.shape),
    )
    yield cased(
        "shifts beyond 16 bits",
        "The upper bits of a weight are lost.",
        "shift",
        "shift-saturates",
        numbers=lambda _, core: ones(core, shift_in=10, shift_rec=9, shift_out=12),
    )
    yield cased(
        "biases alone",
        "Without input.",
        "bias",
        numbers=lambda random, core: {
            "bias": random.integers(20, 200, core.hidden),
            "bias_out": random.integers(-30, 90, core.outputs),
        },
        x=lambda _, x: np.zeros_like(x),
    )
    yield cased(
        "current and bias at the limit",
        "The current saturates before the bias is added.",
        "saturate",
        "bias-in-one-sum",
        numbers=lambda random, core: {
            **ones(core, dash_mem=1, dash_syn=8, shift_in=7, threshold=30000),
            "bias": random.integers(-30000, -20000, core.hidden),
        },
        x=lambda random, x: random.integers(0, 16, x.shape),
    )
    for version in ("v2", "v1"):
        yield cased(
            f"{version}, leak and current at the limit",
            "The versions differ in which sum saturates.",
            "saturate",
            "other-version",
            version=version,
            numbers=lambda _, core: ones(core, dash_mem=1, dash_syn=8, shift_in=8, threshold=30000),
            x=lambda random, x: random.integers(0, 16, x.shape),
        )
    yield cased(
        "two synapses of different leak",
        "Both currents go into one potential.",
        "two synapses",
        "second-synapse",
        numbers=lambda _, core: {"dash_syn": np.broadcast_to([0, 6], core.dash_syn.shape)},
    )


def aliases() -> Iterator[Sketch]:
    """Spikes that a neuron lends to another."""
    yield cased(
        "an alias of an alias",
        "Spikes go on through the chain in the same step.",
        "alias chain",
        "alias-own-only",
        "alias-after",
    )
    yield cased(
        "an alias that is full",
        "31 spikes of its own and of others.",
        "alias forward",
        "hidden-uncapped",
        numbers=lambda _, core: {"alias": np.array([4, 4, 4, 4, NO_ALIAS]), **ones(core, threshold=20)},
    )
    yield cased(
        "aliases backwards and to itself",
        "Spikes that come too late to fire with count all the same.",
        "alias any",
        "alias-dropped",
        numbers=lambda _, core: {"alias": np.array([0, 0, 1, NO_ALIAS, 2])},
    )


def runs() -> Iterator[Sketch]:
    """Time, samples, sizes."""
    yield cased(
        "outputs are a step behind",
        "Hidden spikes reach outputs and hidden neurons in the next step.",
        "plain",
        "output-at-once",
        numbers=lambda _, core: ones(core, threshold=30, threshold_out=60),
    )
    yield cased("steps beyond the input", "Zero input; what is under way goes on.", "recurrent", steps=20)
    yield cased("without samples", "No batch axis.", "plain", batched=False)
    yield cased(
        "one of everything",
        "One channel, one hidden neuron, one output.",
        "recurrent",
        "output-at-once",
        sizes=(1, 1, 1),
        numbers=lambda _, core: ones(core, weights_in=90, weights_rec=-30, weights_out=70, threshold=100),
        x=lambda random, x: random.integers(0, 4, x.shape),
    )
    yield cased("more outputs than hidden neurons", "", "plain", sizes=(2, 2, 4))
