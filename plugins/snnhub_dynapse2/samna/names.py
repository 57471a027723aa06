"""Names and types of samna's attributes for Dynap-SE2, from ``attributes.toml``, which has the source of each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from snnhub_dynapse2.limits import HOP, TAGS

FILE = Path(__file__).with_name("attributes.toml")
ROOT, SYNAPSE, DESTINATION, EVENT = (
    *("Dynapse2Configuration", "Dynapse2Synapse"),
    *("Dynapse2Destination", "NormalGridEvent"),
)
LATCH = "latch_"
WHOLE = {"u8": (0, 2**8 - 1), "u32": (0, 2**32 - 1), "tag": (0, TAGS - 1), "hop": (-HOP, HOP)}
"""Ranges of the types that are whole numbers."""
MANY = ("vector", "array", "values")


@dataclass(frozen=True)
class Attribute:
    """``kind``: bool, mask, enum, vector, array, values, parameters, object, opaque, or a key of ``WHOLE``;
    ``count``: how many where that is fixed; ``of``: the class or enum.
    """

    name: str
    kind: str
    of: str
    count: int
    sources: tuple[str, ...]


Class = Mapping[str, Attribute]


@cache
def classes() -> Mapping[str, Class]:
    """Attributes by class and name."""
    return {
        name: {key: _attribute(key, row) for key, row in table.items()}
        for name, table in _data()["classes"].items()
    }


@cache
def enums() -> Mapping[str, tuple[str, ...]]:
    """Members by enum."""
    return {name: tuple(members) for name, members in _data()["enums"].items()}


@cache
def sources() -> Mapping[str, str]:
    """What the keys of ``Attribute.sources`` stand for."""
    return dict(_data()["sources"])


@cache
def parameters(group: str) -> tuple[str, ...]:
    """Parameters of a core that no file sets: ``delays``, ``delays_in_rockpool``, ``depression``, ``others``."""
    return tuple(_data()["parameters"][group])


def latches() -> tuple[str, ...]:
    """Switches of a neuron, as samna calls them."""
    return tuple(name for name in classes()["Dynapse2Neuron"] if name.startswith(LATCH))


def leaves(name: str = ROOT, prefix: str = "") -> Iterator[tuple[str, Attribute]]:
    """Every attribute of a configuration that is no object, by path: ``chips[].cores[].neurons[].latch_so_dc``."""
    for key, attribute in classes()[name].items():
        if attribute.kind in MANY:
            yield from leaves(attribute.of, f"{prefix}{key}[].")
        else:
            yield prefix + key, attribute


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def _attribute(name: str, row: Mapping[str, Any]) -> Attribute:
    kind, *rest = row["type"].split()
    count = int(rest.pop(0)) if kind in ("array", "values", "mask") else 0
    if kind not in WHOLE and kind not in (*MANY, "bool", "mask", "enum", "parameters", "opaque"):
        return Attribute(name, "object", kind, 0, tuple(row["from"]))
    return Attribute(name, kind, rest[0] if rest else "", count, tuple(row["from"]))
