"""Live Rockpool: modules of one's own, by the graph that they say, with the parameters of their layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.remote import open_worker
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.peers.protocol import Worker

from tests.differential.rockpool_runs import OWN, bring, differences, recorded, spikes_of, stimulus

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("rockpool")]


@pytest.fixture(scope="module")
def worker(rockpool: None) -> Iterator[Worker]:
    """One Rockpool process for all runs."""
    with open_worker("rockpool") as opened:
        yield opened


def codes(graph: Graph) -> set[str]:
    return {finding.code for finding in graph.findings}


def compared(worker: Worker, factory: str, **settings: Any) -> tuple[Graph, dict[str, int], Any]:
    graph, options, source = bring(worker, factory, OWN, **settings)
    theirs = recorded(worker, graph, options, source, stimulus())
    missing = {f"{node.id}/s" for node in graph.nodes if node.op == "core.MultiSpikeLIF"} - set(theirs)
    assert not missing
    return graph, differences(graph, theirs, stimulus()), theirs


@pytest.mark.parametrize("seed", range(3))
def test_branches_with_caps_leaks_synapses_and_recurrence(worker: Worker, seed: int) -> None:
    """None of that is in Rockpool's graph: it is taken from the layers that the graph names. 0 words differ."""
    graph, found, theirs = compared(worker, "unknown", seed=seed)
    assert found == dict.fromkeys(theirs, 0)
    assert graph.node["slow"].attribute["max_spikes"] == 3
    assert graph.node["fast"].attribute["max_spikes"] == 7
    assert graph.node["fast"].param["alpha"].recipe.startswith("alpha and beta of LIFBitshiftTorch")
    assert theirs["fast/s"].max() == 7
    assert theirs["slow/s"].max() == 3
    assert "SNN-3216" in codes(graph)


def test_among_modules_of_rockpool(worker: Worker) -> None:
    graph, found, theirs = compared(worker, "within")
    assert found == dict.fromkeys(theirs, 0)
    assert theirs["output"].sum() > 50
    dropped = [finding.place for finding in graph.findings if finding.code == "SNN-3005"]
    assert dropped == ["0_Branches/drops"]
    unknown = [finding.place for finding in graph.findings if finding.code == "SNN-3216"]
    assert unknown == ["0_Branches", "2_Mine"]


@pytest.mark.parametrize("seed", [0, 2])
def test_wavesense(worker: Worker, seed: int) -> None:
    """Rockpool's own network of blocks, residual and skip paths: every word of every layer."""
    graph, found, theirs = compared(worker, "wavesense", seed=seed)
    assert found == dict.fromkeys(theirs, 0)
    fired = {key: int(theirs[key].sum()) for key in theirs if key.endswith("/s")}
    assert len(fired) == 12
    assert min(fired.values()) > 50
    assert [node.id for node in graph.nodes if node.op == "core.Add"] == [
        *("wave1/lin1/sum1", "wave2/lin1/sum1", "wave2/lin1/sum2", "hidden/sum1", "hidden/sum2")
    ]


def test_verified_on_the_command_line_s_way() -> None:
    options = ImportOptions(settings={"seed": "1"})
    result = snnhub.verify(
        f"{OWN}:wavesense", stimulus=stimulus(), against="rockpool", from_="rockpool", options=options
    )
    assert result.passed
    assert result.verdict.rows


def test_a_graph_without_layers_is_told_by_what_it_lacks(worker: Worker) -> None:
    graph, options, source = bring(worker, "unknown", OWN, kind="Nameless")
    assert {"SNN-3216", "SNN-3217", "SNN-3219"} <= codes(graph)
    lost = {finding.place for finding in graph.findings if finding.severity is Severity.LOSS}
    assert lost == {"Nameless/1_LIFNeuronWithSynsRealValue", "left", "right", "slow", "fast"}
    theirs = recorded(worker, graph, options, source, stimulus())
    assert set(theirs) == {"output"}  # nothing says which layers these are


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("Some", "some outputs of right"),
        ("Broken", "AttributeError"),
        ("Loop", "a loop through"),
        ("WithSynapse", "ExpSynTorch"),
        ("Twice", "in it twice"),
        ("Unfed", "nothing arrives"),
    ],
)
def test_graphs_that_cannot_be_taken_apart_are_refused(worker: Worker, kind: str, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words) as caught:
        bring(worker, "unknown", OWN, kind=kind)
    assert {finding.code for finding in caught.value.findings} == {"SNN-3218"}


@pytest.mark.parametrize("n_syn", [1, 2])
def test_exodus_neurons_by_the_order_of_their_source(worker: Worker, n_syn: int) -> None:
    """Not the real ones, which need a GPU: a class of that name with their bias per synapse and order of sums."""
    graph, options, source = bring(worker, "exodus", OWN, n_syn=n_syn)
    assert "SNN-3211" in codes(graph)
    theirs = recorded(worker, graph, options, source, stimulus())
    ours, _ = prepare(graph, REGISTRY).run(stimulus(), record=["1_LIFExodus/s"])
    different = int((ours["1_LIFExodus/s"] != theirs["1_LIFExodus/s"]).sum())
    assert theirs["1_LIFExodus/s"].sum() > 5_000
    assert different <= 10  # of 5,760: sums round otherwise, so none is promised
    once = with_bias(graph, graph.node["1_LIFExodus"].param["bias"].array / np.float32(n_syn))
    wrong, _ = prepare(once, REGISTRY).run(stimulus(), record=["1_LIFExodus/s"])
    assert (int((wrong["1_LIFExodus/s"] != theirs["1_LIFExodus/s"]).sum()) > 100) == (n_syn > 1)


def with_bias(graph: Graph, bias: Array) -> Graph:
    node = graph.node["1_LIFExodus"]
    params = tuple((name, tensor(bias) if name == "bias" else value) for name, value in node.params)
    return replace(graph, nodes=tuple(replace(n, params=params) if n is node else n for n in graph.nodes))


def test_spikes_are_the_same_when_asked_twice(worker: Worker) -> None:
    """Layers are listened to in a network that is made anew each time."""
    graph, options, source = bring(worker, "unknown", OWN)
    first, second = (recorded(worker, graph, options, source, stimulus()) for _ in range(2))
    assert spikes_of({key: int((first[key] != second[key]).sum()) for key in first}) == 0
    assert set(first) == set(second)
