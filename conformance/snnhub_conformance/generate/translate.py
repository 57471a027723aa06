"""Step programs as terms of a solver (z3): integers as 64-bit vectors, floats as IEEE floats, bit for bit.

A float that spikes choose (1.0 for a spike, 0.0 for none, and what few such make) is carried as a choice among
constants, and a product with one is the choice among its products: no solver has to multiply for it. Functions
like exp stand for themselves: equal operands have equal values, and nothing else is known of them.
"""

from __future__ import annotations

import functools
import itertools
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from snnhub.ir.code import Instr
from snnhub.ir.microop import TRANSCENDENTAL, MicroOp
from snnhub.ir.numtype import F32, NumType
from snnhub.ir.program import Program, Slot, State

from snnhub_conformance.generate import lattice

M = MicroOp
BITS = 64
MOST_CHOICES, MOST_PRODUCTS = 8, 24
"""Terms that one float may be a choice of, and that an operation may become."""
FEW = 3
"""Between the ends of a check whose whole numbers are a choice."""
PUSHED = frozenset({M.ADD, M.SUB, M.MUL, M.FMA, M.NEG})
Leaves = Mapping[tuple[MicroOp, int], Any]


def sort(type_: NumType) -> Any:
    """The sort of a float type."""
    import z3

    return z3.Float32() if type_ == F32 else z3.Float64()


def constant(type_: NumType, value: Any) -> Any:
    """A number of a type as a term."""
    import z3

    if type_.is_bool:
        return z3.BoolVal(bool(value))
    if type_.is_int:
        return z3.BitVecVal(int(value), BITS)
    return z3.FPVal(float(value), sort(type_))


def number(value: Any, type_: NumType) -> float | int | bool:
    """The number that a term without unknowns is, to the last bit."""
    import z3

    if type_.is_bool:
        return bool(z3.is_true(value))
    if not type_.is_float:
        return int(value.as_signed_long())
    if value.isNaN():
        return math.nan
    bits = z3.simplify(z3.fpToIEEEBV(value)).as_long()
    form, size = ("<f", 4) if type_ == F32 else ("<d", 8)
    return float(struct.unpack(form, bits.to_bytes(size, "little"))[0])


def variable(name: str, type_: NumType, *, finite: bool) -> tuple[Any, list[Any]]:
    """An unknown of a type, and what holds of it: the range of integers, and of floats whether it is finite."""
    import z3

    if type_.is_bool:
        return z3.Bool(name), []
    if type_.is_int:
        value = z3.BitVec(name, BITS)
        return value, [value >= type_.range[0], value <= type_.range[1]]
    value = z3.FP(name, sort(type_))
    return value, [z3.Not(z3.fpIsNaN(value)), z3.Not(z3.fpIsInf(value))] if finite else []


def leaves(program: Program) -> tuple[dict[tuple[MicroOp, int], Any], list[Any]]:
    """An unknown for each input, parameter and state, and what holds of them: what is sent or set is finite."""
    found, held = dict[tuple[MicroOp, int], Any](), list[Any]()
    tables: list[tuple[MicroOp, Sequence[Slot | State]]] = [
        (M.INPUT, program.inputs),
        (M.PARAM, program.params),
        (M.STATE, program.states),
    ]
    for op, slots in tables:
        for number, slot in enumerate(slots):
            term, more = variable(f"{op.value}{number}", slot.type, finite=op is not M.STATE)
            found[op, number] = term
            held += more
    return found, held


def values(program: Program, leaves: Leaves, known: Mapping[int, Any] | None = None) -> list[Any]:
    """A term for each instruction. ``known``: terms that stand for some, unless these are choices among constants,
    of which more is known so. Raises ``NotImplementedError``.
    """
    found: list[Any] = []
    whole = lattice.exponents(program)
    for index, instr in enumerate(program.code):
        stands = known.get(index) if known else None
        if stands is not None and instr.op in TRANSCENDENTAL:
            found.append(stands)
            continue
        args = [found[arg] for arg in instr.args]
        types = [program.code[arg].type for arg in instr.args]
        checked = instr.op is M.CHECK
        term = _checked(instr, args[0], whole[index]) if checked else _value(instr, args, types, leaves)
        found.append(term if stands is None or _constant(choices(term) or [(True, stands)]) else stands)
    return found


def initial(program: Program, leaves: Leaves) -> list[Any]:
    """The states before the first step."""
    names = [slot.name for slot in program.params]
    return [
        leaves[M.PARAM, names.index(state.init)]
        if isinstance(state.init, str)
        else constant(state.type, state.init)
        for state in program.states
    ]


def passing(program: Program, found: Sequence[Any]) -> Any:
    """That every check holds."""
    import z3

    held = []
    for instr in program.code:
        if instr.op is M.CHECK:
            low, high = instr.imm
            value = found[instr.args[0]]
            if z3.is_fp(value):
                ends = (z3.FPVal(float(low), value.sort()), z3.FPVal(float(high), value.sort()))
                held += [z3.fpGEQ(value, ends[0]), z3.fpLEQ(value, ends[1])]
            else:
                held += [value >= int(low), value <= int(high)]
    return z3.And(held)


def same(a: Any, b: Any) -> Any:
    """That two terms are equal as recordings are: NaN to NaN, -0 to +0."""
    import z3

    if z3.is_fp(a):
        return z3.Or(z3.fpEQ(a, b), z3.And(z3.fpIsNaN(a), z3.fpIsNaN(b)))
    return a == b


def identical(a: Any, b: Any) -> Any:
    """That two terms are equal, the sign of 0 as well."""
    return a == b


def choices(term: Any) -> list[tuple[Any, Any]] | None:
    """Conditions and the terms that a float is under them: exactly one condition holds, and no term comes twice.
    None where there are too many.
    """
    import z3

    if not z3.is_app_of(term, z3.Z3_OP_ITE):
        return [(z3.BoolVal(True), term)]
    condition, *branches = term.children()
    parts = [choices(branch) for branch in branches]
    if parts[0] is None or parts[1] is None:
        return None
    found = [(_both(condition, inner), value) for inner, value in parts[0]]
    found += [(_both(z3.Not(condition), inner), value) for inner, value in parts[1]]
    merged = _merged(found)
    return merged if len(merged) <= MOST_CHOICES else None


def _both(a: Any, b: Any) -> Any:
    import z3

    return b if z3.is_true(a) else a if z3.is_true(b) else z3.And(a, b)


def _merged(cases: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """The same choice with each term once."""
    import z3

    found: list[tuple[Any, Any]] = []
    for condition, value in cases:
        twin = next((n for n, (_, other) in enumerate(found) if other.eq(value)), None)
        if twin is None:
            found.append((condition, value))
        else:
            found[twin] = (z3.Or(found[twin][0], condition), value)
    return found


def _chosen(cases: Sequence[tuple[Any, Any]]) -> Any:
    """The term of a choice."""
    import z3

    *others, (_, term) = cases
    for condition, value in reversed(others):
        term = z3.If(condition, value, term)
    return term


def _pushed(function: Callable[..., Any], args: Sequence[Any], *, constants: bool = False) -> Any:
    """The function of arguments of which some are choices: a choice among its values, where they are few.

    ``constants``: only choices among constants are taken apart, of a function that is dear to compute twice.
    """
    lists = [_apart(arg, constants=constants) for arg in args]
    if _product(lists) > MOST_PRODUCTS:
        lists = [_apart(arg, constants=True) for arg in args]
    if _product(lists) > MOST_PRODUCTS:
        return function(*args)
    cases = []
    for picked in itertools.product(*lists):
        condition = functools.reduce(_both, (condition for condition, _ in picked))
        cases.append((condition, function(*(value for _, value in picked))))
    return _chosen(_merged(cases))


def _apart(term: Any, *, constants: bool) -> list[tuple[Any, Any]]:
    import z3

    cases = choices(term)
    return [(z3.BoolVal(True), term)] if cases is None or (constants and not _constant(cases)) else cases


def _constant(cases: Sequence[tuple[Any, Any]]) -> bool:
    import z3

    return all(z3.is_fp_value(value) for _, value in cases)


def _product(lists: Sequence[Sequence[Any]]) -> int:
    count = 1
    for cases in lists:
        count *= len(cases)
    return count


def _checked(instr: Instr, value: Any, exponent: float | None) -> Any:
    """What a check hands on. A whole number between few ends is a choice among them; where the check fails, there
    is no run, so any other value may stand for it.
    """
    import z3

    low, high = instr.imm
    if not instr.type.is_float or exponent is None or exponent < 0 or float(high) - float(low) > FEW:
        return value
    numbers = range(int(low), int(high) + 1)
    if z3.is_app_of(value, z3.Z3_OP_ITE) and _constant(choices(value) or [(True, value)]):
        return value
    if 0 not in numbers:
        return value
    kind = value.sort()
    cases = [(z3.fpEQ(value, z3.FPVal(float(n), kind)), z3.FPVal(float(n), kind)) for n in numbers if n]
    negative = (z3.fpIsNegative(value), z3.fpMinusZero(kind))
    return _chosen([*cases, negative, (z3.BoolVal(True), z3.fpPlusZero(kind))])


def _value(instr: Instr, args: list[Any], types: Sequence[NumType], leaves: Leaves) -> Any:
    import z3

    if instr.op in (M.INPUT, M.PARAM, M.STATE):
        return leaves[instr.op, int(instr.imm[0])]
    if instr.op is M.CONST:
        return constant(instr.type, instr.imm[0])
    if instr.op in (M.AND, M.OR, M.NOT, M.WHERE):
        logic = {M.AND: z3.And, M.OR: z3.Or, M.NOT: z3.Not, M.WHERE: z3.If}
        return logic[instr.op](*args)
    if instr.op is M.CAST:
        return _cast(instr.type, args[0], types[0])
    if instr.op in TRANSCENDENTAL:
        function = z3.Function(f"{instr.op.value}.{instr.type}", args[0].sort(), sort(instr.type))
        return function(args[0])
    if z3.is_fp(args[0]):
        return _float(instr, args)
    if not z3.is_bv(args[0]):
        raise NotImplementedError(instr.op)
    return _integer(instr, args)


def _cast(type_: NumType, value: Any, source: NumType) -> Any:
    import z3

    if type_.is_float:
        kind = sort(type_)
        if z3.is_fp(value):
            return _pushed(lambda a: z3.fpFPToFP(z3.RNE(), a, kind), [value])
        if z3.is_bool(value):
            return z3.If(value, z3.FPVal(1.0, kind), z3.FPVal(0.0, kind))
        return _float_of(value, source, kind)
    if z3.is_fp(value):
        return z3.fpToSBV(z3.RTZ(), value, z3.BitVecSort(BITS))
    return z3.If(value, z3.BitVecVal(1, BITS), z3.BitVecVal(0, BITS)) if z3.is_bool(value) else value


def _float_of(value: Any, source: NumType, kind: Any) -> Any:
    """The float of an integer; a bit becomes a choice, and few bits need no circuit for 64."""
    import z3

    low, high = source.range
    if (low, high) == (0, 1):
        return z3.If(value == 1, z3.FPVal(1.0, kind), z3.FPVal(0.0, kind))
    bits = max(low.bit_length(), high.bit_length()) + 1
    narrow = z3.Extract(bits - 1, 0, value) if bits < BITS else value
    return z3.fpSignedToFP(z3.RNE(), narrow, kind)


def _float(instr: Instr, args: list[Any]) -> Any:
    import z3

    nearest = z3.RNE()
    table: dict[MicroOp, Callable[..., Any]] = {
        M.ADD: _plus,
        M.SUB: lambda a, b: _plus(a, _minus(b)),
        M.MUL: _times,
        M.DIV: lambda a, b: z3.fpDiv(nearest, a, b),
        M.FMA: _fused,
        M.NEG: _minus,
        M.ABS: z3.fpAbs,
        M.EQ: z3.fpEQ,
        M.LT: z3.fpLT,
        M.LE: z3.fpLEQ,
        M.GT: z3.fpGT,
        M.GE: z3.fpGEQ,
        M.MIN: _smaller,
        M.MAX: _larger,
        M.CLIP: lambda x, low, high: _smaller(_larger(x, low), high),
        M.FLOOR: lambda a: z3.fpRoundToIntegral(z3.RTN(), a),
        M.CEIL: lambda a: z3.fpRoundToIntegral(z3.RTP(), a),
        M.TRUNC: lambda a: z3.fpRoundToIntegral(z3.RTZ(), a),
        M.RINT: lambda a: z3.fpRoundToIntegral(z3.RNE(), a),
    }
    if instr.op not in table:
        raise NotImplementedError(instr.op)
    if instr.op not in PUSHED:
        return table[instr.op](*args)
    return _pushed(table[instr.op], args, constants=instr.op in (M.MUL, M.FMA))


def _smaller(a: Any, b: Any) -> Any:
    import z3

    return z3.If(z3.fpLEQ(a, b), a, b)


def _larger(a: Any, b: Any) -> Any:
    import z3

    return z3.If(z3.fpGEQ(a, b), a, b)


def _ordered(a: Any, b: Any) -> tuple[Any, Any]:
    """Operands that may change places, constants first, so that two sums of the same are one term."""
    import z3

    first, second = sorted((a, b), key=lambda term: (not z3.is_fp_value(term), term.hash(), term.get_id()))
    return first, second


def _minus(a: Any) -> Any:
    import z3

    if z3.is_app_of(a, z3.Z3_OP_FPA_NEG):
        return a.children()[0]
    return z3.simplify(z3.fpNeg(a)) if z3.is_fp_value(a) else z3.fpNeg(a)


def _plus(a: Any, b: Any) -> Any:
    """A sum; with 0 without adding."""
    import z3

    a, b = _ordered(a, b)
    if z3.is_fp_value(b):
        return z3.simplify(z3.fpAdd(z3.RNE(), a, b))
    if z3.is_fp_value(a) and a.isZero():
        return b if a.isNegative() else z3.If(z3.fpIsZero(b), z3.fpPlusZero(a.sort()), b)
    if z3.is_fp_value(a) and a.isNaN():
        return a
    return z3.fpAdd(z3.RNE(), a, b)


def _times(a: Any, b: Any) -> Any:
    """A product; with 0, 1 or -1 without multiplying."""
    import z3

    a, b = _ordered(a, b)
    if z3.is_fp_value(b):
        return z3.simplify(z3.fpMul(z3.RNE(), a, b))
    if not z3.is_fp_value(a) or not _is_unit(a):
        return z3.fpMul(z3.RNE(), a, b)
    if not a.isZero():
        return _minus(b) if a.isNegative() else b
    zero, minus = z3.fpPlusZero(a.sort()), z3.fpMinusZero(a.sort())
    signed = z3.If(z3.fpIsNegative(b), *((zero, minus) if a.isNegative() else (minus, zero)))
    return z3.If(z3.Or(z3.fpIsNaN(b), z3.fpIsInf(b)), z3.fpNaN(a.sort()), signed)


def _fused(a: Any, b: Any, c: Any) -> Any:
    """A product and a sum with one rounding; where the product is exact, the sum of the product."""
    import z3

    a, b = _ordered(a, b)
    if z3.is_fp_value(a) and _is_unit(a):
        return _pushed(_plus, [_times(a, b), c])
    return z3.fpFMA(z3.RNE(), a, b, c)


def _is_unit(value: Any) -> bool:
    """Whether a constant is 0, 1 or -1: a product with it is never rounded."""
    import z3

    one = z3.FPVal(1.0, value.sort())
    return bool(value.isZero()) or any(
        z3.is_true(z3.simplify(z3.fpEQ(value, end))) for end in (one, z3.fpNeg(one))
    )


def _integer(instr: Instr, args: list[Any]) -> Any:
    import z3

    one, zero = z3.BitVecVal(1, BITS), z3.BitVecVal(0, BITS)
    table: dict[MicroOp, Any] = {
        M.ADD: lambda a, b: a + b,
        M.SUB: lambda a, b: a - b,
        M.MUL: lambda a, b: a * b,
        M.NEG: lambda a: -a,
        M.ABS: lambda a: z3.If(a < zero, -a, a),
        M.MIN: lambda a, b: z3.If(a <= b, a, b),
        M.MAX: lambda a, b: z3.If(a >= b, a, b),
        M.CLIP: lambda x, lo, hi: z3.If(z3.If(x >= lo, x, lo) <= hi, z3.If(x >= lo, x, lo), hi),
        M.SHL: lambda a, n: a << n,
        M.SHR_FLOOR: lambda a, n: a >> n,
        M.SHR_TRUNC: lambda a, n: (a + ((a >> 63) & ((one << n) - 1))) >> n,
        M.EQ: lambda a, b: a == b,
        M.LT: lambda a, b: a < b,
        M.LE: lambda a, b: a <= b,
        M.GT: lambda a, b: a > b,
        M.GE: lambda a, b: a >= b,
    }
    if instr.op is M.SHR_ROUND_HALF_EVEN:
        a, n = args
        rest, half, floor = a & ((one << n) - 1), z3.LShR(one << n, one), a >> n
        up = z3.Or(z3.UGT(rest, half), z3.And(rest == half, n > 0, floor & one == one))
        return floor + z3.If(up, one, zero)
    if instr.op is M.WRAP:
        width = int(instr.imm[0])
        return z3.SignExt(BITS - width, z3.Extract(width - 1, 0, args[0])) if width < BITS else args[0]
    if instr.op not in table:
        raise NotImplementedError(instr.op)
    return table[instr.op](*args)
