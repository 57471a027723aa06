"""The ladder from the float network to the chip: what timing, decays, caps and integers cost, each on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext

from snnhub_xylo.core import CAP_INPUT
from snnhub_xylo.mapping.mapped import Mapped
from snnhub_xylo.quantiser.closed import Counts, Row, row_of, rows
from snnhub_xylo.quantiser.teacher import Teacher, later

TIMING, DECAYS, BIASES, CAPS = "xylo timing", "xylo decays", "xylo biases", "xylo caps"
"""Names of the passes, in their order."""


@dataclass(frozen=True)
class Rungs:
    """The graphs of the ladder. ``float``: before any pass of Xylo's; ``caps``: before the integers. ``lags``:
    steps that each node of the first acts later in the second.
    """

    float: Graph
    timing: Graph
    decays: Graph
    caps: Graph
    lags: Mapping[str, int]


def rungs_of(graph: Graph, context: PassContext) -> Rungs:
    """From the history of a conversion whose last graph is ``graph``."""
    names = (TIMING, DECAYS, BIASES, CAPS)
    ours = [applied for applied in context.applied if applied.name in names]
    after: dict[str, Graph] = {"": ours[0].before if ours else graph}
    last = after[""]
    for name in names:
        last = next((applied.after for applied in ours if applied.name == name), last)
        after[name] = last
    table = next((applied.correspondence for applied in ours if applied.name == TIMING), ())
    lags = {match.old.node: match.lag for match in table}
    return Rungs(after[""], after[TIMING], after[BIASES], after[CAPS], lags)


def ladder(rungs: Rungs, mapped: Mapped, taught: Teacher, chip: Counts, lookup: OpLookup) -> list[dict[str, Any]]:
    """A row per layer: spikes of the float network with the chip's timing, and the mismatch against it per rung.

    ``timing``: of the float network itself, its spikes moved by the lag. Layers below 200 spikes are too quiet
    to say.
    """
    before = float_row(rungs, mapped, taught, lookup)
    decays = _rung(rungs.decays, mapped, taught, taught.raw, lookup)
    caps = _rung(rungs.caps, mapped, taught, np.minimum(taught.raw, CAP_INPUT), lookup)
    integers = {row.layer: row for row in rows(chip, mapped, taught)}
    found = []
    for layer, row in integers.items():
        values = {"timing": before.get(layer), "decays": decays[layer], "caps": caps[layer], "integers": row}
        shares: dict[str, Any] = {name: None if item is None else item.share for name, item in values.items()}
        found.append(
            {
                "layer": layer,
                "spikes": row.spikes,
                **shares,
                "quiet": row.quiet,
                "wrong": row.wrong,
                "overlap": row.overlap,
            }
        )
    return found


def _rung(graph: Graph, mapped: Mapped, taught: Teacher, data: Array, lookup: OpLookup) -> dict[str, Row]:
    """A float graph with the chip's timing, as if it were the chip."""
    hidden = np.zeros(taught.heard.shape, np.int64)
    keys = record_keys(mapped)
    recording, _ = prepare(graph, lookup).run(data, record=sorted(keys.values()))
    output = mapped.network.output
    assert output is not None  # noqa: S101  admitted
    for layer in mapped.network.layers:
        hidden[..., mapped.of(layer.id)] = recording[keys[layer.id]]
    found = rows(Counts(hidden, recording[keys[output.id]].astype(np.int64)), mapped, taught)
    return {row.layer: row for row in found}


def record_keys(mapped: Mapped) -> dict[str, str]:
    """What a layer's neurons say to others, by layer: the sum where it ends a residual block."""
    blocks = {layer: name for name, layer in mapped.network.sums.items()}
    return {
        layer.id: f"{blocks[layer.id]}/y" if layer.id in blocks else f"{layer.id}/s"
        for layer in mapped.network.ends
    }


def float_row(rungs: Rungs, mapped: Mapped, taught: Teacher, lookup: OpLookup) -> Mapping[str, Row]:
    """The float network against itself with the chip's timing, moved by the lag of each layer."""
    keys = record_keys(mapped)
    recording, _ = prepare(rungs.float, lookup).run(taught.raw, record=sorted(keys.values()))
    found = {}
    for layer in mapped.network.ends:
        key = keys[layer.id]
        wanted = taught.own_out if layer is mapped.network.output else taught.heard[..., mapped.of(layer.id)]
        moved = later(recording[key].astype(np.int64), rungs.lags.get(key.rpartition("/")[0], 0))
        found[layer.id] = row_of(layer.id, moved, wanted)
    return found
