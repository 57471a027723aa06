"""A mapped network as a configured board."""

from __future__ import annotations

from collections.abc import Iterator

import snnhub
from snnhub.findings import Finding, info

from snnhub_dynapse2.config import (
    LATCHED,
    ChipConfig,
    Configuration,
    CoreConfig,
    Destination,
    Monitor,
    Neuron,
    Placed,
    Synapse,
)
from snnhub_dynapse2.dac import BASES, PARAMETERS, Code
from snnhub_dynapse2.limits import CORES
from snnhub_dynapse2.mapping.mapped import Mapped
from snnhub_dynapse2.mapping.report import utilisation
from snnhub_dynapse2.mapping.tags import Entry

ALL_CORES = 2**CORES - 1


def configure(mapped: Mapped, source: str = "") -> Configuration:
    """The board with the network on it. ``source``: what it was made from, for the file."""
    placement, network = mapped.placement, mapped.network
    tags = {neuron: tag for tag, neuron in enumerate(network.monitored)}
    where = list(
        zip(placement.chip.tolist(), (placement.core % CORES).tolist(), placement.slot.tolist(), strict=True)
    )
    heard = _heard(mapped)
    cores: dict[int, list[Neuron]] = {core: [] for core in mapped.quantised.weights}
    order = sorted(range(network.n), key=lambda neuron: where[neuron])
    for neuron in order:
        core, slot = int(placement.core[neuron]), where[neuron][2]
        latches = _latches(mapped, core)
        sram = _sram(mapped, neuron, where[neuron][0], tags)
        cores[core].append(Neuron(slot, latches, tuple(sorted(heard.get((core, slot), ()))), sram))
    chips: dict[int, list[CoreConfig]] = {}
    for core, neurons in sorted(cores.items()):
        iscale = mapped.quantised.weights[core].iscale
        made = CoreConfig(core % CORES, iscale, _parameters(mapped, core), tuple(neurons))
        chips.setdefault(core // CORES, []).append(made)
    return Configuration(
        board=mapped.board,
        chips=tuple(ChipConfig(chip, tuple(made)) for chip, made in sorted(chips.items())),
        inputs=tuple(_destinations(mapped, channel, mapped.board.input) for channel in range(network.n_in)),
        monitors=tuple(sorted(Monitor(*where[neuron], tag) for neuron, tag in tags.items())),
        map=tuple(sorted(Placed(*network.label(neuron), *where[neuron]) for neuron in range(network.n))),
        dt=network.dt,
        layout=dict(sorted(network.layout.items())),
        report=_report(mapped),
        findings=(*mapped.findings, *said()),
        provenance={"tool": f"snnhub {snnhub.__version__}", "source": source},
    )


def said() -> Iterator[Finding]:
    """What holds of every file."""
    yield info("SNN-4402", "cores", "parameters that the file does not set stay at the device's default")
    yield info("SNN-4403", "file", "nothing of it was tried on a chip")


def _latches(mapped: Mapped, core: int) -> tuple[str, ...]:
    """Direct current where there is any (as Rockpool sets it), adaptation where its weight is a current at all."""
    currents = mapped.quantised.currents[core]
    return tuple(sorted(latch for name, latch in LATCHED.items() if not currents.is_off(name)))


def _heard(mapped: Mapped) -> dict[tuple[int, int], list[Synapse]]:
    found: dict[tuple[int, int], list[Synapse]] = {}
    for core, by_tag in mapped.tagged.heard.items():
        for tag, reached in by_tag.items():
            for slot, dendrite, mask in reached:
                found.setdefault((core, slot), []).append(Synapse(tag, dendrite, mask))
    return found


def _sram(mapped: Mapped, neuron: int, chip: int, tags: dict[int, int]) -> tuple[Destination, ...]:
    found = _destinations(mapped, mapped.network.n_in + neuron, mapped.board.positions[chip])
    if neuron in tags:
        x, y = mapped.board.monitor_hop
        found = (*found, Destination(x, y, ALL_CORES, tags[neuron]))
    return tuple(sorted(found))


def _destinations(mapped: Mapped, source: int, start: tuple[int, int]) -> tuple[Destination, ...]:
    entries: tuple[Entry, ...] = mapped.tagged.entries.get(source, ())
    return tuple(sorted(Destination(*mapped.board.hop(start, e.chip), e.cores, e.tag) for e in entries))


def _parameters(mapped: Mapped, core: int) -> dict[str, Code]:
    weights, currents = mapped.quantised.weights[core], mapped.quantised.currents[core]
    found = dict(zip(BASES, weights.codes, strict=False))
    for name, parameters in PARAMETERS.items():
        code = weights.gain if name == "Igain_syn" and weights.gain is not None else currents.codes[name]
        found |= dict.fromkeys(parameters, code)
    return dict(sorted(found.items()))


def _report(mapped: Mapped) -> dict[str, dict[str, int]]:
    """The most of each core, by what it is the most of."""
    rows = utilisation(mapped)
    return {kind: {row["core"]: row[kind] for row in rows} for kind in ("cam", "sram", "tags")}
