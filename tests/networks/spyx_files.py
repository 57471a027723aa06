"""Random NIR files as spyx's importer may meet them: chains over all 19 types, recurrent layers in every form,
images, odd numbers, names and edges in any order. Many are refused, by nir's reader or by spyx.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.random import Generator
from snnhub.ir.tensor import Array

from tests.networks.nir_nets import Net, affine, chain

Layer = tuple[str, dict[str, Any]]
Nodes = dict[str, tuple[str, Any]]
NEURONS = ("LIF", "LIF", "IF", "CubaLIF")
PASSED = ("Scale", "Delay", "I", "CubaLI", "Threshold", "LI")
DTYPES = ("f4", "f4", "f8", "f8", "f2", "i4", "i8", "u1")
ODD = (np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1e38, 1e300, 1e-42, -1e-3)
NAMES = ("input", "output", "a", "b.lif", "b.w", "b", "Z", "0", "10", "2", "x.input", "x.output", "x.lif", "x")


FAMILIES = {"line": 2, "image": 3, "loop": 2, "nested": 1, "tangle": 1, "elsewhere": 2, "thick": 1, "cuts": 2}
"""Functions of this module by how often they are asked."""


def file(seed: int, family: str = "") -> Net:
    """One of them, or one of a family; the same for the same seed."""
    rng = np.random.default_rng(seed)
    names = [name for name, share in FAMILIES.items() for _ in range(share)]
    net: Net = globals()[family or pick(rng, names)](rng)
    return damaged(rng, net) if rng.random() < 0.2 else net


def pick(rng: Generator, items: Sequence[Any]) -> Any:
    """One of them."""
    return items[int(rng.integers(len(items)))]


def terminal(kind: str, shape: Sequence[int]) -> Layer:
    """Input or Output."""
    return kind, {"shape": np.array(shape, int)}


def neuron(rng: Generator, kind: str, shape: Sequence[int], odd: float = 0.0) -> Layer:
    """Fields of any dtype; some spread, some odd."""
    base = {
        "r": 1.0,
        "tau": pick(rng, (2e-3, 5e-4, 0.1, 3e-5)),
        "v_leak": 0.1,
        "v_threshold": pick(rng, (1.0, 0.5, -0.2)),
    }
    base |= {"tau_mem": 1e-3, "tau_syn": pick(rng, (2e-3, 5e-4)), "w_in": 1.0, "v_reset": 0.0}
    base |= {"scale": 2.0, "delay": 2e-4, "threshold": 0.5}
    needs = {
        "LIF": "tau r v_leak v_threshold v_reset",
        "IF": "r v_threshold",
        "CubaLIF": "tau_mem tau_syn r v_leak v_threshold w_in",
        "LI": "tau r v_leak",
        "CubaLI": "tau_mem tau_syn r v_leak",
        "Scale": "scale",
        "Delay": "delay",
        "I": "r",
        "Threshold": "threshold",
    }[kind]
    dtype = pick(rng, DTYPES)
    made = {}
    for name in needs.split():
        values = np.full(shape, base[name])
        if rng.random() < 0.4:
            values = values * rng.uniform(0.5, 2, shape)
        if rng.random() < odd:
            values = np.where(rng.random(shape) < 0.6, pick(rng, ODD), values)
        of = dtype if name.startswith("tau") or np.dtype(dtype).kind == "f" else pick(rng, ("f4", dtype))
        if np.dtype(of).kind in "iu":
            values = np.nan_to_num(np.ceil(values), posinf=9, neginf=0)
        with np.errstate(all="ignore"):
            made[name] = values.astype(of)
    return kind, made


def dense(rng: Generator, out: int, into: int, *, odd: float = 0.0) -> Layer:
    """Linear or Affine, random or on a grid."""
    weight = rng.normal(0.2, 1, (out, into))
    if rng.random() < 0.5:
        weight = np.round(weight / 0.05) * 0.05
    if rng.random() < odd:
        weight[0, 0] = pick(rng, ODD)
    bias: Any = rng.normal(0, 0.3, out)
    if rng.random() < 0.05:
        bias = pick(rng, (bias[:1], bias[None], np.array(0.2)))
    dtype = pick(rng, DTYPES)
    if np.dtype(dtype).kind in "iu":
        weight, bias = np.nan_to_num(np.round(weight)), np.round(bias)
    with np.errstate(all="ignore"):
        kind, fields = affine(weight.astype(dtype), bias.astype(dtype) if rng.random() < 0.6 else None)
    return kind, dict(fields)


def _named(rng: Generator, layers: Sequence[Layer], shape: Sequence[int], out: Sequence[int]) -> Net:
    names = [str(index) for index in range(len(layers))]
    if rng.random() < 0.15:
        names = [f"n.{name}" for name in names]
    first, last = (
        ("input", "output") if rng.random() < 0.85 else (pick(rng, ("in", "input")), pick(rng, ("out", "output")))
    )
    nodes: Nodes = {first: terminal("Input", shape), **dict(zip(names, layers, strict=True))}
    if rng.random() < 0.95:
        nodes[last] = terminal("Output", out)
    edges = list(pairwise(nodes))
    if rng.random() < 0.4:
        edges = [edges[int(index)] for index in rng.permutation(len(edges))]
    return Net(nodes, edges)


def line(rng: Generator) -> Net:
    """A chain over one axis, or over none, two or four with neurons alone."""
    odd = 0.0 if rng.random() < 0.6 else 0.15
    if rng.random() < 0.25:
        shape = pick(rng, ([], [1], [2, 3], [1, 3], [1, 1], [2, 1, 1], [1, 2, 1, 3], [3, 1, 1]))
        kinds = [pick(rng, (*NEURONS, *PASSED)) for _ in range(int(rng.integers(1, 3)))]
        return _named(rng, [neuron(rng, kind, shape, odd) for kind in kinds], shape, shape)
    size = first = int(pick(rng, (1, 2, 3, 5, 40)))
    layers: list[Layer] = []
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.6:
            out = int(pick(rng, (1, 2, 4, 7)))
            layers.append(dense(rng, out, size, odd=odd))
            size = out
        if rng.random() < 0.15:
            layers += [neuron(rng, "LI", [size], odd), neuron(rng, "Threshold", [size])]
        layers.append(neuron(rng, pick(rng, (*NEURONS, *NEURONS, *PASSED)), [size], odd))
    return _named(rng, layers, [first], [size])


def _window(rng: Generator, kind: str, shape: Sequence[int]) -> tuple[Layer, list[int]]:
    most = 3 if rng.random() < 0.8 else 8
    fields: dict[str, Any] = {name: rng.integers(1, most, 2) for name in ("kernel_size", "stride")}
    fields["padding"] = rng.integers(0, 2, 2) if rng.random() < 0.3 else np.zeros(2, int)
    if rng.random() < 0.2:
        fields = {name: np.int64(value[0]) for name, value in fields.items()}
    k, s, p = (np.broadcast_to(fields[name], 2) for name in ("kernel_size", "stride", "padding"))
    after = [(n + 2 * int(p[i]) - int(k[i])) // int(s[i]) + 1 for i, n in enumerate(shape[1:])]
    return (kind, fields), [shape[0], *after]


def _conv(rng: Generator, shape: Sequence[int]) -> tuple[Layer, list[int]]:
    """nir.read takes the first axis of a kernel for all."""
    axes = len(shape) - 1
    taps = int(rng.integers(1, 4))
    kernel = [taps] * axes if rng.random() < 0.8 else [int(rng.integers(1, 4)) for _ in range(axes)]
    stride = rng.integers(1, 3, axes) if rng.random() < 0.4 else np.ones(axes, int)
    padding: Any = pick(
        rng, ("same", "valid", rng.integers(0, 2, axes), np.zeros(axes, int), rng.integers(-2, 2, axes))
    )
    if rng.random() < 0.03:
        stride = rng.integers(-1, 2, axes)
    dilation = np.full(axes, 2 if rng.random() < 0.1 else 1)
    channels = int(pick(rng, (1, 2, 3)))
    fields: dict[str, Any] = {
        "weight": rng.normal(0.2, 0.7, (channels, shape[0], *kernel)).astype(pick(rng, ("f4", "f8", "f2"))),
        "bias": rng.normal(0, 0.2, channels).astype("f4"),
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": 1,
        "input_shape": np.array(shape[1:]),
    }
    if axes == 1 or rng.random() < 0.05:
        scalars = ("stride", "dilation", *(() if isinstance(padding, str) else ("padding",)), "input_shape")
        fields |= {name: np.int64(np.ravel(fields[name])[0]) for name in scalars}
    pad = np.zeros(axes, int) if isinstance(padding, str) else padding
    after = [
        n
        if isinstance(padding, str) and padding == "same"
        else (n + 2 * int(p) - int(d) * (kernel[0] - 1) - 1) // (int(s) or 1) + 1
        for n, p, d, s in zip(shape[1:], pad, dilation, stride, strict=True)
    ]
    return (f"Conv{axes}d", fields), [channels, *after]


def image(rng: Generator) -> Net:
    """Convolutions, pools and Flatten; now and then over (channels, length)."""
    shape = [int(pick(rng, (1, 2, 3))), *([int(pick(rng, (2, 3, 5, 6)))] * 2)]
    if rng.random() < 0.3:
        shape[2] = int(pick(rng, (1, 4)))
    if rng.random() < 0.15:
        shape = shape[:2]
    first, layers = list(shape), []
    for _ in range(int(rng.integers(1, 4))):
        if len(shape) == 3 and rng.random() < 0.4:
            layer, shape = _window(rng, pick(rng, ("SumPool2d", "SumPool2d", "AvgPool2d")), shape)
        else:
            layer, shape = _conv(rng, shape)
        layers.append(layer)
        if min(shape) < 1:
            shape = [max(size, 1) for size in shape]
        if rng.random() < 0.6:
            layers.append(neuron(rng, pick(rng, ("LIF", "IF", "LIF", "CubaLIF")), shape))
    if rng.random() < 0.5:
        flat = {"start_dim": pick(rng, (0, 0, 0, 1)), "end_dim": pick(rng, (-1, -1, len(shape) - 1))}
        given = {"input_type": np.array(shape)} if rng.random() < 0.7 else {}
        layers.append(("Flatten", {**given, **flat}))
        if flat["start_dim"] == 0:
            size = int(np.prod(shape))
            layers += [dense(rng, 3, size), neuron(rng, pick(rng, NEURONS), [3])]
            shape = [3]
        else:
            shape = [shape[0], int(np.prod(shape[1:]))]
    return _named(rng, layers, first, shape)


def cut(padding: Sequence[int], channels: int = 3) -> Net:
    """A convolution over 7 x 6 with this padding, below 0 or not, and neurons behind it."""
    rng = np.random.default_rng(5)
    sizes = [size + 2 * pad - 2 for size, pad in zip((7, 6), padding, strict=True)]
    fields: dict[str, Any] = {
        "weight": rng.normal(0.2, 0.7, (channels, 2, 3, 3)).astype("f4"),
        "bias": rng.normal(0, 0.2, channels).astype("f4"),
        "input_shape": np.array([7, 6]),
        "padding": np.array(padding),
        "groups": 1,
        **dict.fromkeys(("stride", "dilation"), np.array([1, 1])),
    }
    shape = [channels, *sizes]
    cells = {"tau": 2e-3, "r": 20.0, "v_leak": 0.0, "v_threshold": 0.8, "v_reset": 0.0}
    lif = "LIF", {name: np.full(shape, value, "f4") for name, value in cells.items()}
    return chain(("Conv2d", fields), lif, shape=[2, 7, 6], out=shape)


def cuts(rng: Generator) -> Net:
    """Convolutions with paddings below 0 and above, strides, neurons; odd weights in front of some."""
    shape = first = [int(pick(rng, (1, 2, 3))), int(rng.integers(5, 10)), int(rng.integers(5, 10))]
    layers: list[Layer] = []
    for number in range(int(rng.integers(1, 3))):
        (_, fields), _ = _conv(rng, shape)
        taps, channels = int(rng.integers(1, 4)), int(pick(rng, (1, 2, 3, 5)))
        weight = rng.normal(0.2, 0.7, (channels, shape[0], taps, taps)).astype("f4")
        if rng.random() < 0.15 and not number:
            weight[0, 0, 0, 0] = pick(rng, ODD)
        steps, pads = rng.integers(1, 3, 2), rng.integers(-2, 2, 2)
        fields |= {"weight": weight, "bias": rng.normal(0, 0.2, channels).astype("f4"), "padding": pads}
        fields |= {"stride": steps, "dilation": np.array([1, 1]), "input_shape": np.array(shape[1:])}
        sizes = zip(shape[1:], pads, steps, strict=True)
        shape = [channels, *((size + 2 * int(pad) - taps) // int(step) + 1 for size, pad, step in sizes)]
        if min(shape) < 1:
            break
        layers.append(("Conv2d", fields))
        if rng.random() < 0.7:
            layers.append(neuron(rng, pick(rng, ("LIF", "IF")), shape))
        end = shape
    return _named(rng, layers, first, end if layers else first)


def beside(shape: Sequence[int], weight: Array) -> Net:
    """A dense layer behind a node ``input`` that is no Input, where an Input elsewhere says what arrives."""
    nodes: Nodes = {"a": terminal("Input", shape), "fc": ("Linear", {"weight": weight})}
    nodes["input"] = "Scale", {"scale": np.ones(weight.shape[1], "f4")}
    nodes |= {"z": ("Scale", {"scale": np.ones(shape, "f4")}), "output": terminal("Output", weight.shape[:1])}
    return Net(nodes, [("a", "z"), ("input", "fc"), ("fc", "output")])


def thick(rng: Generator) -> Net:
    """Weights of three axes or more, for which nir keeps the first ones apart, and neurons behind them."""
    before = pick(rng, ([2], [4], [1], [1, 1], [3, 1]))
    out, into = (1, 1) if rng.random() < 0.6 else (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    weight = rng.normal(0.2, 1, (*before, out, into)).astype("f4")
    bias = None if rng.random() < 0.5 else rng.normal(0, 0.3, pick(rng, (1, out, before[0]))).astype("f4")
    kind, fields = affine(weight, bias)
    layers: list[Layer] = [(kind, dict(fields))]
    if rng.random() < 0.5:
        layers.append(neuron(rng, pick(rng, NEURONS), [*before, out]))
    return _named(rng, layers, [*before, into], [*before, out])


def elsewhere(rng: Generator) -> Net:
    """Another node is named ``input``, where spyx begins, and an Input says a shape that is not the one there."""
    shape = pick(rng, ([2, 3, 4], [3, 2, 2], [1, 3, 3], [3, 1, 1], [2, 2], [1, 3], [4], [2, 1, 2, 3]))
    size = first = int(pick(rng, (shape[0], shape[0], shape[-1])))
    layers: list[Layer] = []
    for _ in range(int(rng.integers(0, 4))):
        what = rng.random()
        if what < 0.5:
            out = int(pick(rng, (1, 2, 3, 9)))
            layers.append(dense(rng, out, size))
            size = out
        elif what < 0.7:
            layers.append(("Flatten", {"start_dim": 0, "end_dim": -1}))
        elif what < 0.8:
            layers.append(_window(rng, "SumPool2d", [size])[0])
        else:
            layers.append(neuron(rng, pick(rng, ("LIF", "IF", "CubaLIF")), [size]))
    nodes: Nodes = {"a": terminal("Input", shape), "z": neuron(rng, "LIF", shape)}
    nodes["input"] = neuron(rng, pick(rng, (*NEURONS, *PASSED)), [first])
    nodes |= {str(index): layer for index, layer in enumerate(layers)}
    return Net(nodes, [("a", "z"), *pairwise(["input", *map(str, range(len(layers)))])])


def loop(rng: Generator) -> Net:
    """A neuron and a weight that feed each other, under names with dots and without, edges in any order."""
    size = int(pick(rng, (1, 2, 3, 6, 40)))
    cell, weight = pick(
        rng, (("lif", "w_rec"), ("lif1.lif", "lif1.w_rec"), ("r.lif", "w"), ("lif", "a.w"), ("b.x", "b"))
    )
    nodes: Nodes = {
        "input": terminal("Input", [2]),
        "fc": dense(rng, size, 2),
        cell: neuron(rng, pick(rng, ("LIF", "LIF", "CubaLIF", "CubaLIF", "IF")), [size]),
        weight: dense(rng, size, size),
        "out": dense(rng, 2, size),
        "last": neuron(rng, pick(rng, NEURONS), [2]),
        "output": terminal("Output", [2]),
    }
    edges = [
        ("input", "fc"),
        ("fc", cell),
        (cell, weight),
        (weight, cell),
        (cell, "out"),
        ("out", "last"),
        ("last", "output"),
    ]
    if rng.random() < 0.15:
        nodes["w2"] = dense(rng, size, size)
        edges += [(cell, "w2"), ("w2", cell)]
    if rng.random() < 0.2:
        edges.append((pick(rng, list(nodes)[:-1]), pick(rng, list(nodes)[1:])))
    if rng.random() < 0.5:
        edges = [edges[int(index)] for index in rng.permutation(len(edges))]
    return Net(nodes, list(dict.fromkeys(edges)))


def nested(rng: Generator) -> Net:
    """A graph within the graph, as spyx writes its recurrent layers, or otherwise."""
    size = int(pick(rng, (1, 3, 4)))
    key = pick(rng, ("layer", "r", "input"))
    cell, weight, into, out = (f"{key}.{name}" for name in ("lif", "w_rec", "input", "output"))
    if rng.random() < 0.3:
        into, out = "input", "output"
    inner: Nodes = {
        cell: neuron(rng, pick(rng, ("LIF", "IF", "CubaLIF", "LI")), [size]),
        weight: dense(rng, size, size),
        into: terminal("Input", [size]),
        out: terminal("Output", [size]),
    }
    edges = [(into, weight), (weight, cell), (cell, weight), (cell, out)]
    edges = pick(rng, (edges, edges, [(into, cell), *edges[1:]], edges[:2] + edges[3:], edges[:3]))
    if rng.random() < 0.1:
        inner["more"] = neuron(rng, "IF", [size])
        edges.append((cell, "more"))
    nodes: Nodes = {
        "input": terminal("Input", [2]),
        "fc": dense(rng, size, 2),
        "sub": ("NIRGraph", {"graph": Net(inner, edges)}),
        "output": terminal("Output", [size]),
    }
    if rng.random() < 0.1:
        del nodes["output"]
    if rng.random() < 0.1:
        nodes = {
            "input": terminal("Input", [size]),
            **{name: nodes[name] for name in nodes if name not in ("input", "fc")},
        }
    return Net(nodes, list(pairwise(nodes)))


def tangle(rng: Generator) -> Net:
    """Nodes of one size under any names and any edges."""
    size = int(pick(rng, (1, 3)))
    names = [str(name) for name in rng.permutation(NAMES)[: int(rng.integers(1, 7))]]
    nodes: Nodes = {}
    for name in names:
        if rng.random() < 0.4:
            nodes[name] = dense(rng, size, size)
        else:
            nodes[name] = neuron(rng, pick(rng, (*NEURONS, *PASSED)), [size])
    for name, kind in (
        ("input", "Input"),
        ("output", "Output"),
        (pick(rng, NAMES), pick(rng, ("Input", "Output"))),
    ):
        if rng.random() < 0.8:
            nodes[name] = terminal(kind, [size])
    order = [str(name) for name in rng.permutation(list(nodes))]
    if rng.random() < 0.7 and "input" in order:
        order = [
            "input",
            *[name for name in order if name not in ("input", "output")],
            *(["output"] if "output" in order else []),
        ]
    edges = list(pairwise(order))
    edges += [(pick(rng, order), pick(rng, order)) for _ in range(int(rng.integers(0, 3)))]
    if rng.random() < 0.3:
        edges += [(b, a) for a, b in edges[:1]]
    return Net(nodes, list(dict.fromkeys(edges)))


def damaged(rng: Generator, net: Net) -> Net:
    """Something missing, twice, of another shape or beside the rest."""
    nodes, edges = dict(net.nodes), list(net.edges)
    what = int(rng.integers(8))
    name = pick(rng, list(nodes))
    kind, fields = nodes[name]
    if what == 0 and edges:
        edges.pop(int(rng.integers(len(edges))))
    elif what == 1 and edges:
        edges.append(pick(rng, edges))
    elif what == 2 and kind != "NIRGraph" and fields:
        nodes[name] = kind, {key: value for key, value in fields.items() if key != pick(rng, list(fields))}
    elif what == 3 and kind != "NIRGraph":
        key = pick(rng, list(fields))
        value = fields[key]
        nodes[name] = kind, {**fields, key: value if isinstance(value, str) else np.ravel(value)[:1]}
    elif what == 4:
        nodes["lonely"] = neuron(rng, pick(rng, NEURONS), [2])
    elif what == 5:
        nodes["more"] = terminal(pick(rng, ("Input", "Output")), [2])
        edges.append(
            (pick(rng, list(nodes)), "more") if nodes["more"][0] == "Output" else ("more", pick(rng, list(nodes)))
        )
    elif what == 6:
        nodes = {"top": nodes[name]}
        edges = [("top", "top")] if rng.random() < 0.3 else []
        nodes = nodes if rng.random() < 0.7 or edges else {}
    else:
        edges = []
    return Net(nodes, edges)
