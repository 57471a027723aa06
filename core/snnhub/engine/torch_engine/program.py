"""Step programs over tensors: every micro-operation with the meaning of ``snnhub.ir.microop``, in torch.

Containers are those of the reference interpreter: f32, f64, int64 and bool, one rounding per instruction. What
depends on parameters alone is taken from the reference interpreter, which has computed it already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from snnhub.engine import interpreter
from snnhub.engine.exact import fused_multiply_add
from snnhub.engine.torch_engine.home import Home, Tensor, container_of
from snnhub.errors import RunError
from snnhub.ir.code import Instr
from snnhub.ir.microop import TRANSCENDENTAL, MicroOp
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array

M = MicroOp


def _minimum(a: Tensor, b: Tensor) -> Tensor:
    import torch

    return torch.where(a <= b, a, b)


def _maximum(a: Tensor, b: Tensor) -> Tensor:
    import torch

    return torch.where(a >= b, a, b)


def _clip(x: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
    return _minimum(_maximum(x, lo), hi)


def _floor_divide(a: Tensor, b: Tensor) -> Tensor:
    import torch

    return torch.div(a, b, rounding_mode="floor")


def _shr_trunc(x: Tensor, n: Tensor) -> Tensor:
    return (x + ((x >> 63) & ((1 << n) - 1))) >> n


def _shr_round_half_even(x: Tensor, n: Tensor) -> Tensor:
    floor, rest, half = x >> n, x & ((1 << n) - 1), (1 << n) >> 1
    up = (rest > half) | ((rest == half) & (n > 0) & ((floor & 1) == 1))
    return floor + up.to(floor.dtype)


def _fma(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """``a * b + c`` rounded once. f32: the product is exact in f64, its sum is rounded to odd and then to f32.

    f64 goes through the reference engine, since torch has no operation that rounds once.
    """
    import torch

    if a.dtype == torch.float64:
        found = fused_multiply_add(*(np.asarray(value.cpu().numpy()) for value in (a, b, c)))
        return torch.from_numpy(np.ascontiguousarray(found)).to(a.device)
    product, summand = torch.broadcast_tensors(a.double() * b.double(), c.double())
    total = product + summand
    virtual = total - product
    error = (product - (total - virtual)) + (summand - virtual)
    even = (total.contiguous().view(torch.int64) & 1) == 0
    infinity = torch.full_like(total, torch.inf)
    nudged = torch.nextafter(total, torch.where(error > 0, infinity, -infinity))
    return torch.where((error != 0) & even & torch.isfinite(total), nudged, total).float()


@cache
def functions() -> dict[MicroOp, Callable[..., Tensor]]:
    """The torch operation of every micro-operation that needs nothing beyond its operands."""
    import torch

    return {
        M.ADD: torch.add,
        M.SUB: torch.sub,
        M.MUL: torch.mul,
        M.FMA: _fma,
        M.DIV: torch.true_divide,
        M.FLOORDIV: _floor_divide,
        M.NEG: torch.neg,
        M.ABS: torch.abs,
        M.MIN: _minimum,
        M.MAX: _maximum,
        M.CLIP: _clip,
        M.SHL: torch.bitwise_left_shift,
        M.SHR_FLOOR: torch.bitwise_right_shift,
        M.SHR_TRUNC: _shr_trunc,
        M.SHR_ROUND_HALF_EVEN: _shr_round_half_even,
        M.FLOOR: torch.floor,
        M.CEIL: torch.ceil,
        M.TRUNC: torch.trunc,
        M.RINT: torch.round,
        M.EXP: torch.exp,
        M.EXPM1: torch.expm1,
        M.LOG: torch.log,
        M.LOG1P: torch.log1p,
        M.EQ: torch.eq,
        M.LT: torch.lt,
        M.LE: torch.le,
        M.GT: torch.gt,
        M.GE: torch.ge,
        M.AND: torch.logical_and,
        M.OR: torch.logical_or,
        M.NOT: torch.logical_not,
        M.WHERE: torch.where,
    }


def evaluate(instr: Instr, args: list[Tensor], dtype: Any) -> Tensor:
    """The value of one instruction that is not a leaf, in ``dtype``, the container of its type.

    Raises ``RunError`` when a ``check`` fails.
    """
    if instr.op is M.CAST:
        return args[0].to(dtype)
    if instr.op is M.WRAP:
        spare = 64 - int(instr.imm[0])
        return (args[0] << spare) >> spare
    if instr.op is M.CHECK:
        low, high = instr.imm
        if not bool(((args[0] >= low) & (args[0] <= high)).all()):
            interpreter.evaluate(instr, [np.asarray(args[0].cpu().numpy())])
        return args[0]
    if instr.op in TRANSCENDENTAL:
        return functions()[instr.op](args[0].double()).to(dtype)
    result = functions()[instr.op](*args)
    if result.dtype != dtype:
        raise AssertionError(f"{instr.op.value} gave {result.dtype}, not {dtype}")
    return result


class TorchInterpreter:
    """A program bound to its parameters. ``step`` runs it once for tensors (samples, *features)."""

    def __init__(self, program: Program, params: Mapping[str, Array], home: Home) -> None:
        self.program = program
        self.reference = interpreter.Interpreter(program, params)
        self._fixed = {index: home.constant(value) for index, value in self.reference.fixed.items()}
        self._moving = [(index, instr, container_of(instr.type)) for index, instr in self.reference.moving]

    def step(
        self, inputs: Mapping[str, Tensor], states: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], list[Tensor]]:
        """Next states by name, and outputs in program order. Inputs and states have their containers."""
        program, values = self.program, dict(self._fixed)
        for index, instr, dtype in self._moving:
            if instr.op is M.INPUT:
                values[index] = inputs[program.inputs[int(instr.imm[0])].name]
            elif instr.op is M.STATE:
                values[index] = states[program.states[int(instr.imm[0])].name]
            else:
                try:
                    values[index] = evaluate(instr, [values[arg] for arg in instr.args], dtype)
                except RunError as problem:
                    raise interpreter.of_state(problem, program, index) from None
        following = {state.name: values[index] for state, index in zip(program.states, program.next, strict=True)}
        return following, [values[index] for _, index in program.outputs]
