"""The tree of a Rockpool network: what importers of files and of live modules both make of their source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LINEAR, LIF, BITSHIFT, EXODUS, EXP_SYN, DROPOUT = (
    "LinearTorch",
    "LIFTorch",
    "LIFBitshiftTorch",
    "LIFExodus",
    "ExpSynTorch",
    "TimeStepDropout",
)
SEQUENTIAL, RESIDUAL, SYNNET = "TorchSequential", "TorchResidual", "SynNet"
LEAVES = (LINEAR, LIF, BITSHIFT, EXODUS, EXP_SYN, DROPOUT)
CONTAINERS = (SEQUENTIAL, RESIDUAL, SYNNET)
NEURONS = (LIF, BITSHIFT, EXODUS)
SHORT = {"Linear": LINEAR, "LIF": LIF, "LIFBitshift": BITSHIFT, "ExpSyn": EXP_SYN, "Dropout": DROPOUT}
SHORT |= {"Sequential": SEQUENTIAL, "Residual": RESIDUAL, "UnitTimeStepDropout": DROPOUT}


@dataclass(frozen=True)
class Part:
    """A module. ``kind``: its class in Rockpool. ``values``: parameters by Rockpool's names, f32 arrays or plain.

    ``decays``: factors taken from the live module (``alpha``, ``beta``) with words on how they came about; None
    where they must be worked out from the parameters.
    """

    path: str
    kind: str
    values: Mapping[str, Any]
    parts: tuple[Part, ...] = ()
    decays: tuple[Mapping[str, Any], str] | None = None

    def leaves(self) -> Iterator[Part]:
        """Every leaf, in order of evaluation."""
        if self.kind in LEAVES:
            yield self
        for part in self.parts:
            yield from part.leaves()


def canonical(name: str) -> str:
    """The class name as Rockpool has it, for one written short (``LIF``); anything else stays."""
    return SHORT.get(name, name)
