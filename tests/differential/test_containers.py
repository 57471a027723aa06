"""Containers and recurrence of SpikingJelly, against SpikingJelly live; and every refusal in one report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.api.verify import VerifyResult
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import tensor

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]
NETWORKS = "tests.networks.containers"


def compared(name: str, shape: tuple[int, ...], **settings: Any) -> VerifyResult:
    """A network in the engine against itself in SpikingJelly, on random spikes of twelve steps."""
    x = (np.random.default_rng(0).random((12, 3, *shape)) < 0.4).astype(np.float32)
    options = ImportOptions(input_shape=shape, settings={key: str(value) for key, value in settings.items()})
    return snnhub.verify(f"{NETWORKS}:{name}", stimulus=x, against="spikingjelly", options=options)


def same_spikes(result: VerifyResult, layers: int) -> None:
    spiking = [row for row in result.verdict.rows if row.spikes and row.a_key != "output"]
    assert len(spiking) == layers
    assert all(row.different == 0 for row in spiking)
    assert all((row.a_spikes or 0) > 5 for row in spiking), "a silent layer proves nothing"
    assert result.passed
    assert result.expected is Rung.SPIKES


def imported(name: str, shape: tuple[int, ...], **settings: str) -> Graph:
    return snnhub.import_model(f"{NETWORKS}:{name}", "spikingjelly", shape, settings=settings)


def test_time_and_batch_merged_inside_containers() -> None:
    same_spikes(compared("merging", (2, 6, 6)), 2)
    graph = imported("merging", (2, 6, 6))
    assert [node.id for node in graph.nodes] == ["0/0", "0/1/0", "0/1/1", "1", "2/0", "2/1", "3"]


@pytest.mark.parametrize("mode", ["s", "m"])
def test_neurons_inside_stepping_containers(mode: str) -> None:
    same_spikes(compared("stepping", (20,), mode=mode), 4)
    ids = {node.id for node in imported("stepping", (20,), mode=mode).nodes}
    assert ids >= {"0/2/0/0", "0/2/0/1", "0/3/fc", "0/3/n", "0/3/add", "0/3/cat", "0/3/cat/part2", "0/3/fc_1"}


@pytest.mark.parametrize("mode", ["s", "m"])
@pytest.mark.parametrize("kind", ["IF", "LIF"])
@pytest.mark.parametrize(("hidden", "bias"), [(True, True), (False, False)])
def test_linear_recurrence(mode: str, kind: str, hidden: bool, bias: bool) -> None:
    same_spikes(compared("recurrent", (20,), mode=mode, kind=kind, hidden=hidden, bias=bias), 3)


def test_the_feedback_is_one_edge_of_one_step() -> None:
    graph = imported("recurrent", (20,))
    late = [edge for edge in graph.edges if edge.delay]
    assert [(str(edge.src), str(edge.dst), edge.delay) for edge in late] == [("2/sub_module/1.s", "2/cat.b", 1)]
    cut = Graph(
        graph.name, graph.nodes, tuple(edge for edge in graph.edges if not edge.delay), graph.inputs, graph.outputs
    )
    x = (np.random.default_rng(0).random((12, 3, 20)) < 0.4).astype(np.float32)
    key = "2/sub_module/1/s"
    fed, _ = prepare(graph).run(x, record=[key])
    assert len(cut.edges) == len(graph.edges) - 1
    weight = graph.node["2/rc"].param["weight"]
    silent = weight.array.copy()
    silent[:, 12:] = 0
    deaf = imported("recurrent", (20,))
    nodes = tuple(node.with_params(weight=tensor(silent)) if node.id == "2/rc" else node for node in deaf.nodes)
    unfed, _ = prepare(Graph(deaf.name, nodes, deaf.edges, deaf.inputs, deaf.outputs)).run(x, record=[key])
    assert np.array_equal(fed[key][0], unfed[key][0]), "nothing is fed back before the first step"
    assert not np.array_equal(fed[key], unfed[key]), "and something is afterwards"


@pytest.mark.parametrize("mode", ["s", "m"])
@pytest.mark.parametrize(
    "function", ["operator", "torch", "lambda", "twice", "forgetful", "number", "product", "with itself"]
)
def test_element_wise_recurrence(mode: str, function: str) -> None:
    same_spikes(compared("element_wise", (20,), mode=mode, function=function), 2)


def test_recurrence_inside_recurrence() -> None:
    same_spikes(compared("nested_recurrence", (1, 6, 6)), 4)
    late = {
        (edge.src.node, edge.dst.node) for edge in imported("nested_recurrence", (1, 6, 6)).edges if edge.delay
    }
    assert late == {
        ("0/2/sub_module/1", "0/2/add"),
        ("0/5/sub_module/1/sub_module/1", "0/5/cat"),
        ("0/5/sub_module/1/sub_module/1", "0/5/sub_module/1/cat"),
    }


@pytest.mark.parametrize(
    ("name", "shape"), [("recurrent", (20,)), ("element_wise", (20,)), ("nested_recurrence", (1, 6, 6))]
)
@pytest.mark.parametrize("seed", range(4))
def test_recurrent_graphs_run_equal_in_blocks_and_step_by_step(
    name: str, shape: tuple[int, ...], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = imported(name, shape)
    random = np.random.default_rng(seed)
    x = random.normal(0.3, 1, (11, 3, *shape)).astype(np.float32)
    plan = prepare(graph)
    keys = plan.record_keys()
    whole, _ = plan.run(x, record=keys)
    cuts = sorted(random.choice(np.arange(1, 11), size=3, replace=False))
    for pieces in (np.split(x, 11), np.split(x, cuts)):
        state, parts = None, []
        for piece in pieces:
            part, state = plan.run(piece, record=keys, state=state)
            parts.append(part)
        for key in keys:
            np.testing.assert_array_equal(np.concatenate([part[key] for part in parts]), whole[key], err_msg=key)
    monkeypatch.setattr("snnhub.engine.reference.BLOCK_ELEMENTS", 3)
    for key, array in prepare(graph).run(x, record=keys)[0].arrays.items():
        np.testing.assert_array_equal(array, whole[key], err_msg=key)


def test_recurrent_graphs_survive_the_file(tmp_path: Path) -> None:
    snnhub.save(imported("nested_recurrence", (1, 6, 6)), tmp_path / "net.snn")
    x = (np.random.default_rng(0).random((6, 2, 1, 6, 6)) < 0.4).astype(np.float32)
    again = snnhub.load(tmp_path / "net.snn")
    keys = prepare(again).record_keys()
    runs = [prepare(graph).run(x, record=keys)[0] for graph in (again, imported("nested_recurrence", (1, 6, 6)))]
    for key in keys:
        np.testing.assert_array_equal(runs[0][key], runs[1][key], err_msg=key)
    assert again.network() == imported("nested_recurrence", (1, 6, 6)).network()


def test_states_inside_containers_are_recorded() -> None:
    result = compared("stepping", (20,))
    options = ImportOptions(input_shape=(20,))
    x = (np.random.default_rng(0).random((12, 3, 20)) < 0.4).astype(np.float32)
    keys = ("0/1/v", "0/3/n/v", "0/2/0/1/s", "output")
    theirs = snnhub.run(f"{NETWORKS}:stepping", x, runner="spikingjelly", record=keys, options=options).recording
    ours = snnhub.run(f"{NETWORKS}:stepping", x, record=keys, options=options).recording
    for key in keys:
        assert theirs[key].shape == ours[key].shape
        np.testing.assert_allclose(theirs[key], ours[key], atol=1e-5, err_msg=key)
    assert result.passed


def refusal(net: Any, shape: tuple[int, ...] | None) -> UnsupportedError:
    with pytest.raises(UnsupportedError) as caught:
        snnhub.import_model(net, "spikingjelly", shape)
    return caught.value


def test_functions_that_an_element_wise_container_cannot_say() -> None:
    import torch
    from spikingjelly.activation_based import layer, neuron
    from torch import nn

    weight = torch.ones(4)
    cases: dict[str, tuple[Any, str]] = {
        "branch": (lambda y, x: y + x if x.sum() > 0 else x, "cannot be traced"),
        "closure": (lambda y, x: y + x + weight, "outside a layer"),
        "unknown": (torch.maximum, "maximum"),
        "alpha": (lambda y, x: torch.add(y, x, alpha=2), "add with alpha"),
        "itself": (lambda y, x: y, "nothing but its own output"),
    }
    for name, (function, words) in cases.items():
        inside: nn.Module = nn.Identity() if name == "itself" else neuron.IFNode()
        net = nn.Sequential(nn.Linear(4, 4), layer.ElementWiseRecurrentContainer(inside, function))
        error = refusal(net, (4,))
        assert all(finding.place.startswith("1") for finding in error.findings), (name, error.findings)
        assert words in " ".join(finding.message for finding in error.findings), name
        assert all(finding.remedy for finding in error.findings), name


def test_containers_that_do_not_fit() -> None:
    from spikingjelly.activation_based import layer, neuron
    from torch import nn

    class Own(layer.MultiStepContainer):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return super().forward(x) * 2

    shared = layer.MultiStepContainer(nn.Linear(4, 4), neuron.IFNode())
    cases = {
        "SNN-3003": nn.Sequential(layer.SeqToANNContainer(nn.Linear(4, 4), neuron.IFNode())),
        "SNN-3002": nn.Sequential(Own(nn.Linear(4, 4), neuron.IFNode())),
        "SNN-3010": nn.Sequential(
            layer.MultiStepContainer(nn.Linear(4, 4), neuron.IFNode()),
            layer.LinearRecurrentContainer(neuron.IFNode(), 4, 4, step_mode="s"),
        ),
        "SNN-3004": nn.Sequential(shared, shared),
    }
    for code, net in cases.items():
        assert refusal(net, (4,)).findings[0].code == code
    last = refusal(nn.Sequential(layer.TLastMultiStepContainer(nn.Linear(4, 4), neuron.IFNode())), (4,))
    assert "MultiStepContainer" in last.findings[0].remedy


def test_tensors_overwritten_inside_containers() -> None:
    """The box writes into what the network outside uses again, or into what is fed back."""
    import operator

    from spikingjelly.activation_based import layer, neuron
    from torch import nn

    from tests.networks.containers import Around, PlusOne

    def keep(x: Any) -> Any:
        return x

    rectifier = nn.ReLU(inplace=True)
    single = layer.ElementWiseRecurrentContainer(neuron.IFNode(), operator.add, step_mode="s")
    writing = layer.ElementWiseRecurrentContainer(neuron.IFNode(), operator.iadd, step_mode="m")
    cases: dict[str, tuple[nn.Module, str]] = {
        "merged": (Around(layer.SeqToANNContainer(rectifier, nn.Linear(6, 6)), keep), "box"),
        "stepped": (Around(layer.MultiStepContainer(PlusOne(), neuron.IFNode()), keep), "box"),
        "nested": (Around(layer.MultiStepContainer(layer.StepModeContainer(False, "s", PlusOne())), keep), "box"),
        "given back": (Around(layer.SeqToANNContainer(nn.Identity()), lambda z: z.relu_()), "relu_"),
        "fed back": (
            Around(writing, keep),
            "box/iadd",
        ),
        "kept": (Around(single, lambda z: z.mul_(0.5), "s"), "mul_"),
        "filter": (Around(layer.SynapseFilter(2.0), lambda z: z.mul_(0.5), "s"), "mul_"),
    }
    for name, (net, place) in cases.items():
        found = [(finding.code, finding.place) for finding in refusal(net, (6,)).findings]
        assert found == [("SNN-3025", place)], name


def test_tensors_overwritten_inside_containers_that_nobody_else_uses() -> None:
    from spikingjelly.activation_based import layer, neuron
    from torch import nn

    from tests.networks.spiking import scaled

    rectifier = nn.ReLU(inplace=True)
    net = nn.Sequential(
        layer.Linear(6, 6, step_mode="m"),
        layer.SeqToANNContainer(rectifier, nn.Linear(6, 6), rectifier),
        layer.ElementWiseRecurrentContainer(neuron.IFNode(), lambda y, x: x.mul_(0.5) + y, step_mode="m"),
        rectifier,
        neuron.LIFNode(tau=1.2, v_threshold=0.3, step_mode="m"),
    )
    net = scaled(net, 2.0)
    x = np.random.default_rng(0).normal(0.5, 2, (12, 3, 6)).astype(np.float32)
    options = ImportOptions(input_shape=(6,))
    same_spikes(snnhub.verify(net, stimulus=x, against="spikingjelly", from_="spikingjelly", options=options), 2)


def test_six_problems_in_one_report() -> None:
    from tests.networks.containers import six_problems

    found = {(finding.code, finding.place) for finding in refusal(six_problems(), (6,)).findings}
    assert found == {
        ("SNN-3002", "activation"),
        ("SNN-3004", "n"),
        ("SNN-3010", "single"),
        ("SNN-3002", "tanh"),
        ("SNN-3002", "offset"),
        ("SNN-3003", "merged/1"),
        ("SNN-3002", "box/1"),
    }
    assert all(finding.remedy for finding in refusal(six_problems(), None).findings)


@pytest.mark.parametrize("nested", [False, True])
def test_loops_over_time(nested: bool) -> None:
    from tests.networks.containers import unrolled

    place = "1/" if nested else ""
    again = [f for f in refusal(unrolled(4, nested), (6,)).findings if f.code == "SNN-3004"]
    assert [(finding.place, finding.message.count("n")) for finding in again] == [(f"{place}n", 5)] or again
    assert len(again) == 1
    assert again[0].place == f"{place}n"
    assert "4 times: as in a loop over time" in again[0].message
    assert "import the network of one step" in again[0].remedy
    for net in (unrolled(0, nested), unrolled(0, nested, sized=True)):
        found = refusal(net, (6,)).findings
        assert "seems to loop over time" in found[0].message, found[0].message
        assert found[0].place == ("1" if nested else "forward")
        assert "import the network of one step" in found[0].remedy
        assert (len(found) == 2) == nested, "what else cannot be held is in the same report"


def test_the_rank_of_the_input_is_seen_inside_containers() -> None:
    for name, rank in (("merging", 3), ("recurrent", 1), ("stepping", 1)):
        with pytest.raises(InputShapeMissingError) as caught:
            snnhub.import_model(f"{NETWORKS}:{name}", "spikingjelly")
        assert caught.value.rank == rank
