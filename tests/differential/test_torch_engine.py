"""The torch engine against live SpikingJelly, called alike: every state, current and spike bit for bit.

The networks are those of ``tests/networks`` and the shipped MNIST networks with trained weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.run import RunResult
from snnhub.ir.tensor import Array

from tests.conftest import EXAMPLE
from tests.golden.freeze import digits

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]
STEPS, SAMPLES = 12, 3

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
MULTI_STEP_ONLY = {"residual", "merged by hand", "residual sum, view, mean over time", "frame held for T steps"}
"""Networks whose forward names the time axis."""


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
    source: Any, x: Array, options: ImportOptions, mode: str = "m", count: int = 1, batch: int = SAMPLES
) -> None:
    ours, theirs = runs(source, x, options, mode, count, batch)
    found = different(ours, theirs)
    assert any(key.endswith("/v") for key in found)
    assert sum(found.values()) == 0, found
    assert sum(ours.spikes.values()) > 20
    called = next(finding for finding in ours.findings if finding.code == "SNN-6003")
    assert called.new == mode
    assert f"{batch} samples per call, {count} threads" in called.message


@pytest.mark.parametrize("analog", [False, True])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("mode", ["m", "s"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_bit_for_bit(name: str, mode: str, count: int, analog: bool) -> None:
    from spikingjelly.activation_based import functional

    if mode == "s" and name in MULTI_STEP_ONLY:
        pytest.skip("the forward names the time axis")
    net, shape = network(name)
    functional.set_step_mode(net, mode)
    same_bits(net, shown(shape, analog), ImportOptions(input_shape=shape), mode, count)


def features() -> dict[str, Callable[[], Any]]:
    from tests.networks.features import FEATURES

    return FEATURES


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("mode", ["m", "s"])
def test_every_row_of_the_matrix_bit_for_bit(mode: str, count: int) -> None:
    from spikingjelly.activation_based import functional

    from tests.networks.features import SHAPE
    from tests.networks.features import network as feature

    for name in features():
        if mode == "s" and name in MULTI_STEP_ONLY:
            continue
        net = feature(name)
        functional.set_step_mode(net, mode)
        x = shown(SHAPE, analog=False)
        if name.startswith("frame held"):
            x = x[:1]
        same_bits(net, x, ImportOptions(input_shape=SHAPE), mode, count)


@pytest.mark.parametrize("expand", [False, True])
def test_a_frame_that_is_held_after_its_convolution(expand: bool) -> None:
    from tests.networks.spiking import held

    x = np.random.default_rng(0).normal(0, 1, (1, SAMPLES, 1, 6, 6)).astype(np.float32)
    same_bits(held(expand=expand), x, ImportOptions(input_shape=(1, 6, 6)))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("batch", [1, 7, 20])
@pytest.mark.parametrize(("name", "weights"), [("csnn", "weights.pt"), ("pooled", "pooled.pt")])
def test_the_trained_networks_on_twenty_digits(name: str, weights: str, batch: int, count: int) -> None:
    options = ImportOptions(EXAMPLE / weights, {}, (1, 28, 28))
    same_bits(f"{EXAMPLE}/model.py:{name}", digits("images", 20), options, "m", count, batch)
