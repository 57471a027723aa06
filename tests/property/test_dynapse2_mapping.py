"""Thousands of small networks on Dynap-SE2's chips: the decoder, which sees only the file, finds exactly what the
quantised network does; seeds are printed.
"""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest
from snnhub.errors import UnsupportedError
from snnhub_dynapse2.board import Board
from snnhub_dynapse2.config import Configuration
from snnhub_dynapse2.configure import configure
from snnhub_dynapse2.decode import Decoded, decode
from snnhub_dynapse2.document import write
from snnhub_dynapse2.mapping.mapped import Mapped, map_network
from snnhub_dynapse2.mapping.options import Options
from snnhub_dynapse2.mapping.quantised import Link
from snnhub_dynapse2.reader import read

from tests.networks.dynapse2_nets import small

SEEDS, PARTS = 2000 if os.environ.get("SNNHUB_THOROUGH") else 640, 8
"""``make thorough`` maps all 2,000."""
BOARDS = (Board(), Board(positions=((0, 0), (0, -1), (-2, 3), (1, 0)), input=(1, 1), monitor_hop=(-7, 0)))


def decoded_links(held: Configuration, found: Decoded, n_in: int) -> Counter[Link]:
    """What was decoded, with the network's numbers: the neuron map is used here for the first time."""
    numbers = {(row.chip, row.core, row.neuron): row.index for row in held.map}
    links: Counter[Link] = Counter()
    for event, times in found.events.items():
        assert (event.stp, event.precise_delay, event.mismatched_delay) == (False, False, False)
        source = event.source if isinstance(event.source, int) else n_in + numbers[event.source]
        links[source, numbers[event.target], event.dendrite, event.mask] += times
    return links


def decodes(mapped: Mapped) -> bytes:
    """Asserts that the file of a mapped network does what the network does; returns the file."""
    held = configure(mapped)
    data = write(held)
    found = decode(data)
    assert decoded_links(held, found, mapped.network.n_in) == mapped.links()
    numbers = {(row.chip, row.core, row.neuron): row.index for row in held.map}
    assert sorted(numbers[address] for address, _ in found.monitored) == list(mapped.network.monitored)
    assert len({tag for _, tag in found.monitored}) == len(mapped.network.monitored)
    assert read(data) == held
    return data


@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_mapped_is_what_is_decoded(part: int) -> None:
    mapped, shared, split, chips = 0, 0, 0, Counter[int]()
    for seed in range(part, SEEDS, PARTS):
        network = small(seed)
        options = Options(split="auto" if seed % 3 == 0 else "off")
        try:
            made = map_network(network, BOARDS[seed % 2], options)
        except UnsupportedError as problem:
            raise AssertionError(f"seed {seed}") from problem
        mapped += 1
        try:
            decodes(made)
        except AssertionError:
            print(f"seed {seed}")
            raise
        stored = sum(len(reached) for tags in made.tagged.heard.values() for reached in tags.values())
        shared += stored < sum(made.links().values())
        split += bool(np.count_nonzero(made.quantised.masks[:, 1]))
        chips[int(made.placement.chip.max()) + 1] += 1
    print(f"seeds {part}, {part + PARTS} .. {SEEDS}: {mapped} mapped, {shared} share tags,", end="")
    print(f" {split} are split, chips {dict(chips)}")
    assert mapped == SEEDS // PARTS
    assert shared > 5
    assert split > 5
    assert len(chips) > 1
