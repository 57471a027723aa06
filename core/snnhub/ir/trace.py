"""Writes step programs from plain Python functions: operators on ``Value`` record instructions.

    def body(x, state, param):
        h = state.v + x
        s = h >= param.v_threshold
        return {"v": where(s, 0.0, h)}, {"s": s}

The function runs once; what it returns are the next states and the outputs. A Python number takes the
type of the other operand. ``bool(value)`` raises, so an ``if`` on a traced value cannot slip through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import NoReturn, TypeAlias

from snnhub.errors import ProgramError
from snnhub.ir.code import Code, round_f32
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import BOOL, Kind, NumType, integer
from snnhub.ir.program import Program, Slot, State, canonical, validate

M = MicroOp
Operand: TypeAlias = "Value | int | float | bool"
Namespace = SimpleNamespace
Step = tuple[Mapping[str, "Value | int | float | bool"], Mapping[str, "Value"]]
Body = Callable[..., Step]


class Value:
    """A traced number: an index into the code of the program that is being written."""

    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None  # NumPy scalars on the left must not take over

    def __init__(self, code: Code, index: int) -> None:
        self.code = code
        self.index = index

    @property
    def type(self) -> NumType:
        return self.code.instrs[self.index].type

    def __bool__(self) -> NoReturn:
        raise ProgramError("a traced value has no truth value", remedy="write where(condition, a, b)")

    def __iter__(self) -> Iterator[Value]:
        raise ProgramError("a traced value is one number; it cannot be iterated")

    def __repr__(self) -> str:
        return f"Value({self.type}, %{self.index})"

    def __add__(self, other: Operand) -> Value:
        return apply(M.ADD, self, other)

    def __radd__(self, other: Operand) -> Value:
        return apply(M.ADD, other, self)

    def __sub__(self, other: Operand) -> Value:
        return apply(M.SUB, self, other)

    def __rsub__(self, other: Operand) -> Value:
        return apply(M.SUB, other, self)

    def __mul__(self, other: Operand) -> Value:
        return apply(M.MUL, self, other)

    def __rmul__(self, other: Operand) -> Value:
        return apply(M.MUL, other, self)

    def __truediv__(self, other: Operand) -> Value:
        return apply(M.DIV, self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return apply(M.DIV, other, self)

    def __floordiv__(self, other: Operand) -> Value:
        return apply(M.FLOORDIV, self, other)

    def __lshift__(self, other: Operand) -> Value:
        return apply(M.SHL, self, other)

    def __neg__(self) -> Value:
        return apply(M.NEG, self)

    def __abs__(self) -> Value:
        return apply(M.ABS, self)

    def __lt__(self, other: Operand) -> Value:
        return apply(M.LT, self, other)

    def __le__(self, other: Operand) -> Value:
        return apply(M.LE, self, other)

    def __gt__(self, other: Operand) -> Value:
        return apply(M.GT, self, other)

    def __ge__(self, other: Operand) -> Value:
        return apply(M.GE, self, other)

    def __eq__(self, other: object) -> Value:  # type: ignore[override]
        return apply(M.EQ, self, _operand(other))

    def __ne__(self, other: object) -> Value:  # type: ignore[override]
        return apply(M.NOT, apply(M.EQ, self, _operand(other)))

    def __and__(self, other: Operand) -> Value:
        return apply(M.AND, self, other)

    def __or__(self, other: Operand) -> Value:
        return apply(M.OR, self, other)

    def __invert__(self) -> Value:
        return apply(M.NOT, self)


def _operand(value: object) -> Value | int | float | bool:
    if isinstance(value, Value | int | float):
        return value
    raise ProgramError("operands are traced values or Python numbers", found=type(value).__name__)


def apply(op: MicroOp, *operands: Operand, imm: tuple[int | float | bool | str, ...] = ()) -> Value:
    """Record one instruction. At least one operand is a traced value; numbers take its type."""
    values = [operand for operand in operands if isinstance(operand, Value)]
    if not values:
        raise ProgramError(f"{op.value} of Python numbers alone: compute it before tracing")
    code = values[0].code
    like = values[-1] if op is M.WHERE and len(values) > 1 else values[0]
    args = tuple(_index(code, operand, like.type, op, position) for position, operand in enumerate(operands))
    return Value(code, code.append(op, args, imm))


def _index(code: Code, operand: Operand, like: NumType, op: MicroOp, position: int) -> int:
    if isinstance(operand, Value):
        if operand.code is not code:
            raise ProgramError("values of two different programs meet")
        return operand.index
    if op is M.WHERE and position == 0:
        raise ProgramError("the condition of where is a traced value", found=repr(operand))
    if op in (M.SHL, M.SHR_FLOOR, M.SHR_TRUNC, M.SHR_ROUND_HALF_EVEN) and position == 1:
        like = integer(0, 0)
    return constant(code, operand, like)


def constant(code: Code, value: int | float | bool, like: NumType) -> int:
    """A constant of the kind of ``like``. A float constant for an f32 operand is rounded once, here."""
    if isinstance(value, bool):
        return code.leaf(M.CONST, BOOL, value)
    if like.is_float:
        number = float(value)
        return code.leaf(M.CONST, like, round_f32(number) if like.kind is Kind.F32 else number)
    if not isinstance(value, int):
        raise ProgramError("a float constant meets an integer", found=repr(value), remedy="write cast(x, 'f32')")
    return code.leaf(M.CONST, integer(value, value), value)


def where(condition: Value, a: Operand, b: Operand) -> Value:
    """``a`` where the condition holds, else ``b``. Ranges are narrowed by the condition in each branch."""
    if not isinstance(a, Value) and not isinstance(b, Value):
        raise ProgramError("where needs a traced value in a branch", remedy="cast(condition, 'int') gives 0 and 1")
    return apply(M.WHERE, condition, a, b)


def minimum(a: Value, b: Operand) -> Value:
    return apply(M.MIN, a, b)


def maximum(a: Value, b: Operand) -> Value:
    return apply(M.MAX, a, b)


def clip(x: Value, lo: Operand, hi: Operand) -> Value:
    """``min(max(x, lo), hi)``: saturation."""
    return apply(M.CLIP, x, lo, hi)


def wrap(x: Value, bits: int) -> Value:
    """Two's complement of ``bits`` bits: overflow as a register does it."""
    return apply(M.WRAP, x, imm=(bits,))


def shr_floor(x: Value, amount: Operand) -> Value:
    return apply(M.SHR_FLOOR, x, amount)


def shr_trunc(x: Value, amount: Operand) -> Value:
    return apply(M.SHR_TRUNC, x, amount)


def shr_round_half_even(x: Value, amount: Operand) -> Value:
    return apply(M.SHR_ROUND_HALF_EVEN, x, amount)


def floor(x: Value) -> Value:
    return apply(M.FLOOR, x)


def ceil(x: Value) -> Value:
    return apply(M.CEIL, x)


def trunc(x: Value) -> Value:
    return apply(M.TRUNC, x)


def rint(x: Value) -> Value:
    return apply(M.RINT, x)


def exp(x: Value) -> Value:
    return apply(M.EXP, x)


def expm1(x: Value) -> Value:
    return apply(M.EXPM1, x)


def log(x: Value) -> Value:
    return apply(M.LOG, x)


def log1p(x: Value) -> Value:
    return apply(M.LOG1P, x)


def fma(a: Value, b: Operand, c: Operand) -> Value:
    """``a * b + c`` rounded once, as hardware with a fused multiply-add does it."""
    return apply(M.FMA, a, b, c)


def cast(x: Value, kind: str) -> Value:
    """Change of kind: ``f32``, ``f64`` or ``int``."""
    return apply(M.CAST, x, imm=(kind,))


def check(x: Value, lo: int | float, hi: int | float) -> Value:
    """``x`` with a range that the run enforces: leaving it stops the run, naming step, neuron and state."""
    bounds = (float(lo), float(hi)) if x.type.is_float else (lo, hi)
    return apply(M.CHECK, x, imm=bounds)


def _returned(code: Code, value: Operand, like: NumType | None) -> int:
    """Index of a returned value; a Python number becomes a constant of the type of its state."""
    if isinstance(value, Value):
        return value.index
    if like is None:
        raise ProgramError("an output must be a traced value", found=repr(value))
    return constant(code, value, like)


def trace(
    body: Body, inputs: Sequence[Slot], params: Sequence[Slot], states: Sequence[State], **choices: object
) -> Program:
    """Run ``body(*inputs, state, param, **choices)`` once and return its canonical program.

    Raises ``ProgramError`` if types do not fit, a range may need more than 64 bits, or a next state may
    leave the range of its state.
    """
    code = Code()

    def leaves(op: MicroOp, slots: Sequence[Slot | State]) -> dict[str, Value]:
        return {slot.name: Value(code, code.leaf(op, slot.type, i)) for i, slot in enumerate(slots)}

    arrived = leaves(M.INPUT, inputs)
    param = Namespace(**leaves(M.PARAM, params))
    state = Namespace(**leaves(M.STATE, states))
    following, outputs = body(*arrived.values(), state, param, **choices)
    if set(following) != {s.name for s in states}:
        raise ProgramError("body must return every state", found=str(sorted(following)))
    program = Program(
        tuple(inputs),
        tuple(params),
        tuple(states),
        (),
        tuple(_returned(code, following[s.name], s.type) for s in states),
        tuple((name, _returned(code, value, None)) for name, value in outputs.items()),
    )
    program = Program(
        program.inputs, program.params, program.states, tuple(code.instrs), program.next, program.outputs
    )
    result = canonical(program)
    validate(result)
    return result
