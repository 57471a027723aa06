"""slayer's neurons of the input on Loihi: the transform stays outside, and on its integers everything is equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.hub.catalogue import register_ops
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32, signed
from snnhub.ir.tensor import Array, smallest_integer, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub_loihi.lowering import passes

STEPS, SAMPLES, WIDTH = 40, 3, 12


@pytest.fixture(autouse=True)
def ops() -> None:
    register_ops()


def cuba(builder: GraphBuilder, name: str, port: Port) -> Port:
    params = {
        "current_decay": smallest_integer(np.asarray(900)),
        "voltage_decay": smallest_integer(np.asarray(200)),
    }
    params |= {"threshold": tensor((1.25 + 0.01 / 4096) * 4096, "float32")}
    return builder.node(name, "slayer.CUBA", port, params=params, graded=False, norm="none", stepwise=False)


def network(weight: float, bias: float, late: bool = False) -> Graph:
    """Neurons of the input, then a dense layer; ``late``: the other way round."""
    builder = GraphBuilder("net", REGISTRY)
    port = builder.input((WIDTH,), F32)
    drawn = np.round(np.random.default_rng(1).normal(0.1, 0.5, (WIDTH, WIDTH)) * 32) / 32
    dense: dict[str, Any] = {"bias": False, "accumulate": "exact", "shift": 0}

    def layer(port: Port, delay: int) -> Port:
        params = {"weight": tensor(drawn.astype(np.float32))}
        port = builder.node("n1/synapse", "core.Dense", port, params=params, delay=delay, **dense)
        return cuba(builder, "n1", port)

    port = layer(port, 0) if late else port
    params = {"weight": tensor(weight, "float32"), "bias": tensor(bias, "float32")}
    port = cuba(builder, "n0", builder.node("n0/transform", "slayer.Input", port, params=params))
    builder.output(port if late else layer(port, 1))
    return builder.graph()


def encoded(x: Array, weight: float, bias: float) -> Array:
    """As the finding says it."""
    whole = np.clip(2 * np.rint(32 * x.astype(np.float64)), -256, 254) * weight + 64 * bias
    found: Array = whole.astype(np.int32)
    return found


@pytest.mark.parametrize(("weight", "bias"), [(1.0, 0.0), (1.0, 31 / 32), (0.5, -0.25), (-1.5, 3.96875)])
def test_on_its_integers_every_state_is_equal(weight: float, bias: float) -> None:
    before = network(weight, bias)
    after = run_passes(before, passes(), PassContext(REGISTRY))
    assert after.inputs[0].type == signed(32)
    found = [item for item in after.findings if item.code == "SNN-5306"]
    assert [item.place for item in found] == ["input"]
    assert f"times {weight:g} plus {int(64 * bias)}" in found[0].new
    x = np.random.default_rng(2).normal(0.3, 2.5, (STEPS, SAMPLES, WIDTH)).astype(np.float32)
    keys = ["n0/s", "n0/u", "n0/v", "n1/s", "n1/u", "n1/v"]
    theirs, _ = prepare(before).run(x, record=keys)
    ours, _ = prepare(after).run(encoded(x, weight, bias), record=keys)
    for key in keys:
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
    assert np.count_nonzero(theirs["n1/s"]) > 10


def test_weights_that_leave_fractions_and_transforms_in_the_middle_are_refused_together() -> None:
    with pytest.raises(UnsupportedError) as caught:
        run_passes(network(31 / 32, 0, late=True), passes(), PassContext(REGISTRY))
    words = {item.place: item.message for item in caught.value.findings if item.code == "SNN-2135"}
    assert list(words) == ["n0/transform"]
    found = [item.message for item in caught.value.findings if item.code == "SNN-2135"]
    assert len(found) == 2
    assert "stand first" in found[0]
    assert "multiples of 1/64" in found[1]
