"""NIR files of our own, written with h5py in the layout of nir 1.0.8: nodes with their fields, edges by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.ir.ct_names import ROOT, node_id
from snnhub.ir.graph import Edge, Graph, Input, Node, Output, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array

from tests.networks.ct_graphs import ct_node

DT = 1e-4
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Net:
    """``nodes``: name to (type, fields). ``edges``: pairs of names, in file order."""

    nodes: Mapping[str, tuple[str, Fields]]
    edges: Sequence[tuple[str, str]]

    def write(self, path: Path, version: str = "1.0.8") -> Path:
        """The file. Arrays as they are, so with their dtypes."""
        import h5py

        with h5py.File(path, "w") as file:
            file.create_dataset("version", data=version, dtype=h5py.string_dtype())
            self._into(file.create_group("node"))
        return path

    def _into(self, top: Any) -> None:
        """The graph as a group: a node ``NIRGraph`` has the field ``graph``, another Net."""
        import h5py

        text = h5py.string_dtype()
        top.create_dataset("type", data="NIRGraph", dtype=text)
        top.create_dataset("edges", data=np.array(list(self.edges), dtype=object).reshape(-1, 2), dtype=text)
        nodes = top.create_group("nodes")
        for name, (kind, fields) in self.nodes.items():
            group = nodes.create_group(name)
            if kind == "NIRGraph":
                fields["graph"]._into(group)
                continue
            group.create_dataset("type", data=kind, dtype=text)
            for field, value in fields.items():
                if isinstance(value, str):
                    group.create_dataset(field, data=value, dtype=text)
                else:
                    group.create_dataset(field, data=value)

    @property
    def inputs(self) -> tuple[int, ...]:
        """Shape of the first input."""
        fields = next(fields for kind, fields in self.nodes.values() if kind == "Input")
        return tuple(int(size) for size in fields["shape"])


def chain(*layers: tuple[str, Fields], shape: Sequence[int], out: Sequence[int] | None = None) -> Net:
    """Layers one after the other, named ``0``, ``1`` …, between ``input`` and ``output``."""
    names = [str(index) for index in range(len(layers))]
    nodes: dict[str, tuple[str, Fields]] = {"input": ("Input", {"shape": np.array(shape)})}
    nodes |= dict(zip(names, layers, strict=True))
    nodes["output"] = ("Output", {"shape": np.array(out if out is not None else shape)})
    path = ["input", *names, "output"]
    return Net(nodes, list(zip(path, path[1:], strict=False)))


def full(value: float | Array, size: Sequence[int] | int, dtype: str) -> Array:
    """One value per neuron."""
    return np.broadcast_to(np.asarray(value), size).astype(dtype)


def neuron(kind: str, size: Sequence[int] | int, dtype: str = "f4", **fields: Any) -> tuple[str, Fields]:
    """A neuron node; numbers become one value per neuron of ``dtype``."""
    return kind, {name: full(value, size, dtype) for name, value in fields.items()}


def lif(
    size: Any,
    dtype: str = "f4",
    *,
    tau: Any = 2e-3,
    r: Any = 1.0,
    leak: Any = 0.0,
    th: Any = 0.5,
    reset: Any = 0.0,
) -> tuple[str, Fields]:
    """A LIF node."""
    return neuron("LIF", size, dtype, tau=tau, r=r, v_leak=leak, v_threshold=th, v_reset=reset)


def integrate(
    size: Any, dtype: str = "f4", *, r: Any = 1.0, th: Any = 1.0, reset: Any = 0.0
) -> tuple[str, Fields]:
    """An IF node."""
    return neuron("IF", size, dtype, r=r, v_threshold=th, v_reset=reset)


def cuba(
    size: Any,
    dtype: str = "f4",
    *,
    syn: Any = 1e-3,
    mem: Any = 2e-3,
    r: Any = 1.0,
    leak: Any = 0.0,
    th: Any = 0.5,
    w_in: Any = 1.0,
    reset: Any = 0.0,
) -> tuple[str, Fields]:
    """A CubaLIF node."""
    return neuron(
        "CubaLIF",
        size,
        dtype,
        tau_syn=syn,
        tau_mem=mem,
        r=r,
        v_leak=leak,
        v_threshold=th,
        w_in=w_in,
        v_reset=reset,
    )


def affine(weight: Array, bias: Array | None = None) -> tuple[str, Fields]:
    """An Affine node, or a Linear one without bias."""
    return ("Linear", {"weight": weight}) if bias is None else ("Affine", {"weight": weight, "bias": bias})


def weights(out: int, into: int, seed: int, *, grid: bool = False, scale: float = 1.0, dtype: str = "f4") -> Array:
    """Random weights, or such that are multiples of 0.05."""
    random = np.random.default_rng(seed).normal(0.3, 1, (out, into)) * scale
    return (np.round(random / 0.05) * 0.05 if grid else random).astype(dtype)


def stimulus(net: Net, steps: int, seed: int, *, kind: str = "signed") -> Array:
    """Input (time, features…): signed numbers, or spikes."""
    random = np.random.default_rng(seed)
    if kind == "spikes":
        return (random.random((steps, *net.inputs)) < 0.3).astype("f4")
    return random.normal(0.6, 2, (steps, *net.inputs)).astype("f4")


def continuous(net: Net) -> Graph:
    """The graph in continuous time that a reader makes of the file."""
    own = [ct_node(name, kind, **fields) for name, (kind, fields) in sorted(net.nodes.items())]
    edges = [Edge(Port(node_id((a,)), "y"), Port(node_id((b,)), "x")) for a, b in net.edges]
    ins = [name for name, (kind, _) in net.nodes.items() if kind == "Input"]
    outs = [name for name, (kind, _) in net.nodes.items() if kind == "Output"]
    edges += [Edge(Port("input", "x"), Port(node_id((ins[0],)), "x"))]
    edges += [Edge(Port(node_id((outs[0],)), "y"), Port("output", "x"))]
    whole = Node(ROOT, "ct.NIRGraph", 1, (("version", "1.0.8"),))
    return Graph("net", (whole, *own), tuple(edges), (Input("input", net.inputs, F32),), (Output("output"),))
