"""Graphs within graphs under profiles: laid flat where that is what a framework makes of them, else refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.discretise import discretise
from snnhub.api.load import load_graph
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.ir.graph import Graph
from snnhub_conformance.generate.nir_parts import affine, chain, neuron, nir

DT = 1e-4
LIF = neuron("LIF", r=20.0, v_threshold=1.0)
FLAT = {"fc": affine(4, 4), "cell": LIF}


def graph_of(spec: dict[str, Any], folder: Path) -> Graph:
    path = folder / "a.nir"
    path.write_bytes(nir(spec))
    return load_graph(path, continuous=True).graph


def within(depth: int, layers: dict[str, Any]) -> dict[str, Any]:
    """The layers in ``depth`` graphs, one in the other."""
    spec = chain(layers)
    for _ in range(depth):
        spec = chain({"inner": spec})
    return spec


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize(
    "profile", ["nir-euler", "exponential", "nengo-4", "norse-1", "snntorch-1", "spikingjelly-2", "sinabs-3"]
)
def test_on_one_path_they_are_laid_flat(profile: str, depth: int, tmp_path: Path) -> None:
    """As the frameworks run them: the cases of ``profile.*``, and docs/support.md."""
    nested, plain = (discretise(graph_of(within(level, FLAT), tmp_path), DT, profile) for level in (depth, 0))
    assert [node.op for node in nested.nodes] == [node.op for node in plain.nodes]
    x = np.random.default_rng(0).normal(1, 2, (40, 4)).astype(np.float32)
    found, expected = (prepare(graph).run(x, record=["output"])[0]["output"] for graph in (nested, plain))
    assert expected.any()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("profile", ["spyx-1", "rockpool-3"])
def test_what_a_framework_refuses_is_refused(profile: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="graph"):
        discretise(graph_of(within(1, {"cell": neuron("CubaLIF")}), tmp_path), DT, profile)


def test_another_order_than_one_path(tmp_path: Path) -> None:
    """A node beside a graph within; tests/differential/test_profiles.py has random ones against the frameworks."""
    spec = chain({"inner": chain(FLAT), "b": LIF})
    spec["edges"].append(("input", "b"))
    graph = graph_of(spec, tmp_path)
    for profile in ("norse-1", "nir-euler"):
        assert {"inner/fc", "inner/cell", "b"} <= {node.id for node in discretise(graph, DT, profile).nodes}


def test_what_follows_an_if_counts_through_the_end_of_its_graph(tmp_path: Path) -> None:
    """IF answers a tuple in snnTorch: as the last layer it may, before another one it may not."""
    last = graph_of(within(1, {"fc": affine(4, 4), "cell": neuron("IF")}), tmp_path)
    assert discretise(last, DT, "snntorch-1").nodes
    before = graph_of(chain({"inner": chain({"cell": neuron("IF")}), "fc": affine(4, 4)}), tmp_path)
    with pytest.raises(UnsupportedError, match="tuple"):
        discretise(before, DT, "snntorch-1")


def test_ends_that_multiply_edges_are_bounded(tmp_path: Path) -> None:
    """Twice the same edge at each end of twenty graphs: two to the power of 20 ways."""
    spec = within(20, FLAT)
    here = spec
    for _ in range(20):
        here["edges"] = [edge for edge in here["edges"] for _ in range(2)]
        here = here["nodes"]["inner"]
    with pytest.raises(UnsupportedError, match="more than 100,000 ways"):
        discretise(graph_of(spec, tmp_path), DT, "nir-euler")
