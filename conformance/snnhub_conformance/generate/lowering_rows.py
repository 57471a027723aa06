"""The rows of ``lowering.loihi2``: which network, what must be said of it, and what is refused."""

from __future__ import annotations

import numpy as np

from snnhub_conformance.building import IF
from snnhub_conformance.generate import lowerings as nets
from snnhub_conformance.generate.build import eighths, loihi, spiking
from snnhub_conformance.generate.lowerings import Row

HELD = "SNN-2102 n"
LAYER = ("SNN-2102", "SNN-2106", "SNN-2107 input", "SNN-2110")
"""What every lowering says of its layers, its input and its steps."""

ACCEPTED: dict[str, Row] = {
    "two dense layers": Row(
        lambda: spiking((4, 4, 2)), "Weights on a grid: exact.", (*LAYER, "SNN-2108"), landmine=4
    ),
    "calibrated": Row(
        lambda: spiking((4, 3)),
        "Scales are chosen on data.",
        (*LAYER, "SNN-2109"),
        calibration=nets.spikes(8, 3, 4),
    ),
    "input of spikes": Row(nets.spike_input, "Nothing has to be said of the input.", ("SNN-2110",), landmine=16),
    "lowered already": Row(loihi, "It passes through unchanged."),
    "threshold reached by greater only": Row(
        lambda: nets.with_neurons("core.IF", dict(nets.LIFS), reset="value", compare="gt"),
        "Loihi fires above the threshold: > needs no correction, >= does.",
        LAYER,
        landmine=2,
    ),
    "leaky neurons": Row(nets.leaky, "tau 2 is 2048 of 4096.", (*LAYER, "SNN-2104")),
    "tau 3": Row(lambda: nets.leaky(3.0), "1/3 is no 4096th.", ("SNN-2104",)),
    "tau 20000": Row(lambda: nets.leaky(20000.0), "A leak that rounds to none is a loss.", ("SNN-2104",)),
    "decay of the input": Row(
        lambda: nets.leaky(decay_input=True), "It becomes smaller weights.", ("SNN-2008 n",)
    ),
    "learned leak": Row(nets.learned, "It becomes a time constant.", ("SNN-2104 n",)),
    "current-based neurons": Row(nets.current, "Both leaks in 4096ths.", ("SNN-2104 n",)),
    "reset to -0.5": Row(lambda: nets.reset_to(-0.5), "Rest is moved to 0.", ("SNN-2006 n",), landmine=3),
    "batch normalisation": Row(
        lambda: nets.normed([0.5, -0.25], 0.125),
        "Folded, with a bias that acts early.",
        ("SNN-2002 bn", "SNN-2111 n"),
        landmine=28,
    ),
    "batch normalisation and bias": Row(
        lambda: nets.normed([0.5, 0.25], 0.0, True), "The bias is scaled, too.", ("SNN-2002 bn",), landmine=28
    ),
    "batch normalisation of zero variance": Row(
        lambda: nets.normed([316.0, 0.5], 0.0),
        "A channel of huge scale beside a small one.",
        ("SNN-2002 bn",),
        landmine=28,
    ),
    "batch normalisation behind pooling": Row(
        nets.norm_behind_pool,
        "Once the pool is folded, it stands behind a synapse.",
        ("SNN-2002 bn", "SNN-2004 p"),
        landmine=28,
    ),
    "average pooling": Row(nets.average(), "Into the weights behind it.", ("SNN-2004 p",), landmine=15),
    "sum of odd size": Row(
        lambda: nets.after(
            lambda b, p: b.node("p", "core.AvgPool", p, **{**nets.POOL, "kernel": (3, 3), "stride": (1, 1)})
        ),
        "Windows that overlap.",
        ("SNN-2004 p",),
        landmine=15,
    ),
    "average pooling with padding": Row(
        nets.average(padding=(1, 1), count_include_pad=False),
        "Windows of different sizes become a matrix.",
        ("SNN-2143",),
        landmine=15,
    ),
    "numbers": Row(
        lambda: nets.between("core.Scale", {"scale": 0.5, "shift": 0.0}),
        "They go into the weights behind them.",
        ("SNN-2143",),
    ),
    "maximum pooling as a layer": Row(
        nets.maximum(), "One more layer of neurons, exact.", ("SNN-2114 p",), options={"maxpool": "or-layer"}
    ),
    "neurons that never fire": Row(
        lambda: nets.weights([[0.5, 0.5], [-0.5, -1.0], [0.25, -0.25]]), "One row is negative.", ("SNN-2105",)
    ),
    "weights of 1e-7": Row(lambda: nets.weights(np.full((3, 4), 1e-7)), "Nothing is left of them.", ("SNN-2112",)),
    "one weight of 100": Row(
        lambda: nets.weights([[100.0, 0.5], [0.5, 0.25]]),
        "An outlier decides the scale, or is clipped.",
        ("SNN-2102",),
        landmine=7,
    ),
    "bias of 1000": Row(
        lambda: nets.weights([[0.5, 0.25]], np.array([1000.0], np.float32)),
        "Beyond the chip's range.",
        ("SNN-2103", "SNN-2111"),
        landmine=10,
    ),
    "bias": Row(
        lambda: nets.weights(eighths(3, 2), np.array([0.25, -0.5, 0.0], np.float32)),
        "It acts early.",
        ("SNN-2111",),
        landmine=7,
    ),
}

NO_OP = "SNN-2101"
NEURON = {"v_threshold": 1.0, "v_reset": 0.0}
REFUSED: dict[str, Row] = {
    "soft reset": Row(nets.soft, "Loihi resets to 0.", refused=(NO_OP, "n"), landmine=3),
    "no reset": Row(
        lambda: nets.with_neurons("core.IF", {"v_threshold": 1.0}, reset="none", compare="ge"),
        "Loihi resets to 0.",
        refused=(NO_OP, "n"),
    ),
    "KLIF": Row(
        lambda: nets.with_neurons(
            "core.KLIF", {**NEURON, "tau": 2.0, "k": 1.0}, **IF, decay_input=False, scale_reset=False
        ),
        "Potentials are neither scaled nor cut off.",
        refused=(NO_OP, "n"),
    ),
    "threshold per neuron": Row(nets.wide_layer, "Loihi has one per layer.", refused=(NO_OP, "n"), landmine=21),
    "threshold below the reset": Row(
        lambda: nets.reset_to(0.5, 0.25), "It fires for ever.", refused=("SNN-2005", "n")
    ),
    "threshold 0": Row(lambda: nets.reset_to(0.0, 0.0), "It fires for ever.", refused=("SNN-2005", "n")),
    "decay of the input of neurons behind neurons": Row(
        nets.unfed, "No weights to fold into.", refused=("SNN-2007", "n1")
    ),
    "maximum pooling": Row(nets.maximum(), "Loihi has no maximum.", refused=(NO_OP, "p")),
    "batch normalisation of spikes": Row(
        lambda: nets.between("core.BatchNorm", {"scale": 0.5, "shift": 0.0}),
        "Nothing before it to fold into.",
        refused=(NO_OP, "x"),
        landmine=28,
    ),
    "product": Row(lambda: nets.between("core.Mul"), "Loihi adds currents.", refused=(NO_OP, "x")),
    "sum of spikes": Row(lambda: nets.between("core.Add"), "Loihi adds currents.", refused=(NO_OP, "x")),
    "rectifier": Row(lambda: nets.between("core.ReLU"), "Spikes are never negative.", refused=(NO_OP, "x")),
    "convolution over one axis": Row(nets.line, "Loihi's has two.", refused=(NO_OP, "c")),
    "no neurons": Row(nets.no_neurons, "The output must spike.", (NO_OP + " output",), (NO_OP, "d")),
    "loop without room": Row(nets.loop_without_room, "A step is missing in the loop.", refused=(NO_OP, "")),
    "everything at once": Row(
        nets.many_faults,
        "Five places, one report.",
        tuple(f"{NO_OP} {place}" for place in ("soft", "add", "c", "output")),
        (NO_OP, "max"),
    ),
    "calibration that is no spikes": Row(
        lambda: spiking((4, 3)), "Halves.", refused=("SNN-2113", ""), calibration=np.full((4, 2, 4), 0.5)
    ),
    "calibration of another size": Row(
        lambda: spiking((4, 3)),
        "Five inputs where there are four.",
        refused=("SNN-2113", ""),
        calibration=nets.spikes(4, 2, 5),
    ),
}
