"""Random NIR files at which importers go on where one would stop: fewer values than neurons, weights that are NaN,
graphs within that return several values, recurrent layers as graphs within; and inputs of another shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.networks import nir_random
from tests.networks.nir_nets import Net
from tests.networks.nir_random import ODD, Layer, dense, elementwise, pick, renamed, spiking, suited, terminal


def _neuron(rng: Generator, shape: Sequence[int], suit: float) -> Layer:
    kind = pick(rng, ("LIF", "LIF", "IF", "CubaLIF", "CubaLIF"))
    made = spiking(rng, kind, shape) if rng.random() < 0.5 else suited(rng, kind, shape, suit)
    if rng.random() < 0.4:  # decays that differ, which snnTorch keeps one by one
        for name in ("tau", "tau_mem", "tau_syn"):
            if name in made[1] and np.ndim(made[1][name]) and np.issubdtype(made[1][name].dtype, np.floating):
                made[1][name] = (made[1][name] * rng.uniform(1, 3, np.shape(made[1][name]))).astype("f4")
    return made


def lone(rng: Generator) -> Net:
    """Layers of one value or several, between them nodes that some importer leaves out."""
    sizes = [1, *(int(pick(rng, (1, 1, 2, 3, 4))) for _ in range(int(rng.integers(1, 4))))]
    suit = float(pick(rng, (1.0, 1e4)))
    layers: list[Layer] = []
    for into, out in pairwise(sizes):
        layers.append(dense(rng, out, into))
        if rng.random() < 0.2:
            layers.append(elementwise(rng, [out]))
        if rng.random() < 0.9:
            layers.append(_neuron(rng, [out], suit))
    return nir_random._chain(rng, layers, [sizes[0]], [sizes[-1]])


def images(rng: Generator) -> Net:
    """Windows that some importer leaves out, or whose padding it does not read, over axes of which some are 1."""
    channels, size = int(pick(rng, (1, 2, 3))), [int(pick(rng, (1, 1, 2, 3, 4))) for _ in range(2)]
    layers: list[Layer] = []
    shape = [channels, *size]
    suit = float(pick(rng, (1.0, 1e4)))
    for _ in range(int(rng.integers(1, 4))):
        kind = pick(rng, ("SumPool2d", "AvgPool2d", "Conv2d", "none", "none"))
        if kind == "Conv2d":
            filters, tap = int(pick(rng, (1, 2, 3))), int(pick(rng, (1, 3)))
            pad = tap // 2
            weight = rng.normal(0.3, 1, (filters, shape[0], tap, tap)).astype("f4")
            if rng.random() < 0.3:
                weight.flat[int(rng.integers(weight.size))] = pick(rng, ODD)
            fields: dict[str, Any] = {
                "weight": weight,
                "bias": rng.normal(0, 0.3, filters).astype("f4"),
                "groups": 1,
            }
            fields |= {"stride": np.ones(2, int), "dilation": np.ones(2, int), "padding": np.full(2, pad)}
            layers.append((kind, {**fields, "input_shape": np.array(shape[1:])}))
            shape = [filters, *shape[1:]]
        elif kind != "none":
            window, around = rng.integers(1, 3, 2), rng.integers(0, 2, 2)
            around = np.minimum(around, window // 2)
            after = [(n + 2 * int(p) - int(k)) // 1 + 1 for n, p, k in zip(shape[1:], around, window, strict=True)]
            if min(after) < 1:
                continue
            layers.append((kind, {"kernel_size": window, "stride": np.ones(2, int), "padding": around}))
            shape = [shape[0], *after]
        if rng.random() < 0.7:
            layers.append(_neuron(rng, shape, suit))
    if not layers:
        layers.append(_neuron(rng, shape, suit))
    if rng.random() < 0.3:
        layers.append(("Flatten", {"input_type": np.array(shape), "start_dim": 0, "end_dim": -1}))
        shape = [int(np.prod(shape))]
        layers += [dense(rng, 2, shape[0]), _neuron(rng, [2], suit)]
        shape = [2]
    return nir_random._chain(rng, layers, [channels, *size], shape)


def wild(rng: Generator) -> Net:
    """Weights and biases some of which are NaN, infinite or beyond f32, with loops behind them."""
    net = pick(rng, (nir_random.several, nir_random.recurrent, nir_random.tangled))(rng)
    nodes = dict(net.nodes)
    for name, (kind, fields) in net.nodes.items():
        for field in ("weight", "bias"):
            if field in fields and fields[field].dtype.kind == "f" and rng.random() < 0.5:
                values = np.array(fields[field])
                for _ in range(int(rng.integers(1, 3))):
                    with np.errstate(over="ignore"):
                        values.flat[int(rng.integers(values.size))] = pick(rng, ODD)
                nodes[name] = kind, {**nodes[name][1], field: values}
    return Net(nodes, net.edges)


def returning(rng: Generator) -> Net:
    """A graph within with several edges into its Output, or one that is a recurrent layer."""
    size = int(rng.integers(1, 4))
    suit = float(pick(rng, (1.0, 1e4)))
    inner: dict[str, Layer] = {"in": terminal("Input", [size])}
    if rng.random() < 0.5:
        inner["lif"] = (
            spiking(rng, "CubaLIF", [size]) if rng.random() < 0.5 else suited(rng, "CubaLIF", [size], suit)
        )
        inner["w"] = dense(rng, size, size)
        edges = [("in", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "out")]
    else:
        names = [str(index) for index in range(int(rng.integers(1, 4)))]
        for name in names:
            inner[name] = dense(rng, size, size) if rng.random() < 0.4 else suited(rng, "LIF", [size], suit)
        edges = list(pairwise(("in", *names, "out")))
        edges += [(name, "out") for name in ("in", *names[:-1]) if rng.random() < 0.5]
    inner["out"] = terminal("Output", [size])
    within = renamed(rng, Net(inner, edges))
    nodes: dict[str, Any] = {"input": terminal("Input", [2]), "fc": dense(rng, size, 2)}
    nodes |= {"sub": ("NIRGraph", {"graph": within})}
    if rng.random() < 0.5:
        nodes["lif"] = suited(rng, "LIF", [size], suit)
    nodes["output"] = terminal("Output", [size])
    return renamed(rng, Net(nodes, list(pairwise(nodes))))


def fed(rng: Generator) -> Net:
    """Any file, to be fed an input of another shape (``another_shape``)."""
    kind = pick(rng, (nir_random.single, nir_random.several, nir_random.tangled, nir_random.spatial, lone, images))
    net: Net = kind(rng)
    return net


def another_shape(shape: Sequence[int], seed: int) -> tuple[int, ...]:
    """A shape near to ``shape``: an axis of 1, more or fewer entries, another axis in front."""
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in shape]
    act = int(rng.integers(5))
    at = int(rng.integers(max(len(sizes), 1)))
    if act == 0:
        return (1, *sizes)
    if act == 1:
        return (2, *sizes)
    if act == 2 and sizes:
        return tuple(sizes[1:]) or (1,)
    if act == 3 and sizes:
        return (*sizes[:at], sizes[at] + 1, *sizes[at + 1 :])
    return (*sizes[:at], 1, *sizes[at + 1 :])


FED = "fed"
FAMILIES: dict[str, Callable[[Generator], Net]] = {
    "lone": lone,
    "images": images,
    "wild": wild,
    "returning": returning,
    FED: fed,
}


def odd_net(family: str, seed: int) -> Net:
    """The net of a family and a seed."""
    return FAMILIES[family](np.random.default_rng([seed, *family.encode()]))
