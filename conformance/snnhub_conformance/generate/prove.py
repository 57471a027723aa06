"""Proves that a mutant computes the same as the original, for every state, input and parameter of its types.

One step is translated to bit vectors and IEEE floats and handed to a solver (z3). Equal in one step from every
state means equal for ever. ``unknown`` and ``differs`` are no proofs: such a mutant stays open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from snnhub.ir.code import Instr
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import F32, NumType
from snnhub.ir.program import Program, Slot, State, cone

from snnhub_conformance.generate import lattice

M = MicroOp
BITS = 64
EFFORT, SWEEP_EFFORT = 20_000_000, 2_000_000
"""Steps of the solver, which are the same on every machine."""
SWEEPS = 6


def equivalent(original: Program, mutant: Program, effort: int = EFFORT) -> str:
    """``proved``, ``differs`` or ``unknown``: whether all states and outputs are equal after any step.

    Floats are equal as in recordings: NaN to NaN, -0 to +0. Every micro-operation but a division keeps equality
    in that sense, so a program must not divide by anything but parameters and constants; others are ``unknown``,
    and so are mutants with states of their own.
    """
    if mutant.states != original.states or _divides_by_what_moves(original) or _divides_by_what_moves(mutant):
        return "unknown"
    same = _swept(original, mutant)
    theirs = _keys(mutant, same)
    ends = [
        (ours, place)
        for ours, place in zip(_ends(original), _ends(mutant), strict=True)
        if _keys(original)[ours] != theirs[place]
    ]
    if not ends:
        return "proved"
    return _ask(original, mutant, same, ends, effort)


def _swept(original: Program, mutant: Program) -> dict[str, str]:
    """Instructions of the mutant that were proved equal to one of the original, from the front: where the two come
    together again soon, nothing behind that place needs a proof.
    """
    same: dict[str, str] = {}
    ours, tries = _keys(original), 0
    for place, instr in enumerate(mutant.code):
        theirs = _keys(mutant, same)
        if theirs[place] in ours:
            continue
        for twin, other in enumerate(original.code):
            if (other.op, other.type.kind) != (instr.op, instr.type.kind) or ours[twin] in theirs:
                continue
            tries += 1
            if tries > SWEEPS:
                return same
            if _ask(original, mutant, same, [(twin, place)], SWEEP_EFFORT) == "proved":
                same[theirs[place]] = ours[twin]
                break
    return same


def _ends(program: Program) -> list[int]:
    return [*program.next, *(index for _, index in program.outputs)]


def _passing(program: Program, values: list[Any]) -> Any:
    """That every check holds."""
    import z3

    held = []
    for index, instr in enumerate(program.code):
        if instr.op is M.CHECK:
            low, high = instr.imm
            value = values[index]
            if z3.is_fp(value):
                ends = (z3.FPVal(float(low), value.sort()), z3.FPVal(float(high), value.sort()))
                held += [z3.fpGEQ(value, ends[0]), z3.fpLEQ(value, ends[1])]
            else:
                held += [value >= int(low), value <= int(high)]
    return z3.And(held)


def _divides_by_what_moves(program: Program) -> bool:
    divisors = [instr.args[1] for instr in program.code if instr.op in (M.DIV, M.FLOORDIV) and instr.type.is_float]
    return any(part.op in (M.STATE, M.INPUT) for index in divisors for part in cone(program.code, index))


def _ask(
    original: Program, mutant: Program, same: dict[str, str], pairs: list[tuple[int, int]], effort: int
) -> str:
    """Whether the instructions of each pair have the same value for all leaves."""
    import z3

    solver = z3.Solver()
    solver.set("rlimit", effort)
    leaves: dict[tuple[MicroOp, int], Any] = {}
    tables: list[tuple[MicroOp, Sequence[Slot | State], bool]] = [
        (M.INPUT, original.inputs, True),
        (M.PARAM, original.params, True),
        (M.STATE, original.states, False),
    ]
    for op, slots, finite in tables:
        leaves |= {(op, i): _variable(f"{op.value}{i}", slot.type, solver, finite) for i, slot in enumerate(slots)}
    shared = _shared(original, mutant, same)
    try:
        ours = _values(original, _keys(original), leaves, shared)
        theirs = _values(mutant, _keys(mutant, same), leaves, shared)
    except NotImplementedError:
        return "unknown"
    solver.add(_passing(original, ours))  # runs that a check stops are no runs
    differ = [z3.Not(_same(ours[a], theirs[b])) for a, b in pairs]
    solver.add(z3.Or(*differ, z3.Not(_passing(mutant, theirs))))
    return {"unsat": "proved", "sat": "differs"}.get(str(solver.check()), "unknown")


def _variable(name: str, type_: NumType, solver: Any, finite: bool) -> Any:
    import z3

    if type_.is_bool:
        return z3.Bool(name)
    if type_.is_int:
        value = z3.BitVec(name, BITS)
        solver.add(value >= type_.range[0], value <= type_.range[1])
        return value
    value = z3.FP(name, z3.Float32() if type_ == F32 else z3.Float64())
    if finite:
        solver.add(z3.Not(z3.fpIsNaN(value)), z3.Not(z3.fpIsInf(value)))
    return value


def _keys(program: Program, same: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """For each instruction a text of what it computes from the leaves; ``same``: texts known to be equal."""
    keys: list[str] = []
    known = lattice.exponents(program)
    for instr in program.code:
        kept = lattice.unchanged(program, instr, known)
        if kept is not None:
            keys.append(keys[kept])
            continue
        if (product := lattice.reciprocal(program, instr, keys)) is not None:
            keys.append(product)
            continue
        told = f"{instr.op.value}({','.join(keys[arg] for arg in instr.args)};{instr.imm!r})"
        key = told if len(told) < 200 else hashlib.sha256(told.encode()).hexdigest()
        keys.append(same.get(key, key))
    return keys


def _shared(original: Program, mutant: Program, same: Mapping[str, str]) -> dict[str, Any]:
    """Float results that both programs compute alike. Each may be any float at all in the proof, which only makes
    the claim stronger, and spares the solver their arithmetic.
    """
    import z3

    both = set(_keys(mutant, same))
    return {
        key: z3.FP(f"shared{number}", z3.Float32() if instr.type == F32 else z3.Float64())
        for number, (key, instr) in enumerate(zip(_keys(original), original.code, strict=True))
        if key in both and instr.args and instr.type.is_float
    }


def _values(
    program: Program, keys: list[str], leaves: dict[tuple[MicroOp, int], Any], shared: dict[str, Any]
) -> list[Any]:
    values: list[Any] = []
    for key, instr in zip(keys, program.code, strict=True):
        known = shared.get(key)
        values.append(_value(instr, [values[arg] for arg in instr.args], leaves) if known is None else known)
    return values


def _same(a: Any, b: Any) -> Any:
    import z3

    if z3.is_fp(a):
        return z3.Or(z3.fpEQ(a, b), z3.And(z3.fpIsNaN(a), z3.fpIsNaN(b)))
    return a == b


def _value(instr: Instr, args: list[Any], leaves: dict[tuple[MicroOp, int], Any]) -> Any:
    import z3

    if instr.op in (M.INPUT, M.PARAM, M.STATE):
        return leaves[instr.op, int(instr.imm[0])]
    if instr.op is M.CONST:
        if instr.type.is_bool:
            return z3.BoolVal(bool(instr.imm[0]))
        if instr.type.is_int:
            return z3.BitVecVal(int(instr.imm[0]), BITS)
        return z3.FPVal(float(instr.imm[0]), z3.Float32() if instr.type == F32 else z3.Float64())
    if instr.op in (M.AND, M.OR, M.NOT, M.WHERE):
        logic = {M.AND: z3.And, M.OR: z3.Or, M.NOT: z3.Not, M.WHERE: z3.If}
        return logic[instr.op](*args)
    if instr.op is M.CHECK:
        return args[0]  # whether it holds: see _passing
    if instr.op is M.CAST:
        return _cast(instr, args[0])
    if z3.is_fp(args[0]):
        return _float(instr, args)
    if not z3.is_bv(args[0]):
        raise NotImplementedError(instr.op)
    return _integer(instr, args)


def _float(instr: Instr, args: list[Any]) -> Any:
    import z3

    nearest = z3.RNE()
    table = {
        M.ADD: lambda a, b: z3.fpAdd(nearest, a, b),
        M.SUB: lambda a, b: z3.fpSub(nearest, a, b),
        M.MUL: lambda a, b: z3.fpMul(nearest, a, b),
        M.DIV: lambda a, b: z3.fpDiv(nearest, a, b),
        M.FMA: lambda a, b, c: z3.fpFMA(nearest, a, b, c),
        M.NEG: z3.fpNeg,
        M.ABS: z3.fpAbs,
        M.EQ: z3.fpEQ,
        M.LT: z3.fpLT,
        M.LE: z3.fpLEQ,
        M.GT: z3.fpGT,
        M.GE: z3.fpGEQ,
        M.MIN: lambda a, b: z3.If(z3.fpLEQ(a, b), a, b),
        M.MAX: lambda a, b: z3.If(z3.fpGEQ(a, b), a, b),
        M.FLOOR: lambda a: z3.fpRoundToIntegral(z3.RTN(), a),
        M.CEIL: lambda a: z3.fpRoundToIntegral(z3.RTP(), a),
        M.TRUNC: lambda a: z3.fpRoundToIntegral(z3.RTZ(), a),
        M.RINT: lambda a: z3.fpRoundToIntegral(z3.RNE(), a),
    }
    if instr.op not in table:
        raise NotImplementedError(instr.op)
    return table[instr.op](*args)


def _cast(instr: Instr, value: Any) -> Any:
    import z3

    if instr.type.is_float:
        sort = z3.Float32() if instr.type == F32 else z3.Float64()
        if z3.is_fp(value):
            return z3.fpFPToFP(z3.RNE(), value, sort)
        if z3.is_bool(value):
            raise NotImplementedError(instr.op)
        return z3.fpSignedToFP(z3.RNE(), value, sort)
    if z3.is_fp(value):
        return z3.fpToSBV(z3.RTZ(), value, z3.BitVecSort(BITS))
    return z3.If(value, z3.BitVecVal(1, BITS), z3.BitVecVal(0, BITS)) if z3.is_bool(value) else value


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
