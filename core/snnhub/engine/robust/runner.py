"""Node runners over values with radii: the engine's own kernels and programs, and the rules beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from snnhub.engine import kernels
from snnhub.engine.exact import F64
from snnhub.engine.interpreter import container
from snnhub.engine.robust import transforms
from snnhub.engine.robust.bounded import Bounded, room
from snnhub.engine.robust.interpreter import BoundedInterpreter, Decision
from snnhub.engine.runner import CHUNK_ELEMENTS, StepRunner, located
from snnhub.errors import RunError, UnsupportedError
from snnhub.ir.analysis import Analysis
from snnhub.ir.graph import Node, Port
from snnhub.ir.op import OpLookup, TransformOp
from snnhub.ir.program import Program

DOUBT, CLOSEST = "?doubt", "?closest"
"""What a node gives beside a discrete output ``s``: ``s?doubt``, where another order may decide otherwise, and
``s?closest`` (time, samples, 4), the closest comparison: ratio, place in the flat features, margin, bound.
"""


class BoundedTransform:
    """Stateless: time and samples are one axis."""

    def __init__(self, node: Node, op: TransformOp, analysis: Analysis) -> None:
        names = (*op.ports.inputs, *op.ports.outputs)
        shapes = {name: analysis.shapes[Port(node.id, name)] for name in names}
        types = {name: analysis.types[Port(node.id, name)] for name in names}
        context = kernels.Context(node, shapes, types)
        self._output = op.ports.outputs[0]
        self._kernel = kernels.load(op, context)
        radius = transforms.load(op, context)
        if radius is None:
            raise UnsupportedError("no bound is known for the sums of this op", where=node.id, found=node.kind)
        self._radius = radius

    def initial(self, samples: int) -> dict[str, Any]:
        return {}

    def run(self, inputs: Mapping[str, Any], states: dict[str, Any], wanted: frozenset[str]) -> dict[str, Any]:
        first = next(iter(inputs.values()))
        flat = {name: item.reshape(-1, *item.shape[2:]).settled() for name, item in inputs.items()}
        value = self._kernel({name: item.value for name, item in flat.items()})
        result = Bounded(value, self._radius(flat, value))
        return {self._output: result.reshape(*first.shape[:2], *value.shape[1:])}


class BoundedStep(StepRunner):
    """A step program, time outermost, in groups of samples."""

    def __init__(self, node: Node, program: Program, shape: tuple[int, ...], analysis: Analysis) -> None:
        super().__init__(node, program, shape, analysis)
        self._bounded = BoundedInterpreter(program, self._params)
        self._discrete = [name for name, index in program.outputs if not program.code[index].type.is_float]

    def initial(self, samples: int) -> dict[str, Any]:
        return {name: Bounded(value).kept() for name, value in super().initial(samples).items()}

    def run(self, inputs: Mapping[str, Any], states: dict[str, Any], wanted: frozenset[str]) -> dict[str, Any]:
        steps, samples = next(iter(inputs.values())).shape[:2]
        empty = np.empty((1, samples, *self.shape), np.uint8)
        result = {name: room(steps, Bounded(empty.astype(dtype))) for name, dtype in self._outputs.items()}
        for name in wanted & states.keys():
            result[name] = room(steps, states[name][None])
        for name in self._discrete:
            result[name] = Bounded(result[name].value)
            result[name + DOUBT] = np.zeros((steps, samples, *self.shape), bool)
            result[name + CLOSEST] = np.full((steps, samples, 4), np.inf)
        group = max(1, CHUNK_ELEMENTS // max(1, int(np.prod(self.shape))))
        for first in range(0, samples, group):
            self._part(inputs, states, slice(first, first + group), result, wanted)
        return result

    def _part(
        self,
        inputs: Mapping[str, Any],
        states: dict[str, Any],
        part: slice,
        result: dict[str, Any],
        wanted: frozenset[str],
    ) -> None:
        types = {slot.name: container(slot.type) for slot in self.program.inputs}
        own: dict[str, Bounded] = {name: state[part].settled() for name, state in states.items()}
        for step in range(next(iter(inputs.values())).shape[0]):
            arrived = {}
            for name, dtype in types.items():
                now = inputs[name][step, part].settled()
                arrived[name] = Bounded(now.value.astype(dtype), now.radius)
            try:
                own, outputs, decisions = self._bounded.step(arrived, own)
            except RunError as problem:
                raise located(problem, self.node, step) from None
            for (name, _), output, decision in zip(self.program.outputs, outputs, decisions, strict=True):
                result[name][step, part] = output
                self._decided(name, decision, result, (step, part))
            for name in wanted & own.keys():
                result[name][step, part] = own[name]
        for name, last in own.items():
            states[name][part] = last

    def _decided(self, name: str, decision: Decision, result: dict[str, Any], place: tuple[int, slice]) -> None:
        if decision.doubt is not None:
            result[name + DOUBT][place] = decision.doubt
        if not decision.margins:
            return
        closest = result[name + CLOSEST][place]
        shape = (len(closest), *self.shape)
        doubt = np.broadcast_to(False if decision.doubt is None else decision.doubt, shape)
        for margin in decision.margins:
            ratio = np.broadcast_to(margin.ratio, shape)
            ratio = np.where(~doubt & (ratio < 1), np.inf, ratio).reshape(len(closest), -1)
            index = ratio.argmin(axis=1)[:, None]
            rows = [np.take_along_axis(ratio, index, 1)[:, 0], index[:, 0].astype(np.float64)]
            for array in (margin.margin, margin.bound):
                flat = np.broadcast_to(array, shape).reshape(len(closest), -1)
                rows.append(np.take_along_axis(flat, index, 1)[:, 0])
            found: F64 = np.stack(rows, axis=1)
            closer = found[:, 0] < closest[:, 0]
            closest[closer] = found[closer]


def make_bounded_runner(node: Node, lookup: OpLookup, analysis: Analysis) -> BoundedStep | BoundedTransform:
    """The runner of a node. Raises ``UnsupportedError`` for an op that nobody can bound."""
    schema = lookup(node.op, node.version)
    if node.program is not None:
        output = node.program.outputs[0][0]
        return BoundedStep(node, node.program, analysis.shapes[Port(node.id, output)], analysis)
    if isinstance(schema, TransformOp):
        return BoundedTransform(node, schema, analysis)
    raise UnsupportedError("no bound is known for this op", where=node.id, found=node.kind)
