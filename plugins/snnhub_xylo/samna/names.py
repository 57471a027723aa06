"""Names and types of samna's configuration attributes, from ``attributes.toml``, which says where each comes
from.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from snnhub_xylo.families import FAMILIES

FILE = Path(__file__).with_name("attributes.toml")
WHOLE = {
    "u4": (0, 15),
    "u8": (0, 2**8 - 1),
    "u16": (0, 2**16 - 1),
    "u32": (0, 2**32 - 1),
    "i8": (-(2**7), 2**7 - 1),
    "i16": (-(2**15), 2**15 - 1),
}
"""Ranges of the types that are whole numbers."""


@dataclass(frozen=True)
class Attribute:
    """``kind``: bool, matrix, list, maybe, enum, four, opaque, object, or a key of ``WHOLE``; ``of``: what the
    list, option or enum is of, or the class of the object. ``default`` is that of the public JSON, None if it
    has none.
    """

    name: str
    kind: str
    of: str
    sources: tuple[str, ...]
    json: str
    default: Any
    absent_is_fine: bool


Class = Mapping[str, Attribute]


@dataclass(frozen=True)
class Names:
    """What is documented of one family. ``module``: samna's; ``board``: device type of its test board."""

    family: str
    module: str
    board: str
    configuration: str
    classes: Mapping[str, Class]
    enums: Mapping[str, tuple[str, ...]]

    @property
    def root(self) -> Class:
        """The class of a whole configuration."""
        return self.classes[self.configuration]

    @property
    def hidden(self) -> str:
        """The attribute that holds the hidden neurons: ``reservoir`` or ``hidden``."""
        return "reservoir" if "reservoir" in self.root else "hidden"

    def leaves(self, class_name: str = "", prefix: str = "") -> Iterator[tuple[str, Attribute]]:
        """Every attribute that is no object itself, by path: ``hidden.weights``,
        ``readout.neurons[].threshold``.
        """
        for name, attribute in self.classes[class_name or self.configuration].items():
            if attribute.kind == "object":
                yield from self.leaves(attribute.of, f"{prefix}{name}.")
            elif attribute.kind == "list":
                yield from self.leaves(attribute.of, f"{prefix}{name}[].")
            else:
                yield prefix + name, attribute


@cache
def names_of(family: str) -> Names:
    """The attributes of a family, ``xylo-a2`` say. Raises ``KeyError`` for one that does not exist."""
    data = _data()[FAMILIES[family].name]
    classes = {key: _class(value) for key, value in data.items() if isinstance(value, dict) and key != "enums"}
    enums = {key: tuple(value) for key, value in data["enums"].items()}
    return Names(family, data["module"], data["board"], data["configuration"], classes, enums)


@cache
def sources() -> Mapping[str, str]:
    """What the keys of ``Attribute.sources`` stand for."""
    return dict(_data()["sources"])


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def _class(table: Mapping[str, Any]) -> Class:
    return {name: _attribute(name, row) for name, row in table.items()}


def _attribute(name: str, row: Mapping[str, Any]) -> Attribute:
    first, _, rest = row["type"].partition(" ")
    simple = first in WHOLE or first in ("bool", "matrix", "list", "maybe", "enum", "four", "opaque")
    kind, of = (first, rest) if simple else ("object", first)
    absent = bool(row.get("absent_is_fine", False))
    return Attribute(
        name, kind, of, tuple(row["from"]), row.get("json") or camel(name), row.get("default"), absent
    )


def camel(name: str) -> str:
    """A name as samna's JSON writes it: ``v_mem_decay`` is ``vMemDecay``."""
    first, *others = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in others)
