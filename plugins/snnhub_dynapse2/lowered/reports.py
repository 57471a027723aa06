"""Tables of a mapping: how full cores are, errors of weights by core and neuron, currents that became codes."""

from __future__ import annotations

from typing import Any

from snnhub_dynapse2.lowered.adapter import Adapted
from snnhub_dynapse2.mapping.mapped import Mapped
from snnhub_dynapse2.mapping.report import errors_by_core, errors_by_neuron, utilisation

CORES, NEURONS, CURRENTS = "dynapse2 cores", "dynapse2 neurons", "dynapse2 currents"


def mapping_tables(mapped: Mapped, made: Adapted | None, tables: dict[str, list[dict[str, Any]]]) -> None:
    """Leave the tables of a mapping. ``made``: None for one that was read back, whose errors nobody knows."""
    rows = utilisation(mapped)
    if made is not None:
        known = {row["core"]: row for row in errors_by_core(mapped)}
        rows = [{**row, **known[row["core"]]} for row in rows]
        weights, currents = errors_by_neuron(mapped)
        tables[NEURONS] = [
            {"layer": label[0], "index": label[1], "weight error": float(w), "current error": float(c)}
            for label, w, c in zip(made.shape.labels, weights, currents, strict=True)
        ]
    tables[CORES] = rows
