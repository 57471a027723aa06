"""A double of samna, made at run time from the documented attributes and nothing else
(``snnhub_xylo/samna/attributes.toml``).

It is as strict as the bindings of a C++ library are: no attribute that is not documented, no value of another
type or beyond its range, lists of neurons and matrices are handed over whole and come back as copies, so that
changing what came back changes nothing. A board in it computes what its configuration says by
``snnhub_xylo.definition``: flags that are off switch their numbers off, and without accelerated mode nothing is
computed.
"""

from __future__ import annotations

import copy
import itertools
import sys
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from snnhub_xylo.families import FAMILIES
from snnhub_xylo.samna.names import WHOLE, Attribute, Names, names_of

NUMBERS = itertools.count()


def samna_double(
    without: Sequence[str] = (), extra: Sequence[str] = (), name: str = "", families: Iterable[str] = FAMILIES
) -> ModuleType:
    """A module like samna. ``without``: ``CLASS.attribute`` that it lacks; ``extra``: ones that it has beside
    those that are documented. ``name``: of the module, which is registered under it.
    """
    from tests.networks.samna_board_double import add_boards

    samna = _module(name or f"samna_double_{next(NUMBERS)}")
    for family in families:
        names = names_of(family)
        module = _module(f"{samna.__name__}.{names.module}", samna)
        for enum, members in names.enums.items():
            kind = type(enum, (), {"__module__": module.__name__})
            for member in members:
                setattr(kind, member, kind())
            setattr(module, enum, kind)
        _configuration(module, names, without, extra)
    add_boards(samna, families)
    return samna


def _module(name: str, parent: ModuleType | None = None) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    if parent is not None:
        setattr(parent, name.rpartition(".")[2], module)
    return module


def _configuration(module: ModuleType, names: Names, without: Sequence[str], extra: Sequence[str]) -> None:
    inner = _module(f"{module.__name__}.configuration", module)
    classes: dict[str, type] = {}
    for class_name in reversed(list(names.classes)):  # parts before the whole
        known = {
            name: attribute
            for name, attribute in names.classes[class_name].items()
            if f"{class_name}.{name}" not in without
        }
        for path in extra:
            owner, _, name = path.partition(".")
            if owner == class_name:
                known[name] = Attribute(name, "u8", "", (), name, None, absent_is_fine=False)
        classes[class_name] = _class(class_name, known, classes, module)
        setattr(inner, class_name, classes[class_name])
    for made in classes.values():
        made.__module__ = inner.__name__


def _class(name: str, known: dict[str, Attribute], classes: dict[str, type], module: ModuleType) -> type:
    def start(self: Any) -> None:
        held = {key: _initial(attribute, classes, module) for key, attribute in known.items()}
        object.__setattr__(self, "_held", held)

    def refuse(self: Any, key: str, value: Any) -> None:
        if key not in known:
            raise AttributeError(f"'{name}' object has no attribute '{key}'")
        object.__setattr__(self, key, value)

    body: dict[str, Any] = {"__init__": start, "__setattr__": refuse}
    for key, attribute in known.items():
        body[key] = _property(key, attribute, classes, module)
    return type(name, (), body)


def _property(key: str, attribute: Attribute, classes: dict[str, type], module: ModuleType) -> property:
    by_reference = attribute.kind in ("object", "enum")

    def get(self: Any) -> Any:
        value = self._held[key]
        return value if by_reference else copy.deepcopy(value)

    def put(self: Any, value: Any) -> None:
        self._held[key] = _taken(attribute, value, classes, module)

    return property(get, put)


def _initial(attribute: Attribute, classes: dict[str, type], module: ModuleType) -> Any:
    if attribute.kind == "object":
        return classes[attribute.of]()
    if attribute.kind == "enum":
        return next(iter(_members(module, attribute.of)))
    fixed: dict[str, Callable[[], Any]] = {
        "bool": bool,
        "list": list,
        "matrix": lambda: np.zeros((0, 0), np.int8),
        "four": lambda: [0] * 4,
    }
    return fixed[attribute.kind]() if attribute.kind in fixed else (0 if attribute.kind in WHOLE else None)


def _members(module: ModuleType, enum: str) -> list[Any]:
    kind = getattr(module, enum)
    return [value for value in vars(kind).values() if isinstance(value, kind)]


def _taken(attribute: Attribute, value: Any, classes: dict[str, type], module: ModuleType) -> Any:
    """The value as it is stored. Raises ``TypeError`` as pybind11 does for what the setter does not take."""
    kind = attribute.kind
    if kind == "maybe" and value is None:
        return None
    if kind in WHOLE or (kind == "maybe" and attribute.of in WHOLE):
        return _whole(value, *WHOLE[kind if kind in WHOLE else attribute.of])
    if kind == "bool" and isinstance(value, bool | np.bool_):
        return bool(value)
    if kind == "matrix":
        rows = [list(row) for row in value]
        if len({len(row) for row in rows}) == 1:
            return np.array([[_whole(number, *WHOLE["i8"]) for number in row] for row in rows], np.int8)
    if kind == "list" and isinstance(value, list) and all(type(item) is classes[attribute.of] for item in value):
        return copy.deepcopy(value)
    if kind == "enum" and value in _members(module, attribute.of):
        return value
    if kind == "object" and type(value) is classes[attribute.of]:
        return value
    if kind == "four" and isinstance(value, list) and len(value) == 4:
        return [_whole(number, *WHOLE["u32"]) for number in value]
    raise TypeError(f"{attribute.name}(): incompatible function arguments: {value!r:.60}")


def _whole(value: Any, low: int, high: int) -> int:
    if not isinstance(value, int | np.integer) or not low <= value <= high:
        raise TypeError(f"incompatible function arguments: {value!r:.60}")
    return int(value)
