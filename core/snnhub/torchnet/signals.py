"""What flows along the traced graph: which axes lead, what the features are, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from snnhub.ir.graph import Port


class Lead(Enum):
    """Axes in front of the features: time and batch in one order or the other, batch alone, time and batch merged
    in either order, or a time axis of length 1 that waits to be repeated. ``DECODED``: time is gone; only the
    output may look like this.
    """

    TIME_BATCH = "(T, N)"
    BATCH_TIME = "(N, T)"
    BATCH = "(N)"
    MERGED = "(T*N)"
    BATCH_MERGED = "(N*T)"
    FRAME = "(1, N)"
    DECODED = "(N), time reduced"

    @property
    def axes(self) -> int:
        """How many axes lead."""
        return 2 if self in (Lead.TIME_BATCH, Lead.BATCH_TIME, Lead.FRAME) else 1


MERGES = {Lead.TIME_BATCH: Lead.MERGED, Lead.BATCH_TIME: Lead.BATCH_MERGED}
"""What leads after the two axes have been merged."""
TURNS = {Lead.TIME_BATCH: Lead.BATCH_TIME, Lead.BATCH_TIME: Lead.TIME_BATCH}
"""What leads after the two axes have changed places."""


@dataclass(frozen=True)
class Signal:
    """A tensor of the traced network. ``port`` produces its features in the graph."""

    port: Port
    lead: Lead
    features: tuple[int, ...]

    def moved(self, port: Port, features: tuple[int, ...]) -> Signal:
        """The same axes, other features from another node."""
        return Signal(port, self.lead, features)


class RefusedError(Exception):
    """A node cannot be held. Becomes a finding; all are collected before anything is raised."""

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy
