"""Graphs in continuous time, built by hand: the same that a NIR file gives, without a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from snnhub.ir.ct_names import ROOT, node_id
from snnhub.ir.graph import Edge, Graph, Input, Node, Output, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import tensor

Fields = Mapping[str, Any]


def ct_node(path: str | tuple[str, ...], type_: str, **fields: Any) -> Node:
    """A node of a type of NIR. Arrays keep their dtype; text becomes an attribute."""
    words = tuple((name, value) for name, value in fields.items() if isinstance(value, str))
    params = tuple((name, tensor(value)) for name, value in fields.items() if not isinstance(value, str))
    names = (path,) if isinstance(path, str) else path
    return Node(node_id(names), f"ct.{type_}", 1, words, params)


def wire(*ids: str) -> tuple[Edge, ...]:
    """Edges along a chain of node ids."""
    return tuple(Edge(Port(a, "y"), Port(b, "x")) for a, b in zip(ids, ids[1:], strict=False))


def ct_graph(nodes: Iterable[Node], edges: Iterable[Edge], shape: tuple[int, ...] = (2,)) -> Graph:
    """The nodes between terminals, with the node that stands for the whole graph."""
    whole = Node(ROOT, "ct.NIRGraph", 1, (("version", "1.0.8"),))
    ends = (Edge(Port("input", "x"), Port("input~", "x")), Edge(Port("output~", "y"), Port("output", "x")))
    own = (ct_node("input", "Input", shape=np.array(shape)), ct_node("output", "Output", shape=np.array(shape)))
    return Graph(
        "net",
        (whole, *own, *nodes),
        (*edges, *ends),
        (Input("input", shape, F32),),
        (Output("output"),),
    )


def lif(path: str | tuple[str, ...], size: int = 2, dtype: str = "float32", **changed: Any) -> Node:
    """A LIF node of NIR with all of its fields."""
    fields: dict[str, Any] = {
        "tau": np.full(size, 0.02, dtype),
        "r": np.ones(size, dtype),
        "v_leak": np.zeros(size, dtype),
        "v_threshold": np.ones(size, dtype),
        "v_reset": np.zeros(size, dtype),
    }
    return ct_node(
        path, "LIF", **{name: value for name, value in {**fields, **changed}.items() if value is not None}
    )


def recurrent(dtype: str = "float32") -> Graph:
    """A LIF layer with a recurrent Affine: a cycle without a delay."""
    weight = np.array([[0.5, -1], [2, 0.25]], dtype)
    nodes = (
        ct_node("fc", "Affine", weight=weight, bias=np.array([0.5, 0], dtype)),
        lif("lif", dtype=dtype),
        ct_node("lif.w_rec", "Affine", weight=weight.T.copy(), bias=np.zeros(2, dtype)),
    )
    edges = wire("input~", "fc", "lif", "output~") + wire("lif", "lif.w_rec", "lif")
    return ct_graph(nodes, edges)


def nested() -> Graph:
    """A subgraph with an input and an output of its own between two layers."""
    nodes = (
        lif("a"),
        ct_node("sub", "NIRGraph"),
        ct_node(("sub", "input"), "Input", shape=np.array([2])),
        ct_node(("sub", "lif"), "LI", tau=np.float32(0.01), r=np.float32(1), v_leak=np.float32(0)),
        ct_node(("sub", "output"), "Output", shape=np.array([2])),
    )
    edges = wire("input~", "a", "sub", "output~") + wire("sub/input", "sub/lif", "sub/output")
    return ct_graph(nodes, edges)
