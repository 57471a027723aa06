"""Random NIR files over all 19 node types, as nobody would write them by hand: what importers make of edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.networks.nir_nets import Net, affine, full

Layer = tuple[str, dict[str, Any]]
N = 3
DT = 1e-4
NAMES = ("input", "output", "in", "out", "a", "B", "Z", "if", "1", "2", "10", "lif.0", "x_y", "y.x", "é", "_")
ODD = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e30, -1e30, 1e39, 1e-30, 1e-42)
DTYPES = ("f4",) * 6 + ("f8",) * 4 + ("f2", "i4", "i8", "u1")


def pick(rng: Generator, items: Sequence[Any]) -> Any:
    """One of them."""
    return items[int(rng.integers(len(items)))]


def suited(rng: Generator, kind: str, shape: Sequence[int], r_of_if: float) -> Layer:
    """A neuron with the fields that snnTorch and SpikingJelly both take; IF with ``r_of_if``."""
    tau, syn = (float(pick(rng, (2e-3, 1e-3, 2e-4, 5e-3))) for _ in range(2))
    threshold = float(pick(rng, (0.5, 1.0, 1.0, 2.0, 0.1)))
    fields: dict[str, Any] = {"r": r_of_if if kind == "IF" else tau / DT, "v_threshold": threshold, "v_reset": 0.0}
    if kind == "LIF":
        fields |= {"tau": tau, "v_leak": 0.0, "r": float(pick(rng, (1.0, tau / DT)))}
    if kind == "CubaLIF":
        fields |= {"tau_mem": tau, "tau_syn": syn, "w_in": syn / DT, "v_leak": 0.0}
    dtype = pick(rng, ("f4", "f4", "f8"))
    return kind, {name: np.full(shape, value, dtype) for name, value in fields.items()}


def spiking(rng: Generator, kind: str, shape: Sequence[int], *, wild: float = 0.0, suit: float = 0.0) -> Layer:
    """A neuron of any type whose fields mostly suit one importer or another; ``wild``: odd numbers, how often.
    ``suit``: r of IF in networks that many importers take; 0 for the others.
    """
    if suit and kind in ("IF", "LIF", "CubaLIF"):
        return suited(rng, kind, shape, suit)
    tau, syn = (float(pick(rng, (2e-3, 1e-3, 1e-2, 2e-4, 1e-4, 5e-5, 3.0, 20.0))) for _ in range(2))
    r = float(pick(rng, (1.0, 1.0, tau / DT, tau / DT, 1 / DT, 2.5)))
    fields: dict[str, Any] = {"r": r}
    if kind in ("LI", "LIF"):
        fields["tau"] = tau
    if kind in ("CubaLI", "CubaLIF"):
        fields |= {"tau_mem": tau, "tau_syn": syn, "w_in": float(pick(rng, (1.0, syn / DT, syn / DT, 2.0)))}
    if kind not in ("I", "IF"):
        fields["v_leak"] = float(pick(rng, (0.0, 0.0, 0.0, 0.2, -0.1)))
    if kind in ("IF", "LIF", "CubaLIF"):
        fields["v_threshold"] = float(pick(rng, (0.5, 1.0, 0.1, 1.0, 0.0, -0.3)))
        fields["v_reset"] = float(pick(rng, (0.0, 0.0, 0.0, fields.get("v_leak", 0.0), 0.25)))
    return kind, _spread(rng, fields, shape, wild)


def _spread(rng: Generator, fields: dict[str, Any], shape: Sequence[int], wild: float) -> dict[str, Any]:
    """One value per neuron: the same, or not; of one dtype, or of several."""
    made: dict[str, Any] = {}
    dtype = pick(rng, DTYPES)
    mixed = rng.random() < 0.1
    for name, value in fields.items():
        of = pick(rng, DTYPES) if mixed else dtype
        values = np.full(shape, value, np.float64)
        if rng.random() < 0.08:
            values = values * rng.uniform(0.5, 2, shape)
        if rng.random() < wild:
            odd = pick(rng, ODD)
            values = np.full(shape, odd) if rng.random() < 0.5 else np.where(rng.random(shape) < 0.5, odd, values)
        whole = bool(np.all(np.abs(values) < 200)) and bool(np.all(values == np.trunc(values)))
        if np.dtype(of).kind in "iu" and not (whole and (np.dtype(of).kind == "i" or np.all(values >= 0))):
            of = "f4"
        with np.errstate(all="ignore"):
            made[name] = values.astype(of)
    if rng.random() < 0.05 and "v_reset" in made:
        del made["v_reset"]
    if rng.random() < 0.03 and "w_in" in made:
        del made["w_in"]
    if rng.random() < 0.05:
        return {name: np.asarray(value).ravel()[0] for name, value in made.items()}
    if rng.random() < 0.03:
        name = pick(rng, list(made))
        made[name] = np.asarray(made[name]).ravel()[:1]
    return made


def dense(rng: Generator, out: int, into: int, *, wild: float = 0.0) -> Layer:
    """Linear or Affine."""
    dtype = pick(rng, DTYPES)
    weight = rng.normal(0.3, 1, (out, into))
    if rng.random() < 0.3:
        weight = np.round(weight / 0.05) * 0.05
    bias = np.zeros(out) if rng.random() < 0.5 else rng.normal(0, 0.3, out)
    if rng.random() < wild:
        weight[0, 0] = pick(rng, ODD)
    if rng.random() < 0.02:
        bias = bias[:-1]
    with np.errstate(all="ignore"):
        if np.dtype(dtype).kind in "iu":
            weight, bias = (np.abs(np.round(np.clip(np.nan_to_num(each), -9, 9))) for each in (weight, bias))
        kind, fields = affine(weight.astype(dtype), bias.astype(dtype) if rng.random() < 0.6 else None)
    return kind, dict(fields)


NEURONS = ("LIF",) * 5 + ("CubaLIF",) * 4 + ("IF",) * 3 + ("LI", "CubaLI", "I")


def elementwise(rng: Generator, shape: Sequence[int], *, wild: float = 0.0) -> Layer:
    """A node that keeps the shape and is no dense layer."""
    kind = pick(rng, (*NEURONS, *NEURONS, "Scale", "Delay", "Threshold"))
    if kind in NEURONS:
        return spiking(rng, kind, shape, wild=wild)
    values: dict[str, Any] = {
        "Scale": {"scale": rng.normal(1, 1, shape)},
        "Delay": {"delay": np.full(shape, float(pick(rng, (0.0, 1e-4, 3e-4, 1.5e-4, -1e-4))))},
        "Threshold": {"threshold": rng.normal(0.5, 0.3, shape)},
    }[kind]
    return kind, {name: full(value, shape, pick(rng, ("f4", "f8"))) for name, value in values.items()}


def terminal(kind: str, shape: Sequence[int]) -> Layer:
    """Input or Output."""
    return kind, {"shape": np.array(shape)}


def single(rng: Generator) -> Net:
    """One node between Input and Output."""
    shape = pick(rng, ([N], [N], [1], [2, 3]))
    layer = elementwise(rng, shape, wild=0.0 if rng.random() < 0.5 else 0.3)
    return _chain(rng, [layer], shape, shape)


def _chain(rng: Generator, layers: list[Layer], shape: Sequence[int], out: Sequence[int]) -> Net:
    nodes = {"input": terminal("Input", shape)}
    nodes |= {str(index): layer for index, layer in enumerate(layers)}
    nodes["output"] = terminal("Output", out)
    return renamed(rng, Net(nodes, list(pairwise(nodes))))


def several(rng: Generator) -> Net:
    """Dense layers and neurons one after the other."""
    sizes = [int(rng.integers(1, 6)) for _ in range(int(rng.integers(2, 5)))]
    layers: list[Layer] = []
    wild = 0.0 if rng.random() < 0.7 else 0.1
    kinds = pick(rng, (("LIF",), ("CubaLIF",), ("IF",), NEURONS))
    suit = float(pick(rng, (0.0, 1.0, 1e4)))
    for into, out in pairwise(sizes):
        layers.append(dense(rng, out, into, wild=wild / 3))
        if rng.random() < 0.9:
            layers.append(spiking(rng, pick(rng, kinds), [out], wild=wild / 3, suit=suit))
    return _chain(rng, layers, [sizes[0]], [sizes[-1]])


def tangled(rng: Generator) -> Net:
    """Nodes of one size in any graph: branches, skips, loops, several edges into Output, edges in any order."""
    count = int(rng.integers(1, 6))
    plain = rng.random() < 0.6
    nodes: dict[str, Layer] = {"input": terminal("Input", [N])}
    for index in range(count):
        if rng.random() < 0.45:
            nodes[str(index)] = dense(rng, N, N)
        elif plain:
            fields = {"tau": 2e-3, "r": 20.0, "v_leak": 0.0, "v_threshold": float(pick(rng, (0.5, 1.0, 2.0)))}
            nodes[str(index)] = "LIF", {name: full(value, [N], "f4") for name, value in fields.items()}
        else:
            nodes[str(index)] = elementwise(rng, [N])
    nodes["output"] = terminal("Output", [N])
    names = list(nodes)
    edges = list(pairwise(names))
    edges += [(pick(rng, names[:-1]), pick(rng, names[1:])) for _ in range(int(rng.integers(0, 4)))]
    if rng.random() < 0.3:
        edges.pop(int(rng.integers(len(edges))))
    if rng.random() < 0.1:
        edges.append((pick(rng, names), pick(rng, names)))
    if rng.random() < 0.97:
        edges = list(dict.fromkeys(edges))
    if rng.random() < 0.6:
        edges = [edges[int(k)] for k in rng.permutation(len(edges))]
    return renamed(rng, Net(nodes, edges))


def recurrent(rng: Generator) -> Net:
    """A recurrent layer between others, in every order of names and edges; now and then over two neurons."""
    size = int(rng.integers(2, 5))
    kind = pick(rng, ("LIF", "CubaLIF", "LIF", "IF"))
    suit = float(pick(rng, (0.0, 1.0, 1e4, 1e4)))
    middle = spiking(rng, kind, [size], suit=suit)
    nodes = {
        "input": terminal("Input", [2]),
        "fc": dense(rng, size, 2),
        "lif": middle,
        "w_rec": dense(rng, size, size),
        "out": dense(rng, 2, size),
        "lif2": spiking(rng, kind, [2], suit=suit),
        "output": terminal("Output", [2]),
    }
    pairs = "input fc, fc lif, lif w_rec, w_rec lif, lif out, out lif2, lif2 output"
    if rng.random() < 0.3:
        nodes["mid"] = spiking(rng, kind, [size], suit=suit)
        pairs = "input fc, fc lif, lif w_rec, w_rec mid, mid lif, lif out, out lif2, lif2 output"
    edges = [(a, b) for a, b in (pair.split() for pair in pairs.split(", "))]
    if rng.random() < 0.7:
        edges = [edges[int(k)] for k in rng.permutation(len(edges))]
    return renamed(rng, Net(nodes, edges))


def _window(rng: Generator, kind: str) -> Layer:
    pairs = {name: rng.integers(1, 4, 2) for name in ("kernel_size", "stride")}
    pairs["padding"] = rng.integers(0, 2, 2) if rng.random() < 0.4 else np.zeros(2, int)
    if rng.random() < 0.15:
        return kind, {name: int(value[0]) for name, value in pairs.items()}
    return kind, pairs


def _conv(rng: Generator, kind: str, channels: int, size: Sequence[int]) -> tuple[Layer, int, list[int]]:
    axes = len(size)
    groups = int(pick(rng, (1, 1, 1, 2)))
    channels_out = int(rng.integers(1, 3)) * groups
    kernel = [int(rng.integers(1, 4)) for _ in range(axes)]
    if rng.random() < 0.6:
        kernel = [kernel[0]] * axes
    stride, dilation = (rng.integers(1, 3, axes) if rng.random() < 0.5 else np.ones(axes, int) for _ in range(2))
    word = pick(rng, ("same", "valid", "", "", ""))
    padding: Any = word or rng.integers(0, 2, axes)
    dtype = pick(rng, ("f4", "f4", "f4", "f8", "i4"))
    into = max(channels // groups, 1)
    fields: dict[str, Any] = {
        "weight": rng.normal(0.2, 1, (channels_out, into, *kernel)).astype(dtype),
        "bias": rng.normal(0, 0.3, channels_out).astype(dtype),
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "input_shape": np.array(size),
    }
    if axes == 1 or rng.random() < 0.1:
        for name in ("stride", "dilation", "input_shape") + (() if word else ("padding",)):
            fields[name] = int(np.ravel(fields[name])[0]) if rng.random() < 0.8 else fields[name]
    if rng.random() < 0.15:
        del fields["input_shape"]
    pads = np.zeros(axes, int) if word else np.broadcast_to(fields["padding"], axes)
    steps, gaps = (np.broadcast_to(fields[name], axes) for name in ("stride", "dilation"))
    after = [
        n if word == "same" else (n + 2 * int(p) - int(d) * (k - 1) - 1) // int(s) + 1
        for n, p, d, k, s in zip(size, pads, gaps, kernel, steps, strict=True)
    ]
    return (kind, fields), channels_out, after


def spatial(rng: Generator) -> Net:
    """Convolutions, pools and Flatten."""
    axes = 1 if rng.random() < 0.25 else 2
    channels = int(pick(rng, (1, 2, 2, 4)))
    size = [int(rng.integers(3, 7)) for _ in range(axes)]
    if rng.random() < 0.5:
        size = [size[0]] * axes
    shape = [channels, *size]
    layers: list[Layer] = []
    suit = float(pick(rng, (0.0, 1.0, 1e4)))
    for _ in range(int(rng.integers(1, 3))):
        if axes == 2 and rng.random() < 0.35:
            layers.append(_window(rng, pick(rng, ("SumPool2d", "AvgPool2d"))))
            now = {name: np.broadcast_to(value, 2) for name, value in layers[-1][1].items()}
            size = [
                (n + 2 * int(p) - int(k)) // int(s) + 1
                for n, p, k, s in zip(size, now["padding"], now["kernel_size"], now["stride"], strict=True)
            ]
        else:
            layer, channels, size = _conv(rng, f"Conv{axes}d", channels, size)
            layers.append(layer)
        if min(size) < 1:
            size = [max(n, 1) for n in size]
        if rng.random() < 0.6:
            layers.append(spiking(rng, pick(rng, ("LIF", "IF", "CubaLIF")), [channels, *size], suit=suit))
    end = [channels, *size]
    if rng.random() < 0.5:
        start, stop = (int(pick(rng, axis)) for axis in ((0, 0, 0, 1, -2), (-1, -1, axes, axes - 1)))
        given = {"input_type": np.array(end)} if rng.random() < 0.8 else {}
        layers.append(("Flatten", {**given, "start_dim": start, "end_dim": stop}))
        flat = np.zeros(end).reshape(_flattened(end, start, stop)).shape
        end = list(flat)
        if len(end) == 1:
            layers.append(dense(rng, 2, end[0]))
            layers.append(spiking(rng, "LIF", [2], suit=suit))
            end = [2]
    return _chain(rng, layers, shape, end)


def _flattened(shape: Sequence[int], start: int, stop: int) -> list[int]:
    first, last = start % len(shape), stop % len(shape)
    if first > last:
        return list(shape)
    middle = int(np.prod(shape[first : last + 1]))
    return [*shape[:first], middle, *shape[last + 1 :]]


def broken(rng: Generator) -> Net:
    """Files that lack something, or have too much: ends, nodes, edges; and shapes that do not fit."""
    base = pick(rng, (single, several, tangled))(rng)
    nodes, edges = dict(base.nodes), list(base.edges)
    of = {kind: [name for name, item in nodes.items() if item[0] == kind] for kind in ("Input", "Output")}
    for _ in range(int(rng.integers(1, 3))):
        act = int(rng.integers(11))
        if act in (0, 1):
            gone = of[("Input", "Output")[act]]
            nodes = {name: item for name, item in nodes.items() if name not in gone}
            edges = [edge for edge in edges if not set(edge) & set(gone)]
        elif act == 2:
            nodes["lonely"] = elementwise(rng, [N])
        elif act == 3:
            nodes["input2"] = terminal("Input", [N])
            edges += [("input2", pick(rng, list(nodes)))] if rng.random() < 0.7 else []
        elif act == 4:
            nodes["output2"] = terminal("Output", [N])
            edges += [(pick(rng, list(nodes)), "output2")] if rng.random() < 0.7 else []
        elif act == 5:
            edges = []
        elif act == 6 and edges:
            edges.append(pick(rng, edges))
        elif act == 7:
            edges.append((pick(rng, list(nodes) or ["x"]), "nowhere"))
        elif act == 8 and edges:
            edges.pop(int(rng.integers(len(edges))))
        elif act == 9 and nodes:
            name = pick(rng, list(nodes))
            nodes[name] = terminal(pick(rng, ("Input", "Output")), [N])
        elif act == 10:
            nodes = {name: item for name, item in nodes.items() if rng.random() < 0.5}
            edges = [edge for edge in edges if set(edge) <= set(nodes)]
    return Net(nodes, edges)


def nested(rng: Generator) -> Net:
    """A graph within a graph."""
    inner = renamed(rng, pick(rng, (single, recurrent, tangled))(rng))
    shapes = {kind: item["shape"] for kind, item in inner.nodes.values() if kind in ("Input", "Output")}
    first, last = shapes.get("Input", np.array([N])), shapes.get("Output", np.array([N]))
    nodes: dict[str, Any] = {"input": terminal("Input", first), "sub": ("NIRGraph", {"graph": inner})}
    if rng.random() < 0.5 and last.shape == (1,):
        nodes["lif"] = spiking(rng, "LIF", last)
    nodes["output"] = terminal("Output", last)
    return renamed(rng, Net(nodes, list(pairwise(nodes))))


def renamed(rng: Generator, net: Net) -> Net:
    """Other names, which sort in another order; half of the time."""
    if rng.random() < 0.5:
        return net
    names = list(dict.fromkeys(str(name) for name in rng.permutation(list(NAMES))))
    table = dict(zip(net.nodes, names[: len(net.nodes)], strict=True))
    nodes = {table[name]: item for name, item in net.nodes.items()}
    return Net(nodes, [(table[a], table[b]) for a, b in net.edges])


FAMILIES: dict[str, Callable[[Generator], Net]] = {
    "single": single,
    "several": several,
    "tangled": tangled,
    "recurrent": recurrent,
    "spatial": spatial,
    "broken": broken,
    "nested": nested,
}


def random_net(family: str, seed: int) -> Net:
    """The net of a family and a seed."""
    return FAMILIES[family](np.random.default_rng([seed, *family.encode()]))
