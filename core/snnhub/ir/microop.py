"""The micro-operations that step programs are made of: names, arity, and what each means.

Floats follow IEEE 754 with round-half-to-even after every operation, no contraction. Integers are exact;
only ``wrap``, ``clip`` and ``where`` bound them. ``div`` is for floats only, ``floordiv`` for integers only.
"""

from __future__ import annotations

from enum import Enum


class MicroOp(Enum):
    """One instruction. The value is its name in files and listings."""

    CONST = "const"
    INPUT = "input"
    PARAM = "param"
    STATE = "state"
    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    FMA = "fma"
    DIV = "div"
    FLOORDIV = "floordiv"
    NEG = "neg"
    ABS = "abs"
    MIN = "min"
    MAX = "max"
    CLIP = "clip"
    SHL = "shl"
    SHR_FLOOR = "shr_floor"
    SHR_TRUNC = "shr_trunc"
    SHR_ROUND_HALF_EVEN = "shr_round_half_even"
    WRAP = "wrap"
    FLOOR = "floor"
    CEIL = "ceil"
    TRUNC = "trunc"
    RINT = "rint"
    EXP = "exp"
    EXPM1 = "expm1"
    LOG = "log"
    LOG1P = "log1p"
    EQ = "eq"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    AND = "and"
    OR = "or"
    NOT = "not"
    WHERE = "where"
    CAST = "cast"
    CHECK = "check"


M = MicroOp

LEAVES = frozenset({M.CONST, M.INPUT, M.PARAM, M.STATE})
UNARY = frozenset(
    {
        M.NEG,
        M.ABS,
        M.WRAP,
        M.FLOOR,
        M.CEIL,
        M.TRUNC,
        M.RINT,
        M.EXP,
        M.EXPM1,
        M.LOG,
        M.LOG1P,
        M.NOT,
        M.CAST,
        M.CHECK,
    }
)
TERNARY = frozenset({M.FMA, M.CLIP, M.WHERE})
COMPARISONS = frozenset({M.EQ, M.LT, M.LE, M.GT, M.GE})
SHIFTS = frozenset({M.SHL, M.SHR_FLOOR, M.SHR_TRUNC, M.SHR_ROUND_HALF_EVEN})
ROUNDINGS = frozenset({M.FLOOR, M.CEIL, M.TRUNC, M.RINT})
TRANSCENDENTAL = frozenset({M.EXP, M.EXPM1, M.LOG, M.LOG1P})
"""Computed in f64 and rounded once. Libraries differ in the last bits: never claim ``bits`` over these."""


IMMEDIATES = {M.WRAP: 1, M.CAST: 1, M.CHECK: 2}
"""How many immediate values an instruction has beside its operands; leaves have one, all others none."""


def arity(op: MicroOp) -> int:
    """How many operands the instruction takes."""
    if op in LEAVES:
        return 0
    if op in UNARY:
        return 1
    return 3 if op in TERNARY else 2


MEANING: dict[MicroOp, str] = {
    M.CONST: "a constant, typed by the other operand of its first use",
    M.INPUT: "the value that arrives at an input port in this step",
    M.PARAM: "a parameter, broadcast over the elements",
    M.STATE: "a state as the previous step left it (its initial value in step 0)",
    M.ADD: "a + b",
    M.SUB: "a - b",
    M.MUL: "a * b",
    M.FMA: "a * b + c, rounded once (floats)",
    M.DIV: "a / b (floats)",
    M.FLOORDIV: "floor(a / b), the divisor's range excludes 0 (integers)",
    M.NEG: "-a",
    M.ABS: "|a|",
    M.MIN: "where(a <= b, a, b), in that order",
    M.MAX: "where(a >= b, a, b), in that order",
    M.CLIP: "min(max(x, lo), hi)",
    M.SHL: "a * 2^n, exact",
    M.SHR_FLOOR: "floor(a / 2^n)",
    M.SHR_TRUNC: "a / 2^n, rounded toward zero",
    M.SHR_ROUND_HALF_EVEN: "a / 2^n, rounded to nearest, ties to even",
    M.WRAP: "two's complement of the given width",
    M.FLOOR: "largest integral float not above",
    M.CEIL: "smallest integral float not below",
    M.TRUNC: "integral float toward zero",
    M.RINT: "nearest integral float, ties to even",
    M.EXP: "e^a, computed in f64 and rounded once",
    M.EXPM1: "e^a - 1, computed in f64 and rounded once",
    M.LOG: "natural logarithm, computed in f64 and rounded once",
    M.LOG1P: "log(1 + a), computed in f64 and rounded once",
    M.EQ: "a == b",
    M.LT: "a < b",
    M.LE: "a <= b",
    M.GT: "a > b",
    M.GE: "a >= b",
    M.AND: "both (bool)",
    M.OR: "either (bool)",
    M.NOT: "negation (bool)",
    M.WHERE: "a where the condition holds, else b",
    M.CAST: "change of kind: int to float rounds half to even, float to int truncates and needs a known range",
    M.CHECK: "a, and the run stops with an error if it leaves lo .. hi",
}
