"""Metadata of a node: numbers among its parameters, text among its attributes, and back into HDF5."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import prod
from typing import Any

import h5py
import numpy as np
from snnhub.errors import FormatError
from snnhub.ir.continuous import DTYPE, EMPTY, METADATA, TEXTS
from snnhub.ir.graph import Node
from snnhub.ir.tensor import Array, Tensor
from snnhub_formats import hdf5_arrays

Value = Tensor | str


def held(name: str, array: Array) -> Iterator[tuple[str, Value]]:
    """A field of numbers as what a node keeps of it: a tensor, and a word on truth values."""
    if array.dtype.kind == "b":
        yield DTYPE + name, "bool"
        array = array.view(np.uint8)
    yield name, Tensor(array.shape, array.dtype, lambda: array)


def given(node: Node, name: str) -> Array:
    """The numbers of a parameter as the source had them."""
    array = node.param[name].array
    return array.view(np.bool_) if node.attribute.get(DTYPE + name) == "bool" else array


def read(group: h5py.Group, where: str) -> Iterator[tuple[str, Value]]:
    """What a group of metadata holds, by names that tell its kind. Walks nested groups without recursion."""
    pending = [("", group)]
    while pending:
        prefix, inner = pending.pop()
        members = list(inner)
        if not members:
            yield EMPTY + prefix.removesuffix("/"), ""
        for name in members:
            item, path = inner[name], prefix + name
            if isinstance(item, h5py.Group):
                pending.append((f"{path}/", item))
            elif not hdf5_arrays.is_text(item):
                yield from held(METADATA + path, hdf5_arrays.numbers(item, f"{where}/{path}"))
            elif item.shape == ():
                yield METADATA + path, hdf5_arrays.strings(item, f"{where}/{path}")[0]
            else:
                texts = hdf5_arrays.strings(item, f"{where}/{path}")
                yield TEXTS + path, json.dumps({"shape": list(item.shape), "texts": texts})


def leaves(node: Node) -> Iterator[tuple[str, Array | str | None]]:
    """Metadata as they go into a file, by path: an array, a text, or None for an empty group.

    Raises ``FormatError`` for a list of texts that is none.
    """
    for name in node.param:
        if name.startswith(METADATA):
            yield name.removeprefix(METADATA), given(node, name)
    for name, value in node.attributes:
        if name.startswith(METADATA):
            yield name.removeprefix(METADATA), str(value)
        elif name.startswith(TEXTS):
            yield name.removeprefix(TEXTS), _texts(str(value), node.id)
        elif name.startswith(EMPTY):
            yield name.removeprefix(EMPTY), None


def _texts(value: str, where: str) -> Array:
    try:
        document: Any = json.loads(value)
        shape, texts = tuple(document["shape"]), list(document["texts"])
        fits = all(isinstance(text, str) for text in texts) and prod(shape) == len(texts)
    except (ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise FormatError("list of texts in metadata is none", where=where, found=value[:80])
    return np.array(texts, object).reshape(shape)
