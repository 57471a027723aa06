"""Runs step programs over arrays, one instruction at a time: the normative meaning of every micro-op.

One container per kind: f32, f64, int64 (ranges are proved to fit) and bool. Instructions that depend on
parameters and constants alone are evaluated once, when the interpreter is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from snnhub.engine.exact import fused_multiply_add
from snnhub.errors import RunError
from snnhub.ir.code import Instr
from snnhub.ir.microop import TRANSCENDENTAL, MicroOp
from snnhub.ir.numtype import Kind, NumType
from snnhub.ir.program import Program, cone
from snnhub.ir.tensor import Array

M = MicroOp
CONTAINERS: dict[Kind, np.dtype[np.generic]] = {
    Kind.F32: np.dtype(np.float32),
    Kind.F64: np.dtype(np.float64),
    Kind.BOOL: np.dtype(np.bool_),
}
INT: np.dtype[np.generic] = np.dtype(np.int64)


def container(type_: NumType) -> np.dtype[np.generic]:
    """The dtype that values of this type are computed in."""
    return INT if type_.is_int else CONTAINERS[type_.kind]


def _minimum(a: Array, b: Array) -> Array:
    return np.where(a <= b, a, b)


def _maximum(a: Array, b: Array) -> Array:
    return np.where(a >= b, a, b)


def _clip(x: Array, lo: Array, hi: Array) -> Array:
    return _minimum(_maximum(x, lo), hi)


def _shr_trunc(x: Array, n: Array) -> Array:
    return np.asarray((x + ((x >> 63) & ((np.int64(1) << n) - 1))) >> n)


def _shr_round_half_even(x: Array, n: Array) -> Array:
    one = np.int64(1)
    floor, rest, half = x >> n, x & ((one << n) - one), (one << n) >> one
    return np.asarray(floor + ((rest > half) | ((rest == half) & (n > 0) & ((floor & one) == one))))


FUNCTIONS: dict[MicroOp, Callable[..., Array]] = {
    M.ADD: np.add,
    M.SUB: np.subtract,
    M.MUL: np.multiply,
    M.FMA: fused_multiply_add,
    M.DIV: np.divide,
    M.FLOORDIV: np.floor_divide,
    M.NEG: np.negative,
    M.ABS: np.abs,
    M.MIN: _minimum,
    M.MAX: _maximum,
    M.CLIP: _clip,
    M.SHL: np.left_shift,
    M.SHR_FLOOR: np.right_shift,
    M.SHR_TRUNC: _shr_trunc,
    M.SHR_ROUND_HALF_EVEN: _shr_round_half_even,
    M.FLOOR: np.floor,
    M.CEIL: np.ceil,
    M.TRUNC: np.trunc,
    M.RINT: np.rint,
    M.EXP: np.exp,
    M.EXPM1: np.expm1,
    M.LOG: np.log,
    M.LOG1P: np.log1p,
    M.EQ: np.equal,
    M.LT: np.less,
    M.LE: np.less_equal,
    M.GT: np.greater,
    M.GE: np.greater_equal,
    M.AND: np.logical_and,
    M.OR: np.logical_or,
    M.NOT: np.logical_not,
    M.WHERE: np.where,
}


def evaluate(instr: Instr, args: list[Array]) -> Array:
    """The value of one instruction that is not a leaf. Raises ``RunError`` when a ``check`` fails."""
    target = container(instr.type)
    if instr.op is M.CAST:
        return args[0].astype(target)
    if instr.op is M.WRAP:
        spare = 64 - int(instr.imm[0])
        return (args[0] << spare) >> spare
    if instr.op is M.CHECK:
        return _checked(instr, args[0])
    if instr.op in TRANSCENDENTAL:
        return FUNCTIONS[instr.op](args[0].astype(np.float64)).astype(target)
    result = FUNCTIONS[instr.op](*args)
    if result.dtype != target:
        raise AssertionError(f"{instr.op.value} gave {result.dtype}, not {target}")
    return result


def _checked(instr: Instr, value: Array) -> Array:
    low, high = instr.imm
    outside = ~((value >= low) & (value <= high))
    if outside.any():
        first = tuple(int(i) for i in np.argwhere(outside)[0])
        raise RunError(
            "a value left its checked range",
            found=str(value[first]),
            allowed=f"{low} .. {high}",
            where=f"sample {first[0]}, element {list(first[1:])}" if first else "",
        )
    return value


def of_state(problem: RunError, program: Program, index: int) -> RunError:
    """The error of an instruction with the state that it becomes, or else the states and outputs that need it."""
    if index in program.next:
        what = f"state {program.states[program.next.index(index)].name}"
    else:
        needed = program.code[index]
        roots = (*zip((state.name for state in program.states), program.next, strict=True), *program.outputs)
        names = [name for name, root in roots if any(part is needed for part in cone(program.code, root))]
        what = f"on the way to {', '.join(names)}"
    where = f"{what}, {problem.where}" if problem.where else what
    return RunError(problem.message, found=problem.found, allowed=problem.allowed, where=where)


class Interpreter:
    """A program bound to its parameters. ``step`` runs it once for arrays (samples, *features)."""

    def __init__(self, program: Program, params: Mapping[str, Array]) -> None:
        self.program = program
        self.fixed: dict[int, Array] = {}
        for index, instr in enumerate(program.code):
            if instr.op is M.CONST:
                self.fixed[index] = np.asarray(instr.imm[0], dtype=container(instr.type))
            elif instr.op is M.PARAM:
                name = program.params[int(instr.imm[0])].name
                self.fixed[index] = params[name].astype(container(instr.type))
            elif instr.args and instr.op is not M.CHECK and all(arg in self.fixed for arg in instr.args):
                with np.errstate(all="ignore"):  # infinities and NaN are values here, as in a step
                    self.fixed[index] = np.asarray(evaluate(instr, [self.fixed[arg] for arg in instr.args]))
        self.moving = [(index, instr) for index, instr in enumerate(program.code) if index not in self.fixed]

    def initial(self, samples: int, shape: tuple[int, ...], params: Mapping[str, Array]) -> dict[str, Array]:
        """States before step 0: (samples, *shape) per element, (samples, 1 …) per node."""
        states = {}
        for state in self.program.states:
            value = params[state.init] if isinstance(state.init, str) else state.init
            own = shape if state.scope.value == "element" else (1,) * len(shape)
            states[state.name] = np.broadcast_to(
                np.asarray(value, dtype=container(state.type)), (samples, *own)
            ).copy()
        return states

    def step(
        self, inputs: Mapping[str, Array], states: Mapping[str, Array]
    ) -> tuple[dict[str, Array], list[Array]]:
        """Next states by name, and outputs in program order. Inputs and states have their containers."""
        program, values = self.program, dict(self.fixed)
        for index, instr in self.moving:
            if instr.op is M.INPUT:
                values[index] = inputs[program.inputs[int(instr.imm[0])].name]
            elif instr.op is M.STATE:
                values[index] = states[program.states[int(instr.imm[0])].name]
            else:
                try:
                    values[index] = evaluate(instr, [values[arg] for arg in instr.args])
                except RunError as problem:
                    raise of_state(problem, program, index) from None
        following = {state.name: values[index] for state, index in zip(program.states, program.next, strict=True)}
        return following, [values[index] for _, index in program.outputs]
