"""What a profile consists of: a layer for each node type, who is refused, an order of execution, a descriptor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from snnhub.ir.graph import Graph
from snnhub.ir.op import Shape

from snnhub_profiles.layer import Layer
from snnhub_profiles.source import Item, Source
from snnhub_profiles.torch_shapes import Spreads, by_parameters
from snnhub_profiles.wiring import Rule as Wire

Make = Callable[[Item, float], Layer]
"""A layer from a node and dt. Raises ``RefusedError``."""
Flatten = Callable[[Item, int], Layer]
Build = Callable[[Graph, float], Graph]
"""The whole network in steps from one in continuous time and dt. Raises ``UnsupportedError``."""
Check = Callable[[Source], list[tuple[str, str]]]
"""Refusals, (node id, reason), that need the whole network."""


def unchecked(source: Source) -> list[tuple[str, str]]:
    """For importers that refuse node by node."""
    return []


def as_read(source: Source) -> Source:
    """For importers that take the graph as ``nir.read`` gives it."""
    return source


Brings = Callable[[Item, Shape], Shape]
"""The shape that a module makes of the one that arrives before it looks at it. Raises ``RefusedError``."""


def as_it_is(item: Item, shape: Shape) -> Shape:
    """For modules that take what arrives as it is."""
    return shape


@dataclass(frozen=True)
class Rule:
    """``makes``: by node type. ``refuses``: reasons by node type; a type in neither is unknown to the importer,
    which
    raises or, where ``drops``, leaves the node out. ``type``: f32 or f64. ``dt``: the only one it knows, or None.
    ``timeless``: it has none.
    ``rewrite``: what the importer makes of the graph before it maps nodes.
    ``counted``: 1 where Flatten counts axes without the samples, 0 where it counts theirs, too.
    ``brings``, ``spreads``: what modules and neurons of torch make of shapes that the file does not say.
    ``build``: of an importer that goes its own way about the whole file; nothing but the descriptor is used then.
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
    timeless: bool = False
    check: Check = unchecked
    rewrite: Callable[[Source], Source] = as_read
    build: Build | None = None
    counted: int = 1
    brings: Brings = as_it_is
    spreads: Spreads = by_parameters

    @property
    def known(self) -> frozenset[str]:
        """Node types that the importer builds something for."""
        return frozenset({*self.makes, *(("Flatten",) if self.flatten else ())})
