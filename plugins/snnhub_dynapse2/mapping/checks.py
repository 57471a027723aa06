"""What a board has no room for: every violation, with its count."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from snnhub.findings import Finding, error

from snnhub_dynapse2.board import Board
from snnhub_dynapse2.dac import PARAMETERS, span
from snnhub_dynapse2.limits import CAM, CHIP_NEURONS, CORES, SRAM, TAGS
from snnhub_dynapse2.mapping.place import Placement, sources_by_core
from snnhub_dynapse2.mapping.tags import Tagged
from snnhub_dynapse2.network import CURRENTS, Network, Synapses

SHOWN = 5


def before(network: Network, synapses: Synapses, board: Board) -> Iterator[Finding]:
    """What no placement helps against: neurons, CAM, monitors, currents."""
    room = CHIP_NEURONS * len(board.positions)
    if not 0 < network.n <= room:
        words, old = "the board does not have room for the neurons", f"{network.n} neurons"
        bound = f"1 .. {room} on {len(board.positions)} chips"
        yield error("SNN-2501", network.name, words, old=old, bound=bound, remedy="Use fewer neurons.")
    fans = np.bincount(synapses.target, minlength=network.n)
    for node, own in network.nodes().items():
        if over := int(np.count_nonzero(fans[own] > CAM)):
            most = int(fans[own].max())
            words = (
                f"{over} neurons have more synapses than CAM entries; neuron {int(fans[own].argmax())} has most"
            )
            remedy, bound = "Train with a smaller fan-in.", f"at most {CAM}"
            yield error("SNN-2502", node, words, old=f"{most} synapses", bound=bound, remedy=remedy)
    if len(network.monitored) > TAGS:
        words, old = "more neurons are monitored than there are tags", f"{len(network.monitored)} neurons"
        yield error(
            "SNN-2505", network.name, words, old=old, bound=f"at most {TAGS}", remedy="Monitor fewer neurons."
        )
    yield from _currents(network)


def _currents(network: Network) -> Iterator[Finding]:
    for name in CURRENTS:
        top = span(PARAMETERS[name][0])[1]
        for node, own in network.nodes().items():
            values = network.currents[name][own]
            over = int(np.count_nonzero((values > top) | (values < 0)))
            if not over:
                continue
            words = f"{over} currents are beyond the bias generator"
            worst = float(values[np.abs(values - top / 2).argmax()])
            bound = f"0 .. {top:.4g} A"
            remedy = "Change the parameter, or scale it together with those that it is divided by."
            yield error("SNN-2506", f"{node}/{name}", words, old=f"{worst:.4g} A", bound=bound, remedy=remedy)


def of_placement(network: Network, synapses: Synapses, placement: Placement) -> Iterator[Finding]:
    """Destinations of neurons: one per chip that they reach, and one for the monitor."""
    internal = synapses.source >= network.n_in
    chips = int(placement.chip.max()) + 1
    pairs = np.unique(
        (synapses.source[internal] - network.n_in) * chips + placement.chip[synapses.target[internal]]
    )
    needed = np.bincount(pairs // chips, minlength=network.n)
    needed[list(network.monitored)] += 1
    for node, own in network.nodes().items():
        over = np.flatnonzero(needed[own] > SRAM)
        if not over.size:
            continue
        number = int(needed[own].argmax())
        worst = int(own[number])
        watched = " and a monitor" if worst in network.monitored else ""
        words = f"{over.size} neurons need more destinations than they have: neuron {number} reaches"
        words += f" {int(np.count_nonzero(pairs // chips == worst))} chips{watched}"
        remedy = f"Do not monitor neurons {_few(over.tolist())}, or connect them to fewer chips."
        old = f"{int(needed[worst])} destinations"
        yield error("SNN-2503", node, words, old=old, bound=f"at most {SRAM}", remedy=remedy)


def of_tags(network: Network, synapses: Synapses, placement: Placement, tagged: Tagged) -> Iterator[Finding]:
    """Cores that are reached by more sources than there are tags."""
    remedy = "Use fewer sources per core: fewer inputs, or synapses that stay inside a chip."
    sources = sources_by_core(synapses, placement.core)
    for core, needed in tagged.needed.items():
        if needed > TAGS:
            words = f"{int(sources[core])} sources reach a core, {needed} of them need tags of their own"
            place = f"chip {core // CORES} core {core % CORES}"
            yield error("SNN-2504", place, words, old=f"{needed} tags", bound=f"at most {TAGS}", remedy=remedy)
    for chip, lost in tagged.lost.items():
        own = [core for core in tagged.needed if core // CORES == chip]
        words = f"{lost} sources find no tag that is free on all of their cores, and no further destination;"
        words += f" up to {max(int(sources[core]) for core in own)} sources reach a core"
        old = f"{max(tagged.needed[core] for core in own)} tags on a core, not the same on all"
        bound = f"at most {TAGS} on the four cores together"
        yield error("SNN-2504", f"chip {chip}", words, old=old, bound=bound, remedy=remedy)


def _few(numbers: list[int]) -> str:
    more = ", ..." if len(numbers) > SHOWN else ""
    return ", ".join(map(str, numbers[:SHOWN])) + more
