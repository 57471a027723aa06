"""Max pooling of spikes as a layer of neurons: exact where asked for, refused where it would not be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32
from snnhub.ir.rung import Rung
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, promise_of, run_passes
from snnhub_loihi.lowering import passes

from tests.build import conv, neurons, spikes
from tests.networks.pooled import SHAPE, WINDOWS, grid, pooled, window

REQUEST = {"maxpool": "or-layer"}


def lowered(graph: Graph, calibration: Any = None, **options: str) -> Graph:
    return run_passes(graph, passes(), PassContext(options=options or REQUEST, calibration=calibration))


@pytest.mark.parametrize("name", WINDOWS)
def test_spikes_are_equal_and_one_step_later(name: str) -> None:
    graph = pooled(WINDOWS[name])
    found = lowered(graph)
    lags = {str(match.old): match.lag for match in found.correspondence}
    assert (lags["n0.s"], lags["max0.y"], lags["n1.s"]) == (1, 2, 3)
    promise = promise_of(found)
    assert promise is not None
    assert promise.rung is Rung.SPIKES_LAG
    x = spikes((30, 4, *SHAPE), 0.3)
    before, _ = prepare(graph).run(x, record=["n0/s", "max0/y", "n1/s"])
    after, _ = prepare(found).run(x, record=["n0/s", "max0/s", "n1/s"], steps=33)
    np.testing.assert_array_equal(before["n0/s"], after["n0/s"][1:31])
    np.testing.assert_array_equal(before["max0/y"], after["max0/s"][2:32])
    np.testing.assert_array_equal(before["n1/s"], after["n1/s"][3:33])
    assert 0 < before["max0/y"].mean() < 1
    assert before["n1/s"].any()


@pytest.mark.parametrize("calibrated", [False, True])
def test_the_layer_needs_no_scale(calibrated: bool) -> None:
    found = lowered(pooled({}), spikes((6, 3, *SHAPE)) if calibrated else None)
    neuron, synapse = found.node["max0"], found.node["max0/synapse"]
    assert {name: int(tensor.array) for name, tensor in neuron.params} == {
        "bias": 0,
        "iDecay": 4096,
        "vDecay": 4096,
        "vThMant": 0,
    }
    assert synapse.param["weight"].array.tolist() == [[[[2, 2], [2, 2]]]] * 3
    assert synapse.attribute["groups"] == 3
    (finding,) = [f for f in found.findings if f.code == "SNN-2114"]
    assert (finding.severity, finding.place) == (Severity.NOTE, "max0")
    assert finding.bound == "exact, one step later"


def test_a_pool_behind_a_pool_becomes_two_layers() -> None:
    graph = pooled({"stride": (1, 1)}, {})
    found = lowered(graph)
    x = spikes((20, 3, *SHAPE), 0.3)
    before, _ = prepare(graph).run(x, record=["max1/y"])
    after, _ = prepare(found).run(x, record=["max1/s"], steps=23)
    np.testing.assert_array_equal(before["max1/y"], after["max1/s"][3:])


def refusal(graph: Graph, **options: str) -> str:
    """The remedy of the one thing that is refused."""
    with pytest.raises(UnsupportedError) as caught:
        lowered(graph, **options)
    (found,) = [f for f in caught.value.findings if f.severity is Severity.ERROR]
    assert (found.code, found.place) == ("SNN-2101", "max0")
    return found.remedy


def test_without_the_option_it_is_refused_and_the_option_named() -> None:
    assert "--maxpool or-layer" in refusal(pooled({}), maxpool="refuse")


def test_windows_beyond_one_side_are_refused() -> None:
    assert "ceil_mode=False" in refusal(pooled({"ceil_mode": True}))


def test_a_maximum_of_currents_is_refused() -> None:
    builder = GraphBuilder("currents", REGISTRY)
    port = conv(builder, "c", builder.input(SHAPE, F32), grid((3, 2, 3, 3)))
    port = builder.node("max0", "core.MaxPool", port, **window())
    port = neurons(builder, "n0", port)
    builder.output(neurons(builder, "n1", conv(builder, "c1", port, grid((2, 3, 1, 1)))))
    with pytest.raises(UnsupportedError) as caught:
        lowered(builder.graph())
    remedies = {f.place: f.remedy for f in caught.value.findings if f.severity is Severity.ERROR}
    assert "right behind neurons" in remedies["max0"]


def renamed(port: Port, names: dict[str, str]) -> Port:
    return Port(names.get(port.node, port.node), port.name)


def test_a_name_that_is_taken_gets_another() -> None:
    graph = pooled({})
    names = {"c": "max0/synapse"}
    nodes = tuple(replace(node, id=names.get(node.id, node.id)) for node in graph.nodes)
    edges = tuple(replace(e, src=renamed(e.src, names), dst=renamed(e.dst, names)) for e in graph.edges)
    found = lowered(replace(graph, nodes=nodes, edges=edges))
    assert {"max0/synapse", "max0/synapse_"} <= {node.id for node in found.nodes}


def test_convert_takes_the_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    snnhub.save(pooled({}), tmp_path / "a.snn")
    arguments = ["convert", str(tmp_path / "a.snn"), "-o", str(tmp_path / "a.net"), "--json"]
    assert invoke(arguments) != 0
    assert "--maxpool or-layer" in capsys.readouterr().out
    assert not (tmp_path / "a.net").exists()
    assert invoke([*arguments, "--maxpool", "or-layer"]) == 0
    assert "SNN-2114" in {finding["code"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    result = snnhub.verify(tmp_path / "a.snn", tmp_path / "a.net", stimulus=spikes((12, 3, *SHAPE)))
    assert result.passed
    assert result.verdict.reached is Rung.SPIKES_LAG


@pytest.mark.parametrize(
    ("lowering", "output", "words"),
    [
        ({"maxpool": "average"}, "a.net", "found average, allowed refuse, or-layer"),
        ({"minpool": "or-layer"}, "a.net", "no option minpool"),
        ({"maxpool": "or-layer"}, "b.snn", "no option maxpool"),
    ],
)
def test_choices_that_the_target_does_not_have(
    lowering: dict[str, str], output: str, words: str, tmp_path: Path
) -> None:
    snnhub.save(pooled({}), tmp_path / "a.snn")
    with pytest.raises(UsageError, match=words):
        snnhub.convert(tmp_path / "a.snn", tmp_path / output, lowering=lowering)
