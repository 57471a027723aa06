"""The verdict ladder: what can be the same between two runs, highest first."""

from __future__ import annotations

from enum import Enum


class Rung(Enum):
    """``bits``: every value equal. ``spikes``: every spike equal. ``spikes+lag``: equal after the predicted
    lag. ``bounded``: within a stated bound. ``decision``: same decisions on the stored inputs.
    ``distribution``: same statistics (analog, stochastic). ``diverged``: none of these.
    """

    BITS = "bits"
    SPIKES = "spikes"
    SPIKES_LAG = "spikes+lag"
    BOUNDED = "bounded"
    DECISION = "decision"
    DISTRIBUTION = "distribution"
    DIVERGED = "diverged"

    @property
    def height(self) -> int:
        """0 for ``diverged``, growing upwards."""
        return len(Rung) - 1 - list(Rung).index(self)

    def reaches(self, wanted: Rung) -> bool:
        """Whether this rung is at least as high as ``wanted``."""
        return self.height >= wanted.height
