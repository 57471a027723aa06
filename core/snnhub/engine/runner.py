"""Node runners: a transform, a step op or a kernel op over a block of time steps.

A runner takes arrays (time, samples, *features) by input port and returns the arrays of its outputs, and
of those states that somebody wants recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from snnhub.engine import kernels
from snnhub.engine.interpreter import Interpreter, container
from snnhub.errors import RunError, SnnhubError, UnsupportedError
from snnhub.ir.analysis import Analysis
from snnhub.ir.graph import Node, Port
from snnhub.ir.numtype import NumType
from snnhub.ir.op import KernelOp, OpLookup, Shape, TransformOp
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array

CHUNK_ELEMENTS = 2**16
"""Step ops go through time in groups of samples of about this many elements, which stay in the cache."""

Block = Mapping[str, Array]
States = dict[str, Array]


class Runner(Protocol):
    """What the schedule needs of a node."""

    def initial(self, samples: int) -> States:
        """States before step 0."""
        ...

    def run(self, inputs: Block, states: States, wanted: frozenset[str]) -> dict[str, Array]:
        """Outputs, and the wanted states after each step. ``states`` is moved on in place."""
        ...


class TransformRunner:
    """Stateless: time and samples are one axis."""

    def __init__(self, node: Node, op: TransformOp, analysis: Analysis) -> None:
        names = (*op.ports.inputs, *op.ports.outputs)
        shapes = {name: analysis.shapes[Port(node.id, name)] for name in names}
        types = {name: analysis.types[Port(node.id, name)] for name in names}
        self._output = op.ports.outputs[0]
        self._kernel = kernels.load(op, kernels.Context(node, shapes, types))

    def initial(self, samples: int) -> States:
        return {}

    def run(self, inputs: Block, states: States, wanted: frozenset[str]) -> dict[str, Array]:
        first = next(iter(inputs.values()))
        flat = {name: array.reshape(-1, *array.shape[2:]) for name, array in inputs.items()}
        result = self._kernel(flat)
        return {self._output: result.reshape(*first.shape[:2], *result.shape[1:])}


class StepRunner:
    """A step program, time outermost, in groups of samples."""

    def __init__(self, node: Node, program: Program, shape: tuple[int, ...], analysis: Analysis) -> None:
        self.node = node
        self.program = program
        self.shape = shape
        self._params = {name: tensor.array for name, tensor in node.param.items()}
        self._interpreter = Interpreter(program, self._params)
        self._outputs = {name: analysis.types[Port(node.id, name)].numpy for name, _ in program.outputs}

    def initial(self, samples: int) -> States:
        return self._interpreter.initial(samples, self.shape, self._params)

    def run(self, inputs: Block, states: States, wanted: frozenset[str]) -> dict[str, Array]:
        steps, samples = next(iter(inputs.values())).shape[:2]
        result = {name: np.empty((steps, samples, *self.shape), dtype) for name, dtype in self._outputs.items()}
        kept = {state.name: states[state.name] for state in self.program.states if state.name in wanted}
        result |= {name: np.empty((steps, *array.shape), array.dtype) for name, array in kept.items()}
        group = max(1, CHUNK_ELEMENTS // max(1, int(np.prod(self.shape))))
        for first in range(0, samples, group):
            self._group(inputs, states, slice(first, first + group), result, kept)
        return result

    def _group(
        self, inputs: Block, states: States, part: slice, result: dict[str, Array], kept: Mapping[str, Array]
    ) -> None:
        types = {slot.name: container(slot.type) for slot in self.program.inputs}
        own = {name: array[part] for name, array in states.items()}
        for step in range(next(iter(inputs.values())).shape[0]):
            arrived = {name: inputs[name][step, part].astype(dtype) for name, dtype in types.items()}
            try:
                own, outputs = self._interpreter.step(arrived, own)
            except RunError as problem:
                raise located(problem, self.node, step) from None
            for (name, _), value in zip(self.program.outputs, outputs, strict=True):
                result[name][step, part] = value
            for name in kept:
                result[name][step, part] = own[name]
        for name, array in own.items():
            states[name][part] = array


class KernelRunner:
    """The registered code of a kernel op, held to what its schema declares."""

    def __init__(self, node: Node, op: KernelOp, analysis: Analysis) -> None:
        ports = (*op.ports.inputs, *op.ports.outputs)
        shapes = {name: analysis.shapes[Port(node.id, name)] for name in ports}
        types = {name: analysis.types[Port(node.id, name)] for name in ports}
        self.node = node
        self._init = {state.name: state.init for state in op.states(node.attribute)}
        self._states = {name: analysis.states[Port(node.id, name)] for name in self._init}
        self._gives: dict[str, tuple[Shape, NumType]] = {
            **{name: (shapes[name], types[name]) for name in op.ports.outputs},
            **self._states,
        }
        self._outputs = op.ports.outputs
        shapes |= {name: shape for name, (shape, _) in self._states.items()}
        types |= {name: type_ for name, (_, type_) in self._states.items()}
        self._kernel = kernels.load_stateful(op, kernels.Context(node, shapes, types))

    def initial(self, samples: int) -> States:
        return {
            name: np.full((samples, *shape), self._init[name], type_.numpy)
            for name, (shape, type_) in self._states.items()
        }

    def run(self, inputs: Block, states: States, wanted: frozenset[str]) -> dict[str, Array]:
        steps, samples = next(iter(inputs.values())).shape[:2]
        found = self._kernel(inputs, states, wanted & self._states.keys())
        result = {name: found[name] for name in (*self._outputs, *self._states) if name in found}
        for name in (*self._outputs, *(wanted & self._states.keys())):
            shape, type_ = self._gives[name]
            self._check(name, result.get(name), (steps, samples, *shape), type_)
        for name, (shape, type_) in self._states.items():
            self._check(name, states[name], (samples, *shape), type_)
        return result

    def _check(self, name: str, array: Array | None, shape: Shape, type_: NumType) -> None:
        """What follows relies on declared types, as proofs and choices of kernels do."""
        if array is None or array.shape != shape or array.dtype != type_.numpy:
            found = "nothing" if array is None else f"{array.dtype} {list(array.shape)}"
            allowed = f"{type_.numpy} {list(shape)}"
        elif type_.is_int and array.size and not (type_.range[0] <= array.min() <= array.max() <= type_.range[1]):
            found, allowed = f"{array.min()} .. {array.max()}", str(type_)
        else:
            return
        message = f"the code of {self.node.kind} does not give what its schema declares"
        raise SnnhubError(message, where=f"{self.node.id}/{name}", found=found, allowed=allowed)


def located(problem: RunError, node: Node, step: int) -> RunError:
    """The error of a check, with the node and the step where it stopped."""
    where = f"node {node.id}, step {step} of the block, {problem.where}"
    return RunError(problem.message, where=where, found=problem.found, allowed=problem.allowed)


def make_runner(node: Node, lookup: OpLookup, analysis: Analysis) -> Runner:
    """The runner of a node. A program that travels with the graph is what runs, whatever is installed.

    Raises ``UnsupportedError`` for an op that nobody here can run.
    """
    schema = lookup(node.op, node.version)
    if node.program is not None:
        output = node.program.outputs[0][0]
        return StepRunner(node, node.program, analysis.shapes[Port(node.id, output)], analysis)
    if isinstance(schema, TransformOp):
        return TransformRunner(node, schema, analysis)
    if isinstance(schema, KernelOp):
        return KernelRunner(node, schema, analysis)
    raise UnsupportedError("no installed plugin can run this op", where=node.id, found=node.kind)
