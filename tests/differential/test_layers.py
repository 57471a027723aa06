"""Every kind of layer and function that can be held, against live SpikingJelly: no spike of any layer differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.ir.tensor import Array

from tests.networks import layers as nets

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
        assert 0.01 < (row.a_spikes or 0) / row.total < 0.99, f"{row.a_key}: {row.a_spikes} of {row.total}"
    if analog:
        return
    graph = snnhub.import_model(net, source="spikingjelly", input_shape=shape)
    snnhub.save(graph, tmp_path / "net.snn")
    again = snnhub.load(tmp_path / "net.snn")
    assert again == graph
    np.testing.assert_array_equal(prepare(again).run(x)[0]["output"], prepare(graph).run(x)[0]["output"])
