"""What a mapping cost: errors of weights by core and neuron, errors of currents, and how full everything is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from snnhub.findings import Finding, info, loss, note

from snnhub_dynapse2.dac import PARAMETERS, SUB_PICO, amps
from snnhub_dynapse2.limits import CAM, CORES, NEURONS, SRAM, TAGS
from snnhub_dynapse2.mapping.parameters import CoreCurrents
from snnhub_dynapse2.mapping.place import Placement
from snnhub_dynapse2.mapping.quantised import Quantised
from snnhub_dynapse2.network import CURRENTS, Floats, Network, Synapses
from snnhub_dynapse2.quantiser.weights import uniform_error

if TYPE_CHECKING:
    from snnhub_dynapse2.mapping.mapped import Mapped

CLOSE = 0.05
"""A current that is off by more than this part is a loss, not a note."""


def place_of(core: int) -> str:
    """A core by name."""
    return f"chip {core // CORES} core {core % CORES}"


def findings_of(
    network: Network, synapses: Synapses, placement: Placement, numbers: Quantised
) -> Iterator[Finding]:
    """Every rounding, average, drop and change, by core."""
    cores = placement.core[synapses.target]
    for core, weights in numbers.weights.items():
        place, currents = place_of(core), numbers.currents[core]
        yield from _currents(place, currents, weights.gain is not None)
        own = cores == core
        if own.any():
            yield from _weights(place, synapses.weight[own], numbers.values[own], numbers.masks[own])
        if weights.gain is not None and weights.codes and weights.iscale != network.iscale:
            words = "iscale follows the code of Igain_syn, so that their product is kept"
            far = abs(weights.iscale / network.iscale - 1) > CLOSE
            bound = "bases would saturate or be too small to be exact" if far else "rounding of Igain_syn"
            old, new = f"{network.iscale:.6g} A", f"{weights.iscale:.6g} A"
            yield note("SNN-2513", place, words, old=old, new=new, bound=bound)
    yield info("SNN-2517", "board", "positions of chips and hops to the monitor were not verified on a board")


def _currents(place: str, currents: CoreCurrents, gained: bool) -> Iterator[Finding]:
    off = {}
    for name in CURRENTS:
        wanted = currents.wanted[name]
        if wanted < SUB_PICO:
            words = f"{name} is below 1 pA, where codes are far apart and chips differ"
            new = "switched off" if currents.is_off(name) else f"{currents.amps(name):.3g} A"
            yield loss("SNN-2507", place, words, old=f"{wanted:.3g} A", new=new)
        elif not (name == "Igain_syn" and gained):
            off[name] = abs(currents.amps(name) / wanted - 1)
        if currents.spread[name] > 1:
            words = f"{name} differs between neurons that share a core"
            bound = f"off by up to a factor of {currents.spread[name]:.4g}"
            yield loss("SNN-2509", place, words, new=f"{wanted:.4g} A, the mean in log", bound=bound)
    if off:
        worst = max(off, key=lambda name: off[name])
        words = f"{len(off)} currents became codes of the bias generator; {worst} is off most"
        make = loss if off[worst] > CLOSE else note
        old, new = f"{currents.wanted[worst]:.4g} A", f"{currents.amps(worst):.4g} A"
        yield make("SNN-2508", place, words, old=old, new=new, bound=f"off by {off[worst]:.2%} at most")
    if currents.n_ref is not None:
        wanted_steps, steps = currents.n_ref
        words = "refractory steps of the core"
        make = note if steps == wanted_steps else loss
        yield make("SNN-2514", place, words, old=f"{wanted_steps} steps", new=f"{steps} steps")


def _weights(place: str, weights: Floats, values: Floats, masks: Any) -> Iterator[Finding]:
    squares = np.square(values - weights)
    words = f"{weights.size} weights became sums of four bases"
    bound = f"mean square error {squares.mean():.4g} (uniform 4-bit {uniform_error(weights):.4g})"
    bound += f", at most {np.sqrt(squares.max()):.4g}"
    yield loss("SNN-2510", place, words, old=f"largest {np.abs(weights).max():.4g}", bound=bound)
    dropped = ~masks.any(axis=1)
    if count := int(np.count_nonzero(dropped)):
        words = f"{count} of {weights.size} synapses are nearest to no base at all: they are dropped"
        bound = f"weights up to {np.abs(weights[dropped]).max():.4g}"
        yield loss("SNN-2511", place, words, bound=bound)
    if count := int(np.count_nonzero(masks[:, 1])):
        words = f"{count} of {weights.size} synapses are the sum of two CAM entries"
        yield note("SNN-2515", place, words)


def utilisation(mapped: Mapped) -> list[dict[str, Any]]:
    """A row per core: how many neurons, CAM entries (most of a neuron), destinations (most) and tags are used."""
    rows = []
    cam = cam_counts(mapped)
    sram = sram_counts(mapped)
    for core in mapped.quantised.weights:
        members = mapped.placement.core == core
        rows.append(
            {
                "core": place_of(core),
                "neurons": int(members.sum()),
                "neurons of": NEURONS,
                "cam": int(cam[members].max()),
                "cam of": CAM,
                "sram": int(sram[members].max()),
                "sram of": SRAM,
                "tags": len(mapped.tagged.heard.get(core, {})),
                "tags of": TAGS,
                "split": int(np.count_nonzero(mapped.quantised.masks[members[mapped.synapses.target], 1])),
            }
        )
    return rows


def cam_counts(mapped: Mapped) -> Any:
    """(n,) CAM entries of each neuron."""
    counts = np.zeros((int(mapped.placement.core.max()) + 1, NEURONS), np.int64)
    for core, tags in mapped.tagged.heard.items():
        slots = [slot for reached in tags.values() for slot, _, _ in reached]
        counts[core] = np.bincount(slots, minlength=NEURONS)
    return counts[mapped.placement.core, mapped.placement.slot]


def sram_counts(mapped: Mapped) -> Any:
    """(n,) destinations of each neuron."""
    counts = np.zeros(mapped.network.n, np.int64)
    for source, entries in mapped.tagged.entries.items():
        if source >= mapped.network.n_in:
            counts[source - mapped.network.n_in] = len(entries)
    counts[list(mapped.network.monitored)] += 1
    return counts


def errors_by_core(mapped: Mapped, least: float = 0.0) -> list[dict[str, Any]]:
    """A row per core: synapses, mean square error of the weights, that of uniform 4-bit, largest error, dropped
    synapses, largest relative error of a current above ``least`` (A).
    """
    rows = []
    cores = mapped.placement.core[mapped.synapses.target]
    for core, currents in mapped.quantised.currents.items():
        own = cores == core
        weights = mapped.synapses.weight[own]
        off = np.abs(mapped.quantised.values[own] - weights)
        rows.append(
            {
                "core": place_of(core),
                "synapses": int(weights.size),
                "mse": float(np.square(off).mean()) if weights.size else 0.0,
                "uniform mse": uniform_error(weights),
                "largest error": float(off.max(initial=0)),
                "dropped": int(np.count_nonzero(~mapped.quantised.masks[own].any(axis=1))),
                "current error": max(
                    abs(currents.amps(name) / wanted - 1)
                    for name, wanted in currents.wanted.items()
                    if wanted > least
                ),
            }
        )
    return rows


def errors_by_neuron(mapped: Mapped, least: float = 0.0) -> tuple[Floats, Floats]:
    """(n,) root mean square error of a neuron's weights, and the largest relative error of its currents above
    ``least`` (A).
    """
    n = mapped.network.n
    squares = np.square(mapped.quantised.values - mapped.synapses.weight)
    fan = np.maximum(1, np.bincount(mapped.synapses.target, minlength=n))
    weights = np.sqrt(np.bincount(mapped.synapses.target, squares, minlength=n) / fan)
    worst = np.zeros(n)
    for core, currents in mapped.quantised.currents.items():
        members = np.flatnonzero(mapped.placement.core == core)
        for name in CURRENTS:
            wanted = mapped.network.currents[name][members]
            code = mapped.quantised.weights[core].gain if name == "Igain_syn" else None
            kept = mapped.quantised.weights[core].iscale / mapped.network.iscale if code else 1.0
            had = amps(PARAMETERS[name][0], code or currents.codes[name]) * kept
            off = np.abs(had / np.where(wanted > least, wanted, np.inf) - 1) * (wanted > least)
            worst[members] = np.maximum(worst[members], off)
    return weights, worst
