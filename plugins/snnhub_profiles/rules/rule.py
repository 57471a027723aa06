"""What a profile consists of: a layer for each node type, who is refused, an order of execution, a descriptor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from snnhub_profiles.layer import Layer
from snnhub_profiles.source import Item, Source
from snnhub_profiles.wiring import Rule as Wire

Make = Callable[[Item, float], Layer]
"""A layer from a node and dt. Raises ``RefusedError``."""
Flatten = Callable[[Item, int], Layer]
Check = Callable[[Source], list[tuple[str, str]]]
"""Refusals, (node id, reason), that need the whole network."""


def unchecked(source: Source) -> list[tuple[str, str]]:
    """For importers that refuse node by node."""
    return []


@dataclass(frozen=True)
class Rule:
    """``makes``: by node type. ``refuses``: reasons by node type; a type in neither is unknown to the importer,
    which
    raises or, where ``drops``, leaves the node out. ``type``: f32 or f64. ``dt``: the only one it knows, or None.
    ``nests``: graphs within graphs are run, each as one layer of the other; covered where all of it is one path.
    """

    name: str
    makes: Mapping[str, Make]
    wire: Wire
    descriptor: Mapping[str, Any]
    flatten: Flatten | None = None
    refuses: Mapping[str, str] = field(default_factory=dict)
    drops: bool = False
    type: str = "f32"
    dt: float | None = None
    check: Check = unchecked
    nests: bool = False

    @property
    def known(self) -> frozenset[str]:
        """Node types that the importer builds something for."""
        return frozenset({*self.makes, *(("Flatten",) if self.flatten else ())})
