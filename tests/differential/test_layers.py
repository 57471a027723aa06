"""Every kind of layer and function that can be held, against live SpikingJelly: no spike of any layer differs."""

from __future__ import annotations

import operator
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
import torch
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array, Tensor, tensor
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn
from torch.nn import functional as F  # noqa: N812  as everybody calls it

from tests.networks import layers as nets
from tests.networks.zoo import model

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]
STEPS, SAMPLES = 16, 3
CASES = [
    *((kind, mode) for kind in nets.KINDS for mode in ("s", "m")),
    *((kind, "m") for kind in nets.MULTI_STEP),
    *((kind, "s") for kind in nets.SINGLE_STEP),
]


def stimulus(shape: tuple[int, ...], analog: bool = False, seed: int = 0) -> Array:
    random = np.random.default_rng(seed)
    size = (STEPS, SAMPLES, *shape)
    if analog:
        return random.normal(0.3, 1, size).astype(np.float32)
    return (random.random(size) < 0.4).astype(np.float32)


@pytest.mark.parametrize("analog", [False, True], ids=["spikes", "floats"])
@pytest.mark.parametrize(("kind", "mode"), CASES, ids=[f"{kind}, {mode}" for kind, mode in CASES])
def test_every_spike_is_equal(kind: str, mode: str, analog: bool, tmp_path: Path) -> None:
    net, shape = nets.network(kind, mode)
    x = stimulus(shape, analog)
    options = ImportOptions(input_shape=shape)
    result = snnhub.verify(net, stimulus=x, against="spikingjelly", from_="spikingjelly", options=options)
    spiking = [row for row in result.verdict.rows if row.spikes]
    neurons = sum(hasattr(module, "v_threshold") for module in net.modules())
    assert len(spiking) >= neurons, [row.a_key for row in result.verdict.rows]
    for row in spiking:
        assert row.different == 0, f"{row.a_key}: {row.different} differ"
        assert 0.01 < (row.a_spikes or 0) / row.compared < 0.99, f"{row.a_key}: {row.a_spikes} of {row.compared}"
    if analog:
        return
    graph = snnhub.import_model(net, source="spikingjelly", input_shape=shape)
    snnhub.save(graph, tmp_path / "net.snn")
    again = snnhub.load(tmp_path / "net.snn")
    assert again == graph
    np.testing.assert_array_equal(prepare(again).run(x)[0]["output"], prepare(graph).run(x)[0]["output"])


BEHIND_NEURONS = [kind for kind in nets.KINDS if "Pool" in kind or "Upsample" in kind or kind.startswith("Voting")]


@pytest.mark.parametrize("kind", BEHIND_NEURONS)
def test_layers_without_weights_are_equal_in_bits(kind: str) -> None:
    """They see spikes here; torch's order of summation and of divisions must then be ours."""
    net, shape = nets.network(kind)
    x = stimulus(shape)
    options = ImportOptions(input_shape=shape)
    graph = snnhub.import_model(net, source="spikingjelly", input_shape=shape)
    modules = dict(net.named_modules())
    keys = [
        f"{node.id}/y"
        for node in graph.nodes
        if node.program is None and node.op not in ("core.Conv", "core.Dense") and node.origin.path in modules
    ]
    assert keys
    peer = snnhub.run(net, x, runner="spikingjelly", from_="spikingjelly", options=options, record=keys).recording
    ours, _ = prepare(graph).run(x, record=keys)
    for key in keys:
        np.testing.assert_array_equal(ours[key].astype(np.float32), peer[key], err_msg=key)


def changed(graph: Graph, op: str, **params: Tensor) -> Graph:
    """The graph with other numbers in its first node of an op, or with that node taken out."""
    node = next(node for node in graph.nodes if node.op == op)
    if params:
        nodes = tuple(other.with_params(**params) if other is node else other for other in graph.nodes)
        return replace(graph, nodes=nodes)
    (source,) = graph.feeding(node.id)
    edges = tuple(
        replace(edge, src=source.src) if edge.src.node == node.id else edge
        for edge in graph.edges
        if edge.dst.node != node.id
    )
    return replace(graph, nodes=tuple(other for other in graph.nodes if other is not node), edges=edges)


@pytest.mark.parametrize(
    ("kind", "op", "number"),
    [
        ("forward numbers", "core.Scale", 0.72),
        ("forward relu", "core.ReLU", None),
        ("ReLU", "core.ReLU", None),
        ("SEW IAND", "core.Scale", -0.9),
    ],
)
def test_a_wrong_graph_is_noticed(kind: str, op: str, number: float | None) -> None:
    """The networks are sensitive: a number a little off, or a rectifier left out, changes spikes."""
    net, shape = nets.network(kind)
    graph = snnhub.import_model(net, source="spikingjelly", input_shape=shape)
    wrong = changed(graph, op, **({} if number is None else {"scale": tensor(number, "float32")}))
    x = stimulus(shape)
    assert (prepare(wrong).run(x)[0]["output"] != prepare(graph).run(x)[0]["output"]).any()


def test_adaptive_pooling_is_average_pooling_where_both_divide_alike() -> None:
    """Otherwise torch divides axis by axis, which average pooling does not, and bits differ."""
    found = {}
    for size, out in [((8, 6), (4, 3)), ((12, 6), (4, 3)), ((9, 9), (3, 3)), ((9, 9), (1, 1)), ((7, 5), (3, 2))]:
        graph = snnhub.import_model(nn.AdaptiveAvgPool2d(out), source="spikingjelly", input_shape=(2, *size))
        found[size, out] = graph.nodes[0].op
        x = (np.random.default_rng(2).random((40, 2, 2, *size)) < 0.5).astype(np.float32)
        wanted = nn.AdaptiveAvgPool2d(out)(torch.from_numpy(x.reshape(80, 2, *size))).numpy()
        np.testing.assert_array_equal(prepare(graph).run(x)[0]["output"].reshape(wanted.shape), wanted)
        if out == (3, 3):
            plain = nn.AvgPool2d(3)(torch.from_numpy(x.reshape(80, 2, *size))).numpy()
            assert (plain != wanted).any()
    assert list(found.values()) == ["core.AvgPool"] * 2 + [
        "core.AdaptiveAvgPool",
        "core.AvgPool",
        "core.AdaptiveAvgPool",
    ]


def test_what_dropout_was_is_reported() -> None:
    net, shape = nets.network("torch.nn 2d", "s")
    graph = snnhub.import_model(net, source="spikingjelly", input_shape=shape)
    removed = [finding.message for finding in graph.findings if finding.code == "SNN-3005"]
    assert [message.split()[0] for message in removed] == ["Dropout2d", "AlphaDropout", "Identity"]


def refused(net: nn.Module, shape: tuple[int, ...]) -> dict[str, tuple[str, str]]:
    """Codes and messages by place; every refusal has a remedy."""
    with pytest.raises(UnsupportedError) as caught:
        snnhub.import_model(net, source="spikingjelly", input_shape=shape)
    errors = [finding for finding in caught.value.findings if finding.severity is Severity.ERROR]
    assert all(finding.remedy for finding in errors), [str(finding) for finding in errors]
    return {finding.place: (finding.code, finding.message) for finding in errors}


def test_settings_are_refused_in_one_report() -> None:
    modules: dict[str, nn.Module] = {
        "circular1": nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular"),
        "reflect3": layer.Conv3d(1, 1, 3, padding=1, padding_mode="reflect"),
        "even": nn.Conv1d(1, 1, 2, padding="same"),
        "batch": layer.BatchNorm1d(1, track_running_stats=False),
        "divisor": layer.AvgPool3d(2, divisor_override=3),
        "indices": nn.MaxPool1d(2, return_indices=True),
        "linear": layer.Upsample(scale_factor=2, mode="linear"),
        "constant": nn.ConstantPad1d(1, 0.5),
        "cut": nn.ZeroPad1d((-1, 1)),
        "adaptive": nn.AdaptiveMaxPool1d(2),
        "transposed": layer.ConvTranspose1d(1, 1, 3),
        "group": layer.GroupNorm(1, 1),
        "tanh": nn.Tanh(),
    }
    found = refused(nn.Sequential(OrderedDict(modules)), (1, 8))
    assert list(found) == list(modules)
    assert {code for code, _ in found.values()} == {"SNN-3002", "SNN-3009"}


class Faults(nn.Module):  # type: ignore[misc]
    """A forward with many functions that cannot be held, among some that can."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.n = layer.Conv2d(2, 2, 3, padding=1), neuron.IFNode(step_mode="m")
        self.up, self.up2 = layer.Upsample(scale_factor=1.5), layer.Upsample(scale_factor=41)
        functional.set_step_mode(self, "m")

    def forward(self, x: Any) -> Any:
        y = self.conv(x) / 3
        y = y * y.mean(-1, keepdim=True)
        y = y * x.shape[0]
        y = torch.add(y, x, alpha=2)
        y = self.n(y) + 1e40
        y = 1 / y
        y = self.up(y)
        return self.up2(y)


def test_functions_are_refused_in_one_report() -> None:
    found = refused(Faults(), (2, 4, 4))
    assert {place: code for place, (code, _) in found.items()} == {
        "truediv": "SNN-3002",
        "mean": "SNN-3003",
        "mul": "SNN-3010",
        "mul_1": "SNN-3002",
        "add": "SNN-3002",
        "add_1": "SNN-3002",
        "truediv_1": "SNN-3002",
        "up": "SNN-3009",
        "up2": "SNN-3009",
    }


class Tail(nn.Module):  # type: ignore[misc]
    """Two layers of neurons and what a test makes of their spikes."""

    def __init__(self, code: Any) -> None:
        super().__init__()
        self.n0, self.n1 = neuron.IFNode(step_mode="m"), neuron.LIFNode(step_mode="m")
        self.code = code

    def forward(self, x: Any) -> Any:
        return self.code(self.n0(x), self.n1(x))


@pytest.mark.parametrize(
    "code",
    [
        lambda a, b: a.add_(b) + a,
        lambda a, b: a + F.relu(a, inplace=True) + a,
        lambda a, b: a.mul_(b) + b - a,
        lambda a, b: a.flatten(2).relu_() + a.flatten(2),
        lambda a, b: [a.reshape(4, 2, 14, 6), a.add_(b)][0],
    ],
)
def test_tensors_overwritten_in_place(code: Any) -> None:
    """``a.add_(b) + a`` adds the sum twice: the graph has values only, so it is refused."""
    (found,) = refused(Tail(code), (2, 7, 6)).values()
    assert found[0] == "SNN-3025"


@pytest.mark.parametrize("change", [operator.iadd, operator.isub, operator.imul, operator.itruediv])
def test_augmented_assignment_to_a_tensor_with_two_names(change: Any) -> None:
    """Plain fx traces ``a += 2`` as ``a = a + 2``, and the other name would keep the old value."""
    found = refused(Tail(lambda a, b: change(a, 2) * a + b), (2, 7, 6))
    assert found == {change.__name__: ("SNN-3025", "n0 is overwritten and used again by mul")}
    graph = snnhub.import_model(Tail(lambda a, b: change(a, 2) * b), "spikingjelly", (2, 7, 6))
    assert graph.nodes[2].id == change.__name__


class Counting(nn.Module):  # type: ignore[misc]
    """Counts its calls, and scales by the count."""

    def __init__(self) -> None:
        super().__init__()
        self.n, self.calls = neuron.IFNode(step_mode="m"), 0

    def forward(self, x: Any) -> Any:
        self.calls += 1
        return self.n(x) * self.calls


def test_a_forward_that_changes_from_call_to_call() -> None:
    assert refused(Counting(), (2, 7, 6)) == {
        "Counting": ("SNN-3026", "the network gives another output than its traced forward")
    }


def test_results_written_in_place_that_nobody_else_uses() -> None:
    graph = snnhub.import_model(Tail(lambda a, b: (a + b).relu_().mul_(2)), "spikingjelly", (2, 7, 6))
    assert [node.op for node in graph.nodes[2:]] == ["core.Add", "core.ReLU", "core.Scale"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (lambda x: x.view(x.shape[1], x.shape[0], 2, 7, 6), "SNN-3003"),
        (lambda x: x.view(-1, 7, 6), "SNN-3003"),
        (lambda x: x.flatten(0, 1).view(x.shape[1], x.shape[0], 2, 7, 6), "SNN-3003"),
        (lambda x: x.squeeze(), "SNN-3003"),
        (lambda x: F.pad(x, (0, 0, 0, 0, 0, 0, 1, 1)), "SNN-3009"),
        (lambda x: F.pad(x.flatten(2), (0, 0, 1, 1)), "SNN-3003"),
        (lambda x: F.pad(x.flatten(0, 1), (1, 1, 1, 1), mode="circular"), "SNN-3009"),
        (lambda x: F.avg_pool2d(x.flatten(0, 1), 2, divisor_override=3), "SNN-3009"),
        (lambda x: F.avg_pool2d(x.flatten(0, 1), x.shape[0]), "SNN-3009"),
        (lambda x: F.interpolate(x.flatten(0, 1), scale_factor=2, mode="bilinear"), "SNN-3009"),
        (lambda x: F.dropout(x), "SNN-3009"),
        (lambda x: x.div(2, rounding_mode="floor"), "SNN-3002"),
        (lambda x: x * True, "SNN-3002"),
        (lambda x: x.unflatten(0, (2, 2)), "SNN-3003"),
    ],
)
def test_functions_that_are_refused(code: Any, expected: str) -> None:
    assert expected in {found for found, _ in refused(Tail(lambda a, b: code(a)), (2, 7, 6)).values()}


@pytest.mark.parametrize(
    ("name", "settings"),
    [("sew", {"cnf": "ADD"}), ("sew", {"cnf": "AND"}), ("sew", {"cnf": "IAND"}), ("spiking", {})],
    ids=["SEW ADD", "SEW AND", "SEW IAND", "plain"],
)
def test_the_residual_networks_of_spikingjelly(name: str, settings: dict[str, str]) -> None:
    """ResNet18 as it is shipped, with three colours, four steps, and statistics that make every layer fire."""
    torch.manual_seed(0)
    build = getattr(model(f"{name}_resnet"), f"{name}_resnet18")
    net = build(pretrained=False, spiking_neuron=neuron.IFNode, v_threshold=0.5, **settings)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.randn(module.num_features) * 0.1
            module.running_var = torch.rand(module.num_features) * 0.02 + 0.01
            nn.init.uniform_(module.bias, 0.1, 0.6)
    functional.set_step_mode(net, "m")
    x = (np.random.default_rng(0).random((4, 2, 3, 32, 32)) < 0.4).astype(np.float32)
    options = ImportOptions(input_shape=(3, 32, 32))
    result = snnhub.verify(net.eval(), stimulus=x, against="spikingjelly", from_="spikingjelly", options=options)
    rows = [row for row in result.verdict.rows if row.spikes]
    assert len(rows) == sum(isinstance(module, neuron.IFNode) for module in net.modules())
    assert sum(row.different for row in rows) == 0
    assert all(0.05 < (row.a_spikes or 0) / row.compared < 0.95 for row in rows)
