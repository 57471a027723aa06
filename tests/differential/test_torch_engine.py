"""The torch engine against live SpikingJelly, called alike: every state, current and spike bit for bit.

The networks are those of ``tests/networks`` and the shipped MNIST networks with trained weights.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.run import RunResult
from snnhub.cli.main import invoke
from snnhub.engine.torch_engine.settings import read_settings
from snnhub.errors import UsageError
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array

from tests.conftest import EXAMPLE
from tests.golden.freeze import digits

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]
STEPS, SAMPLES = 12, 3
THOROUGH = 1 if os.environ.get("SNNHUB_THOROUGH") else 0

NETWORKS: dict[str, tuple[str, tuple[int, ...], dict[str, Any]]] = {
    "mlp": ("mlp", (20,), {"tau": 3.0}),
    "cnn, average": ("cnn", (2, 8, 8), {"pool": "avg"}),
    "cnn, maximum": ("cnn", (2, 8, 8), {"pool": "max"}),
    "residual": ("residual", (1, 6, 6), {}),
    "merged by hand": ("merged", (1, 6, 6), {}),
    "IF": ("neurons", (12,), {"kind": "IF", "v_threshold": 0.37}),
    "IF, v_reset": ("neurons", (12,), {"kind": "IF", "v_reset": -0.2}),
    "IF, soft": ("neurons", (12,), {"kind": "IF", "v_reset": None}),
    "LIF": ("neurons", (12,), {"kind": "LIF", "tau": 3.0}),
    "LIF, v_reset": ("neurons", (12,), {"kind": "LIF", "tau": 3.0, "v_reset": 0.1}),
    "LIF, soft": ("neurons", (12,), {"kind": "LIF", "tau": 3.0, "v_reset": None}),
    "LIF, no decay_input": ("neurons", (12,), {"kind": "LIF", "tau": 50.0, "decay_input": False}),
    "LIF, no decay_input, v_reset": (
        "neurons",
        (12,),
        {"kind": "LIF", "tau": 3.0, "decay_input": False, "v_reset": 0.1},
    ),
    "pool before neuron": ("deployable", (1, 8, 8), {"pool": "before neuron", "bias": True}),
    "pool between neurons": ("deployable", (1, 8, 8), {"pool": "between neurons"}),
    "pool before conv": ("deployable", (1, 8, 8), {"pool": "before conv", "norm": True}),
    "pool before dense": ("deployable", (1, 8, 8), {"pool": "before dense", "kind": "LIF"}),
}
TIME_NAMED = {
    (name, "s")
    for name in (
        "residual",
        "merged by hand",
        "residual sum, view, mean over time",
        "frame held for T steps",
        "Conv3d, BatchNorm3d, MaxPool3d, AvgPool3d, Unflatten",
        "numbers, difference, relu, view in the forward",
        "SeqToANNContainer, MultiStepContainer",
    )
}
"""Networks whose forward names the time axis: multi-step only."""


def shown(shape: tuple[int, ...], analog: bool) -> Array:
    """Random spikes, or random numbers."""
    random = np.random.default_rng(0)
    if analog:
        return random.normal(0, 1, (STEPS, SAMPLES, *shape)).astype(np.float32)
    return (random.random((STEPS, SAMPLES, *shape)) < 0.4).astype(np.float32)


def network(name: str) -> tuple[Any, tuple[int, ...]]:
    from tests.networks import spiking

    factory, shape, settings = NETWORKS[name]
    return getattr(spiking, factory)(**settings), shape


def without_norm(net: Any) -> None:
    """Skip a network with batch normalisation on a CPU without fused multiply-add: torch then rounds twice, the
    stored shift was rounded once.
    """
    import torch

    if torch.backends.cpu.get_cpu_capability() == "DEFAULT" and any(
        isinstance(module, torch.nn.BatchNorm2d) for module in net.modules()
    ):
        pytest.skip("torch has no fused multiply-add on this CPU")


@contextmanager
def threads(count: int) -> Iterator[None]:
    """SpikingJelly with so many threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def runs(source: Any, x: Array, options: ImportOptions, mode: str, count: int, batch: int) -> list[RunResult]:
    """One network in SpikingJelly and in the torch engine, called in the same way."""
    with threads(count):
        theirs = snnhub.run(
            source,
            x,
            runner="spikingjelly",
            record="all",
            from_="spikingjelly",
            options=options,
            runner_options={"batch": str(batch)},
        )
    ours = snnhub.run(
        source,
        x,
        runner="torch",
        record="all",
        from_="spikingjelly",
        options=options,
        runner_options={"mode": mode, "threads": str(count), "batch": str(batch)},
    )
    return [ours, theirs]


def different(ours: RunResult, theirs: RunResult) -> dict[str, int]:
    """How many values differ, by record key: -0 equals 0, NaN nothing."""
    return {key: int((ours.recording[key] != array).sum()) for key, array in theirs.recording.items()}


def same_bits(
    source: Any,
    x: Array,
    options: ImportOptions,
    mode: str = "m",
    count: int = 1,
    batch: int = SAMPLES,
    states: bool = True,
) -> None:
    ours, theirs = runs(source, x, options, mode, count, batch)
    reference = snnhub.run(source, x, record="all", from_="spikingjelly", options=options).recording
    assert [key for key in ours.spikes if not np.array_equal(ours.recording[key], reference[key])] == []
    found = different(ours, theirs)
    assert any(key.endswith("/v") for key in found) or not states
    loose = inexact(source, options)
    assert {key: count for key, count in found.items() if count and key not in loose} == {}
    assert sum(ours.spikes.values()) > 20
    called = next(finding for finding in ours.findings if finding.code == "SNN-6003")
    assert called.new == mode
    assert f"{batch} samples per call, {count} threads" in called.message


def inexact(source: Any, options: ImportOptions) -> set[str]:
    """States computed with exp or log: libraries differ in their last bits, so only spikes are claimed."""
    graph = snnhub.import_model(source, "spikingjelly", options.input_shape)
    return {
        f"{node.id}/{state.name}"
        for node in graph.nodes
        if node.program is not None and not node.program.exact
        for state in node.program.states
    }


@pytest.mark.parametrize(("count", "analog"), [(1, False), (1, True), (2, True)])
@pytest.mark.parametrize(
    ("name", "mode"), [(name, mode) for name in NETWORKS for mode in ("m", "s") if (name, mode) not in TIME_NAMED]
)
def test_networks_bit_for_bit(name: str, mode: str, count: int, analog: bool) -> None:
    from spikingjelly.activation_based import functional

    net, shape = network(name)
    without_norm(net)
    functional.set_step_mode(net, mode)
    same_bits(net, shown(shape, analog), ImportOptions(input_shape=shape), mode, count)


def features() -> dict[str, Callable[[], Any]]:
    from tests.networks.features import FEATURES

    return FEATURES


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("mode", ["m", "s"])
def test_every_row_of_the_matrix_bit_for_bit(mode: str, count: int) -> None:
    """Every row in both modes; with SNNHUB_THOROUGH each with one sample and with two."""
    from spikingjelly.activation_based import functional

    from tests.networks.features import SHAPE
    from tests.networks.features import network as feature

    for number, name in enumerate(features()):
        if (name, mode) in TIME_NAMED or (number + count) % 2 > THOROUGH:
            continue
        net = feature(name)
        functional.set_step_mode(net, mode)
        x = shown(SHAPE, analog=False)
        if name.startswith("frame held"):
            x = x[:1]
        kept = mode == "s" or not name.startswith("Simple")  # those keep no sequence of potentials
        same_bits(net, x, ImportOptions(input_shape=SHAPE), mode, count, states=kept)


@pytest.mark.parametrize("expand", [False, True])
def test_a_frame_that_is_held_after_its_convolution(expand: bool) -> None:
    from tests.networks.spiking import held

    x = np.random.default_rng(0).normal(0, 1, (1, SAMPLES, 1, 6, 6)).astype(np.float32)
    net = held(expand=expand)
    without_norm(net)
    same_bits(net, x, ImportOptions(input_shape=(1, 6, 6)))


def test_where_bits_are_not_reached() -> None:
    """Layers that run before a frame is held see one step, in the engine all of them. For one sample torch then
    adds in another order: currents differ by rounding, spikes do not. For three samples nothing differs.
    """
    import torch
    from spikingjelly.activation_based import neuron
    from torch import nn

    from tests.networks.spiking import scaled

    class HeldLate(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encode = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1))
            self.n = neuron.IFNode(step_mode="m")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.n(self.encode(x).unsqueeze(0).repeat(5, 1, 1, 1, 1))

    net, options = scaled(HeldLate()), ImportOptions(input_shape=(1, 12, 12))
    x = np.random.default_rng(0).normal(0, 1, (1, SAMPLES, 1, 12, 12)).astype(np.float32)
    same_bits(net, x, options)
    ours, theirs = runs(net, x, options, "m", 1, 1)
    found = different(ours, theirs)
    assert found["encode/1/y"] > 1000
    assert found["n/s"] == found["output"] == 0
    for key, array in theirs.recording.items():
        np.testing.assert_allclose(ours.recording[key], array, rtol=0, atol=2e-6 * max(1, np.abs(array).max()))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("count", [1, 2])
def test_plain_dense_layers_over_time_and_batch(count: int, batch: int, bias: bool) -> None:
    """torch.nn.Linear itself, without SpikingJelly's step modes, on (time, batch, features)."""
    from spikingjelly.activation_based import neuron
    from torch import nn

    from tests.networks.spiking import scaled

    cells = [neuron.IFNode(step_mode="m"), neuron.LIFNode(step_mode="m")]
    net = scaled(nn.Sequential(nn.Linear(300, 700, bias), cells[0], nn.Linear(700, 90, bias), cells[1]))
    same_bits(net, shown((300,), analog=True), ImportOptions(input_shape=(300,)), "m", count, batch)


@pytest.mark.parametrize("mode", ["m", "s"])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_wider_network(batch: int, mode: str) -> None:
    """Three convolutions of up to 128 channels, normalisation, both pools, 2,048 to 512 to 100."""
    from spikingjelly.activation_based import functional, layer, neuron
    from torch import nn

    from tests.networks.spiking import scaled

    parts: list[Any] = []
    for before, after, pool in ((3, 32, layer.MaxPool2d), (32, 64, layer.MaxPool2d), (64, 128, layer.AvgPool2d)):
        parts += [layer.Conv2d(before, after, 3, padding=1), layer.BatchNorm2d(after), neuron.LIFNode(), pool(2)]
    dense = [layer.Linear(2048, 512), neuron.IFNode(), layer.Linear(512, 100), neuron.IFNode()]
    net = scaled(nn.Sequential(*parts, layer.Flatten(), *dense))
    without_norm(net)
    functional.set_step_mode(net, mode)
    x = shown((3, 32, 32), analog=True)[:4]
    same_bits(net, x, ImportOptions(input_shape=(3, 32, 32)), mode, 1, batch)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("batch", [1, 7, 20])
@pytest.mark.parametrize(("name", "weights"), [("csnn", "weights.pt"), ("pooled", "pooled.pt")])
def test_the_trained_networks_on_twenty_digits(name: str, weights: str, batch: int, count: int) -> None:
    options = ImportOptions(EXAMPLE / weights, {}, (1, 28, 28))
    same_bits(f"{EXAMPLE}/model.py:{name}", digits("images", 20), options, "m", count, batch)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("batch", [1, 20])
def test_the_trained_network_step_by_step(batch: int, count: int) -> None:
    same_bits(single_step(), digits("images", 20), ImportOptions(input_shape=(1, 28, 28)), "s", count, batch)


def single_step() -> Any:
    """The layers of the shipped network, called step by step."""
    from snnhub_spikingjelly.importer import prepare_net
    from spikingjelly.activation_based import functional

    net, _, _ = prepare_net(f"{EXAMPLE}/model.py:csnn", ImportOptions(EXAMPLE / "weights.pt"))
    functional.set_step_mode(net, "s")
    return net.conv_fc


def test_the_call_shape_decides_the_last_bits() -> None:
    """One sample, one step and one thread: torch adds in another order, and the engine with it. Spikes stay."""
    options, x = ImportOptions(input_shape=(1, 28, 28)), digits("images", 20)
    alone, theirs = runs(single_step(), x, options, "s", 1, 1)
    together, _ = runs(single_step(), x, options, "s", 1, 20)
    assert sum(different(alone, theirs).values()) == 0
    found = different(together, theirs)
    assert found["9/y"] > 1000
    assert sum(count for key, count in found.items() if key.endswith("/s")) == 0


def test_verify_holds_a_float_network_to_bits() -> None:
    options, x = ImportOptions(EXAMPLE / "weights.pt", {}, (1, 28, 28)), digits("images", 5)
    source = f"{EXAMPLE}/model.py:csnn"
    result = snnhub.verify(
        source, stimulus=x, against="spikingjelly", engine="torch", expect="bits", options=options
    )
    assert result.passed
    assert result.a.startswith("torch: ")
    assert {"SNN-6001", "SNN-6003"} <= {finding.code for finding in result.findings}
    reference = snnhub.verify(source, stimulus=x, against="spikingjelly", expect="bits", options=options)
    assert reference.verdict.reached is Rung.SPIKES
    against = snnhub.verify(
        source, stimulus=x, against="torch", options=options, runner_options={"mode": "s", "batch": "2"}
    )
    assert against.passed
    assert against.expected is Rung.SPIKES
    assert against.verdict.reached is Rung.SPIKES
    with pytest.raises(UsageError, match="reference engine"):
        snnhub.verify(source, source, stimulus=x, engine="torch", options=options)
    with pytest.raises(UsageError, match="runs no graphs"):
        snnhub.verify(source, stimulus=x, against="torch", engine="spikingjelly", options=options)
    with pytest.raises(UsageError, match="unknown option"):
        snnhub.verify(source, stimulus=x, against="spikingjelly", options=options, runner_options={"mode": "m"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mode": "both"}, "unknown mode"),
        ({"device": "tpu"}, "unknown device"),
        ({"threads": "0"}, "positive number"),
        ({"batch": "all"}, "positive number"),
        ({"moed": "m"}, "unknown option"),
    ],
)
def test_options_that_are_refused(given: dict[str, str], words: str) -> None:
    options = ImportOptions(EXAMPLE / "weights.pt", {}, (1, 28, 28))
    with pytest.raises(UsageError, match=words):
        snnhub.run(
            f"{EXAMPLE}/model.py:csnn", digits("images", 1), runner="torch", options=options, runner_options=given
        )
    with pytest.raises(UsageError, match=words):
        read_settings(given)


def test_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", digits("images", 3))
    arguments = [f"{EXAMPLE}/model.py:csnn", "--weights", str(EXAMPLE / "weights.pt"), "--input-shape", "1,28,28"]
    arguments += ["--input", str(tmp_path / "x.npy")]
    assert (
        invoke(["verify", *arguments, "--against", "spikingjelly", "--engine", "torch", "--expect", "bits"]) == 0
    )
    assert "verdict: bits" in capsys.readouterr().out
    assert invoke(["verify", *arguments, "--against", "spikingjelly", "--expect", "bits"]) == 1
    capsys.readouterr()
    run = ["run", *arguments, "--runner", "torch", "--option", "mode=s", "--option", "threads=1"]
    assert invoke([*run, "--record", "all", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["recorded"]["conv_fc/1/v"] == ["float32", [8, 3, 16, 28, 28]]
    called = next(finding for finding in printed["findings"] if finding["code"] == "SNN-6003")
    assert called["new"] == "s"
    assert "3 samples per call, 1 threads" in called["message"]
    assert invoke([*run, "--option", "moed=m"]) == 2


@pytest.mark.parametrize("mode", ["m", "s"])
def test_the_shipped_network_in_loihis_integers(mode: str, tmp_path: Path) -> None:
    """Exact in f64: every current, potential and spike of the lowered network is the reference engine's."""
    options = ImportOptions(EXAMPLE / "weights.pt", {}, (1, 28, 28))
    snnhub.convert(f"{EXAMPLE}/model.py:csnn", tmp_path / "csnn.net", options=options)
    result = snnhub.verify(
        tmp_path / "csnn.net", stimulus=digits("images", 4), against="torch", runner_options={"mode": mode}
    )
    assert result.passed
    assert result.expected is Rung.BITS
    assert "SNN-6004" not in {finding.code for finding in result.findings}
