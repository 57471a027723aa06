"""What the xylosim runner takes and refuses, without xylosim; and that it says how to get it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import snnhub
from snnhub.api.request import RunRequest
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import MissingPeerError, UnsupportedError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Output, Port
from snnhub.ir.numtype import unsigned
from snnhub.ops.registry import REGISTRY
from snnhub_formats import container
from snnhub_xylo import worker
from snnhub_xylo.runner import ensure_single_core, run_xylosim

from tests.build import mlp, spikes
from tests.networks.xylo_cores import core_graph, random_core


def two_cores() -> Graph:
    """Each alone could run."""
    core, _ = random_core(0, (3, 4, 2))
    builder = GraphBuilder("two", REGISTRY)
    x = builder.input((3,), unsigned(8))
    for name in ("a", "b"):
        builder.node(name, "xylo.Core", x, params=core.params(), core=core.version, synapses=1)
        builder.output(Port(name, "s_out"), name=f"out_{name}")
    return builder.graph()


def test_a_single_core_is_taken() -> None:
    graph = core_graph(random_core(0)[0])
    assert ensure_single_core(graph).id == "xylo"


@pytest.mark.parametrize(
    ("graph", "places"),
    [
        (mlp(), ["graph", "fc0", "n0", "n0", "fc1", "n1", "n1"]),
        (two_cores(), ["graph"]),
    ],
    ids=["other nodes", "two cores"],
)
def test_everything_else_is_refused_at_once(graph: Graph, places: list[str]) -> None:
    x = read_stimulus(spikes((4, *graph.inputs[0].shape)), graph.inputs[0])
    with pytest.raises(UnsupportedError) as caught:
        run_xylosim(RunRequest(graph, x))
    assert [item.place for item in caught.value.findings] == places
    assert {item.code for item in caught.value.findings} == {"SNN-4202"}


def test_delays_and_summed_outputs_are_refused() -> None:
    graph = core_graph(random_core(0, (3, 4, 2))[0])
    late = replace(graph, edges=(replace(graph.edges[0], delay=1), graph.edges[1]))
    with pytest.raises(UnsupportedError, match="one Xylo core"):
        ensure_single_core(late)
    through = Edge(Port("input", TERMINAL_PORT), Port("copy", TERMINAL_PORT))
    copied = replace(graph, edges=(*graph.edges, through), outputs=(*graph.outputs, Output("copy")))
    with pytest.raises(UnsupportedError) as caught:
        ensure_single_core(copied)
    assert [item.place for item in caught.value.findings] == ["copy"]


def test_without_the_environment_it_says_how_to_make_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("none")
    monkeypatch.setenv("SNNHUB_ENVS", str(folder))
    core, x = random_core(0)
    container.save(core_graph(core), folder / "core.snn")
    with pytest.raises(MissingPeerError, match="snnhub env create xylosim"):
        snnhub.run(folder / "core.snn", x, runner="xylosim")


def test_records_are_turned_to_time_first() -> None:
    """The peer keeps spikes by step and states by neuron."""

    class Layer:
        rec_recurrent_spikes = ((0, 1, 2), (3, 4, 5))
        rec_v_mem = ((0, 1), (2, 3), (4, 5))

    np.testing.assert_array_equal(worker.recorded(Layer(), "s", 2), [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(worker.recorded(Layer(), "vmem", 2), [[0, 2, 4], [1, 3, 5]])
