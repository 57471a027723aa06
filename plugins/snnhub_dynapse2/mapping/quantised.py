"""The network that a placement makes of a network: every synapse a mask, every core its bases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from snnhub.errors import UnsupportedError

from snnhub_dynapse2.limits import CORES
from snnhub_dynapse2.mapping.parameters import CoreCurrents, core_currents
from snnhub_dynapse2.mapping.place import Placement
from snnhub_dynapse2.network import Floats, Ints, Network, Synapses
from snnhub_dynapse2.quantiser.weights import CoreWeights, quantise

AMPA, GABA = "AMPA", "GABA"
Link = tuple[int, int, str, int]
"""Source (input channels first), target, dendrite, mask."""


@dataclass(frozen=True, eq=False)
class Quantised:
    """``weights`` and ``currents`` by core. ``masks`` (synapses, 2): of the synapses in their order, the second
    is 0 except where a synapse is split; both are 0 where it is dropped. ``values`` (synapses,): what they
    weigh now.
    """

    weights: Mapping[int, CoreWeights]
    currents: Mapping[int, CoreCurrents]
    masks: Ints
    values: Floats


def quantised(network: Network, synapses: Synapses, placement: Placement, split: str, iscale: str) -> Quantised:
    """Quantise every core. Raises ``UnsupportedError`` with every core whose bases saturate."""
    masks = np.zeros((synapses.source.size, 2), np.int64)
    values = np.zeros(synapses.source.size)
    cores = placement.core[synapses.target]
    weights, currents = {}, {}
    refused: list[UnsupportedError] = []
    for core in np.unique(placement.core).tolist():
        currents[core] = core_currents(network, np.flatnonzero(placement.core == core))
        own = np.flatnonzero(cores == core)
        try:
            weights[core] = quantise(
                synapses.weight[own],
                network.iscale,
                currents[core].wanted["Igain_syn"],
                target=synapses.target[own],
                split=split,
                choose=iscale,
                place=f"chip {core // CORES} core {core % CORES}",
            )
        except UnsupportedError as problem:
            refused.append(problem)
            continue
        masks[own, : weights[core].masks.shape[1]] = weights[core].masks
        values[own] = weights[core].values
    if refused:
        refused[0].findings = tuple(item for problem in refused for item in problem.findings)
        raise refused[0]
    return Quantised(weights, currents, masks, values)


def links(synapses: Synapses, masks: Ints) -> Counter[Link]:
    """The multiset of what the chip must do: one entry per mask that is not 0."""
    found: Counter[Link] = Counter()
    for column in range(masks.shape[1]):
        used = np.flatnonzero(masks[:, column])
        rows = zip(synapses.source[used].tolist(), synapses.target[used].tolist(), strict=True)
        kinds = np.where(synapses.weight[used] > 0, AMPA, GABA).tolist()
        found.update(
            (s, t, kind, mask)
            for (s, t), kind, mask in zip(rows, kinds, masks[used, column].tolist(), strict=True)
        )
    return found
