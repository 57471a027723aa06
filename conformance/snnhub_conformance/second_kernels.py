"""Kernel ops a second time: a network of one kernel, run by the definition that its plugin spells out in Python.

A kernel is code without a program, so nothing here can work its steps out. ``DEFINITIONS`` names, for each, the
run that shares no code with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.tensor import Array

Values = Mapping[str, Array]
Definition = Callable[[Node, Array], dict[str, Array]]
"""Of a node and its input (time, features…): every port and state by name, (time, features…)."""


def xylo_core(node: Node, x: Array) -> dict[str, Array]:
    """``xylo.Core/1`` by ``snnhub_xylo.definition``: neuron by neuron, spike by spike."""
    from snnhub_xylo import definition
    from snnhub_xylo.core import Core

    core = Core.of(node)
    state, rows = definition.at_rest(core), list[dict[str, Array]]()
    for now in x.astype(np.int64):
        s, s_out = definition.step(core, now, state)
        values = {"s": s, "pending": state.pending, "s_out": s_out, "vmem": state.vmem, "isyn": state.isyn[:, 0]}
        values |= {"isyn_out": state.isyn_out, "vmem_out": state.vmem_out, "isyn2": state.isyn[:, -1]}
        rows.append({name: array.copy() for name, array in values.items()})
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


DEFINITIONS: dict[str, Definition] = {"xylo.Core/1": xylo_core}
"""By op and version."""


def kernel_of(graph: Graph) -> Node | None:
    """The node of a network that is one kernel of ``DEFINITIONS`` with an input, its outputs, and no delay."""
    if len(graph.nodes) != 1 or graph.nodes[0].kind not in DEFINITIONS or len(graph.inputs) != 1:
        return None
    ends = [graph.into[Port(output.id, TERMINAL_PORT)] for output in graph.outputs]
    plain = all(len(edges) == 1 and edges[0].src.node == graph.nodes[0].id for edges in ends)
    return graph.nodes[0] if plain and not any(edge.delay for edge in graph.edges) else None


def by_definition(graph: Graph, inputs: Values, keys: tuple[str, ...], steps: int) -> dict[str, Array] | None:
    """Records as (time, batch, features…) or (time, features…), as the input is; None for other networks."""
    node = kernel_of(graph)
    if node is None:
        return None
    (item,) = graph.inputs
    x = inputs[item.id][:steps]
    x = np.concatenate([x, np.zeros((steps - len(x), *x.shape[1:]), x.dtype)])
    names = {output.id: graph.into[Port(output.id, TERMINAL_PORT)][0].src.name for output in graph.outputs}
    names |= {key: key.partition("/")[2] for key in keys if "/" in key}
    define = DEFINITIONS[node.kind]
    if x.ndim == len(item.shape) + 1:
        found = define(node, x)
        return {key: found[names[key]] for key in keys}
    samples = [define(node, x[:, sample]) for sample in range(x.shape[1])]
    return {key: np.stack([sample[names[key]] for sample in samples], axis=1) for key in keys}
