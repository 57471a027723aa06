"""Names in written code: attributes and containers by node ids, so that module paths are the ids again."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

TAKEN = {
    *("apply", "bfloat16", "buffers", "children", "compile", "cpu", "cuda", "double", "dump_patches", "eval"),
    *(
        "float",
        "forward",
        "half",
        "keys",
        "items",
        "values",
        "pop",
        "clear",
        "update",
        "load_state_dict",
        "modules",
    ),
    *("named_buffers", "named_children", "parameters", "share_memory", "state_dict", "to", "train", "training"),
    *("modules", "type"),
}
"""Attributes that torch's modules have already."""
LOCALS = frozenset(("x", "self", "step", "outputs", "torch", "nn", "snn", "range"))
"""Names that the written ``forward`` uses itself."""


@dataclass
class Tree:
    """Modules by id: ``lines`` that make them, and how each is called."""

    lines: list[str] = field(default_factory=list)
    called: dict[str, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    """Keys of the state by id, without the name of a number."""


def tree(calls: Mapping[str, str]) -> Tree:
    """``calls``: constructors by node id, in order. Ids with slashes stand in containers."""
    made = Tree()
    parts = {name: _parts(name, calls) for name in calls}
    done: set[str] = set()
    for name, path in parts.items():
        first = path[0]
        if first in done:
            continue
        done.add(first)
        inside = {other: tuple(way[1:]) for other, way in parts.items() if way[0] == first}
        text = calls[name] if len(path) == 1 else _container(inside, calls, 2)
        plain = first.isidentifier() and not keyword.iskeyword(first)
        made.lines.append(f"self.{first} = {text}" if plain else f"self.add_module({json.dumps(first)}, {text})")
        start = f"self.{first}" if plain else f"self.get_submodule({json.dumps(first)})"
        for other, way in inside.items():
            made.called[other] = start + "".join(f"[{json.dumps(part)}]" for part in way)
            made.paths[other] = ".".join((first, *way))
    return made


def _parts(name: str, names: Iterable[str]) -> list[str]:
    """The path of a module: its id's, unless a part of that is a module itself or a name that torch has."""
    parts = [re.sub(r"[^\w-]", "_", part) or "_" for part in name.split("/")]
    parts = [f"{part}_" if part in TAKEN else part for part in parts]
    if any(name.startswith(f"{other}/") for other in names):
        return ["_".join(parts)]
    return parts


def _container(inside: Mapping[str, tuple[str, ...]], calls: Mapping[str, str], depth: int) -> str:
    pad = "    " * (depth + 1)
    lines, done = [], set()
    for name, path in inside.items():
        if path[0] in done:
            continue
        done.add(path[0])
        deeper = {other: way[1:] for other, way in inside.items() if way[0] == path[0]}
        text = calls[name] if len(path) == 1 else _container(deeper, calls, depth + 1)
        lines.append(f"{pad}{json.dumps(path[0])}: {text},")
    return "\n".join(["nn.ModuleDict({", *lines, "    " * depth + "})"])


def variables(names: Sequence[str]) -> dict[str, str]:
    """A local name for each id, none of them twice."""
    found: dict[str, str] = {}
    taken = set(LOCALS)
    for name in names:
        plain = re.sub(r"\W", "_", name)
        plain = plain if plain[:1].isalpha() and not keyword.iskeyword(plain) else f"n{plain}"
        free, number = plain, 1
        while free in taken:
            number += 1
            free = f"{plain}_{number}"
        taken.add(free)
        found[name] = free
    return found
