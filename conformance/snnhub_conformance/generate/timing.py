"""Family ``time``: when things happen. Delays on every kind of edge, before the start and behind the end, loops,
parallel paths, samples.

Most cases have no neurons: what is wrong with time shows without them, and nothing else can be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from snnhub_conformance.generate.batch_cases import (
    batch_cases,
    batch_of_neurons,
    length_cases,
    neuron_cases,
    number_cases,
)
from snnhub_conformance.generate.edge_cases import edge_cases, meeting_cases
from snnhub_conformance.generate.graphs import Sketch
from snnhub_conformance.generate.loops import loop_cases


def sketches() -> Iterator[Sketch]:
    """The whole family."""
    yield from edge_cases()
    yield from meeting_cases()
    yield from length_cases()
    yield from batch_cases()
    yield from batch_of_neurons()
    yield from neuron_cases()
    yield from number_cases()
    yield from loop_cases()
