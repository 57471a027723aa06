"""Recordings: what a run left behind, as arrays with named axes (time, batch, features…)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from snnhub.findings import Finding
from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class Recording(Mapping[str, Array]):
    """Arrays by record key: ``output``, and ``<node id>/<name>`` for outputs and states of nodes.

    Axes are (time, batch, features…); ``batched`` says whether there is a batch axis, which there is if and
    only if the input had one. Spikes are unsigned integers. A state is its value after the step's reset.
    ``source`` names the runner. ``keep`` holds whatever must live as long as the arrays (a folder on disk).
    """

    arrays: Mapping[str, Array]
    batched: bool
    source: str = "engine"
    findings: tuple[Finding, ...] = ()
    keep: object = field(default=None, repr=False, compare=False)

    def __getitem__(self, key: str) -> Array:
        return self.arrays[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def steps(self) -> int:
        """Number of time steps; 0 for an empty recording."""
        return next((array.shape[0] for array in self.arrays.values()), 0)

    def with_batch(self, key: str) -> Array:
        """An array with a batch axis, of length 1 if the recording has none."""
        return self.arrays[key] if self.batched else self.arrays[key][:, None]
