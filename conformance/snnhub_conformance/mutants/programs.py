"""Classes of wrong step arithmetic: each names one mistake and makes it wherever a program lets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import Kind
from snnhub.ir.program import Program

from snnhub_conformance.mutants import arithmetic as a
from snnhub_conformance.mutants import behaviour as b
from snnhub_conformance.mutants.rewriting import Rule, rewrite, sites
from snnhub_conformance.mutants.wide import in_f64

M = MicroOp
FLOATS = frozenset({Kind.F32, Kind.F64})


@dataclass(frozen=True)
class ProgramClass:
    """One mistake. ``rule`` changes single instructions, ``whole`` the program; exactly one of them is set.

    ``last_bits``: it moves float results by their last bits only, so that a program which promises no bits
    (it uses exp or log) need not tell it from the right one. ``states_only``: it changes recorded states and no
    spike, so the same holds.
    """

    name: str
    mistake: str
    rule: Rule | None = None
    whole: Callable[[Program], Program | None] | None = None
    last_bits: bool = False
    states_only: bool = False

    def everywhere(self, program: Program) -> Program | None:
        """The mistake at every place at once: what a runner that makes it computes. None if it has no place."""
        if (self.last_bits or self.states_only) and not program.exact:
            return None
        if self.rule is not None:
            return rewrite(program, self.rule)
        return self.whole(program) if self.whole is not None else None

    def each(self, program: Program) -> Iterator[tuple[str, Program]]:
        """The mistake at one place at a time, with a name for the place."""
        if (self.last_bits or self.states_only) and not program.exact:
            return
        if self.rule is None:
            mutant = self.everywhere(program)
            if mutant is not None:
                yield self.name, mutant
            return
        for index, mutant in sites(program, self.rule):
            yield f"{self.name}@{index}", mutant


def _swap(
    name: str, mistake: str, old: MicroOp, new: MicroOp, kinds: frozenset[Kind] | None = None
) -> ProgramClass:
    return ProgramClass(name, mistake, a.swap({old: new}, kinds))


COMPARE = (
    _swap("compare.ge-as-gt", "fires above the threshold only, not at it: >= done as >", M.GE, M.GT),
    _swap("compare.gt-as-ge", "fires at the threshold already: > done as >=", M.GT, M.GE),
    _swap("compare.lt-as-le", "< done as <=", M.LT, M.LE),
    _swap("compare.le-as-lt", "<= done as <", M.LE, M.LT),
    _swap("compare.eq-as-ge", "== done as >=", M.EQ, M.GE),
    _swap("compare.eq-as-le", "== done as <=", M.EQ, M.LE),
)
ROUND = (
    _swap(
        "round.shr_trunc-as-floor",
        "a shift right that rounds down instead of toward zero",
        M.SHR_TRUNC,
        M.SHR_FLOOR,
    ),
    _swap(
        "round.shr_trunc-as-nearest",
        "a shift right to nearest instead of toward zero",
        M.SHR_TRUNC,
        M.SHR_ROUND_HALF_EVEN,
    ),
    _swap("round.shr_floor-as-trunc", "a shift right toward zero instead of down", M.SHR_FLOOR, M.SHR_TRUNC),
    _swap("round.shr_nearest-as-floor", "a rounding shift that rounds down", M.SHR_ROUND_HALF_EVEN, M.SHR_FLOOR),
    ProgramClass(
        "round.shr_nearest-as-half-up", "a rounding shift whose ties go up instead of to even", a.shr_half_up
    ),
    ProgramClass(
        "round.floordiv-as-trunc", "an integer division that rounds toward zero, as C does", a.floordiv_trunc
    ),
    _swap("round.floor-as-trunc", "floor done as truncation", M.FLOOR, M.TRUNC),
    _swap("round.ceil-as-floor", "ceil done as floor", M.CEIL, M.FLOOR),
    _swap("round.trunc-as-floor", "truncation done as floor", M.TRUNC, M.FLOOR),
    _swap("round.rint-as-floor", "rounding to nearest done as floor", M.RINT, M.FLOOR),
    ProgramClass("round.rint-as-half-away", "ties away from zero instead of to even, as C's round", a.rint_away),
    ProgramClass(
        "round.cast-as-floor", "a float cut to an integer downwards instead of toward zero", a.cast_with(M.FLOOR)
    ),
    ProgramClass(
        "round.cast-as-nearest", "a float rounded to the nearest integer instead of cut", a.cast_with(M.RINT)
    ),
)
WIDTH = (
    ProgramClass("width.no-wrap", "a wrap left out: more bits than the original has", a.first_operand(M.WRAP)),
    ProgramClass("width.wrap-narrower", "a wrap one bit too narrow", a.wrap_by(-1)),
    ProgramClass("width.wrap-wider", "a wrap one bit too wide", a.wrap_by(1)),
    ProgramClass("width.wrap-saturates", "stops at the limit instead of wrapping", a.wrap_saturates),
    ProgramClass("width.no-clip", "a clip left out", a.first_operand(M.CLIP)),
    ProgramClass("width.clip-high+1", "the upper end of a clip one too high", a.clip_bound(2, 1)),
    ProgramClass("width.clip-high-1", "the upper end of a clip one too low", a.clip_bound(2, -1)),
    ProgramClass("width.clip-low+1", "the lower end of a clip one too high", a.clip_bound(1, 1)),
    ProgramClass(
        "width.clip-low-1", "the lower end of a clip one too low, as of two's complement", a.clip_bound(1, -1)
    ),
    ProgramClass("width.int32", "integers in 32-bit containers overflow", a.in_32_bits),
    ProgramClass("width.f64", "a step computed in f64 and rounded when stored", whole=in_f64, last_bits=True),
    ProgramClass(
        "width.flush", "numbers below the smallest normal f32 become 0 (fast-math)", a.flush, last_bits=True
    ),
)
ORDER = (
    ProgramClass("order.reassociated", "(a + b) + c done as a + (b + c)", a.reassociate, last_bits=True),
    ProgramClass("order.distributed", "a (b + c) done as a b + a c", a.distribute, last_bits=True),
    ProgramClass(
        "order.reciprocal", "a division done as a product with the reciprocal", a.reciprocal, last_bits=True
    ),
    ProgramClass(
        "order.contracted",
        "a product and a sum with one rounding (fused multiply-add)",
        a.contract,
        last_bits=True,
    ),
    ProgramClass("order.fma-split", "a fused multiply-add with two roundings", a.split_fma, last_bits=True),
    ProgramClass("order.stale-state", "a state just moved on is used with its old value", whole=b.stale_states),
)
RESET = (
    ProgramClass("reset.none", "no reset after a spike", b.at_resets(b.no_reset)),
    ProgramClass("reset.zero", "reset to 0, whatever it should be", b.at_resets(b.reset_to_zero)),
    ProgramClass(
        "reset.subtract",
        "the threshold is taken away instead of a reset to a value",
        b.at_resets(b.reset_by_subtraction),
    ),
    ProgramClass("reset.late", "the reset follows one step after the spike", b.at_resets(b.reset_late)),
    ProgramClass(
        "reset.recorded-before",
        "states are recorded before the reset, not after it",
        whole=b.recorded_before_reset,
        states_only=True,
    ),
)
TIME = (
    ProgramClass("time.output-late", "outputs come one step late", whole=b.late_output),
    ProgramClass("time.input-late", "inputs are seen one step late", b.late_input),
    ProgramClass("time.counter-stopped", "step counters of a node stand still", whole=b.no_phase),
    ProgramClass("init.zero", "states start at 0, whatever the program says", whole=b.zero_initial),
)
OPERATION = (
    _swap("operation.add-as-sub", "+ done as -", M.ADD, M.SUB),
    _swap("operation.sub-as-add", "- done as +", M.SUB, M.ADD),
    ProgramClass("operation.sub-swapped", "a - b done as b - a", a.swapped_operands(M.SUB)),
    ProgramClass("operation.mul-dropped", "a * b done as a", a.first_operand(M.MUL)),
    ProgramClass("operation.div-dropped", "a / b done as a", a.first_operand(M.DIV)),
    ProgramClass("operation.floordiv-dropped", "floor(a / b) done as a", a.first_operand(M.FLOORDIV)),
    ProgramClass("operation.neg-dropped", "-a done as a", a.first_operand(M.NEG)),
    ProgramClass("operation.abs-dropped", "|a| done as a", a.first_operand(M.ABS)),
    _swap("operation.min-as-max", "min done as max", M.MIN, M.MAX),
    _swap("operation.max-as-min", "max done as min", M.MAX, M.MIN),
    ProgramClass("operation.shl-dropped", "a shift left left out", a.first_operand(M.SHL)),
    ProgramClass("operation.shr-dropped", "a shift right left out", a.first_operand(M.SHR_TRUNC)),
    _swap("operation.and-as-or", "and done as or", M.AND, M.OR),
    _swap("operation.or-as-and", "or done as and", M.OR, M.AND),
    ProgramClass("operation.not-dropped", "not left out", a.first_operand(M.NOT)),
    ProgramClass("operation.where-swapped", "the branches of where exchanged", a.swapped_operands(M.WHERE)),
    _swap("operation.exp-as-expm1", "exp done as expm1", M.EXP, M.EXPM1),
    _swap("operation.expm1-as-exp", "expm1 done as exp", M.EXPM1, M.EXP),
    _swap("operation.log-as-log1p", "log done as log1p", M.LOG, M.LOG1P),
    _swap("operation.log1p-as-log", "log1p done as log", M.LOG1P, M.LOG),
)
CONSTANT = (
    ProgramClass(
        "constant.plus", "a constant one too large, or the next float", a.constant_plus(1), last_bits=True
    ),
    ProgramClass(
        "constant.minus", "a constant one too small, or the float before it", a.constant_plus(-1), last_bits=True
    ),
)
CLASSES: tuple[ProgramClass, ...] = (*COMPARE, *ROUND, *WIDTH, *ORDER, *RESET, *TIME, *OPERATION, *CONSTANT)
"""Every class of wrong step arithmetic."""
