"""Draws parameters and inputs: grids that land on thresholds, random numbers, and the ends of every range."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from snnhub.ir.microop import COMPARISONS, MicroOp
from snnhub.ir.numtype import F64, NumType, integer
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array

from snnhub_conformance.generate import analog
from snnhub_conformance.generate.pool import Pool, operands

M = MicroOp
Random = np.random.Generator
LARGEST = float(np.finfo(np.float32).max)
GRID = np.arange(-16, 17) / 8
POSITIVE = ("tau", "tau_w", "scale", "k", "delta_T", "a0")
"""Parameters that a network divides by, or whose sign only turns the neuron: drawn above 0."""
FRACTIONS = ("leak", "u_factor", "v_factor", "factor", "cosine", "sine", "alpha", "beta", "beta2", "beta3")
"""Parts kept or lost per step."""
THRESHOLDS = ("threshold",)
"""Divided by, and what a spike takes away: drawn above 0, but scaled down with potentials and currents."""
SHARE_BITS = 5
"""An op of several ports gets its integers out of sums over one wide input (see ``steps.alone``): of at most
16 elements at two ports, which must stay inside the type of the port.
"""
MOODS = ("grid", "random", "ends", "mixed", "tiny")


def draw(program: Program, random: Random, mood: str, steps: int, size: int) -> Pool:
    """A pool of ``size`` elements. Moods: dyadic grids, random numbers, the ends of ranges, grids and numbers
    mixed, numbers around the smallest normal f32, and (``huge``) around the largest and of either sign.
    """
    if analog.is_analog(program):
        return analog.draw(program, random, mood, steps, size)
    if mood == "tiny":
        return _tiny(draw(program, random, "random", steps, size), random)
    if mood == "huge":
        return _huge(draw(program, random, "random", steps, size), random)
    params = {
        slot.name: _wide(_param(slot.name, slot.type, random, mood, size), slot.type, random)
        for slot in program.params
    }
    inputs = {
        slot.name: _wide(_inputs(arriving(program, slot.type), random, mood, (steps, size)), slot.type, random)
        for slot in program.inputs
    }
    return Pool(params, inputs)


def arriving(program: Program, type_: NumType) -> NumType:
    """What cases send to a port of this type: all of it, or less where several ports share one input."""
    if len(program.inputs) == 1 or not type_.is_int:
        return type_
    low, high = type_.range
    return integer(-(-low >> SHARE_BITS), high >> SHARE_BITS)


def _wide(values: Array, type_: NumType, random: Random) -> Array:
    """Where f64 is wanted, numbers that need all its digits (zeros and grid points stay now and then)."""
    if type_ != F64:
        return values
    return values.astype(np.float64) * np.where(
        random.random(values.shape) < 0.7, 1 + random.random(values.shape), 1.0
    )


def _tiny(pool: Pool, random: Random) -> Pool:
    """Everything that is a potential or a current, scaled down until sums and products are subnormal."""
    scale = np.float32(2.0) ** random.integers(-134, -122, pool.size).astype(np.float32)

    def down(name: str, array: Array) -> Array:
        fixed = array.dtype.kind != "f" or name in POSITIVE or name in FRACTIONS
        if name == "scale":
            return (2.0 ** random.integers(118, 128, pool.size)).astype(np.float32)
        return array if fixed else np.asarray(array * scale)

    return Pool(
        {name: down(name, array) for name, array in pool.params.items()},
        {name: down("", array) for name, array in pool.inputs.items()},
    )


def _huge(pool: Pool, random: Random) -> Pool:
    """Some numbers scaled up until sums and products overflow, signs of all kinds, and parameters of 0."""

    def up(array: Array) -> Array:
        if array.dtype.kind != "f":
            return array
        scale = 2.0 ** random.integers(60, 127, pool.size) * random.choice([-1.0, 1.0], pool.size)
        kept = random.random(array.shape) < random.choice([0.0, 0.3, 1.0], pool.size)
        signed = np.where(random.random(pool.size) < 0.5, np.abs(array), array)
        scaled = signed * np.where(kept, scale, np.sign(scale))
        clipped: Array = np.clip(scaled, -LARGEST, LARGEST).astype(array.dtype)
        return clipped

    params = {name: up(array) for name, array in pool.params.items()}
    return Pool(
        {
            name: np.where(random.random(pool.size) < 0.1, 0, array).astype(array.dtype)
            for name, array in params.items()
        },
        {name: up(array) for name, array in pool.inputs.items()},
    )


def cancelled(program: Program, pool: Pool, random: Random) -> Pool:
    """The pool with every parameter that is taken from an input set to that input, in a step chosen at random
    or in all of them. Further inputs that the same parameter is taken from are what it is, in all steps.
    """
    done = set()
    for instr in program.code:
        left, right = (program.code[arg] for arg in instr.args) if instr.op is M.SUB else (instr, instr)
        if left.op is M.INPUT and right.op is M.PARAM and left.type == right.type:
            port = program.inputs[int(left.imm[0])].name
            name = program.params[int(right.imm[0])].name
            sent = pool.inputs[port]
            picked = sent[random.integers(0, pool.steps, pool.size), np.arange(pool.size)]
            held = np.where(random.random(pool.size) < 0.5, picked, sent).astype(sent.dtype)
            if name in done:
                picked = pool.params[name]
                held = np.broadcast_to(picked, sent.shape)
            done.add(name)
            pool = Pool({**pool.params, name: picked}, {**pool.inputs, port: held})
    return pool


def towards_constants(program: Program, pool: Pool, random: Random) -> Pool:
    """The pool with one input of each element moved so that an integer that is compared with a constant comes to
    lie at it, as far as one secant step gets.
    """
    pairs = [
        (instr.args[0], int(program.code[instr.args[1]].imm[0]))
        for instr in program.code
        if instr.op in COMPARISONS
        and program.code[instr.args[1]].op is M.CONST
        and program.code[instr.args[0]].type.is_int
    ]
    port = next((slot for slot in program.inputs if slot.type.is_int), None)
    if not pairs or port is None:
        return pool
    index, constant = pairs[random.integers(0, len(pairs))]
    place = random.integers(0, pool.steps, pool.size), np.arange(pool.size)
    before = operands(program, index, pool)[place]
    nudged = _with_inputs(pool, port.name, place, pool.inputs[port.name][place] + 1)
    slope = operands(program, index, nudged)[place] - before
    distance = constant + random.integers(-1, 2, pool.size) - before
    moved = pool.inputs[port.name][place] + np.where(slope == 0, 0, distance // np.where(slope == 0, 1, slope))
    low, high = arriving(program, port.type).range
    return _with_inputs(pool, port.name, place, np.clip(moved, low, high))


def _with_inputs(pool: Pool, port: str, place: tuple[Array, Array], values: Array) -> Pool:
    array = pool.inputs[port].copy()
    array[place] = values
    return Pool(pool.params, {**pool.inputs, port: array})


def on_thresholds(program: Program, pool: Pool, random: Random) -> Pool:
    """The pool with every parameter that something is compared with set to what is compared with it, in a step
    chosen at random: a backward step from equality.
    """
    if analog.is_analog(program):
        return analog.on_thresholds(program, pool, random)
    for compared, param in _compared(program):
        slot = program.params[param]
        values = operands(program, compared, pool)
        picked = values[random.integers(0, pool.steps, pool.size), np.arange(pool.size)]
        fits = (
            np.isfinite(picked)
            if slot.type.is_float
            else (picked >= slot.type.range[0]) & (picked <= slot.type.range[1])
        )
        own = pool.params[slot.name]
        pool = Pool({**pool.params, slot.name: np.where(fits, picked, own).astype(own.dtype)}, pool.inputs)
    return pool


def _compared(program: Program) -> Iterator[tuple[int, int]]:
    """Instructions that are compared with a parameter, and its number: also as ``x - parameter`` with 0."""
    for instr in program.code:
        if instr.op not in COMPARISONS:
            continue
        index, (left, right) = instr.args[0], (program.code[arg] for arg in instr.args)
        if left.op is M.SUB and right.op is M.CONST and not right.imm[0]:
            index, right = left.args[0], program.code[left.args[1]]
        if right.op is M.PARAM:
            yield index, int(right.imm[0])


def _param(name: str, type_: NumType, random: Random, mood: str, size: int) -> Array:
    if type_.is_int:
        return integers(type_, random, size, mood)
    if mood == "mixed":
        parts = [_param(name, type_, random, other, size) for other in ("grid", "random")]
        return np.where(random.random(size) < 0.5, *parts).astype(np.float32)
    values: Array
    if name in FRACTIONS:
        values = random.integers(0, 9, size) / 8 if mood == "grid" else random.random(size)
    elif name in POSITIVE:
        values = 2.0 ** random.integers(-1, 5, size) if mood == "grid" else 1 + random.gamma(1.0, 3.0, size)
        if mood == "ends":
            values = random.choice([1.0, 1.5, 3.0, 7.0, 100.0, 2.0**20], size)
    elif name in THRESHOLDS:
        values = random.choice([0.25, 0.5, 0.75, 1.0, 3.0], size) if mood == "grid" else 0.05 + random.random(size)
    elif name == "v_threshold":
        values = (
            random.choice([0.25, 0.5, 1.0, 1.0, 2.0, 3.0], size)
            if mood == "grid"
            else random.normal(0.8, 0.5, size)
        )
    else:
        values = random.choice(GRID, size) if mood == "grid" else random.normal(0, 0.7, size)
    if mood == "ends" and name not in POSITIVE:
        values = values * 10.0 ** random.choice([-38, -20, 0, 6], size)
    return values.astype(np.float32)


def _inputs(type_: NumType, random: Random, mood: str, shape: tuple[int, int]) -> Array:
    kept = random.random(shape) < random.choice([0.2, 0.6, 1.0], shape[1])
    if type_.is_int:
        return np.where(kept, integers(type_, random, shape, mood), 0)
    if mood == "mixed":
        mood = str(random.choice(["grid", "random"]))
    if mood == "grid":
        values = random.choice([GRID, np.arange(0, 2), np.arange(0, 9) / 4][random.integers(0, 3)], shape)
    else:
        values = random.normal(0.4, 1.0, shape)
    if mood == "ends":
        values = values * 10.0 ** random.choice([-39, -38, -30, -8, 0, 3, 5, 8, 30], shape[1])
    return np.where(kept, values, 0).astype(np.float32)


def integers(type_: NumType, random: Random, shape: int | tuple[int, int], mood: str) -> Array:
    """Integers of a range: small ones, powers of two and their neighbours, the ends, or anything."""
    low, high = type_.range
    powers = [sign * (2**k + off) for k in range(63) for off in (-1, 0, 1) for sign in (1, -1)]
    corners = np.array([v for v in dict.fromkeys([0, *powers, low, high, low + 1, high - 1]) if low <= v <= high])
    small = np.arange(max(low, -20), min(high, 260) + 1)
    choices: dict[str, Callable[[], Array]] = {
        "grid": lambda: random.choice(small, shape),
        "ends": lambda: random.choice(corners, shape),
        "random": lambda: random.integers(low, high, shape, endpoint=True),
    }
    if mood in choices:
        return choices[mood]().astype(np.int64)
    which = random.random(shape)
    parts = [choice() for choice in choices.values()]
    return np.where(which < 0.4, parts[0], np.where(which < 0.85, parts[1], parts[2])).astype(np.int64)
