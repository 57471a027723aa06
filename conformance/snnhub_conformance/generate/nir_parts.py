"""NIR files as bytes, laid out as NIR's own package does it, with exactly the fields that are asked for.

Numbers come from formulas and are multiples of 1/8 where nothing else is said: the same on every machine.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

Node = dict[str, Any]
FILE = "model.nir"
FIELDS = {
    "I": ("r",),
    "IF": ("r", "v_threshold", "v_reset"),
    "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"),
}
USUAL = {
    "tau": 2e-3,
    "tau_mem": 2e-3,
    "tau_syn": 1e-3,
    "r": 1.0,
    "v_leak": 0.0,
    "v_threshold": 0.5,
    "v_reset": 0.0,
}


def nir(graph: Node, version: str | None = "1.0.8", change: Callable[[Any], object] | None = None) -> bytes:
    """A file with ``graph`` at ``/node``. ``change``: done to it last. Arrays keep their dtype, single numbers
    stay single; text is text, dictionaries are groups.
    """
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w", libver=("v108", "v110")) as file:
        if version is not None:
            file.create_dataset("version", data=version, dtype=h5py.string_dtype(), track_times=False)
        _write(file.create_group("node"), graph)
        if change is not None:
            change(file)
    return stream.getvalue()


def _write(group: Any, node: Mapping[str, Any]) -> None:
    import h5py

    text = h5py.string_dtype()
    for name, value in node.items():
        if isinstance(value, dict):
            _write(group.create_group(name), value)
        elif isinstance(value, list):
            pairs = np.array(value, object).reshape(-1, 2)
            group.create_dataset(name, data=pairs, dtype=text, track_times=False)
        elif isinstance(value, str):
            group.create_dataset(name, data=value, dtype=text, track_times=False)
        else:
            group.create_dataset(name, data=value, track_times=False)


def graph_of(nodes: Mapping[str, Node], edges: Sequence[tuple[str, str]], **more: Any) -> Node:
    """A ``NIRGraph``; ``edges`` in file order."""
    return {"type": "NIRGraph", "nodes": dict(nodes), "edges": list(edges), **more}


def terminal(kind: str, *shape: int) -> Node:
    """An ``Input`` or ``Output``."""
    return {"type": kind, "shape": np.array(shape)}


def chain(nodes: Mapping[str, Node], into: Sequence[int] = (4,), out: Sequence[int] = (4,), **more: Any) -> Node:
    """``input``, the nodes in their order, ``output``."""
    every = {"input": terminal("Input", *into), **nodes, "output": terminal("Output", *out)}
    names = list(every)
    return graph_of(every, list(pairwise(names)), **more)


def neuron(kind: str, size: int | tuple[int, ...] | None = 4, dtype: str = "f4", **changes: Any) -> Node:
    """A neuron with every field of NIR 1.0.8; ``size`` None for single numbers. A field of None is left out."""
    node: Node = {"type": kind}
    for name in FIELDS[kind]:
        value = changes.get(name, USUAL.get(name, 1.0))
        if value is not None:
            whole = np.asarray(value, dtype)
            node[name] = whole if size is None else np.broadcast_to(whole, size).copy()
    return {**node, **{name: value for name, value in changes.items() if name not in FIELDS[kind]}}


def spread(count: int, low: float, high: float) -> Array:
    """``count`` numbers from ``low`` to ``high``, evenly."""
    return np.linspace(low, high, count)


def weights(*shape: int, scale: float = 1.0, seed: int = 1) -> Array:
    """Multiples of ``scale`` / 8 from -5/8 to 11/8, by formula."""
    index = np.arange(int(np.prod(shape)))
    values: Array = ((index * index * 7 + index * (5 + seed) + 3 * seed) % 17 - 5) / 8 * scale
    return values.reshape(shape).astype("f4")


def affine(out: int, into: int, *, bias: float | None = 0.0, scale: float = 1.0, seed: int = 1) -> Node:
    """An ``Affine`` node, or ``Linear`` without a bias."""
    weight = weights(out, into, scale=scale, seed=seed)
    if bias is None:
        return {"type": "Linear", "weight": weight}
    return {"type": "Affine", "weight": weight, "bias": np.full(out, bias, "f4")}


def conv2d(out: int, into: int, kernel: tuple[int, int], space: tuple[int, int], **changes: Any) -> Node:
    """A convolution over (channels, height, width)."""
    made: Node = {
        "type": "Conv2d",
        "input_shape": np.array(space),
        "weight": weights(out, into // int(changes.get("groups", 1)), *kernel, scale=0.5),
        "stride": np.array([1, 1]),
        "padding": np.array([0, 0]),
        "dilation": np.array([1, 1]),
        "groups": np.array(1),
        "bias": np.zeros(out, "f4"),
    }
    return {**made, **changes}


def pool2d(kind: str, size: int = 2) -> Node:
    """``SumPool2d`` or ``AvgPool2d`` over windows that do not overlap."""
    window = np.array([size, size])
    return {"type": kind, "kernel_size": window, "stride": window, "padding": np.array([0, 0])}


def flatten(*shape: int) -> Node:
    """A ``Flatten`` of everything."""
    return {"type": "Flatten", "input_type": np.array(shape), "start_dim": np.array(0), "end_dim": np.array(-1)}
