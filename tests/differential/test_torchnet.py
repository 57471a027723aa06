"""Networks of a tiny framework on torch, in every way that people write them: spikes of engine and framework, and
what is refused, and where.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.engine.torch_engine.plan import prepare_torch
from snnhub.engine.torch_engine.settings import read_settings
from snnhub.errors import UnsupportedError, UsageError
from snnhub.ir.graph import Graph
from snnhub.ops.registry import REGISTRY
from snnhub.torchnet.importer import import_network
from snnhub.torchnet.runner import run_network

from tests.networks import leaky_nets
from tests.networks.leakynet import FRAMEWORK

pytestmark = pytest.mark.peer
FACTORY = "tests.networks.leaky_nets:net"
LINE, IMAGE = (5,), (1, 6, 6)
STEP, TIME, BATCH, MERGED, FRAME = (
    "(N, …) per call",
    "(T, N, …)",
    "(N, T, …)",
    "(N*T, …)",
    "loops over time itself",
)


def options(name: str, shape: tuple[int, ...] = LINE, /, **given: str) -> ImportOptions:
    """Arguments of the factory end in ``_``; others are options of the importer."""
    settings = {key.strip("_"): value for key, value in given.items() if key.endswith("_")}
    said = {key: value for key, value in given.items() if not key.endswith("_")}
    return ImportOptions(settings={"name": repr(name), **settings}, input_shape=shape, given=said)


def imported(chosen: ImportOptions) -> Graph:
    return import_network(FRAMEWORK, FACTORY, chosen)


def codes(error: UnsupportedError) -> set[tuple[str, str]]:
    return {(finding.code, finding.place) for finding in error.findings}


def same(graph: Graph, chosen: ImportOptions, steps: int, samples: int = 4, bits: bool = True) -> int:
    """Run both, and both engines: every spike equal, in torch's kernels every word. How many spikes there were.

    ``bits``: False where a layer sees a strided tensor, such as ``x[:, step]``: torch then adds in another order.
    """
    shape = graph.inputs[0].shape
    x = np.random.default_rng(1).random((steps, samples, *shape), dtype=np.float32)
    if graph.inputs[0].hold:
        x[:] = x[:1]
    request = RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), FACTORY, chosen)
    theirs = run_network(FRAMEWORK, request)
    ours, _ = prepare(graph).run(x, record=list(theirs))
    words, _ = prepare_torch(graph, read_settings({}), REGISTRY).run(x, record=list(theirs))
    spikes = 0
    for key, array in theirs.items():
        assert array.shape == ours[key].shape, key
        if array.dtype.kind == "f":
            assert np.abs(array - ours[key]).max() < 1e-5, key
            assert np.array_equal(array, words[key]) or not bits, key
            continue
        assert array.dtype.kind == "u"
        assert np.array_equal(array, ours[key]), key
        spikes += int(array.sum())
    return spikes


@pytest.mark.parametrize(
    ("name", "shape", "taken", "decoder", "fed_back"),
    [
        ("sequential", IMAGE, STEP, None, 0),
        ("Tupled", LINE, STEP, None, 0),
        ("Attributes", LINE, STEP, None, 0),
        ("Loop", LINE, TIME, None, 0),
        ("LoopBatchFirst", LINE, BATCH, None, 0),
        ("LoopFixed", LINE, TIME, "sum", 0),
        ("Static", LINE, FRAME, "mean", 0),
        ("Total", LINE, TIME, "sum", 0),
        ("Mean", LINE, TIME, "mean", 0),
        ("Filled", LINE, TIME, "mean", 0),
        ("Potential", LINE, TIME, "last", 0),
        ("Listed", LINE, TIME, None, 0),
        ("Recurrent", LINE, TIME, None, 1),
        ("RecurrentLate", LINE, TIME, None, 1),
        ("Helped", LINE, TIME, None, 0),
        ("Sequences", LINE, TIME, None, 0),
        ("Turned", LINE, BATCH, "mean", 0),
        ("Images", IMAGE, BATCH, None, 0),
        ("colliding", (4,), BATCH, None, 0),
    ],
)
def test_ways_to_write_a_network(
    name: str, shape: tuple[int, ...], taken: str, decoder: str | None, fed_back: int
) -> None:
    chosen = options(name, shape)
    graph = imported(chosen)
    found = {finding.code: finding.message for finding in graph.findings}
    assert taken in found["SNN-3525"]
    equal, _, rest = found["SNN-3006"].partition(" of ")
    assert equal == rest.split()[0]
    assert (graph.decoder.reduce if graph.decoder else None) == decoder
    assert [edge.delay for edge in graph.edges if edge.delay] == [1] * fed_back
    assert [node.op for node in graph.nodes].count("core.LIFCoeff") == 2
    steps = {"Static": 25, "LoopFixed": 10}.get(name, 9)
    assert same(graph, chosen, steps, bits=name != "LoopBatchFirst") > 20


def test_which_returned_tensor_is_the_output() -> None:
    """States of a step go in and out by name; the first that is returned is a potential."""
    with pytest.raises(UnsupportedError) as caught:
        imported(options("Named"))
    assert codes(caught.value) == {("SNN-3002", "output")}
    chosen = options("Named", output="3")
    graph = imported(chosen)
    told = next(finding for finding in graph.findings if finding.code == "SNN-3523")
    assert "number 3 is the output, not l1 v, l1 s, l2 v" in told.message
    assert same(graph, chosen, 9) > 20
    assert imported(options("Named", output="1")).nodes[-1].id == "l1"
    with pytest.raises(UsageError, match="0 to 3"):
        imported(options("Named", output="4"))


def test_a_potential_that_is_reduced_is_read_by_the_decoder() -> None:
    graph = imported(options("Potential"))
    assert graph.decoder is not None
    assert graph.decoder.quantity == "l2/v"


@pytest.mark.parametrize(("samples", "steps"), [("2", "-1"), ("1", "-1"), ("-1", "6"), ("2", "6")])
def test_networks_that_were_made_for_so_many(samples: str, steps: str) -> None:
    chosen = options("merged", IMAGE, samples_=samples, steps_=steps)
    graph = imported(chosen)
    assert any(MERGED in finding.message for finding in graph.findings)
    assert same(graph, chosen, 6, samples=3) > 20


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Reads", {("SNN-3520", "bool")}),
        ("Alternates", {("SNN-3521", "fc1")}),
        ("Forgets", {("SNN-3522", "l1"), ("SNN-3522", "l2")}),
        ("Decays", {("SNN-3522", "l1")}),
        ("Charged", {("SNN-3522", "l1")}),
        ("Meddles", {("SNN-3522", "l1")}),
        ("Pushed", {("SNN-3524", "rec")}),
        ("Twice", {("SNN-3004", "l1")}),
        ("Aliased", {("SNN-3025", "l1")}),
        ("Cut", {("SNN-3003", "stack"), ("SNN-3003", "sum")}),
        ("Weighted", {("SNN-3002", "matmul"), ("SNN-3002", "tanh"), ("SNN-3002", "norm")}),
        ("Silent", {("SNN-3002", "output")}),
        ("Potentials", {("SNN-3002", "output")}),
        ("Quick", {("SNN-3009", "Linear")}),
        ("leaking", {("SNN-3009", "1")}),
    ],
)
def test_what_is_refused(name: str, expected: set[tuple[str, str]]) -> None:
    with pytest.raises(UnsupportedError) as caught:
        imported(options(name))
    assert codes(caught.value) == expected
    assert all(finding.remedy for finding in caught.value.findings)


def test_a_live_network_is_not_changed() -> None:
    """Not its parameters, states, attributes, mode or hooks, nor torch's own way to call modules."""
    for name in ("Attributes", "sequential", "Images"):
        shape = LINE if name == "Attributes" else IMAGE
        net = leaky_nets.net(name)
        usual = torch.nn.Module.__call__
        before = {key: value.clone() for key, value in net.state_dict().items()}
        held = {path: dict(vars(module)) for path, module in net.named_modules()}
        graph = import_network(FRAMEWORK, net, ImportOptions(input_shape=shape))
        x = np.ones((5, *shape), np.float32)
        request = RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("output",), net)
        assert run_network(FRAMEWORK, request)["output"].shape == (5, 3)
        assert net.training
        assert torch.nn.Module.__call__ is usual
        assert all(torch.equal(value, net.state_dict()[key]) for key, value in before.items())
        for path, module in net.named_modules():
            now = vars(module)
            assert now.keys() == held[path].keys()
            assert all(now[key] is value for key, value in held[path].items()), path
        assert not isinstance(net, leaky_nets.Attributes) or net.states == [None, None]


def test_a_network_that_has_run_must_be_reset_first() -> None:
    net = leaky_nets.net("Attributes")
    net(torch.rand(3, 5))
    with pytest.raises(UnsupportedError) as caught:
        import_network(FRAMEWORK, net, ImportOptions(input_shape=LINE))
    assert codes(caught.value) == {("SNN-3522", "l1"), ("SNN-3522", "l2")}


def test_weights_without_the_states_of_neurons(tmp_path: Path) -> None:
    net: Any = leaky_nets.net("sequential")
    net(torch.rand(2, *IMAGE))
    net[0].weight.data *= -1
    torch.save(net.state_dict(), tmp_path / "state.pt")
    chosen = options("sequential", IMAGE)
    weighted = ImportOptions(tmp_path / "state.pt", chosen.settings, IMAGE)
    graph = imported(weighted)
    assert any("states of neurons" in finding.message for finding in graph.findings if finding.code == "SNN-3008")
    assert np.array_equal(graph.node["0"].param["weight"].array, net[0].weight.detach().numpy())
    assert graph.provenance.source_sha256
    assert same(graph, weighted, 5) > 20


def test_how_the_network_is_called_can_be_said() -> None:
    """A network of one step also takes (T, N, …): its layers do not mind, and its neurons would mix up steps."""
    with pytest.raises(UsageError, match=r"l1 sees \[4, 3, 7\]"):
        imported(options("Attributes", layout="time-first"))
    with pytest.raises(UsageError, match="10 steps"):
        imported(options("LoopFixed", steps="12"))
    with pytest.raises(UsageError, match="no such layout"):
        imported(options("Loop", layout="sideways"))
    graph = imported(options("Loop", layout="time-first", steps="6", samples="2"))
    assert "6 steps, 2 samples" in graph.findings[-1].message


def test_input_shapes_are_asked_for_and_judged() -> None:
    chosen = options("sequential", IMAGE)
    with pytest.raises(InputShapeMissingError) as caught:
        imported(ImportOptions(settings=chosen.settings))
    assert caught.value.rank == 3
    with pytest.raises(UsageError, match=r"step: RuntimeError.*after 4 \(Linear\)"):
        imported(options("sequential", (1, 9, 9)))


def test_runs_of_another_length_or_size_are_refused() -> None:
    for name, steps, words in (("LoopFixed", 9, "IndexError"), ("LoopFixed", 11, "10 steps"), ("Static", 9, "25")):
        graph = imported(options(name))
        x = np.zeros((steps, 2, 5), np.float32)
        request = RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), FACTORY, options(name))
        with pytest.raises(UsageError, match=words):
            run_network(FRAMEWORK, request)
    chosen = options("merged", IMAGE, samples_="2")
    graph = imported(chosen)
    stimulus = read_stimulus(np.zeros((3, 4, *IMAGE), np.float32), graph.inputs[0])
    with pytest.raises(UsageError, match="another batch"):
        run_network(FRAMEWORK, RunRequest(graph, stimulus, ("*",), FACTORY, chosen, {"batch": "3"}))
    with pytest.raises(UsageError, match="does not give"):
        run_network(FRAMEWORK, RunRequest(graph, stimulus, ("1/u",), FACTORY, chosen))
