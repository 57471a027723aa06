"""A graph that was mapped, on its board again: cores, masks and codes are those that its numbers stand for, and
nothing is chosen anew but tags, which the same network always gets the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from snnhub.errors import FormatError
from snnhub.findings import Finding, Severity, of_severity
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup

from snnhub_dynapse2.dac import BASES, PARAMETERS, Code, amps, nearest
from snnhub_dynapse2.derive import F
from snnhub_dynapse2.limits import NEURONS, SRAM
from snnhub_dynapse2.lowered.adapter import Adapted, adapted
from snnhub_dynapse2.lowered.choice import Choice, read_choice
from snnhub_dynapse2.lowered.weights import Levels
from snnhub_dynapse2.mapping import checks
from snnhub_dynapse2.mapping.mapped import Mapped
from snnhub_dynapse2.mapping.options import Options
from snnhub_dynapse2.mapping.parameters import CoreCurrents
from snnhub_dynapse2.mapping.place import Placement
from snnhub_dynapse2.mapping.quantised import Quantised
from snnhub_dynapse2.mapping.tags import reached, tagged
from snnhub_dynapse2.network import CURRENTS, Ints, Network, Synapses
from snnhub_dynapse2.quantiser.weights import CoreWeights


class NotMappedError(Exception):
    """The graph's numbers are not those of the board that it names; why, in words, and ``findings`` where the
    graph is no network of analog neurons at all.
    """

    def __init__(self, words: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(words)
        self.findings = tuple(findings)


def fixed(graph: Graph, lookup: OpLookup) -> tuple[Mapped, Adapted]:
    """The mapping behind a lowered graph. Raises ``NotMappedError`` where there is none."""
    found, problems = adapted(graph, lookup)
    if found is None or of_severity(problems, Severity.ERROR):
        errors = of_severity(problems, Severity.ERROR)
        raise NotMappedError(errors[0].message, errors)
    try:
        choice = read_choice(graph, found.shape)
    except FormatError as problem:
        raise NotMappedError(str(problem)) from problem
    if choice is None:
        raise NotMappedError("it was not mapped")
    core = np.array([choice.core_of[label] for label in found.shape.labels], np.int64)
    if max(np.bincount(core)) > NEURONS or core.max() // 4 >= len(choice.board.positions):
        raise NotMappedError("its cores do not hold it")
    network = _own_units(found, graph, choice)
    synapses = network.synapses()
    placement = Placement(core, _slots(core))
    numbers = Quantised(*_cores(network, synapses, core, choice, found))
    watched = set(network.monitored)
    room = {network.n_in + neuron: SRAM - (neuron in watched) for neuron in range(network.n)}
    tags = tagged(reached(synapses, numbers.masks, placement), room)
    over = [
        *checks.of_placement(network, synapses, placement),
        *checks.of_tags(network, synapses, placement, tags),
    ]
    if over:
        raise NotMappedError(over[0].message)
    return Mapped(network, choice.board, Options(), synapses, placement, numbers, tags, ()), found


def _own_units(found: Adapted, graph: Graph, choice: Choice) -> Network:
    """The network with every weight as its node has it, in units of its neuron's own iscale."""
    shape, network = found.shape, found.network
    w_in, w_rec = np.zeros_like(network.w_in), np.zeros_like(network.w_rec)
    for link in shape.links:
        matrix = w_in if link.source == shape.input else w_rec
        if link.id not in graph.node:
            raise NotMappedError("a layer has no weights")
        matrix[shape.rows(link), shape.columns(link.target)] = graph.node[link.id].param["weight"].array.T
    labels = shape.labels
    watched = tuple(number for number, label in enumerate(labels) if label in choice.monitored)
    return Network(
        w_in,
        w_rec,
        network.currents,
        network.iscale,
        network.dt,
        watched,
        network.n_ref,
        network.layout,
        network.name,
        labels,
    )


def _slots(core: Ints) -> Ints:
    slot = np.zeros(core.size, np.int64)
    for number in np.unique(core).tolist():
        own = np.flatnonzero(core == number)
        slot[own] = np.arange(own.size)
    return slot


def _cores(
    network: Network, synapses: Synapses, core: Ints, choice: Choice, found: Adapted
) -> tuple[Mapping[int, CoreWeights], Mapping[int, CoreCurrents], Ints, np.ndarray]:
    weights: dict[int, CoreWeights] = {}
    currents: dict[int, CoreCurrents] = {}
    masks = np.zeros((synapses.source.size, 2), np.int64)
    for number in np.unique(core).tolist():
        chosen, members = choice.cores[number], np.flatnonzero(core == number)
        if (found.iscale[members] != float(F(chosen.iscale))).any():
            raise NotMappedError(f"Iscale is not that of core {number}")
        currents[number] = _currents(network, members)
        own = np.flatnonzero(core[synapses.target] == number)
        bases = np.array([amps(name, code) for name, code in zip(BASES, chosen.bases, strict=False)])
        made = Levels(bases, chosen.iscale).masks(synapses.weight[own].astype(F)) if bases.size else None
        if own.size and made is None:
            raise NotMappedError(f"weights are no sums of the bases of core {number}")
        if made is not None:
            masks[own] = made
        gain = currents[number].codes["Igain_syn"]
        weights[number] = CoreWeights(chosen.bases, bases, chosen.iscale, gain, masks[own], synapses.weight[own])
    return weights, currents, masks, synapses.weight


def _currents(network: Network, members: Ints) -> CoreCurrents:
    """Codes of the neurons of a core, from currents that are those of codes."""
    wanted: dict[str, float] = {}
    codes: dict[str, Code] = {}
    for name in CURRENTS:
        values = network.currents[name][members]
        current, parameter = float(values[0]), PARAMETERS[name][0]
        code = nearest(parameter, current)
        if (values != current).any():
            raise NotMappedError(f"{name} differs between neurons of a core")
        held = max(float(F(amps(parameter, code))), _floor(network, name))
        if current != held and not (name == "Idc" and current == 0):
            raise NotMappedError(f"{name} is not the current of a code")
        wanted[name], codes[name] = current, code
    return CoreCurrents(wanted, codes, dict.fromkeys(CURRENTS, 1.0), None)


def _floor(network: Network, name: str) -> float:
    """Below the dark current a current is the dark current."""
    from snnhub_dynapse2.lowered.biases import FLOORED

    return float(F(network.layout["Io"])) if name in FLOORED else 0.0
