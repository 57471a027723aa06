"""NIR files written with plain h5py, as NIR's own package lays them out, and read back to compare.

A node is a dictionary of its fields with ``type``; a graph has ``nodes`` (by name) and ``edges``. Arrays keep
their dtype, text is text, ``metadata`` is a dictionary. None of this is code of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Spec = dict[str, Any]
TEXT = h5py.string_dtype()


def write_nir(path: Path, spec: Spec, version: str | None = "1.0.8", compression: str | None = None) -> Path:
    """The file at ``path``, with ``spec`` at ``/node``."""
    with h5py.File(path, "w") as file:
        if version is not None:
            file.create_dataset("version", data=version, dtype=TEXT)
        _write(file.create_group("node"), spec, compression)
    return path


def _write(group: h5py.Group, spec: Mapping[str, Any], compression: str | None) -> None:
    for name, value in spec.items():
        if isinstance(value, Mapping):
            _write(group.create_group(name), value, compression)
        elif name == "edges" and not isinstance(value, np.ndarray):
            pairs = np.array(value, object).reshape(-1, 2)
            group.create_dataset(name, data=pairs, dtype=TEXT)
        elif isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype.kind == "O"):
            group.create_dataset(name, data=value, dtype=TEXT)
        else:
            whole = np.asarray(value)
            packed = compression if whole.ndim and whole.size else None
            group.create_dataset(name, data=whole, compression=packed)


def dump(path: Path) -> dict[str, Any]:
    """Everything that a file holds, by path: dtype, shape and bytes; text; the names of groups that are empty."""
    found: dict[str, Any] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Group):
            if not len(item):
                found[f"{name}/"] = "empty"
            return
        if name.endswith("edges") and not item.size:
            found[name] = []
        elif h5py.check_string_dtype(item.dtype) is not None:
            found[name] = np.asarray(item.asstr()[()]).tolist()
        else:
            array = np.asarray(item[()])
            found[name] = (array.dtype.name, array.shape, array.astype(array.dtype.newbyteorder("<")).tobytes())

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


def whole(nodes: Mapping[str, Spec], edges: Sequence[tuple[str, str]], **more: Any) -> Spec:
    """A graph."""
    return {"type": "NIRGraph", "nodes": dict(nodes), "edges": list(edges), **more}


def terminal(kind: str, *shape: int) -> Spec:
    """An ``Input`` or ``Output``."""
    return {"type": kind, "shape": np.array(shape)}


def chain(*nodes: tuple[str, Spec], into: Sequence[int] = (2,), out: Sequence[int] = (2,)) -> Spec:
    """Input, the nodes, output, in a line."""
    every = {"input": terminal("Input", *into), **dict(nodes), "output": terminal("Output", *out)}
    names = list(every)
    return whole(every, list(zip(names, names[1:], strict=False)))


def neuron(kind: str, size: int | None = 2, dtype: str = "float32", **changed: Any) -> Spec:
    """A neuron with all fields of NIR 1.0.8; ``size`` None for single numbers. A field of None is left out."""
    values = {"tau": 0.02, "tau_mem": 0.02, "tau_syn": 0.01, "r": 1, "v_leak": 0, "v_threshold": 1, "v_reset": 0}
    fields = {
        "I": ("r",),
        "IF": ("r", "v_threshold", "v_reset"),
        "LI": ("tau", "r", "v_leak"),
        "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
        "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
        "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"),
    }[kind]
    shape = () if size is None else (size,)
    made = {name: np.full(shape, values.get(name, 1), dtype) for name in fields}
    return {"type": kind, **{name: value for name, value in {**made, **changed}.items() if value is not None}}


def affine(out: int = 2, into: int = 2, dtype: str = "float32", seed: int = 0) -> Spec:
    """Random weights and biases."""
    random = np.random.default_rng(seed)
    weight = random.normal(size=(out, into)).astype(dtype)
    return {"type": "Affine", "weight": weight, "bias": random.normal(size=out).astype(dtype)}


def conv2d(out: int, into: int, size: tuple[int, int], space: tuple[int, int] | None, **changed: Any) -> Spec:
    """A convolution as frameworks write it."""
    random = np.random.default_rng(out)
    made: Spec = {
        "type": "Conv2d",
        "input_shape": None if space is None else np.array(space),
        "weight": random.normal(size=(out, into, *size)).astype(np.float32),
        "stride": np.array([1, 1]),
        "padding": np.array([0, 0]),
        "dilation": np.array([1, 1]),
        "groups": np.array(1),
        "bias": np.zeros(out, np.float32),
    }
    return {name: value for name, value in {**made, **changed}.items() if value is not None}
