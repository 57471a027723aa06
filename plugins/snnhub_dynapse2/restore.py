"""The network that a configured board runs, in numbers again: weights as the bases make them, currents as the
codes do. The neuron map says which neuron is which.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from snnhub.findings import Finding, loss

from snnhub_dynapse2.config import LATCHED, Configuration, flowing
from snnhub_dynapse2.dac import BASES, PARAMETERS, amps
from snnhub_dynapse2.decode import Address, Decoded
from snnhub_dynapse2.limits import BASES as BITS
from snnhub_dynapse2.network import CURRENTS, LAYOUT, Network

SIGNS = {"AMPA": 1.0, "GABA": -1.0}


def restored(held: Configuration, decoded: Decoded) -> tuple[Network, tuple[Finding, ...]]:
    """The network in the map's order, its iscale that of the first core; weights of other cores are scaled to it.

    What has no place in the original model (NMDA and SHUNT synapses) is left out, with a finding.
    """
    cores = {(chip.id, core.id): core for chip in held.chips for core in chip.cores}
    number = {(row.chip, row.core, row.neuron): place for place, row in enumerate(held.map)}
    unit = next(iter(cores.values())).iscale
    n, n_in = len(number), len(held.inputs)
    weights = np.zeros((n_in + n, n))
    for event, times in decoded.events.items():
        if event.dendrite not in SIGNS:
            continue
        core = cores[event.target[:2]]
        currents = sum(
            amps(BASES[bit], core.parameters[BASES[bit]]) for bit in range(BITS) if event.mask >> bit & 1
        )
        row = event.source if isinstance(event.source, int) else n_in + number[event.source]
        weights[row, number[event.target]] += SIGNS[event.dendrite] * times * currents / unit
    found = {
        name: np.array(
            [amps(PARAMETERS[name][0], cores[where[:2]].parameters[PARAMETERS[name][0]]) for where in number]
        )
        for name in CURRENTS
    }
    latches = {(c, k, n.id): n.latches for (c, k), core in cores.items() for n in core.neurons}
    for name in LATCHED:
        rows = zip(number, found[name].tolist(), strict=True)
        found[name] = np.array([flowing(name, current, latches[where]) for where, current in rows])
    monitored = tuple(number[monitor.chip, monitor.core, monitor.neuron] for monitor in held.monitors)
    layout = dict(LAYOUT) | dict(held.layout)
    name = held.map[0].node if held.map else "DynapSim"
    network = Network(
        weights[:n_in], weights[n_in:], found, unit, held.dt, tuple(sorted(monitored)), layout=layout, name=name
    )
    return network, tuple(unmodelled(decoded))


def unmodelled(decoded: Decoded) -> Iterator[Finding]:
    """Kinds of synapse that the original model does not have."""
    targets: dict[str, set[Address]] = {}
    for event in decoded.events:
        if event.dendrite not in SIGNS:
            targets.setdefault(event.dendrite, set()).add(event.target)
    for dendrite, reached in sorted(targets.items()):
        words = (
            f"{len(reached)} neurons have {dendrite} synapses, which the model does not have: they are left out"
        )
        yield loss("SNN-4401", f"chip {min(reached)[0]}", words)
