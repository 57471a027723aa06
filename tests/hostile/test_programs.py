"""Programs that were written to make type inference hang, recurse, or take what it must refuse."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from snnhub.errors import ProgramError
from snnhub.ir.code import Code
from snnhub.ir.microop import MicroOp as M
from snnhub.ir.numtype import BOOL, F32, NumType, integer
from snnhub.ir.program import Program, Slot, canonical, validate

I8 = integer(-128, 127)
LENGTH = 9_000
"""Close to the longest program that a file may hold (10,000 instructions)."""
SECONDS = 20.0


@contextmanager
def in_time(seconds: float = SECONDS) -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def program(code: Code, *slots: NumType) -> Program:
    inputs = tuple(Slot(f"x{number}", type_) for number, type_ in enumerate(slots))
    return Program(inputs, (), (), tuple(code.instrs), (), (("y", len(code) - 1),))


def constant(code: Code, value: int) -> int:
    return code.leaf(M.CONST, integer(value, value), value)


def nested_where(code: Code, x: int) -> None:
    """Each branch looks behind the whole chain again, narrowed by one more condition."""
    value = x
    while len(code) < LENGTH:
        limit = constant(code, len(code) % 100)
        condition = code.append(M.GT, (value, limit))
        value = code.append(M.WHERE, (condition, code.append(M.MIN, (value, limit)), value))


def doubled_and(code: Code, x: int) -> None:
    """A = and(a, a): a tree of 2**n comparisons in n instructions."""
    condition = code.append(M.GT, (x, constant(code, 3)))
    for _ in range(200):
        condition = code.append(M.AND, (condition, condition))
    code.append(M.WHERE, (condition, x, constant(code, 0)))


def deep_not(code: Code, x: int) -> None:
    condition = code.append(M.GT, (x, constant(code, 3)))
    while len(code) < LENGTH:
        condition = code.append(M.NOT, (condition,))
    code.append(M.WHERE, (condition, x, constant(code, 0)))


def deep_and(code: Code, x: int) -> None:
    zero = constant(code, 0)
    condition = code.append(M.GT, (x, zero))
    while len(code) < LENGTH:
        condition = code.append(M.AND, (condition, code.append(M.GT, (x, zero))))
    code.append(M.WHERE, (condition, x, zero))


def where_of_where(code: Code, x: int) -> None:
    """where(c, where(c, where(c, …))): every level narrows the level below."""
    zero = constant(code, 0)
    value = x
    while len(code) < LENGTH:
        value = code.append(M.WHERE, (code.append(M.GT, (x, zero)), value, value))


def long_cone(code: Code, x: int) -> None:
    """Thousands of conditions over one long chain: each wants the whole chain narrowed."""
    value = x
    for _ in range(LENGTH // 2):
        value = code.append(M.CLIP, (value, x, x))
    zero = constant(code, 0)
    condition = code.append(M.GT, (x, zero))
    while len(code) < LENGTH:
        code.append(M.WHERE, (condition, value, zero))
    code.append(M.ADD, (value, zero))


@pytest.mark.parametrize("build", [nested_where, doubled_and, deep_not, deep_and, where_of_where, long_cone])
def test_inference_ends(build: Callable[[Code, int], None]) -> None:
    with in_time():
        code = Code()
        build(code, code.leaf(M.INPUT, I8, 0))
        made = program(code, I8)
        validate(made)
        canonical(made)


def test_doubling_leaves_64_bits_at_once() -> None:
    code = Code()
    value = code.leaf(M.INPUT, I8, 0)
    for _ in range(3):
        value = code.append(M.MUL, (value, value))
    with pytest.raises(ProgramError):
        code.append(M.MUL, (value, value))


@pytest.mark.parametrize(
    ("op", "types", "imm"),
    [
        (M.FLOORDIV, (I8, I8), ()),
        (M.FLOORDIV, (I8, integer(0, 0)), ()),
        (M.DIV, (I8, I8), ()),
        (M.SHL, (I8, integer(0, 64)), ()),
        (M.SHR_FLOOR, (I8, I8), ()),
        (M.WRAP, (I8,), (1,)),
        (M.WRAP, (I8,), (65,)),
        (M.WRAP, (I8,), (True,)),
        (M.WRAP, (I8,), (2**70,)),
        (M.WRAP, (F32,), (8,)),
        (M.ADD, (I8, F32), ()),
        (M.ADD, (BOOL, BOOL), ()),
        (M.ADD, (I8,), ()),
        (M.ADD, (I8, I8, I8), ()),
        (M.AND, (I8, I8), ()),
        (M.WHERE, (I8, I8, I8), ()),
        (M.WHERE, (BOOL, I8, F32), ()),
        (M.EXP, (I8,), ()),
        (M.CAST, (I8,), ("object",)),
        (M.CAST, (F32,), ("int",)),
        (M.CHECK, (I8,), (5, 1)),
        (M.CHECK, (I8,), (0.5, 1.5)),
        (M.CHECK, (I8,), (200, 300)),
        (M.CHECK, (F32,), (float("nan"), 1.0)),
        (M.MUL, (integer(-(2**63), 2**63 - 1), I8), ()),
    ],
)
def test_operands_that_are_refused(op: M, types: tuple[NumType, ...], imm: tuple[int | float | str, ...]) -> None:
    code = Code()
    arguments = tuple(code.leaf(M.INPUT, type_, number) for number, type_ in enumerate(types))
    with pytest.raises(ProgramError):
        code.append(op, arguments, imm)


def test_forward_references_are_refused() -> None:
    code = Code()
    code.leaf(M.INPUT, I8, 0)
    for arguments in ((0, 1), (0, 7), (-1, 0)):
        with pytest.raises(ProgramError, match="earlier"):
            code.append(M.ADD, arguments)
