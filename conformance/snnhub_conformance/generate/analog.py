"""Draws for neurons of analog chips: currents of sensible sizes, and thresholds that the membrane just reaches."""

from __future__ import annotations

import numpy as np
from snnhub.ir.microop import MicroOp
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.pool import Pool, operands

M = MicroOp
Random = np.random.Generator
MARK = frozenset({"Ispkthr", "It_mem", "Io"})
"""Parameters by which a program is known to be of this kind."""
NOMINAL = {
    **{
        "f_charge": 3e-3,
        "f_charge_ahp": 0.05,
        "f_charge_gaba": 3e-3,
        "f_charge_nmda": 3e-3,
        "f_charge_shunt": 1e-4,
    },
    **{"r_syn": 100.0, "r_ahp": 4.0, "r_mem": 4.0, "r_gaba": 100.0, "r_nmda": 100.0, "r_shunt": 100.0},
    **{"t_ref": 2e-3, "It_mem": 5e-12, "Ig_mem": 2e-11, "Idc": 1e-12, "Ispkthr": 1e-9, "Iw_ahp": 1e-10},
    **{"Io": 5e-13, "I_init": 5e-13, "Ut": 0.025, "c_tau": 1e-14, "utk": 0.035, "kp": 0.29, "Iscale": 1e-8},
    **{"dt": 1e-3, "If_nmda": 1e-10},
}
KEPT = ("f_discharge", "f_discharge_ahp", "f_discharge_gaba", "f_discharge_nmda", "f_discharge_shunt")
SPREAD = {"grid": 0.0, "random": 1.0, "ends": 3.0, "mixed": 2.0, "tiny": 1.5}
"""Standard deviation of the exponent of 2 by mood."""


def is_analog(program: Program) -> bool:
    """Whether a program computes with currents."""
    return {slot.name for slot in program.params} >= MARK


def draw(program: Program, random: Random, mood: str, steps: int, size: int) -> Pool:
    """A pool of ``size`` neurons. Moods say how far they stray from a nominal one; ``tiny``: weak currents."""
    params = {}
    for slot in program.params:
        if slot.type.is_int:
            params[slot.name] = random.integers(0, 8, size)
            continue
        params[slot.name] = _number(slot.name, random, mood, size).astype(np.float32)
    inputs = {}
    for slot in program.inputs:
        share = random.choice([0.1, 0.4, 1.0], size)
        strength = 2.0 ** random.normal(0, 1.5, size) * (0.02 if mood == "tiny" else 1.0)
        signs = np.where(random.random((steps, size)) < 0.85, 1.0, -1.0)
        values = strength * signs * random.choice([0.25, 0.5, 1.0, 2.0], (steps, size))
        inputs[slot.name] = np.where(random.random((steps, size)) < share, values, 0.0).astype(np.float32)
    return Pool(params, inputs)


def _number(name: str, random: Random, mood: str, size: int) -> Array:
    if name in KEPT:
        return np.asarray(1 - 2.0 ** random.uniform(-7, -0.5, size))
    values = NOMINAL[name] * 2.0 ** (random.normal(0, 1, size) * SPREAD[mood])
    if name == "t_ref":
        return np.where(random.random(size) < 0.3, NOMINAL["dt"] * random.integers(0, 4, size), values)
    if name in ("Io", "I_init") and mood == "ends":
        return np.asarray(values * 10.0 ** random.choice([0, 1, 2], size))
    return np.asarray(values)


def on_thresholds(program: Program, pool: Pool, random: Random) -> Pool:
    """The pool with each threshold that a logarithm compares, log(a / threshold), set to the largest ``a`` up to a
    step chosen at random: there the logarithm is exactly 0, and a last bit more makes a spike.
    """
    for instr in program.code:
        ratio = program.code[instr.args[0]] if instr.op is M.LOG else None
        if ratio is None or ratio.op is not M.DIV or program.code[ratio.args[1]].op is not M.PARAM:
            continue
        slot = program.params[int(program.code[ratio.args[1]].imm[0])]
        if slot.name != "Ispkthr":
            continue
        quiet = Pool({**pool.params, slot.name: np.full(pool.size, 1e30, np.float32)}, pool.inputs)
        values = operands(program, ratio.args[0], quiet)
        last = random.integers(1, pool.steps, pool.size)
        reached = np.where(np.arange(pool.steps)[:, None] < last, values, 0).max(axis=0)
        own = pool.params[slot.name]
        fits = np.isfinite(reached) & (reached > 0)
        pool = Pool({**pool.params, slot.name: np.where(fits, reached, own).astype(own.dtype)}, pool.inputs)
    return pool
