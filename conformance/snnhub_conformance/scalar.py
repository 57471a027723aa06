"""An interpreter of step programs for one neuron, in plain Python numbers: a second opinion on every expectation.

It shares no code with the engine. Integers are Python's, of any size; f32 results are rounded from f64, which is
right for one operation since 53 >= 2 * 24 + 2 (Figueroa, "When is double rounding innocuous?", 1995).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from snnhub.errors import SnnhubError
from snnhub.ir.code import Instr
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import F32, NumType
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array

M = MicroOp
Number = Any


def _to_type(value: float, type_: NumType) -> float:
    if type_ != F32 or math.isnan(value) or math.isinf(value):
        return value
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _quotient(a: float, b: float) -> float:
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b


def _fused(a: float, b: float, c: float, type_: NumType) -> float:
    if not all(math.isfinite(value) for value in (a, b, c)):
        return a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return a * b + c
    return nearest(exact, type_)


def nearest(exact: Fraction, type_: NumType) -> float:
    """The nearest float of the type, ties to even."""
    digits, smallest = (24, -149) if type_ == F32 else (53, -1074)
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent
    unit = Fraction(2) ** max(exponent - digits + 1, smallest)
    whole = round(size / unit)  # Python rounds halves to even
    return _to_type(math.copysign(_finite(whole * unit), exact), type_)


def _finite(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _log(function: Callable[[float], float], pole: float) -> Callable[[float], float]:
    return lambda a: -math.inf if a == pole else math.nan if math.isnan(a) or a < pole else function(a)


def _exp(function: Callable[[float], float]) -> Callable[[float], float]:
    def safe(a: float) -> float:
        try:
            return function(a)
        except OverflowError:
            return math.inf

    return safe


def _half_even(a: int, n: int) -> int:
    return round(Fraction(a, 1 << n))


def _toward_zero(a: int, n: int) -> int:
    return math.trunc(Fraction(a, 1 << n))


def _maximum(a: Number, b: Number) -> Number:
    return a if a >= b else b


def _minimum(a: Number, b: Number) -> Number:
    return a if a <= b else b


def _keep(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda a: math.copysign(float(function(a)), a) if math.isfinite(a) else a


TABLE: dict[MicroOp, Callable[..., Number]] = {
    M.ADD: lambda a, b: a + b,
    M.SUB: lambda a, b: a - b,
    M.MUL: lambda a, b: a * b,
    M.DIV: _quotient,
    M.FLOORDIV: lambda a, b: a // b,
    M.NEG: lambda a: -a,
    M.ABS: abs,
    M.MIN: _minimum,
    M.MAX: _maximum,
    M.CLIP: lambda x, low, high: _minimum(_maximum(x, low), high),
    M.SHL: lambda a, n: a << n,
    M.SHR_FLOOR: lambda a, n: a >> n,
    M.SHR_TRUNC: _toward_zero,
    M.SHR_ROUND_HALF_EVEN: _half_even,
    M.FLOOR: _keep(math.floor),
    M.CEIL: _keep(math.ceil),
    M.TRUNC: _keep(math.trunc),
    M.RINT: _keep(round),
    M.EXP: _exp(math.exp),
    M.EXPM1: _exp(math.expm1),
    M.LOG: _log(math.log, 0.0),
    M.LOG1P: _log(math.log1p, -1.0),
    M.EQ: lambda a, b: a == b,
    M.LT: lambda a, b: a < b,
    M.LE: lambda a, b: a <= b,
    M.GT: lambda a, b: a > b,
    M.GE: lambda a, b: a >= b,
    M.AND: lambda a, b: a and b,
    M.OR: lambda a, b: a or b,
    M.NOT: lambda a: not a,
    M.WHERE: lambda condition, a, b: a if condition else b,
}


def _value(instr: Instr, args: list[Number]) -> Number:
    if instr.op is M.WRAP:
        width = int(instr.imm[0])
        return (args[0] + (1 << width - 1)) % (1 << width) - (1 << width - 1)
    if instr.op is M.CAST:
        return _cast(args[0], instr.type)
    if instr.op is M.CHECK:
        low, high = instr.imm
        if not low <= args[0] <= high:
            raise SnnhubError("a value left its checked range", found=str(args[0]), allowed=f"{low} .. {high}")
        return args[0]
    if instr.op is M.FMA:
        return _fused(args[0], args[1], args[2], instr.type)
    value = TABLE[instr.op](*args)
    return _to_type(value, instr.type) if instr.type.is_float else value


def _cast(value: Number, type_: NumType) -> Number:
    if not type_.is_float:
        return int(value)  # cut toward zero
    return nearest(Fraction(value), type_) if isinstance(value, int) and value else _to_type(float(value), type_)


def step(
    program: Program, inputs: Mapping[str, Number], params: Mapping[str, Number], states: Mapping[str, Number]
) -> dict[str, Number]:
    """Next states and outputs of one neuron, by name."""
    values: list[Number] = []
    for instr in program.code:
        if instr.op is M.CONST:
            values.append(instr.imm[0])
        elif instr.op is M.INPUT:
            values.append(inputs[program.inputs[int(instr.imm[0])].name])
        elif instr.op is M.PARAM:
            values.append(params[program.params[int(instr.imm[0])].name])
        elif instr.op is M.STATE:
            values.append(states[program.states[int(instr.imm[0])].name])
        else:
            values.append(_value(instr, [values[arg] for arg in instr.args]))
    found = {state.name: values[index] for state, index in zip(program.states, program.next, strict=True)}
    return {**found, **{name: values[index] for name, index in program.outputs}}


def check_against(
    program: Program, params: Mapping[str, Array], inputs: Mapping[str, Array], found: Mapping[str, Array]
) -> None:
    """Compare records (time, elements) with this interpreter's. Raises ``AssertionError`` where they differ."""
    steps, size = next(iter(inputs.values())).shape
    for element in range(size):
        own = {name: array[element].item() for name, array in params.items()}
        states = {s.name: own[s.init] if isinstance(s.init, str) else s.init for s in program.states}
        for time in range(steps):
            arrived = {name: array[time, element].item() for name, array in inputs.items()}
            values = step(program, arrived, own, states)
            states = {state.name: values[state.name] for state in program.states}
            for name, array in found.items():
                seen, wanted = array[time, element].item(), values[name]
                if seen != wanted and not (seen != seen and wanted != wanted):  # noqa: PLR0124  NaN
                    raise AssertionError(f"step {time}, element {element}, {name}: {seen!r}, not {wanted!r}")
