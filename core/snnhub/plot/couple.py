"""One quantity of one side, or of both, aligned: what rasters and membranes are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnhub.compare.align import Pair
from snnhub.compare.lag import Train
from snnhub.compare.marks import Marks
from snnhub.compare.verdict import Divergence, differing, first_divergence
from snnhub.ir.tensor import Array


@dataclass(frozen=True, eq=False)
class Couple:
    """``a`` and ``b`` are (time, samples, features…) over the same steps, the lag shifted away; ``b`` is None
    where there is one side. Row 0 is step ``origin`` of the first side, below 0 where the second began earlier.

    ``scale``: b is a times this, up to rounding; None if that is not known.
    """

    a_key: str
    a: Array
    b_key: str = ""
    b: Array | None = None
    lag: int = 0
    origin: int = 0
    scale: float | None = 1.0

    @classmethod
    def of(cls, pair: Pair) -> Couple:
        return cls(pair.a_key, pair.a, pair.b_key, pair.b, pair.lag, 0, pair.scale)

    @property
    def title(self) -> str:
        """Both names, where they differ, and the lag."""
        names = self.a_key if self.b_key in ("", self.a_key) else f"{self.a_key} | {self.b_key}"
        return f"{names}   lag {self.lag:+d}" if self.lag else names

    @property
    def samples(self) -> int:
        return int(self.a.shape[1])

    @property
    def neurons(self) -> int:
        """Entries of one step of one sample, counted row by row."""
        return int(np.prod(self.a.shape[2:]))

    @property
    def different(self) -> int | None:
        """Values that differ, in all samples, as a verdict counts them; None for one side."""
        return None if self.b is None else int(np.count_nonzero(differing(self.a, self.b)))

    def sample(self, number: int) -> tuple[Array, Array | None]:
        """One sample of both sides, (time, neurons)."""
        shape = (self.a.shape[0], self.neurons)
        a = self.a[:, number].reshape(shape)
        return a, None if self.b is None else self.b[:, number].reshape(shape)

    def marks(self, number: int) -> Marks:
        """The spikes of one sample; steps count in the first side."""
        a, b = self.sample(number)
        found = Marks.single(Train.of(a)) if b is None else Marks.of(Train.of(a), Train.of(b))
        return Marks(found.steps + self.origin, found.elements, found.a, found.b)


def first_of(couples: Sequence[Couple]) -> Divergence | None:
    """The first value that differs in any of them, its step counted in the first side; None for one side."""
    found: list[Divergence] = []
    for couple in couples:
        if couple.b is None:
            continue
        pair = Pair(couple.a_key, couple.b_key, couple.a, couple.b, True)
        first = first_divergence([pair])
        if first is not None:
            step = first.step + couple.origin
            found.append(Divergence(step, first.sample, first.key, first.index, first.a, first.b))
    return min(found, key=lambda item: item.step, default=None)
