"""Pools whose numbers are moved until two sides of a comparison are equal, or a rounding stands at a tie.

Draws seldom get there where no side is a parameter: a threshold that adapts, a sum of states. One parameter or one
input of each element is moved by secant steps, then by a few of its last bits. Also pools that reach the ends of
f32 with some of their numbers and not with others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from snnhub.ir.microop import COMPARISONS, ROUNDINGS, MicroOp
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.pool import Pool, operands

M = MicroOp
Random = np.random.Generator
SECANTS = 4
LAST_BITS = 2
LARGEST = float(np.finfo(np.float32).max)


def met(program: Program, pool: Pool, random: Random) -> Pool:
    """The pool with one number of each element moved to a place where the program decides. The pool itself where
    it decides nothing by floats.
    """
    with np.errstate(all="ignore"):
        return _met(program, pool, random)


def _met(program: Program, pool: Pool, random: Random) -> Pool:
    sites = [
        (instr.op, instr.args)
        for instr in program.code
        if (instr.op in COMPARISONS and all(program.code[arg].type.is_float for arg in instr.args))
        or instr.op in ROUNDINGS
    ]
    names = [("param", slot.name) for slot in program.params if slot.type.is_float]
    names += [("input", slot.name) for slot in program.inputs if slot.type.is_float]
    if not sites or not names:
        return pool
    op, args = sites[random.integers(len(sites))]
    step = random.integers(0, pool.steps, pool.size)
    name = names[random.integers(len(names))]
    halves = random.integers(-3, 4, pool.size) / 2

    def distance(tried: Pool) -> Array:
        sides = [operands(program, arg, tried)[step, np.arange(pool.size)].astype(np.float64) for arg in args]
        return sides[0] - sides[1] if op in COMPARISONS else sides[0] - halves

    values = _of(pool, name, step)
    before, there = values.astype(np.float64), distance(pool)
    after = before * 1.25 + 0.125 * (before == 0)
    for _ in range(SECANTS):
        here = distance(_with(pool, name, step, after))
        slope = (here - there) / np.where(after == before, 1, after - before)
        moved = after - here / np.where(slope == 0, 1, slope)
        before, there = after, here
        after = np.where(np.isfinite(moved) & (slope != 0) & (abs(moved) < LARGEST), moved, after)
    return _with(pool, name, step, _by_last_bits(after.astype(values.dtype), random))


def _by_last_bits(values: Array, random: Random) -> Array:
    moved = values
    for _ in range(LAST_BITS):
        towards = random.choice([-np.inf, 0, np.inf], values.shape)
        moved = np.where(towards == 0, moved, np.nextafter(moved, towards.astype(values.dtype)))
    return np.where(np.isfinite(moved), moved, values).astype(values.dtype)


def _of(pool: Pool, name: tuple[str, str], step: Array) -> Array:
    kind, key = name
    return pool.params[key] if kind == "param" else pool.inputs[key][step, np.arange(pool.size)]


def _with(pool: Pool, name: tuple[str, str], step: Array, values: Array) -> Pool:
    kind, key = name
    if kind == "param":
        return replace(pool, params={**pool.params, key: values.astype(pool.params[key].dtype)})
    array = pool.inputs[key].copy()
    array[step, np.arange(pool.size)] = values
    return replace(pool, inputs={**pool.inputs, key: array})


def strayed(pool: Pool, random: Random) -> Pool:
    """Every number of an element by itself left alone, scaled to either end of f32, or made 0."""

    def scaled(array: Array, zeros: float) -> Array:
        if array.dtype.kind != "f":
            return array
        small = 2.0 ** random.integers(-149, -110, pool.size)
        large = 2.0 ** random.integers(60, 127, pool.size) * random.choice([-1.0, 1.0], pool.size)
        which = random.random(pool.size)
        factor = np.where(which < 0.25, small, np.where(which < 0.4, large, 1.0))
        found: Array = np.clip(array * np.where(which > 1 - zeros, 0.0, factor), -LARGEST, LARGEST)
        return found.astype(array.dtype)

    return Pool(
        {name: scaled(array, 0.15) for name, array in pool.params.items()},
        {name: scaled(array, 0.0) for name, array in pool.inputs.items()},
    )
