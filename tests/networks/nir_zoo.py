"""NIR files that show where frameworks differ: single neurons in every setting, MLPs, loops, convolutions,
fan-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from tests.networks.nir_nets import Fields, Net, affine, chain, cuba, integrate, lif, neuron, weights

N = 6
GRID = ("mlp_grid", "if_grid", "cuba_grid")
"""Networks whose sums land on thresholds, where the order of summation decides spikes."""
TIES: tuple[tuple[str, str], ...] = ()
CHANCE = {"sinabs-3": ("rec_cuba",)}
"""Files of which an importer takes one of two ways by addresses in memory: the profile refuses them."""
Layer = tuple[str, Fields]
LI: dict[str, Any] = {"tau": 2e-3, "r": 1.0, "v_leak": 0.0}
SPREAD = np.linspace(1, 4, N)


def zeros(size: int) -> np.ndarray[Any, Any]:
    """A bias of zeros."""
    return np.zeros(size, "f4")


def neurons() -> dict[str, Net]:
    """One layer of neurons each."""
    layers: dict[str, Layer] = {
        "lif": lif(N),
        "lif64": lif(N, "f8"),
        "lif_het": lif(N, tau=SPREAD * 1e-3),
        "lif_het_th": lif(N, th=SPREAD / 5),
        "lif_leak": lif(N, leak=0.2),
        "lif_r": lif(N, r=20.0, th=1.0),
        "lif_r3": lif(N, r=3.0, th=1.0),
        "lif_r_het": lif(N, "f8", r=SPREAD, th=1.0),
        "lif_reset": lif(N, reset=-0.5),
        "lif_reset_leak": lif(N, reset=-0.5, leak=-0.5),
        "lif_fast": lif(N, tau=5e-5),
        "lif_negative": lif(N, th=-0.1),
        "if": integrate(N),
        "if_r": integrate(N, r=1e4),
        "if_th": integrate(N, "f8", th=SPREAD / 3),
        "if_reset": integrate(N, reset=0.3, r=1e4),
        "cuba": cuba(N),
        "cuba_u": cuba(N, r=20.0, w_in=10.0),
        "cuba_u64": cuba(N, "f8", r=20.0, w_in=10.0),
        "cuba_r": cuba(N, r=20.0),
        "cuba_leak": cuba(N, leak=0.1),
        "cuba_het": cuba(N, r=10 * SPREAD, mem=1e-3 * SPREAD, w_in=10.0),
        "li": neuron("LI", N, **LI),
        "li_r": neuron("LI", N, tau=20.0, r=2.0, v_leak=0.1),
        "i": neuron("I", N, r=1.0),
        "cuba_li": neuron("CubaLI", N, tau_syn=1e-3, tau_mem=2e-3, r=1.0, v_leak=0.0, w_in=1.0),
        "threshold": ("Threshold", {"threshold": np.full(N, 0.5, "f4")}),
        "zero_dim": ("LIF", {k: np.float32(v) for k, v in zip(lif(1)[1], (2e-3, 1, 0, 0.5, 0), strict=True)}),
    }
    nets = {name: chain(made, shape=[N]) for name, made in layers.items()}
    nets["scale"] = chain(("Scale", {"scale": np.full(N, 2, "f4")}), lif(N), shape=[N])
    nets["delay"] = chain(("Delay", {"delay": np.full(N, 2e-4, "f4")}), lif(N), shape=[N])
    return nets


def mlp(first: Layer, second: Layer, *, grid: bool = False) -> Net:
    """Two layers of neurons behind Affine layers of 4, 5 and 3."""
    layers = (
        affine(weights(5, 4, 1, grid=grid), zeros(5)),
        first,
        affine(weights(3, 5, 2, grid=grid), zeros(3)),
        second,
    )
    return chain(*layers, shape=[4], out=[3])


def chains() -> dict[str, Net]:
    """Several layers, weights random and on a grid."""
    unit: dict[str, Any] = {"r": 20.0, "w_in": 10.0}
    whole: dict[str, Any] = {"r": 1e4}
    return {
        "affine": chain(affine(weights(3, 4, 1), zeros(3) + 1), lif(3), shape=[4], out=[3]),
        "linear": chain(affine(weights(3, 4, 1)), lif(3), shape=[4], out=[3]),
        "linear_square": chain(affine(weights(4, 4, 1)), lif(4), shape=[4]),
        "affine64": chain(affine(weights(3, 4, 1, dtype="f8"), np.ones(3)), lif(3, "f8"), shape=[4], out=[3]),
        "affine64_cuba": chain(affine(weights(3, 4, 1, dtype="f8"), np.ones(3)), cuba(3), shape=[4], out=[3]),
        "affine_alone": chain(affine(weights(3, 4, 1), zeros(3) + 1), shape=[4], out=[3]),
        "mlp": mlp(lif(5, r=20.0, th=1.0), lif(3, r=20.0, th=1.0)),
        "mlp_if": mlp(integrate(5), integrate(3)),
        "mlp_cuba": mlp(cuba(5, **unit), cuba(3, **unit)),
        "mlp_grid": mlp(lif(5, r=20.0, th=1.0), lif(3, r=20.0, th=0.25), grid=True),
        "if_grid": mlp(integrate(5, **whole), integrate(3, **whole), grid=True),
        "cuba_grid": mlp(cuba(5, th=1.0, **unit), cuba(3, th=0.25, **unit), grid=True),
    }


def convolutions() -> dict[str, Net]:
    """Over (channels, height, width)."""
    random = np.random.default_rng(3)
    conv: Layer = (
        "Conv2d",
        {
            "weight": random.normal(0.2, 0.5, (3, 2, 3, 3)).astype("f4"),
            "bias": random.normal(0, 0.1, 3).astype("f4"),
            **{
                name: np.array(size)
                for name, size in (("stride", [1, 1]), ("padding", [1, 1]), ("dilation", [1, 1]))
            },
            "groups": 1,
            "input_shape": np.array([6, 6]),
        },
    )
    window = {name: np.array([2, 2]) for name in ("kernel_size", "stride")} | {"padding": np.array([0, 0])}
    flat: Layer = ("Flatten", {"input_type": np.array([3, 6, 6]), "start_dim": 0, "end_dim": -1})
    dense = affine(weights(4, 108, 2, scale=0.2), zeros(4))
    return {
        "conv": chain(conv, lif((3, 6, 6)), shape=[2, 6, 6], out=[3, 6, 6]),
        "conv_if": chain(conv, integrate((3, 6, 6)), shape=[2, 6, 6], out=[3, 6, 6]),
        "conv_flat": chain(conv, lif((3, 6, 6)), flat, dense, lif(4), shape=[2, 6, 6], out=[4]),
        "sum_pool": chain(("SumPool2d", window), lif((2, 3, 3)), shape=[2, 6, 6], out=[2, 3, 3]),
        "avg_pool": chain(("AvgPool2d", window), lif((2, 3, 3)), shape=[2, 6, 6], out=[2, 3, 3]),
    }


def loop(middle: Layer, last: Layer, order: Sequence[int] | None = None, *, bias: bool = True) -> Net:
    """A recurrent layer between two others; ``order`` is that of the edges in the file."""
    random = np.random.default_rng(9)
    nodes: dict[str, Layer] = {
        "input": ("Input", {"shape": np.array([4])}),
        "fc": affine(weights(N, 4, 1), zeros(N)),
        "lif": middle,
        "w_rec": affine(weights(N, N, 5, scale=0.4), random.normal(0, 0.1, N).astype("f4") if bias else None),
        "out": affine(weights(3, N, 2), zeros(3)),
        "lif2": last,
        "output": ("Output", {"shape": np.array([3])}),
    }
    pairs = "input fc, fc lif, lif w_rec, w_rec lif, lif out, out lif2, lif2 output"
    edges = [(a, b) for a, b in (pair.split() for pair in pairs.split(", "))]
    return Net(nodes, [edges[index] for index in order] if order is not None else edges)


def loops() -> dict[str, Net]:
    """Recurrent layers, edges in several orders; skips; two outputs; other names."""
    lone = lif(N, r=20.0, th=1.0)
    unit: dict[str, Any] = {"r": 20.0, "w_in": 10.0}
    four: Layer = ("Input", {"shape": np.array([4])})
    out: Layer = ("Output", {"shape": np.array([4])})
    skip = {"input": four, "a": affine(weights(4, 4, 1), zeros(4)), "b": lif(4), "c": lif(4), "output": out}
    return {
        "rec_lif": loop(lone, lif(3)),
        "rec_lif_first": loop(lone, lif(3), (4, 2, 6, 0, 5, 1, 3)),
        "rec_lif_last": loop(lone, lif(3), (6, 5, 4, 3, 2, 1, 0)),
        "rec_cuba": loop(cuba(N, **unit), lif(3)),
        "rec_cubas": loop(cuba(N, **unit), cuba(3, **unit)),
        "rec_if": loop(integrate(N), lif(3)),
        "rec_linear": loop(lone, lif(3), bias=False),
        "skip": Net(skip, [("input", "a"), ("a", "b"), ("a", "c"), ("b", "c"), ("c", "output")]),
        "skip_late": Net(skip, [("input", "a"), ("a", "c"), ("a", "b"), ("b", "c"), ("c", "output")]),
        "two_out": Net(
            {"input": four, "b": lif(4), "c": lif(4, th=0.2), "output": out},
            [("input", "b"), ("input", "c"), ("b", "output"), ("c", "output")],
        ),
        "named": Net({"in": four, "b": lif(4), "out": out}, [("in", "b"), ("b", "out")]),
    }


@cache
def zoo() -> dict[str, Net]:
    """All of them by name."""
    return {**neurons(), **chains(), **convolutions(), **loops()}
