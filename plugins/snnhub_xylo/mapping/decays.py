"""Decays to the chip's: a step keeps 1 - 2^-dash of a current or potential, with one of 15 dashes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from snnhub.findings import Finding, error, loss, note
from snnhub.ir.graph import Graph, Node
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.multispike import unrolled
from snnhub.passes.base import PassContext, PassResult, unchanged

from snnhub_xylo.mapping.layers import NEURONS
from snnhub_xylo.mapping.promise import measured

RULES = ("factor", "log2")
MOST = 15
SHORTEST = np.exp(-1.0) * (1 + 1e-6)
"""Factor of a time constant of one step, with room for its rounding to f32. Rockpool's mappers refuse that too."""
"""Registers have 4 bits. Dash 0 takes all in every step."""
DASHES = np.arange(1, MOST + 1)
KEPT = 1.0 - 0.5**DASHES
STEPS = -1.0 / np.log(KEPT)
"""Time constant of each dash, in steps."""


def dash_of(factor: Array, rule: str) -> Array:
    """The dash, 1 to 15, for factors per step; f64 or f32, any shape.

    A factor that is one of the chip's (up to its rounding to f32) gets its dash. Else ``log2``: round(log2(tau /
    dt)), as Rockpool's mapper does; ``factor``: the dash whose time constant has the smallest ratio to the
    wanted one.
    """
    values = np.asarray(factor, np.float64)
    exact = np.isin(values.astype(np.float32), KEPT.astype(np.float32))
    with np.errstate(divide="ignore"):
        steps = np.clip(-1.0 / np.log(values), 1e-9, 1e9)
    if rule == "log2":
        found = np.rint(np.log2(steps))
    else:
        found = DASHES[np.abs(np.log(steps[..., None]) - np.log(STEPS)).argmin(axis=-1)]
    nearest = DASHES[np.abs(values[..., None] - KEPT).argmin(axis=-1)]
    return np.asarray(np.clip(np.where(exact, nearest, found), 1, MOST).astype(np.int64))


def unrounded(factor: Array) -> Array:
    """log2 of the time constant in steps, f64; the dash itself for a factor that is the chip's."""
    values = np.asarray(factor, np.float64)
    own = np.isin(values.astype(np.float32), KEPT.astype(np.float32))
    with np.errstate(divide="ignore"):
        return np.where(own, dash_of(values, "log2"), np.log2(np.clip(-1.0 / np.log(values), 1e-9, 1e9)))


def kept(dash: Array) -> Array:
    """What a step keeps, in f32, exactly."""
    return np.asarray((1.0 - 0.5**dash).astype(np.float32))


def run(graph: Graph, context: PassContext) -> PassResult:
    """Replace every decay by the chip's."""
    rewriter = Rewriter(graph, context.lookup)
    rule = context.options.get("dash", "factor")
    found: list[Finding] = []
    for node in graph.nodes:
        if node.op != NEURONS:
            continue
        found += refusals(node)
        changed = {}
        for name in names_of(node):
            before = node.param[name].array
            after = kept(dash_of(before, rule))
            if (before != after).any():
                changed[name] = tensor(after).described(f"1 - 2^-dash, by rule {rule}")
                found.append(_finding(node, name, before, after))
        rewriter.put(node.with_params(**changed))
    if any(item.severity.value == "error" for item in found):
        return unchanged(graph, context, found)
    result = rewriter.graph()
    return PassResult(result, rewriter.correspondence(), tuple(found), measured(graph, result, context))


def names_of(node: Node) -> tuple[str, ...]:
    """Parameters of a layer that are factors per step."""
    return ("alpha", *unrolled("beta", node.attribute))


def refusals(node: Node) -> Iterator[Finding]:
    """Time constants of at most a step, and factors that are none."""
    for name in names_of(node):
        factor = node.param[name].array.astype(np.float64)
        short = factor <= SHORTEST
        if short.any():
            words = f"{int(short.sum())} time constants are not longer than a step"
            remedy = "Xylo's shortest is 1.44 steps: use a longer time constant or a shorter dt."
            old = f"factor {factor.min():.6g} per step"
            yield error("SNN-2410", f"{node.id}/{name}", words, old=old, remedy=remedy)
        if (growing := factor > 1).any():
            words = f"{int(growing.sum())} factors above 1 grow in every step"
            remedy = "Use factors below 1."
            yield error("SNN-2410", f"{node.id}/{name}", words, old=f"factor {factor.max():.6g}", remedy=remedy)


def _finding(node: Node, name: str, before: Array, after: Array) -> Finding:
    old, new = before.astype(np.float64).ravel(), after.astype(np.float64).ravel()
    worst = int(np.abs(old - new).argmax())
    far = bool((np.abs(np.log(_steps(old)) - np.log(_steps(new))) > np.log(2) / 2).any())
    words = f"{int((old != new).sum())} of {old.size} decays became the chip's"
    bound = f"factor per step off by at most {abs(old[worst] - new[worst]):.3g}"
    if far:
        bound += "; a time constant is off by more than a factor of 1.41"
    make = loss if far else note
    place = f"{node.id}/{name}"
    return make("SNN-2411", place, words, old=f"{old[worst]:.6g}", new=f"{new[worst]:.6g}", bound=bound)


def _steps(factor: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(-1.0 / np.log(factor), 1e-9, 1e9))
