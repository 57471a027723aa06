"""``target.loihi2`` and ``lowering.loihi2``: limits of the chip, and what becomes of float networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.hub.loader import load
from snnhub.hub.objects import resolve
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import smallest_integer, tensor
from snnhub.passes.base import PassContext, run_passes
from snnhub_formats.container import to_bytes

from snnhub_conformance.generate import chips
from snnhub_conformance.generate.build import even, loihi, spiking
from snnhub_conformance.generate.entry import Answer, Family, Refusal
from snnhub_conformance.generate.lowering_rows import ACCEPTED, REFUSED
from snnhub_conformance.generate.write import Writer

NAME = "loihi2"
PLACES = {
    "loihi.CubaLIF": "n0",
    "core.Dense": "d0",
    "core.Conv": "c",
    "loihi.RF": "phase",
    "loihi.RFIzhikevich": "izhikevich",
    "loihi.Delta": "delta",
    "loihi.SigmaDelta": "sigma_delta",
}
"""Nodes of the networks below in which an op is put to its limits."""
LIMITS = {"kind": "limits", "ref": "plugins/snnhub_loihi/target.py: each number with its source"}
LOWERING = {
    "kind": "lowering",
    "ref": "plugins/snnhub_loihi, held against Lava by tests/differential/test_lava_lowered.py",
}


def targets(writer: Writer) -> None:
    """Inside, at and beyond each limit; ops that are not there; everything at once."""
    family = Family(writer, "target.loihi2", "target", ("target", NAME), LIMITS)
    check = {"do": "check"}
    for title, make in chips.INTEGER.items():
        family.add(
            f"fits: {title}", (make.__doc__ or title).strip(), _snn(make()), Answer(), options=check, level="F0"
        )
    unused = chips.unused()
    answer = Answer(None, ("SNN-1012 unused",))
    family.add("unused neurons", "They fit, and reach no output.", _snn(unused), answer, options=check, level="F0")
    for limit in load().targets[NAME].resolve()().limits:
        place = f"{PLACES[limit.op]}/{limit.parameter}"
        for value in (limit.low, limit.low + 2, limit.high - 2, limit.high):
            about = f"{limit.op}: {limit.low} .. {limit.high} ({limit.source})"
            family.add(f"{place} {value}", about, _snn(_with(place, value)), Answer(), options=check, level="F0")
        for value in (limit.low - 1, limit.low - 2, limit.high + 1, limit.high + 2):
            about = f"{limit.op}: {limit.low} .. {limit.high} ({limit.source})"
            wanted = Refusal(UnsupportedError, "SNN-2201", place)
            mine = 10 if limit.parameter == "bias" else 9 if limit.parameter == "weight" else None
            family.add(f"{place} {value}", about, _snn(_with(place, value)), wanted, options=check, landmine=mine)
    for title, graph, wanted in _others():
        family.add(title, "Every place in one report.", _snn(graph), wanted, options=check)


def _snn(graph: Graph) -> dict[str, tuple[str, bytes]]:
    return {"snn": ("model.snn", to_bytes(graph))}


def _with(place: str, value: int) -> Graph:
    """A network with one number at a place; the file can hold what the chip, or even the op, does not take."""
    name, _, parameter = place.partition("/")
    graph = chips.convolution() if name == "c" else loihi((3, 2))
    if name in chips.RESONATORS:
        graph = chips.resonators(name)
    if name in chips.GRADED:
        graph = chips.graded()
    array = graph.node[name].param[parameter].array.astype(np.int64).copy()
    array[(0,) * array.ndim] = value
    return _changed(graph, name, **{parameter: smallest_integer(array)})


def _changed(graph: Graph, name: str, **params: Any) -> Graph:
    nodes = tuple(node.with_params(**params) if node.id == name else node for node in graph.nodes)
    return replace(graph, nodes=nodes)


def _others() -> list[tuple[str, Graph, Refusal]]:
    float_graph = spiking((3, 2))
    fast = loihi((3, 2))
    fast = replace(fast, edges=(replace(fast.edges[0], delay=0), *fast.edges[1:]))
    many = _changed(loihi((3, 2, 2)), "n0", vThMant=tensor(2**17), bias=tensor(5000))
    many = _changed(many, "d1", weight=tensor(np.full((2, 2), 300)))
    floats = _changed(loihi((3, 2)), "d0", weight=tensor(even(2, 3).astype(np.float32)))
    also = ("SNN-2101 d0",)
    return [
        ("float neurons", float_graph, Refusal(UnsupportedError, "SNN-2101", "n0", also)),
        ("float weights", floats, Refusal(UnsupportedError, "SNN-2101", "d0")),
        ("synapse without its step", fast, Refusal(UnsupportedError, "SNN-2101", str(fast.edges[0]))),
        (
            "everything at once",
            many,
            Refusal(UnsupportedError, "SNN-2201", "n0/vThMant", ("SNN-2201 n0/bias", "SNN-2201 d1/weight")),
        ),
    ]


def lowerings(writer: Writer) -> None:
    """Lowered networks by their digest, and refusals."""
    family = Family(writer, "lowering.loihi2", "target", ("target", NAME), LOWERING)
    passes = resolve(load().targets[NAME].lowering)
    for title, row in {**ACCEPTED, **{f"refused: {name}": row for name, row in REFUSED.items()}}.items():
        graph = row.graph()
        inputs = {} if row.calibration is None else {"calibration": row.calibration}
        if row.refused is not None:
            wanted: Refusal | Answer = Refusal(UnsupportedError, *row.refused, row.findings)
        else:
            context = PassContext(options=row.options, calibration=row.calibration)
            wanted = Answer(run_passes(graph, passes(), context), row.findings)
        family.add(
            title, row.comment, _snn(graph), wanted, inputs=inputs, options=row.options, landmine=row.landmine
        )
