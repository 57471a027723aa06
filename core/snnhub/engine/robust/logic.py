"""Comparisons, conditions and choices: where a radius decides whether every order takes the same branch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnhub.engine.exact import F64
from snnhub.engine.robust.form import Form, combined, distance, flat
from snnhub.engine.robust.rounding import PAD, known
from snnhub.engine.robust.rules import Roots
from snnhub.ir.code import Instr
from snnhub.ir.microop import MicroOp
from snnhub.ir.tensor import Array

M = MicroOp


@dataclass(frozen=True)
class Margin:
    """How far apart the two sides of a comparison are, and how far any order may move their difference."""

    margin: Array
    bound: Array

    @property
    def ratio(self) -> F64:
        """Margin over bound: above 1 the outcome is certain. Infinity where the bound is 0."""
        return np.where(self.bound == 0, np.inf, self.margin / np.where(self.bound == 0, 1.0, self.bound))


def compare(value: Array, a: Form, b: Form, roots: Roots) -> tuple[Form, Margin]:
    """A comparison of numbers. Its outcome is in doubt where the difference may change by as much as it is."""
    if a.value.dtype == np.bool_:
        doubt = np.asarray(a.doubt | b.doubt)
        return _condition(value, doubt), Margin(np.where(doubt, 0.0, 1.0), doubt.astype(np.float64))
    margin = np.abs(a.wide - b.wide)
    if a.slopes and b.slopes:
        slopes = combined(a.slopes, b.slopes, 1.0, -1.0)
        bound = (distance(slopes, roots) + a.slack + b.slack) * PAD
    else:
        bound = np.asarray((a.doubt + b.doubt) * PAD)
    bound = known(bound)
    doubt = ~((bound == 0) | (margin > bound))
    return _condition(value, doubt), Margin(margin, bound)


def conjunction(instr: Instr, value: Array, args: list[Form]) -> Form:
    """And, or, not: in doubt unless one side that is certain decides."""
    sure = [arg.value & ~arg.doubt for arg in args]
    possible = [arg.value | arg.doubt for arg in args]
    if instr.op is M.NOT:
        return _condition(value, args[0].doubt)
    if instr.op is M.AND:
        return _condition(value, possible[0] & possible[1] & ~(sure[0] & sure[1]))
    return _condition(value, (possible[0] | possible[1]) & ~(sure[0] | sure[1]))


def choose(value: Array, condition: Form, a: Form, b: Form) -> Form:
    """Where the condition is certain, the branch that it takes. Where not, both branches are possible."""
    if value.dtype == np.bool_:
        doubt = np.where(condition.value, a.doubt, b.doubt)
        both = (a.value != b.value) | a.doubt | b.doubt
        return _condition(value, np.where(condition.doubt, both, doubt))
    taken = np.where(condition.value, a.doubt, b.doubt)
    unsure = condition.doubt
    if not unsure.any():
        slopes = {
            root: np.where(condition.value, a.slopes.get(root, 0.0), b.slopes.get(root, 0.0))
            for root in {*a.slopes, *b.slopes}
        }
        slack = np.where(condition.value, a.slack, b.slack)
        return Form(value, taken, slopes, slack) if taken.any() else Form(value)
    apart = np.abs(a.wide - b.wide) * PAD
    other = np.where(condition.value, b.doubt, a.doubt)
    return flat(value, np.where(unsure, np.maximum(taken, known((apart + other) * PAD)), taken))


def _condition(value: Array, doubt: Array) -> Form:
    doubt = np.asarray(doubt, bool)
    return Form(value, np.broadcast_to(doubt, value.shape)) if doubt.any() else Form(value)
