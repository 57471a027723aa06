"""The networks of ``profile.*``: single neurons, chains, loops and convolutions in which frameworks part.

Each is the graph of a NIR file. Weights are eighths, so that sums of spikes are exact in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.nir_parts import (
    Node,
    affine,
    chain,
    conv2d,
    flatten,
    graph_of,
    neuron,
    pool2d,
    spread,
    terminal,
    weights,
)

DT, STEPS = 1e-4, 40
UNIT: dict[str, Any] = {"r": 20.0, "v_threshold": 1.0}
"""LIF of tau 2e-3 with r = tau / dt: one step adds the input whole."""
CUBA: dict[str, Any] = {"r": 20.0, "w_in": 10.0}
"""The same of CubaLIF."""
WHOLE: dict[str, Any] = {"r": 1e4, "v_threshold": 2.0}
"""The same of IF."""


FIRST = (
    *("LIF, r = tau / dt", "LIF, f64, a tau for each", "LIF, v_reset", "IF, r = 1 / dt", "CubaLIF, r = tau / dt"),
    *(
        "two layers",
        "recurrent",
        "Conv2d",
        "image to neurons",
        "Conv1d, then neurons",
        "skip",
        "LIF, v_leak",
        "CubaLIF, v_leak",
        "two layers of CubaLIF",
    ),
    *("recurrent, edges from behind", "input and output named otherwise", "Delay"),
)
"""Those in which most of what profiles choose shows: a family has no more cases than it needs."""


def networks() -> Mapping[str, Node]:
    """By title, those of ``FIRST`` before the others."""
    found = {**neurons(), **layers(), **loops(), **odd()}
    return {title: found[title] for title in dict.fromkeys((*FIRST, *found))}


def stimulus(shape: tuple[int, ...]) -> Array:
    """Quarters from -1.5 to 4 by formula: (time, features…) in f32."""
    index = np.arange(STEPS * int(np.prod(shape)))
    values: Array = ((index * index * 7 + index * 3 + index // 5) % 23 - 6) / 4
    return values.reshape(STEPS, *shape).astype("f4")


def shape_of(graph: Node) -> tuple[int, ...]:
    """Features of one step of the first input."""
    first = next(node for node in graph["nodes"].values() if node["type"] == "Input")
    return tuple(int(size) for size in first["shape"])


def neurons() -> dict[str, Node]:
    """One layer of four neurons."""
    cells = {
        "LIF": neuron("LIF"),
        "LIF, r = tau / dt": neuron("LIF", **UNIT),
        "LIF, f64, a tau for each": neuron("LIF", dtype="f8", tau=spread(4, 1e-3, 4e-3)),
        "LIF, v_leak": neuron("LIF", v_leak=0.25),
        "LIF, v_reset": neuron("LIF", v_reset=-0.25),
        "LIF, r": neuron("LIF", r=3.0, v_threshold=1.0),
        "IF": neuron("IF", v_threshold=2.0),
        "IF, r = 1 / dt": neuron("IF", **WHOLE),
        "CubaLIF, r = tau / dt": neuron("CubaLIF", **CUBA),
        "CubaLIF, v_leak": neuron("CubaLIF", v_leak=0.125, r=20.0),
        "LI": neuron("LI"),
    }
    return {title: chain({"cell": cell}) for title, cell in cells.items()}


def layers() -> dict[str, Node]:
    """Weights in front of neurons."""
    two = {
        "fc1": affine(5, 4),
        "lif1": neuron("LIF", 5, **UNIT),
        "fc2": affine(3, 5, seed=2, scale=2.0),
        "lif2": neuron("LIF", 3, **UNIT),
    }
    cuba = {
        "fc1": affine(5, 4),
        "lif1": neuron("CubaLIF", 5, v_threshold=16.0, **CUBA),
        "fc2": affine(3, 5, seed=2, scale=2.0),
        "lif2": neuron("CubaLIF", 3, v_threshold=8.0, **CUBA),
    }
    space = {"conv": conv2d(2, 2, (3, 3), (4, 4)), "lif": neuron("LIF", (2, 2, 2))}
    line: Node = {
        "type": "Conv1d",
        "input_shape": np.array(4),
        "weight": weights(2, 1, 1),
        **dict.fromkeys(("stride", "dilation", "groups"), np.array(1)),
        "padding": np.array(0),
        "bias": np.zeros(2, "f4"),
    }
    image = {
        "conv": conv2d(3, 2, (3, 3), (6, 6)),
        "if": neuron("IF", (3, 4, 4), **WHOLE),
        "pool": pool2d("SumPool2d"),
        "flat": flatten(3, 2, 2),
        "fc": affine(3, 12),
        "lif": neuron("LIF", 3, **UNIT),
    }
    return {
        "image to neurons": chain(image, (2, 6, 6), (3,)),
        "Conv1d, then neurons": chain({"conv": line, "lif": neuron("LIF", (2, 4), **UNIT)}, (1, 4), (2, 4)),
        "Linear": chain({"fc": affine(3, 4, bias=None), "lif": neuron("LIF", 3)}, out=(3,)),
        "Affine, IF": chain({"fc": affine(3, 4, bias=0.25), "if": neuron("IF", 3, **WHOLE)}, out=(3,)),
        "two layers": chain(two, out=(3,)),
        "two layers of CubaLIF": chain(cuba, out=(3,)),
        "Conv2d": chain(space, (2, 4, 4), (2, 2, 2)),
        "SumPool2d": chain(
            {"pool": pool2d("SumPool2d"), "if": neuron("IF", (2, 2, 2), **WHOLE)}, (2, 4, 4), (2, 2, 2)
        ),
    }


def loops() -> dict[str, Node]:
    """A recurrent layer with a bias, the same with its edges in another order, a skip."""
    nodes = {
        "input": terminal("Input", 4),
        "fc": affine(4, 4),
        "lif": neuron("LIF", **UNIT),
        "w_rec": affine(4, 4, bias=0.125, scale=0.5, seed=3),
        "output": terminal("Output", 4),
    }
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    skip = {
        "input": terminal("Input", 4),
        "fc": affine(4, 4),
        "a": neuron("LIF", **UNIT),
        "b": neuron("LIF", **UNIT),
        "output": terminal("Output", 4),
    }
    over = [("input", "fc"), ("fc", "b"), ("fc", "a"), ("a", "b"), ("b", "output")]
    return {
        "recurrent": graph_of(nodes, edges),
        "recurrent, edges from behind": graph_of(nodes, edges[::-1]),
        "skip": graph_of(skip, over),
    }


def odd() -> dict[str, Node]:
    """What importers stumble over."""
    other = {"in": terminal("Input", 4), "cell": neuron("LIF", **UNIT), "out": terminal("Output", 4)}
    two = {"input": terminal("Input", 4), "a": neuron("LIF"), "b": neuron("IF"), "output": terminal("Output", 4)}
    return {
        "input and output named otherwise": graph_of(other, [("in", "cell"), ("cell", "out")]),
        "single numbers": chain({"cell": neuron("LIF", None)}),
        "two edges into Output": graph_of(two, [("input", "a"), ("input", "b"), ("a", "output"), ("b", "output")]),
        "a graph in a graph": chain({"inner": chain({"cell": neuron("LIF", **UNIT)})}),
        "Delay": chain(
            {"delay": {"type": "Delay", "delay": np.full(4, 2e-4, "f4")}, "cell": neuron("LIF", **UNIT)}
        ),
    }
