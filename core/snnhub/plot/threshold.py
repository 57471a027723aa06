"""The threshold of a neuron, read from its arithmetic: the number that the membrane potential is compared with."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from snnhub.engine.interpreter import Interpreter
from snnhub.ir.code import Instr
from snnhub.ir.graph import Node
from snnhub.ir.microop import MicroOp
from snnhub.ir.program import Program, cone
from snnhub.ir.tensor import Array

M = MicroOp
COMPARISONS = (M.GE, M.GT, M.LE, M.LT)
MEMBRANES = ("v", "vmem", "v_mem", "mem", "membrane", "voltage")
"""Names of membrane potentials, without a suffix such as ``_out``."""
OUT = "_out"


def membrane_suffix(name: str) -> str | None:
    """What follows the name of a membrane potential (nothing, or ``_out``); None if it is none."""
    stem, suffix = (name.removesuffix(OUT), OUT) if name.endswith(OUT) else (name, "")
    return suffix if stem in MEMBRANES else None


def threshold_of(node: Node, state: str, neurons: int) -> Array | None:
    """The threshold of each of ``neurons`` neurons (f64), in the unit of ``state``; None if no parameter is one.

    In a step program it is what the next value of the state, before its reset, is compared with, worked out from
    parameters alone: a factor or shift of the parameter is in it. In a kernel op it is the parameter
    ``threshold``, or ``threshold_out`` for a state that ends so.
    """
    suffix = membrane_suffix(state)
    if node.program is not None:
        values = _compared(node, node.program, state)
    elif suffix is None or f"threshold{suffix}" not in node.param:
        return None
    else:
        values = node.param[f"threshold{suffix}"].array
    return None if values is None else _spread(values, neurons)


def _spread(values: Array, neurons: int) -> Array | None:
    """One number each. None where parameters broadcast along some axes only: which, the states' shape tells."""
    flat = values.astype(np.float64).reshape(-1)
    return np.full(neurons, flat[0]) if flat.size == 1 else flat if flat.size == neurons else None


def _compared(node: Node, program: Program, state: str) -> Array | None:
    names = [item.name for item in program.states]
    if state not in names:
        return None
    following = program.next[names.index(state)]
    # the value before the reset: h itself where nothing resets it, else a branch of `where`, or what is taken from
    befores = {following, *program.code[following].args}
    fixed = Interpreter(program, {name: tensor.array for name, tensor in node.params}).fixed
    params = {index for index in fixed if _reads_parameter(program, index)}
    roots = [index for _, index in program.outputs]
    found = {
        other
        for instr in _needed(program, roots)
        if instr.op in COMPARISONS
        for value, other in (instr.args, instr.args[::-1])
        if value in befores and value not in fixed and other in params
    }
    return fixed[found.pop()] if len(found) == 1 else None


def _needed(program: Program, roots: Iterable[int]) -> Iterable[Instr]:
    return {id(instr): instr for root in roots for instr in cone(program.code, root)}.values()


def _reads_parameter(program: Program, index: int) -> bool:
    return any(instr.op is M.PARAM for instr in cone(program.code, index))
