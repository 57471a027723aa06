"""A second engine for whole graphs, in plain Python numbers, one sample and one step at a time.

It shares shapes and types with the first engine and no arithmetic. Slow on purpose: what it does can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

from snnhub_conformance.scalar import step
from snnhub_conformance.second_kernels import by_definition
from snnhub_conformance.second_transforms import TRANSFORMS, added, indices, numbers

Step = dict[Port, Array]
"""What every port delivered in one step."""


class SecondEngine:
    """A graph, ready for samples."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        found = analyse(graph, REGISTRY)
        self.shapes, self.types = found.shapes, found.types
        self.params = {
            node.id: {name: numbers(tensor.array, self._shape(node)) for name, tensor in node.params}
            for node in graph.nodes
            if node.program is not None
        }

    def _shape(self, node: Node) -> tuple[int, ...]:
        name = node.program.outputs[0][0] if node.program is not None else "y"
        return self.shapes[Port(node.id, name)]

    def run(self, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> dict[str, Array]:
        """Records as (time, batch, features…) or (time, features…), as the inputs are."""
        item = self.graph.inputs[0]
        if inputs[item.id].ndim == len(item.shape) + 1:
            return self._sample(inputs, keys, steps)
        count = inputs[item.id].shape[1]
        parts = [self._sample({name: a[:, k] for name, a in inputs.items()}, keys, steps) for k in range(count)]
        return {key: np.stack([part[key] for part in parts], axis=1) for key in keys}

    def _sample(self, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> dict[str, Array]:
        history: list[Step] = []
        states = {node.id: self._initial(node) for node in self.graph.nodes if node.program is not None}
        found: dict[str, list[Array]] = {key: [] for key in keys}
        for time in range(steps):
            now: Step = {}
            history.append(now)
            for item in self.graph.inputs:
                now[Port(item.id, TERMINAL_PORT)] = self._given(inputs[item.id], item.shape, item.hold, time)
            waiting = list(self.graph.nodes)
            while waiting:  # whichever has everything it needs of this step
                node = next(node for node in waiting if self._ready(node, now))
                waiting.remove(node)
                self._node(node, time, history, states)
            for key in keys:
                found[key].append(self._recorded(key, time, history, states))
        return {key: np.stack(arrays) for key, arrays in found.items()}

    def _given(self, array: Array, shape: tuple[int, ...], hold: int, time: int) -> Array:
        if hold and len(array) == 1 and time < hold:
            return numbers(array[0])
        return numbers(array[time] if time < len(array) else np.zeros(shape, array.dtype))

    def _ready(self, node: Node, now: Step) -> bool:
        return all(edge.delay or edge.src in now for edge in self.graph.edges if edge.dst.node == node.id)

    def _arrived(self, port: Port, time: int, history: list[Step]) -> Array:
        arrays = []
        for edge in self.graph.edges:
            if edge.dst != port:
                continue
            zero = 0.0 if self.types[edge.src].is_float else 0
            before = np.full(self.shapes[edge.src], zero, object)
            arrays.append(history[time - edge.delay][edge.src] if time >= edge.delay else before)
        if len(arrays) == 1:
            return arrays[0]
        total = np.empty(arrays[0].shape, object)
        for index in indices(total.shape):
            total[index] = added([array[index] for array in arrays], self.types[port])
        return total

    def _initial(self, node: Node) -> dict[tuple[int, ...], dict[str, Any]]:
        states, own = node.program.states if node.program is not None else (), self.params[node.id]
        return {
            index: {s.name: own[s.init][index] if isinstance(s.init, str) else s.init for s in states}
            for index in indices(self._shape(node))
        }

    def _node(self, node: Node, time: int, history: list[Step], states: dict[str, Any]) -> None:
        ports = list(dict.fromkeys(edge.dst for edge in self.graph.edges if edge.dst.node == node.id))
        arrived = {port.name: self._arrived(port, time, history) for port in ports}
        if node.program is None:
            order = {name: arrived[name] for name in sorted(arrived)}
            port = Port(node.id, "y")
            history[time][port] = TRANSFORMS[node.op](node, order, self.shapes[port], self.types[port])
            return
        out = {name: np.empty(self._shape(node), object) for name, _ in node.program.outputs}
        for index in indices(self._shape(node)):
            given = {
                slot.name: _typed(arrived[slot.name][index], slot.type.is_float) for slot in node.program.inputs
            }
            own = {name: values[index] for name, values in self.params[node.id].items()}
            values = step(node.program, given, own, states[node.id][index])
            states[node.id][index] = {state.name: values[state.name] for state in node.program.states}
            for name, array in out.items():
                array[index] = int(values[name]) if isinstance(values[name], bool) else values[name]
        history[time].update({Port(node.id, name): array for name, array in out.items()})

    def _recorded(self, key: str, time: int, history: list[Step], states: dict[str, Any]) -> Array:
        if key in {output.id for output in self.graph.outputs}:
            return self._arrived(Port(key, TERMINAL_PORT), time, history)
        node, _, name = key.rpartition("/")
        if Port(node, name) in history[time]:
            return history[time][Port(node, name)]
        result = np.empty(self._shape(self.graph.node[node]), object)
        for index in indices(result.shape):
            result[index] = states[node][index][name]
        return result


def _typed(value: Any, floats: bool) -> Any:
    return float(value) if floats else int(value)


def check_graph(graph: Graph, inputs: Mapping[str, Array], found: Mapping[str, Array], steps: int) -> None:
    """Compare records with this engine's, of a kernel with its definition's. Raises ``AssertionError`` with the
    first difference.
    """
    defined = by_definition(graph, inputs, tuple(found), steps)
    own = SecondEngine(graph).run(inputs, tuple(found), steps) if defined is None else defined
    for key, array in found.items():
        wrong = np.argwhere((own[key] != array) & ~((own[key] != own[key]) & (array != array)))  # noqa: PLR0124  NaN
        if own[key].shape != array.shape or len(wrong):
            place = tuple(int(i) for i in wrong[0]) if len(wrong) else ()
            raise AssertionError(f"{graph.name}: {key}{list(place)}: {array[place]!r}, not {own[key][place]!r}")
