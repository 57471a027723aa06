"""What is drawn while a network is built and run for the first time is always the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

SEED = 0
"""An import and a run of the same factory see one network."""


@contextmanager
def seeded() -> Iterator[None]:
    """Draw from ``SEED`` inside; outside, torch's generator goes on as if nothing had been drawn."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        yield
