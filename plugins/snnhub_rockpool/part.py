"""The tree of a Rockpool network: what importers of files and of live modules both make of their source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

LINEAR, LIF, BITSHIFT, EXODUS, EXP_SYN, DROPOUT = (
    "LinearTorch",
    "LIFTorch",
    "LIFBitshiftTorch",
    "LIFExodus",
    "ExpSynTorch",
    "TimeStepDropout",
)
SEQUENTIAL, RESIDUAL, SYNNET = "TorchSequential", "TorchResidual", "SynNet"
WIRED = "wired"
"""A container of another class: its parts are leaves, and ``wires`` say what arrives at each."""
LEAVES = (LINEAR, LIF, BITSHIFT, EXODUS, EXP_SYN, DROPOUT)
CONTAINERS = (SEQUENTIAL, RESIDUAL, SYNNET)
NEURONS = (LIF, BITSHIFT, EXODUS)
SHORT = {"Linear": LINEAR, "LIF": LIF, "LIFBitshift": BITSHIFT, "ExpSyn": EXP_SYN, "Dropout": DROPOUT}
SHORT |= {"Sequential": SEQUENTIAL, "Residual": RESIDUAL, "UnitTimeStepDropout": DROPOUT}


@dataclass(frozen=True)
class Part:
    """A module. ``kind``: its class in Rockpool. ``values``: parameters by Rockpool's names, f32 arrays or plain;
    a SynNet is a sequence with ``synnet``: its output, or True where nothing says it.

    ``decays``: factors taken from the live module (``alpha``, ``beta``) with words on how they came about; None
    where they must be worked out from the parameters. ``wires``, of a wired container: for each of ``parts`` and
    then for its output the signals that add up there, 0 for what the container gets and k for the k-th part.
    """

    path: str
    kind: str
    values: Mapping[str, Any]
    parts: tuple[Part, ...] = ()
    decays: tuple[Mapping[str, Any], str] | None = None
    wires: tuple[tuple[int, ...], ...] = ()

    def walk(self) -> Iterator[Part]:
        """The module and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def leaves(self) -> Iterator[Part]:
        """Every leaf, in order of evaluation."""
        return (part for part in self.walk() if part.kind in LEAVES)


def canonical(name: str) -> str:
    """The class name as Rockpool has it, for one written short (``LIF``); anything else stays."""
    return SHORT.get(name, name)


def is_synnet(root: Part) -> bool:
    """Whether a SynNet is the network or in it."""
    return any("synnet" in part.values for part in root.walk())


def whole(root: Part) -> Part:
    """A single leaf has no path of its own; it becomes ``net``."""
    if len(root.parts) == 1 and not root.parts[0].path:
        return replace(root, parts=(replace(root.parts[0], path="net"),))
    return root


def first_width(root: Part) -> int | None:
    """How many features the network takes, as far as its first layers tell."""
    for part in root.leaves():
        shape = shape_of(part, "weight" if part.kind == LINEAR else "w_rec")
        if part.kind == LINEAR:
            return int(shape[0]) if len(shape) == 2 and shape[0] else None
        if part.kind in NEURONS and len(shape) == 2 and shape[1]:
            return int(shape[1])
        tau = shape_of(part, "tau")
        if part.kind == EXP_SYN and len(tau) == 1 and tau[0]:
            return int(tau[0])
        if part.kind != DROPOUT and part.kind != EXP_SYN:
            return None
    return None


def shape_of(part: Part, name: str) -> tuple[int, ...]:
    """Shape of a parameter; () for what is no array."""
    value = part.values.get(name)
    return value.shape if isinstance(value, np.ndarray) else ()


def width_after(part: Part, width: int) -> int:
    """How many features leave a layer of neurons that cannot be held, as far as its arrays tell."""
    shape = shape_of(part, "w_rec")
    return int(shape[0]) if len(shape) == 2 and shape[0] else width
