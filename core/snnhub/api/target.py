"""Targets as data: an allow-list of ops and limits, each number with its source, read by one checker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limit:
    """Range of a parameter of an op on the chip. ``source`` says where the number comes from."""

    op: str
    parameter: str
    low: int
    high: int
    source: str


@dataclass(frozen=True)
class TargetSpec:
    """``ops``: versions by name; a graph is lowered for the target if and only if every node is listed.

    ``integer_synapses`` must hold integers; edges into them have at least ``synapse_delay`` steps.
    """

    name: str
    ops: Mapping[str, tuple[int, ...]]
    limits: tuple[Limit, ...] = ()
    integer_synapses: tuple[str, ...] = ()
    synapse_delay: int = 0
    notes: tuple[str, ...] = field(default=())
