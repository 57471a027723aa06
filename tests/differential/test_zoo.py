"""Networks that SpikingJelly ships, small images: every spike of every layer, against SpikingJelly live."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.verify import VerifyResult
from snnhub.ir.rung import Rung

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]
NETWORKS = "tests.networks.zoo"
SHAPE = (3, 32, 32)


def compared(name: str, **settings: Any) -> VerifyResult:
    """Four steps of two images of random pixels, which change from step to step."""
    x = np.random.default_rng(0).random((4, 2, *SHAPE), dtype=np.float32)
    options = ImportOptions(input_shape=SHAPE, settings={key: str(value) for key, value in settings.items()})
    return snnhub.verify(f"{NETWORKS}:{name}", stimulus=x, against="spikingjelly", options=options)


def every_spike_equal(result: VerifyResult, layers: int) -> None:
    rows = {row.a_key: row for row in result.verdict.rows if row.spikes}
    assert len(rows) == layers
    assert sum(row.different for row in rows.values()) == 0
    for key, row in rows.items():
        assert 0.02 < (row.a_spikes or 0) / row.compared < 0.9, f"{key} is silent or always on"
    assert result.passed
    assert result.verdict.reached in (Rung.SPIKES, Rung.BITS)
    assert result.verdict.problems == ()


@pytest.mark.parametrize("leaky", [False, True])
def test_sew_resnet18(leaky: bool) -> None:
    every_spike_equal(compared("sew_resnet18", leaky=leaky), 20)


def test_sew_resnet18_as_a_graph() -> None:
    graph = snnhub.import_model(f"{NETWORKS}:sew_resnet18", "spikingjelly", SHAPE)
    ops = [node.op for node in graph.nodes]
    assert ops.count("core.Add") == 8
    assert ops.count("core.Conv") == 20
    assert ops.count("core.IF") == 20
    assert {"layer2/0/downsample/0", "layer2/0/downsample_sn", "layer4/1/add_7", "fc"} <= set(graph.node)
    assert sum(tensor.size for node in graph.nodes for tensor in node.param.values()) > 11_000_000


@pytest.mark.parametrize("cnf", ["AND", "IAND"])
def test_sew_resnet18_with_products(cnf: str) -> None:
    """They multiply spikes: ``identity * out``, ``identity * (1 - out)``."""
    rows = [row for row in compared("sew_resnet18", cnf=cnf).verdict.rows if row.spikes]
    assert len(rows) == 20
    assert sum(row.different for row in rows) == 0


@pytest.mark.parametrize("norm", [False, True])
def test_spiking_vgg11(norm: bool) -> None:
    every_spike_equal(compared("vgg11", norm=norm), 9)


def test_spiking_vgg11_with_the_head_for_imagenet() -> None:
    """One pixel spread over 7 x 7 and 120 million weights."""
    every_spike_equal(compared("vgg11_for_imagenet"), 10)
