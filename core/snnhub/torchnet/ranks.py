"""How many feature axes a network's input has, by its first layer that says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

RANKS = {
    **{
        f"{kind}{dims}d": dims + 1
        for kind in ("Conv", "AvgPool", "MaxPool", "AdaptiveAvgPool", "BatchNorm")
        for dims in (1, 2, 3)
        if (kind, dims) != ("BatchNorm", 1)  # takes (N, C) and (N, C, L)
    },
    "Linear": 1,
    "Flatten": 3,
}


def first_rank(modules: Iterable[nn.Module], more: dict[str, int] | None = None) -> int:
    """Rank of the input of the first layer that says so; 1 if none does."""
    ranks = {**RANKS, **(more or {})}
    return next((ranks[name] for module in modules if (name := type(module).__name__) in ranks), 1)
