"""Node runners over tensors (time, samples, *features): a transform in one call, a step program step by step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from snnhub.engine import kernels
from snnhub.engine.runner import Block, KernelRunner, Runner, States, TransformRunner, located
from snnhub.engine.torch_engine import transforms
from snnhub.engine.torch_engine.home import Home, Tensor, container_of, wire_dtype
from snnhub.engine.torch_engine.program import TorchInterpreter
from snnhub.errors import RunError, UnsupportedError
from snnhub.ir.analysis import Analysis
from snnhub.ir.graph import Node, Port
from snnhub.ir.op import KernelOp, OpLookup, TransformOp
from snnhub.ir.program import Program

ALIGNED = 16
"""Bytes: torch and NumPy begin their memory at a multiple of it, and so does what a framework hands to a layer. A
step in the midst of a block may not, and MKL adds in another order there.
"""


class TorchTransform:
    """Stateless: time and samples are one axis, as SpikingJelly merges them in multi-step mode."""

    def __init__(self, kernel: transforms.Kernel, output: str) -> None:
        self._kernel = kernel
        self._output = output

    def initial(self, samples: int) -> States:
        return {}

    def run(self, inputs: Block, states: States, wanted: frozenset[str]) -> dict[str, Tensor]:
        first = next(iter(inputs.values()))
        flat = {name: _aligned(tensor.reshape(-1, *tensor.shape[2:])) for name, tensor in inputs.items()}
        result = self._kernel(flat)
        return {self._output: result.reshape(*first.shape[:2], *result.shape[1:])}


def _aligned(tensor: Tensor) -> Tensor:
    return tensor.clone() if tensor.is_floating_point() and tensor.data_ptr() % ALIGNED else tensor


class ReferenceTransform:
    """A transform for which torch has no kernel, in the reference engine's."""

    def __init__(self, node: Node, op: TransformOp, analysis: Analysis, home: Home) -> None:
        self.home = home
        self._own = TransformRunner(node, op, analysis)

    def initial(self, samples: int) -> States:
        return {}

    def run(self, inputs: Block, states: States, wanted: frozenset[str]) -> dict[str, Tensor]:
        arrays = {name: self.home.array(tensor) for name, tensor in inputs.items()}
        return {name: self.home.tensor(array) for name, array in self._own.run(arrays, {}, wanted).items()}


class ReferenceKernel:
    """A kernel op: its registered code is its definition, in every engine."""

    def __init__(self, node: Node, op: KernelOp, analysis: Analysis, home: Home) -> None:
        self.home = home
        self._own = KernelRunner(node, op, analysis)

    def initial(self, samples: int) -> States:
        """States before step 0, as arrays."""
        return self._own.initial(samples)

    def run(self, inputs: Mapping[str, Tensor], states: States, wanted: frozenset[str]) -> dict[str, Tensor]:
        arrays = {name: self.home.array(tensor) for name, tensor in inputs.items()}
        own = {name: np.array(self.home.array(tensor)) for name, tensor in states.items()}
        result = self._own.run(arrays, own, wanted)
        states.update({name: self.home.tensor(array) for name, array in own.items()})
        return {name: self.home.tensor(array) for name, array in result.items()}


class TorchStep:
    """A step program, time outermost, all samples and elements at once."""

    def __init__(self, node: Node, program: Program, analysis: Analysis, home: Home) -> None:
        self.node = node
        self.program = program
        self.home = home
        self.shape = analysis.shapes[Port(node.id, program.outputs[0][0])]
        self._params = {name: tensor.array for name, tensor in node.param.items()}
        self._interpreter = TorchInterpreter(program, self._params, home)
        self._inputs = {slot.name: container_of(slot.type) for slot in program.inputs}
        self._outputs = {name: wire_dtype(analysis.types[Port(node.id, name)]) for name, _ in program.outputs}

    def initial(self, samples: int) -> States:
        """States before step 0, as arrays."""
        return self._interpreter.reference.initial(samples, self.shape, self._params)

    def run(self, inputs: Mapping[str, Tensor], states: States, wanted: frozenset[str]) -> dict[str, Tensor]:
        """Outputs, and the wanted states after each step. ``states`` is moved on in place."""
        import torch

        steps, samples = next(iter(inputs.values())).shape[:2]
        result = {
            name: torch.empty((steps, samples, *self.shape), dtype=dtype, device=self.home.device)
            for name, dtype in self._outputs.items()
        }
        own: dict[str, Tensor] = dict(states)
        shape = {name: value.shape for name, value in own.items()}
        kept = [state.name for state in self.program.states if state.name in wanted]
        result |= {name: own[name].new_empty((steps, *shape[name])) for name in kept}
        for step in range(steps):
            arrived = {name: inputs[name][step].to(dtype) for name, dtype in self._inputs.items()}
            try:
                own, outputs = self._interpreter.step(arrived, own)
            except RunError as problem:
                raise located(problem, self.node, step) from None
            for (name, _), value in zip(self.program.outputs, outputs, strict=True):
                result[name][step] = value
            for name in kept:
                result[name][step] = own[name]
        states.update({name: value.expand(shape[name]) for name, value in own.items()})
        return result


def make_torch_runner(node: Node, lookup: OpLookup, analysis: Analysis, home: Home) -> Runner:
    """The runner of a node. A program that travels with the graph is what runs, whatever is installed.

    Raises ``UnsupportedError`` for an op that nobody here can run.
    """
    schema = lookup(node.op, node.version)
    if node.program is not None:
        return TorchStep(node, node.program, analysis, home)
    if isinstance(schema, KernelOp):
        return ReferenceKernel(node, schema, analysis, home)
    if not isinstance(schema, TransformOp):
        raise UnsupportedError("no installed plugin can run this op", where=node.id, found=node.kind)
    names = (*schema.ports.inputs, *schema.ports.outputs)
    shapes = {name: analysis.shapes[Port(node.id, name)] for name in names}
    types = {name: analysis.types[Port(node.id, name)] for name in names}
    kernel = transforms.load(kernels.Context(node, shapes, types), home)
    if kernel is None:
        return ReferenceTransform(node, schema, analysis, home)
    return TorchTransform(kernel, schema.ports.outputs[0])
