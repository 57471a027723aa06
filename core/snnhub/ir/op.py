"""Op schemas: what an op takes, what it gives, and what each choice and number means.

Three kinds compute steps. A *transform* has no state (Dense, Conv, Flatten …). A *step* op is a traced program
that runs once per step for every element (neurons, filters). A *kernel* has state and is not elementwise; its
registered code is the definition. The fourth, *continuous*, says what a source says in continuous time
(``snnhub.ir.continuous``) and is never run. An attribute is a choice and may change the arithmetic; a parameter is
a number, stored as a tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Protocol

from snnhub.errors import GraphError
from snnhub.ir.graph import AttributeValue, Node
from snnhub.ir.numtype import NumType
from snnhub.ir.program import Program, Slot, State
from snnhub.ir.trace import Body, trace

Shape = tuple[int, ...]
Attributes = Mapping[str, AttributeValue]
Shapes = Mapping[str, Shape]
Types = Mapping[str, NumType]


class OpKind(Enum):
    """How the arithmetic of an op is defined."""

    TRANSFORM = "transform"
    STEP = "step"
    KERNEL = "kernel"
    CONTINUOUS = "continuous"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A choice: one of ``allowed``, or an integer in ``range``, or a tuple of such integers (``many``)."""

    name: str
    doc: str
    allowed: tuple[AttributeValue, ...] = ()
    range: tuple[int, int] | None = None
    many: bool = False

    def problem(self, value: AttributeValue | None) -> str | None:
        """Why ``value`` is not allowed, or None."""
        if value is None:
            return f"attribute {self.name} is missing; allowed {self.describe()}"
        if self.allowed:
            # True == 1 in Python, and they are different choices
            if any(value == choice and type(value) is type(choice) for choice in self.allowed):
                return None
        elif self.range is not None:
            numbers = value if self.many and isinstance(value, tuple) else (value,)
            if isinstance(value, tuple) is self.many and all(self._in_range(number) for number in numbers):
                return None
        return f"attribute {self.name}: found {value!r}; allowed {self.describe()}"

    def _in_range(self, number: object) -> bool:
        low, high = self.range or (0, 0)
        return isinstance(number, int) and not isinstance(number, bool) and low <= number <= high

    def describe(self) -> str:
        """The allowed values, for messages and documentation."""
        if self.allowed:
            return ", ".join(
                str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in self.allowed
            )
        low, high = self.range or (0, 0)
        return f"{'integers' if self.many else 'integer'} {low} .. {high}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number or an array of numbers. ``type`` is what the arithmetic sees; None takes floats and integers.

    ``elementwise`` parameters are 0-d or broadcast onto the elements with the same rank; the shape of the
    others is checked by the op. ``unit``: SI unit (``A``, ``V``, ``s``, ``F``, ``C``, ``1``) in ops of analog
    devices; empty where numbers are dimensionless or counted in steps. ``step``: the length of a step, in seconds;
    in a graph that has a ``dt`` it is that, rounded to ``type``.
    """

    name: str
    doc: str
    type: NumType | None
    elementwise: bool = True
    unit: str = ""
    step: bool = False


@dataclass(frozen=True, slots=True)
class Ports:
    """Names of the input and output ports, in order."""

    inputs: tuple[str, ...] = ("x",)
    outputs: tuple[str, ...] = ("y",)


class OpSchema(Protocol):
    """What the verifier, the engines and the exporters ask of every op."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def kind(self) -> OpKind: ...

    @property
    def doc(self) -> str: ...

    @property
    def attributes(self) -> tuple[Attribute, ...]: ...

    @property
    def ports(self) -> Ports: ...

    def parameters(self, attributes: Attributes) -> tuple[Parameter, ...]:
        """The parameters that this combination of attributes has."""
        ...

    def output_shapes(self, node: Node, shapes: Shapes) -> Shapes:
        """Shapes of the outputs. Raises ``GraphError`` if the input shapes do not fit."""
        ...

    def output_types(self, node: Node, types: Types) -> Types:
        """Types of the outputs. Raises ``GraphError`` if the input types do not fit."""
        ...


ShapeRule = Callable[[Node, Shapes], Shape]
TypeRule = Callable[[Node, Types], NumType]


@dataclass(frozen=True)
class TransformOp:
    """A stateless op with one output ``y``. ``kernel`` names its reference code as ``module:function``.

    ``early``: the rules also work while inputs are unknown (missing from the mapping), by what they know of the
    others. Only such an op can stand where a cycle enters a path, since all its inputs are never known at first.
    ``like``: a core op of version 1 whose rule in ``snnhub.engine.robust`` bounds what this one rounds, too: the
    same terms in the same attributes and parameters, in an order of its own.
    """

    name: str
    version: int
    doc: str
    shape_rule: ShapeRule
    type_rule: TypeRule
    kernel: str
    attributes: tuple[Attribute, ...] = ()
    parameter_rule: Callable[[Attributes], tuple[Parameter, ...]] = field(default=lambda _: ())
    ports: Ports = Ports()
    early: bool = False
    like: str = ""
    kind: OpKind = field(default=OpKind.TRANSFORM, init=False)

    def parameters(self, attributes: Attributes) -> tuple[Parameter, ...]:
        return self.parameter_rule(attributes)

    def output_shapes(self, node: Node, shapes: Shapes) -> Shapes:
        return {self.ports.outputs[0]: self.shape_rule(node, shapes)}

    def output_types(self, node: Node, types: Types) -> Types:
        return {self.ports.outputs[0]: self.type_rule(node, types)}


@dataclass(frozen=True, slots=True)
class KernelState:
    """A state of a kernel op: its name, the type of its values, and its value before the first step."""

    name: str
    type: NumType
    init: int | float = 0


ShapesRule = Callable[[Node, Shapes], Shapes]
TypesRule = Callable[[Node, Types], Types]


@dataclass(frozen=True)
class KernelOp:
    """An op with state that is not elementwise. ``kernel`` names its reference code as ``module:function``, which
    is its definition: see ``snnhub.engine.kernels`` for what it takes and gives.

    ``shape_rule`` and ``type_rule``: shapes and types of the outputs from those of the inputs.
    ``state_shape_rule``: shapes of the states by name, from those of inputs and outputs. ``latency_rule``: by
    output, the steps that pass at least before an input can reach it. ``spikes``: outputs of spikes or counts.
    """

    name: str
    version: int
    doc: str
    shape_rule: ShapesRule
    type_rule: TypesRule
    state_rule: Callable[[Attributes], tuple[KernelState, ...]]
    state_shape_rule: ShapesRule
    kernel: str
    attributes: tuple[Attribute, ...] = ()
    parameter_rule: Callable[[Attributes], tuple[Parameter, ...]] = field(default=lambda _: ())
    ports: Ports = Ports()
    latency_rule: Callable[[Node], Mapping[str, int]] = field(default=lambda _: {})
    spikes: tuple[str, ...] = ()
    kind: OpKind = field(default=OpKind.KERNEL, init=False)

    def parameters(self, attributes: Attributes) -> tuple[Parameter, ...]:
        return self.parameter_rule(attributes)

    def states(self, attributes: Attributes) -> tuple[KernelState, ...]:
        """The states that this combination of attributes has.

        Raises ``GraphError`` if a name is taken by a port, a parameter or another state: it is a record key.
        """
        states = self.state_rule(attributes)
        names = [*self.ports.inputs, *self.ports.outputs, *(p.name for p in self.parameters(attributes))]
        names += [state.name for state in states]
        if len(set(names)) != len(names):
            raise GraphError("names within an op must be disjoint", found=", ".join(sorted(names)))
        return states

    def output_shapes(self, node: Node, shapes: Shapes) -> Shapes:
        return self.shape_rule(node, shapes)

    def output_types(self, node: Node, types: Types) -> Types:
        return self.type_rule(node, types)


@dataclass(frozen=True)
class StepOp:
    """An elementwise op with states, written as a function of ``(inputs…, state, param, **attributes)``.

    Inputs, states and parameters may depend on the attributes; ``ports`` names the ports that it always has. The
    function is traced on first use, once per combination of attributes.

    ``mismatch``: of ops of analog devices, how copies of a device differ: ``module:function``, ``(Graph, count,
    percent, seed) -> graphs``, where draw k of a seed is the same whatever ``count`` is. ``spikes``: outputs of
    counts that their type does not tell as such, since a threshold below 0 makes them negative.
    """

    name: str
    version: int
    doc: str
    body: Body
    input_rule: Callable[[Attributes], tuple[Slot, ...]]
    state_rule: Callable[[Attributes], tuple[State, ...]]
    parameter_rule: Callable[[Attributes], tuple[Parameter, ...]]
    attributes: tuple[Attribute, ...] = ()
    ports: Ports = Ports(("x",), ("s",))
    mismatch: str = ""
    spikes: tuple[str, ...] = ()
    kind: OpKind = field(default=OpKind.STEP, init=False)

    def parameters(self, attributes: Attributes) -> tuple[Parameter, ...]:
        return self.parameter_rule(attributes)

    def program(self, attributes: Attributes) -> Program:
        """The canonical program of this combination of attributes."""
        return _program(self, tuple(sorted(attributes.items())))

    def output_shapes(self, node: Node, shapes: Shapes) -> Shapes:
        found = set(shapes.values())
        if len(found) != 1:
            listed = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
            raise GraphError("inputs of an elementwise op differ in shape", found=listed)
        program = node.program or self.program(node.attribute)
        return dict.fromkeys((name for name, _ in program.outputs), found.pop())

    def output_types(self, node: Node, types: Types) -> Types:
        program = node.program or self.program(node.attribute)
        return {name: program.output_type(name) for name, _ in program.outputs}


@cache
def _program(op: StepOp, attributes: tuple[tuple[str, AttributeValue], ...]) -> Program:
    choices = dict(attributes)
    slots = [
        Slot(parameter.name, parameter.type)
        for parameter in op.parameter_rule(choices)
        if parameter.type is not None
    ]
    return trace(op.body, op.input_rule(choices), slots, op.state_rule(choices), **choices)


OpLookup = Callable[[str, int], OpSchema | None]
"""Finds the schema of an op and version among those installed; None if nobody registered it."""
