"""From a network of layers to integers: mapping and quantising, against Rockpool's mapper and quantisers.

Ours is the whole lowering to Xylo Audio 3 with its checks and findings, from a graph in memory; Rockpool's is its
``as_graph``, mapper and quantiser, from a module in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from snnhub.api.load import load_graph
from snnhub.passes.base import PassContext, run_passes
from snnhub_xylo.lowering import xylo_a3

from tests.bench.timing import Ratio, compare, seconds
from tests.differential.rockpool_reference import SYNNET, SYNNET_LAYERS, Request, random_network, reference

RULES = {"global": "global", "per-neuron": "channel"}


def measure(folder: Path) -> Iterator[Ratio]:
    """A line per network and rule."""
    networks: list[tuple[str, Path, Sequence[Any]]] = []
    if SYNNET.is_file():
        networks.append(("trained SynNet, 189 neurons", SYNNET, SYNNET_LAYERS))
    for name, kind in (("three layers", "three layers"), ("recurrent", "recurrent")):
        path, made = random_network(folder, 0, kind, "xylo-a3", "largest")
        networks.append((f"{name}, largest of Xylo Audio 3", path, made))
    for name, path, layers in networks:
        graph = load_graph(path, importer="rockpool").graph
        for rule, theirs in RULES.items():
            request = Request(path, layers, "xylo-a3", theirs)
            options = {"quantiser": rule, "dash": "log2", "residual": "skew"}

            def ours() -> float:
                return seconds(lambda: run_passes(graph, xylo_a3(), PassContext(options=options)))  # noqa: B023

            def rockpool() -> float:
                found = reference(request)  # noqa: B023
                return float(found["seconds_map"]) + float(found["seconds_quantise"])

            yield compare(f"map, {rule}: {name}", f"Rockpool {theirs}", ours, rockpool)
