"""A double of samna.dynapse2, made at run time from the documented attributes and nothing else
(``snnhub_dynapse2/samna/attributes.toml``).

As strict as the bindings of a C++ library are: no attribute that is not documented, no value of another type or
beyond its range, fixed lists of exactly so many, synapses and destinations handed over whole, given out as copies.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from snnhub_dynapse2.dac import SCALES
from snnhub_dynapse2.samna.names import WHOLE, Attribute, classes, enums, parameters

NUMBERS = itertools.count()
COARSE = 5
"""Largest coarse value: the attribute is of 8 bits, and the bias generator has six ranges."""


def se2_double(
    without: Sequence[str] = (), extra: Sequence[str] = (), name: str = "", chips: int = 4, **board: Any
) -> ModuleType:
    """A module like samna with ``dynapse2`` in it. ``without``: ``CLASS.attribute``, or names of parameters, that
    it lacks; ``extra``: ones that it has beside those that are documented. ``chips``: of its configuration.
    ``board``: what ``samna_se2_board.add_board`` takes.
    """
    from tests.networks.samna_se2_board import add_board

    samna = _module(name or f"samna_se2_double_{next(NUMBERS)}")
    module = _module(f"{samna.__name__}.dynapse2", samna)
    for enum, members in enums().items():
        kind = type(enum, (), {"__module__": module.__name__})
        for member in members:
            setattr(kind, member, kind())
        setattr(module, enum, kind)
    module.chips, module.kinds = chips, dict[str, type]()  # type: ignore[attr-defined]
    module.names = tuple(sorted({*SCALES, *_others()} - set(without)))  # type: ignore[attr-defined]
    for owner, attributes in reversed(list(classes().items())):  # parts before the whole
        known = {key: item for key, item in attributes.items() if f"{owner}.{key}" not in without}
        for path in extra:
            of, _, key = path.partition(".")
            if of == owner:
                known[key] = Attribute(key, "u8", "", 0, ())
        made = module.kinds[owner] = _class(owner, known, module)
        if owner not in without:
            setattr(module, owner, made)
    add_board(samna, **board)
    return samna


def _others() -> Iterable[str]:
    return itertools.chain.from_iterable(parameters(group) for group in ("delays", "depression", "others"))


def _module(name: str, parent: ModuleType | None = None) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    if parent is not None:
        setattr(parent, name.rpartition(".")[2], module)
    return module


class Parameters:
    """By name; changed where they stand, and none can be added."""

    def __init__(self, module: Any) -> None:
        self._held = {name: module.kinds["Dynapse2Parameter"]() for name in module.names}

    def __getitem__(self, name: str) -> Any:
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)


def _class(name: str, known: dict[str, Attribute], module: ModuleType) -> type:
    places = {key: place for place, key in enumerate(known)}

    def start(self: Any) -> None:
        object.__setattr__(self, "_held", [_initial(attribute, module) for attribute in known.values()])

    def put(self: Any, key: str, value: Any) -> None:
        if key not in known:
            raise AttributeError(f"'{name}' object has no attribute '{key}'")
        self._held[places[key]] = _taken(known[key], value, module)

    body: dict[str, Any] = {"__init__": start, "__setattr__": put, "__slots__": ("_held",)}
    for key, attribute in known.items():
        body[key] = property(_getter(places[key], attribute, module))
    return type(name, (), {**body, "__module__": module.__name__})


def _getter(place: int, attribute: Attribute, module: Any) -> Any:
    if attribute.kind == "values":
        return lambda self: [restored(module.kinds[attribute.of], row) for row in self._held[place]]
    if attribute.kind in ("mask", "vector", "array"):
        return lambda self: list(self._held[place])
    return lambda self: self._held[place]


def restored(kind: Any, row: tuple[Any, ...]) -> Any:
    """An object with these values."""
    made = kind.__new__(kind)
    object.__setattr__(made, "_held", list(row))
    return made


def _initial(attribute: Attribute, module: Any) -> Any:
    kind = attribute.kind
    if kind in ("vector", "array"):
        make = module.kinds[attribute.of]
        return [make() for _ in range(attribute.count or module.chips)]
    if kind == "values":
        return (tuple(module.kinds[attribute.of]()._held),) * attribute.count
    if kind == "object":
        return module.kinds[attribute.of]()
    if kind == "enum":
        return next(iter(members(module, attribute.of).values()))
    if kind == "parameters":
        return Parameters(module)
    return {"bool": False, "mask": (False,) * attribute.count, "opaque": None}.get(kind, 0)


def members(module: Any, enum: str) -> dict[str, Any]:
    """Members of an enum by name."""
    kind = getattr(module, enum)
    return {name: value for name, value in vars(kind).items() if isinstance(value, kind)}


def _taken(attribute: Attribute, value: Any, module: Any) -> Any:
    """The value as it is stored. Raises ``TypeError`` as pybind11 does for what the setter does not take."""
    kind, count = attribute.kind, attribute.count
    if kind in WHOLE:
        low, high = WHOLE[kind]
        high = COARSE if attribute.name == "coarse_value" else high
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
    elif kind == "bool" and isinstance(value, bool | np.bool_):
        return bool(value)
    elif kind == "mask" and isinstance(value, list) and len(value) == count and {type(v) for v in value} <= {bool}:
        return tuple(value)
    elif kind == "enum" and value in members(module, attribute.of).values():
        return value
    elif kind == "values" and isinstance(value, list) and len(value) == count:
        if all(type(item) is module.kinds[attribute.of] for item in value):
            return tuple(tuple(item._held) for item in value)
    elif kind == "object" and type(value) is module.kinds[attribute.of]:
        return restored(type(value), tuple(value._held))
    raise TypeError(f"{attribute.name}(): incompatible function arguments: {value!r:.60}")
