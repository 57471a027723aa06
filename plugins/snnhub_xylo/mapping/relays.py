"""Relay neurons: each repeats its source exactly one step later, so that a connection can take longer than a
step.

Dashes 1 and 0, threshold 1, no bias, weight 2 from the source and -1 from itself: with n spikes before, the
current is (n + 2 x - n) / 2 = x, and so is the potential. Checked against xylosim
(``tests/differential/test_xylo_mapper.py``) for counts up to 31, the most that a neuron gives in a step. The
first relay of an input repeats it in the same step.
"""

from __future__ import annotations

from snnhub_xylo.mapping.layers import Link, Network, Skip

WEIGHT, SELF, DASH_SYN, DASH_MEM, THRESHOLD = 2, -1, 1, 0, 1


def depth_of(item: Link | Skip, network: Network) -> int:
    """Relays between a source and what it feeds. Links of neurons take a step themselves, skips and inputs do
    not.
    """
    own = int(isinstance(item, Link) and item.source != network.input)
    return item.delay - own + int(isinstance(item, Skip) and item.source == network.input)


def relays_of(network: Network) -> dict[str, int]:
    """How many relays in a row each source needs, for those that need any."""
    depths: dict[str, int] = {}
    for item in network.connections:
        depths[item.source] = max(depths.get(item.source, 0), depth_of(item, network))
    return {source: depth for source, depth in depths.items() if depth}
