"""Numbers of hidden neurons: which group of them stands where in a core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snnhub.findings import Finding, error

from snnhub_xylo.families import Family
from snnhub_xylo.mapping.layers import Link, Network, Skip
from snnhub_xylo.mapping.relays import depth_of

FIRST, MIDDLE, LAST = 0, 1, 2
Key = tuple[str, int, int]
"""A group of neurons: source, relay in its row (0: the layer itself), and which copy of that row's end."""


@dataclass(frozen=True)
class Places:
    """``first``: number of the first neuron of each group, in order. ``alias``: group to the layer that it lends
    to.
    """

    first: Mapping[Key, int]
    alias: Mapping[Key, str]
    hidden: int

    def span(self, key: Key, size: int) -> tuple[int, int]:
        """First number of a group, and the one after its last."""
        return self.first[key], self.first[key] + size


def source_of(item: Link | Skip, network: Network) -> Key | None:
    """The group whose spikes a link carries; None for the input itself."""
    depth = depth_of(item, network)
    return None if item.source == network.input and not depth else (item.source, depth, 0)


def place(network: Network, family: Family) -> tuple[Places, list[Finding]]:
    """The order of a family: graph order, or first what inputs feed and last what feeds outputs.

    Within that, an alias always leads to a later neuron, and a row of relays stands behind its source.
    """
    alias, found = _aliases(network)
    groups = _groups(network, alias)
    section = dict.fromkeys(groups, MIDDLE) if not family.split else _sections(network, groups)
    for key, target in alias.items():  # an alias leads to a later neuron
        section[target, 0, 0] = max(section[target, 0, 0], section[key])
    first, number = {}, 0
    for key in sorted(groups, key=section.__getitem__):  # stable: graph order within a section
        first[key] = number
        number += network.sizes[key[0]]
    return Places(first, alias, number), found


def _aliases(network: Network) -> tuple[dict[Key, str], list[Finding]]:
    """A neuron lends its spikes to one other: what has two targets needs a relay of its own for each."""
    alias: dict[Key, str] = {}
    found = []
    for skip in network.skips:
        source, depth, copy = source_of(skip, network) or (skip.source, 0, 0)
        while depth and (source, depth, copy) in alias:
            copy += 1
        if (source, depth, copy) in alias:
            words = f"{source} lends its spikes to two layers, a neuron has one alias"
            remedy = "Choose --residual relay, or end one of the blocks elsewhere."
            found.append(error("SNN-2406", skip.node, words, remedy=remedy))
            continue
        alias[source, depth, copy] = skip.target
    return alias, found


def _groups(network: Network, alias: Mapping[Key, str]) -> list[Key]:
    """Every group, sources before their relays, layers in graph order."""
    wanted = {source_of(item, network) for item in network.connections} | set(alias)
    found: list[Key] = []
    for name in (network.input, *(layer.id for layer in network.layers)):
        if name != network.input:
            found.append((name, 0, 0))
        depths = [key[1] for key in wanted if key is not None and key[0] == name]
        for depth in range(1, max(depths, default=0) + 1):
            copies = [key[2] for key in wanted if key is not None and key[:2] == (name, depth)]
            found += [(name, depth, copy) for copy in range(max(copies, default=0) + 1)]
    return found


def _sections(network: Network, groups: list[Key]) -> dict[Key, int]:
    fed = {(link.target, 0, 0) for link in network.links if source_of(link, network) is None}
    fed |= {key for key in groups if key[0] == network.input and key[1] == 1}
    output = None if network.output is None else network.output.id
    feeding = {source_of(link, network) for link in network.links if link.target == output}
    return {key: FIRST if key in fed - feeding else LAST if key in feeding - fed else MIDDLE for key in groups}
