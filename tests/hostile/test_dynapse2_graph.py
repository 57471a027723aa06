"""Broken dynapse2.json files on their way to a graph: an error of ours or a whole graph, never anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.errors import SnnhubError
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Tensor
from snnhub.ir.verify import ensure
from snnhub.ops.registry import REGISTRY
from snnhub_dynapse2.exporter import export_dynapse2
from snnhub_dynapse2.lowered.choice import WORDS
from snnhub_dynapse2.lowered.file import network_of
from snnhub_formats import container

from tests.hostile.mutation import SEED
from tests.networks.dynapse2_graphs import random_graph

CASES = 150


@cache
def good() -> tuple[Graph, bytes]:
    """A lowered graph and its file."""
    with TemporaryDirectory() as name:
        source, path = Path(name) / "net.snn", Path(name) / "net.json"
        container.save(random_graph(0), source)
        return snnhub.convert(source, path, to="dynapse2").graph, path.read_bytes()


def test_mutated_files_are_refused_or_whole() -> None:
    random = np.random.default_rng(SEED)
    whole = 0
    for _ in range(CASES):
        document = json.loads(good()[1])
        _change(document, random)
        try:
            graph = network_of(json.dumps(document).encode(), REGISTRY)
        except SnnhubError:
            continue
        ensure(graph, REGISTRY)
        whole += 1
    assert whole < CASES


def _change(document: Any, random: np.random.Generator) -> None:
    """Replaces, drops or doubles something somewhere in the model or the map, or in the chips."""
    place: Any = document[str(random.choice(["model", "map", "chips", "inputs"]))]
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = keys[int(random.integers(len(keys)))]
        value = place[key]
        if isinstance(value, dict | list) and random.random() < 0.8:
            place = value
            continue
        kind = int(random.integers(4))
        if kind == 0:
            del place[key]
        elif kind == 1 and isinstance(place, list):
            place.append(value)
        else:
            place[key] = [None, -1, 2.5, "input", [], {}, 10**9, True][int(random.integers(8))]
        return


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"board":{},"cores":[],"monitored":[]}',
        '{"board":{"positions":[[1,0]],"input":[0,0],"monitor_hop":[-7,-7],"verified":false},"cores":[],"monitored":[]}',
        '{"cores":[{"core":99,"iscale_A":1e-8,"bases":[],"neurons":[[0,9]]}],"monitored":[]}',
    ],
)
def test_recipes_that_say_nonsense_are_no_mapping(text: str, tmp_path: Path) -> None:
    """A .snn may say anything: it is not written, and mapped anew where it is converted."""
    graph = good()[0]
    nodes = [_told(node, WORDS + text) if node.op == "dynapse2.DynapSim" else node for node in graph.nodes]
    changed = replace(graph, nodes=tuple(nodes))
    with pytest.raises(SnnhubError, match="not a network that was mapped"):
        export_dynapse2(changed, tmp_path / "a.json")
    container.save(changed, tmp_path / "net.snn")
    result = snnhub.convert(tmp_path / "net.snn", tmp_path / "a.json", to="dynapse2")
    assert snnhub.load(tmp_path / "a.json").network() == result.graph.network()


def _told(node: Node, recipe: str) -> Node:
    old = node.param["Iscale"]
    return node.with_params(Iscale=Tensor(old.shape, old.dtype, old.load, recipe=recipe))
