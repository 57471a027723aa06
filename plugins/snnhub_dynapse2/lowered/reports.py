"""Tables of a mapping: how full cores are, errors of weights by core and neuron, currents that became codes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from snnhub.ir.graph import Graph
from snnhub.ops.registry import REGISTRY

from snnhub_dynapse2.dac import PARAMETERS, SUB_PICO, amps
from snnhub_dynapse2.lowered.adapter import Adapted
from snnhub_dynapse2.lowered.fixed import NotMappedError, fixed
from snnhub_dynapse2.mapping.mapped import Mapped
from snnhub_dynapse2.mapping.report import errors_by_core, errors_by_neuron, place_of, utilisation
from snnhub_dynapse2.network import CURRENTS as NAMES

CORES, NEURONS, CURRENTS = "dynapse2 cores", "dynapse2 neurons", "dynapse2 currents"
Rows = list[dict[str, Any]]


def mapping_tables(mapped: Mapped, made: Adapted | None, tables: dict[str, Rows]) -> None:
    """Leave the tables of a mapping. ``made``: None for one that was read back, whose errors nobody knows.

    ``current_error`` is the largest of the currents above 1 pA: below, codes are far apart (SNN-2507).
    """
    rows = utilisation(mapped)
    if made is not None:
        known = {row["core"]: row for row in errors_by_core(mapped, SUB_PICO)}
        rows = [{**row, **known[row["core"]]} for row in rows]
        weights, currents = errors_by_neuron(mapped, SUB_PICO)
        tables[NEURONS] = [
            {"layer": label[0], "index": label[1], "weight_error": float(w), "current_error": float(c)}
            for label, w, c in zip(made.shape.labels, weights, currents, strict=True)
        ]
        tables[CURRENTS] = _currents(mapped)
    tables[CORES] = [{key.replace(" ", "_"): value for key, value in row.items()} for row in rows]


def tables_of(graph: Graph) -> dict[str, Rows]:
    """How full the cores are of a graph that was mapped; nothing of another one."""
    tables: dict[str, Rows] = {}
    with suppress(NotMappedError):
        mapping_tables(fixed(graph, REGISTRY)[0], None, tables)
    return tables


def _currents(mapped: Mapped) -> Rows:
    """A row per core and current: what was wanted (A), the code and what it gives. Igain_syn and iscale are kept
    as a product: what ``wanted`` was of it is divided by how far iscale moved.
    """
    rows: Rows = []
    for core, currents in mapped.quantised.currents.items():
        weights = mapped.quantised.weights[core]
        for index, name in enumerate(NAMES):
            gained = name == "Igain_syn" and weights.gain is not None
            code = weights.gain if gained and weights.gain is not None else currents.codes[name]
            wanted = currents.wanted[name] * (mapped.network.iscale / weights.iscale if gained else 1.0)
            got = amps(PARAMETERS[name][0], code)
            rows.append(
                {
                    "core": place_of(core),
                    "index": index,
                    "current": name,
                    "wanted_A": wanted,
                    "coarse": code.coarse,
                    "fine": code.fine,
                    "amps": got,
                    "error": got / wanted - 1 if wanted > 0 else None,
                }
            )
    return rows
