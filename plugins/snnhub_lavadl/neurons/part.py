"""One layer of slayer neurons, read off its module and not yet a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snnhub.findings import Finding
from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class NeuronPart:
    """``op`` with attributes and parameters (scalars or one value per channel, shape (C, 1, …) where neurons have
    positions); ``inputs`` names its input ports, two where the synapse is complex.
    """

    op: str
    attributes: Mapping[str, int | str | bool]
    params: Mapping[str, Array]
    inputs: tuple[str, ...] = ("x",)
    findings: tuple[Finding, ...] = ()
