"""Recorded quantities with named axes, time first; and two of them brought to the same axes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snnhub.errors import UsageError
from snnhub.findings import Finding, info, loss
from snnhub.ir.tensor import Array

TIME, BATCH, NEURON = "time", "batch", "neuron"
SYNONYMS = {
    "t": TIME,
    "step": TIME,
    "steps": TIME,
    "sample": BATCH,
    "samples": BATCH,
    "neurons": NEURON,
    "n": NEURON,
}


@dataclass(frozen=True)
class Quantity:
    """``values`` (time, batch if there is one, the rest in file order). ``said``: somebody stated the axes, they
    were not taken by the rule that time comes first.
    """

    name: str
    values: Array
    axes: tuple[str, ...]
    said: bool = False


def axis_names(text: str) -> tuple[str, ...]:
    """``time,neuron`` as names. Raises ``UsageError`` unless they differ and time is among them."""
    names = tuple(SYNONYMS.get(part.strip().lower(), part.strip().lower()) for part in text.split(","))
    if TIME not in names or len(set(names)) != len(names) or not all(names):
        raise UsageError(
            "axes are names, time among them",
            found=text,
            allowed="time,neuron or time,batch,neuron or neuron,time",
        )
    return names


def with_axes(name: str, array: Array, axes: tuple[str, ...], where: str) -> tuple[Quantity, Finding | None]:
    """A quantity whose axes are ``axes`` if it has as many, else time first. Also what was turned round."""
    said = len(axes) == array.ndim
    if array.ndim == 0:
        array = array.reshape(1)
    if not said:
        rest = (NEURON,) if array.ndim == 2 else tuple(f"axis{i}" for i in range(1, array.ndim))
        return Quantity(name, array, (TIME, *rest), array.ndim == 1), None
    order = sorted(range(len(axes)), key=lambda i: (axes[i] != TIME, axes[i] != BATCH, i))
    quantity = Quantity(name, array.transpose(order), tuple(axes[i] for i in order), True)
    if order == list(range(len(axes))):
        return quantity, None
    message = "turned round, as its axes say"
    return quantity, info("SNN-5102", f"{where}:{name}", message, old=",".join(axes), new=",".join(quantity.axes))


def same_axes(a: Quantity, b: Quantity, files: tuple[str, str]) -> tuple[Quantity, Quantity, list[Finding], str]:
    """Both with the axes of ``a``; findings; and a problem in words if they cannot be brought together."""
    if a.said and b.said and set(a.axes) == set(b.axes) and a.axes != b.axes:
        b = replace(b, values=b.values.transpose([b.axes.index(axis) for axis in a.axes]), axes=a.axes)
    if a.values.shape[1:] == b.values.shape[1:]:
        return a, b, _square(a, b, files), ""
    if b.values.ndim == 2 and not b.said and _is_turned(b, a):
        return a, _turned(b), [_noticed(b, a, files[1], files[0])], ""
    if a.values.ndim == 2 and not a.said and _is_turned(a, b):
        return _turned(a), b, [_noticed(a, b, files[0], files[1])], ""
    if _size(a) == _size(b):
        message = f"the same elements in another shape: {list(b.values.shape[1:])} read row by row"
        note = info("SNN-5101", f"{files[1]}:{b.name}", message, new=str(list(a.values.shape[1:])))
        shaped = b.values.reshape(b.values.shape[0], *a.values.shape[1:])
        return a, replace(b, values=shaped, axes=a.axes), [note], ""
    shapes = (f"{quantity.name} {_words(quantity)}" for quantity in (a, b))
    return a, b, [], " and ".join(shapes) + " cannot be compared"


def _size(quantity: Quantity) -> int:
    return int(np.prod(quantity.values.shape[1:]))


def _is_turned(quantity: Quantity, other: Quantity) -> bool:
    """Whether the first axis of a raster is as long as the neurons of the other, and its second is not."""
    return other.values.ndim == 2 and quantity.values.shape[0] == other.values.shape[1]


def _turned(quantity: Quantity) -> Quantity:
    return replace(quantity, values=quantity.values.T)


def _noticed(turned: Quantity, other: Quantity, file: str, other_file: str) -> Finding:
    why = "which says that time is its first axis" if other.said else "of which time is taken to be the first axis"
    return loss(
        "SNN-5102",
        f"{file}:{turned.name}",
        f"read as neurons x time, since it then fits {other_file}, {why}",
        old=str(list(turned.values.shape)),
        new=str(list(turned.values.T.shape)),
        remedy=f"Say so: --axes {file}=neuron,time",
    )


def _square(a: Quantity, b: Quantity, files: tuple[str, str]) -> list[Finding]:
    """A raster as wide as long cannot be told from its transpose by shape; that they are equal turned is said."""
    square = a.values.ndim == 2 and a.values.shape == b.values.shape and a.values.shape[0] == a.values.shape[1]
    if not square or (a.said and b.said) or a.values.shape[0] < 2 or not a.values.any():
        return []
    if np.array_equal(a.values, b.values) or not np.array_equal(a.values, b.values.T):
        return []
    message = "as wide as long, and equal to the other recording if it is turned round; it was not turned"
    return [loss("SNN-5102", f"{files[1]}:{b.name}", message, remedy=f"Pass --axes {files[1]}=neuron,time")]


def _words(quantity: Quantity) -> str:
    sizes = zip(quantity.axes, quantity.values.shape, strict=True)
    return "(" + ", ".join(f"{axis} {size}" for axis, size in sizes) + ")"
