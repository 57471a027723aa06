"""How a network takes its input: one step per call, a whole sequence, or one frame over which it loops itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from snnhub.api.options import ImportOptions
from snnhub.errors import UsageError
from snnhub.ir.tensor import Array
from snnhub.torchnet.options import LAYOUTS
from snnhub.torchnet.signals import Lead


class Kind(Enum):
    """What one call of the network takes."""

    STEP, TIME_FIRST, BATCH_FIRST, MERGED, FRAME = LAYOUTS

    @property
    def lead(self) -> Lead:
        """What leads in the network's input."""
        return LEADS[self]


def asked_for(options: ImportOptions) -> Kind | None:
    """The layout that the user says. Raises ``UsageError`` for a word that is none."""
    text = options.given.get("layout")
    if text is None:
        return None
    if text not in LAYOUTS:
        raise UsageError("no such layout", where="--option layout", found=text, allowed=", ".join(LAYOUTS))
    return Kind(text)


LEADS = {
    Kind.STEP: Lead.BATCH,
    Kind.TIME_FIRST: Lead.TIME_BATCH,
    Kind.BATCH_FIRST: Lead.BATCH_TIME,
    Kind.MERGED: Lead.BATCH_MERGED,
    Kind.FRAME: Lead.BATCH,
}


@dataclass(frozen=True)
class Layout:
    """``kind`` with the numbers of steps and samples of one run."""

    kind: Kind
    steps: int
    samples: int

    def calls(self, values: Array) -> list[Array]:
        """What the network is called with, in order, for ``values`` (time, samples, features…)."""
        if self.kind is Kind.STEP:
            return [np.ascontiguousarray(step) for step in values]
        if self.kind is Kind.FRAME:
            return [np.ascontiguousarray(values[0])]
        if self.kind is Kind.TIME_FIRST:
            return [np.ascontiguousarray(values)]
        turned = np.ascontiguousarray(np.swapaxes(values, 0, 1))
        return [turned.reshape(-1, *turned.shape[2:]) if self.kind is Kind.MERGED else turned]

    def lead_of(self, shape: tuple[int, ...]) -> Lead | None:
        """What leads in a tensor of a whole sequence, as far as its shape tells."""
        if shape[:2] == (self.steps, self.samples):
            return Lead.TIME_BATCH
        if shape[:2] == (self.samples, self.steps):
            return Lead.BATCH_TIME
        return Lead.BATCH_MERGED if shape[:1] == (self.steps * self.samples,) else None


def whole(values: Array, lead: Lead, steps: int, samples: int) -> Array:
    """A recorded tensor of a whole sequence as (time, samples, features…)."""
    if lead is Lead.MERGED:
        return values.reshape(steps, samples, *values.shape[1:])
    if lead is Lead.BATCH_MERGED:
        values = values.reshape(samples, steps, *values.shape[1:])
    return np.swapaxes(values, 0, 1) if lead in (Lead.BATCH_TIME, Lead.BATCH_MERGED) else values
