"""What a profile makes of one node: an op with attributes and parameters, and the words for what it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from snnhub.findings import Finding, loss, note
from snnhub.ir.graph import AttributeValue
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array, Tensor, tensor

from snnhub_profiles.source import Item

IGNORED, OTHERWISE, REPLACED = "SNN-2601", "SNN-2602", "SNN-2603"
ROUNDED = "SNN-2608"


@dataclass(frozen=True)
class Op:
    """One op with one input ``x``. ``program``: of an op that is not registered. ``wide``: what it is in a network
    whose potentials may be NaN or infinite, or whose counts have no bound. ``beside``: an op that gets the same
    input, and whose output is added: weights that are NaN or infinite. ``feedback``: an op on the output, which
    is added to the input of the next step.
    """

    op: str
    params: Mapping[str, Tensor] = field(default_factory=dict)
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    program: Program | None = None
    wide: Op | None = None
    beside: Op | None = None
    feedback: Op | None = None


@dataclass(frozen=True)
class Layer:
    """The ops of a node, one after the other (the last has its id); none passes on what arrives."""

    ops: tuple[Op, ...] = ()
    findings: tuple[Finding, ...] = ()


def layer(
    name: str, params: Mapping[str, Tensor], findings: Sequence[Finding] = (), **attributes: AttributeValue
) -> Layer:
    """A node of one op."""
    return Layer((Op(name, params, attributes),), tuple(findings))


def number(values: Array | float, recipe: str, dtype: str = "float32") -> Tensor:
    """A coefficient with its recipe. ``recipe`` names the precision of every operation but the last rounding."""
    array = np.asarray(values)
    rounded = f"{recipe}, rounded to {dtype}" if array.dtype != np.dtype(dtype) else recipe
    with np.errstate(over="ignore"):
        return tensor(array.astype(dtype)).described(rounded)


def ignored(item: Item, name: str, neutral: float) -> list[Finding]:
    """A loss where a field that a profile ignores is not neutral."""
    values = item[name]
    if bool(np.all(values == neutral)):
        return []
    return [loss(IGNORED, f"{item.id}/{name}", f"{name} is ignored", old=spread(values), new=f"{neutral:g}")]


def otherwise(item: Item, name: str, message: str, old: str = "", new: str = "") -> Finding:
    """A loss: a field is taken for something else than NIR's text says."""
    return loss(OTHERWISE, f"{item.id}/{name}", message, old=old, new=new)


def replaced(item: Item, message: str, old: str = "", new: str = "") -> Finding:
    """A loss: the neuron computes something else than NIR's text says."""
    return loss(REPLACED, item.id, message, old=old, new=new)


def spread(values: Array) -> str:
    """One number, or the least and the largest."""
    low, high = np.min(values), np.max(values)
    return f"{low:g}" if low == high else f"{low:g} .. {high:g}"


def weights(item: Item, dtype: str = "float32") -> tuple[dict[str, Tensor], list[Finding]]:
    """Weight and bias in the profile's precision, with a note where that rounds them."""
    made, found = {}, []
    for name in ("weight", "bias"):
        if name not in item.fields:
            continue
        values = item[name]
        recipe = (
            "as in the file"
            if values.dtype == np.dtype(dtype)
            else f"{values.dtype} of the file rounded to {dtype}"
        )
        with np.errstate(over="ignore"):  # what overflows is refused with its place
            made[name] = tensor(values.astype(dtype)).described(recipe)
        if not np.array_equal(made[name].array.astype(values.dtype), values, equal_nan=values.dtype.kind == "f"):
            found.append(
                note(
                    ROUNDED,
                    f"{item.id}/{name}",
                    f"{name} rounded to {dtype}",
                    bound="half a unit in the last place",
                )
            )
    return made, found
