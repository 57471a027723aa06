"""Delays that NetX cannot hold, taken over by relays: equal in bits, with exact lags, or refused with why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snnhub.api.options import ImportOptions
from snnhub.compare.align import key_of
from snnhub.compare.proof import Prover
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import signed
from snnhub.ir.rung import Rung
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, promise_of, run_passes
from snnhub_netx import numeric_check, relay
from snnhub_netx.arrange import passes
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import cuba, dense, spikes
from tests.networks.delayed import delayed, delayed_conv

STEPS = 260


def arranged(graph: Graph) -> Graph:
    return run_passes(graph, passes(), PassContext())


def equal(graph: Graph, path: Path) -> int:
    """Arrange, write, read, and compare every quantity that has a match, in bits; returns the output's lag."""
    export_netx(arranged(graph), path)
    found = import_netx(path, ImportOptions())
    x = spikes((STEPS, 2, *graph.inputs[0].shape), 0.3)
    table = {key_of(match.old): match for match in found.correspondence}
    wanted = [f"{node.id}/{name}" for node in graph.nodes for name in ("s", "u", "v")] + ["output"]
    keys = {key: table[key] for key in wanted if key in table}
    lag = max(match.lag for match in keys.values())
    before, _ = prepare(graph).run(x, record=list(keys))
    other = {key: key_of(match.new) for key, match in keys.items()}
    after, _ = prepare(found).run(x, record=list(other.values()), steps=STEPS + lag)
    for key, match in keys.items():
        right = after[other[key]][match.lag : match.lag + STEPS].reshape(before[key].shape)
        np.testing.assert_array_equal(before[key], right, err_msg=key)
    assert len(keys) > 6
    assert before["output"].any()
    return table["output"].lag


@pytest.mark.parametrize(
    ("delays", "lag", "layers"),
    [((64,), 0, 1), ((100,), 0, 1), ((5, 80), 0, 1), ((1, 64), 1, 1), ((1, 130, 20), 2, 2), ((200, 3), 1, 3)],
)
def test_equal_in_bits_with_the_lag_that_is_told(
    delays: tuple[int, ...], lag: int, layers: int, tmp_path: Path
) -> None:
    graph = delayed(delays)
    assert equal(graph, tmp_path / "x.net") == lag
    (told,) = [f for f in arranged(graph).findings if f.code == "SNN-4130"]
    assert f"{layers} layer" in told.message
    assert f"{lag} steps of lag" in told.new


def test_what_a_single_delay_costs() -> None:
    (told,) = [f for f in arranged(delayed((100,))).findings if f.code == "SNN-4130"]
    assert told.severity is Severity.NOTE
    assert told.new == "5 more neurons, 5 more synapses, 0 steps of lag"


def test_delays_that_fit_are_left_alone() -> None:
    graph = delayed((1, 63, 20))
    result = relay.run(graph, PassContext())
    assert result.graph is graph
    assert result.findings == ()


def test_a_recurrent_layer_keeps_no_delay_of_its_own(tmp_path: Path) -> None:
    assert equal(delayed((17,), recurrent=True), tmp_path / "x.net") == 0


@pytest.mark.parametrize("delay", [2, 5])
def test_convolutions_are_delayed_layer_by_layer(delay: int, tmp_path: Path) -> None:
    graph = delayed_conv(delay)
    assert equal(graph, tmp_path / "x.net") == 0
    told = [f for f in arranged(graph).findings if f.code == "SNN-4130"]
    assert [f"through {n} layer" in f.message for f, n in zip(told, (delay - 1, 1), strict=True)] == [True, True]


@given(st.lists(st.integers(1, 140), min_size=1, max_size=3, unique=True), st.integers(0, 99), st.booleans())
@settings(max_examples=12)
def test_the_contract_holds_on_random_networks(delays: list[int], seed: int, recurrent: bool) -> None:
    """Each step of the arranging keeps what it promised, measured as a conversion measures it."""
    graph = delayed(delays, seed=seed, recurrent=recurrent)
    prover = Prover(spikes((180, 2, 5), 0.3, seed), REGISTRY)
    prover.start(graph)
    context = PassContext()
    found = run_passes(graph, passes(), context)
    for item in context.applied:
        prover.apply(item)
    assert all(step.kept for step in prover.steps)
    late = any(match.lag for match in found.correspondence)
    promise = promise_of(found)
    assert promise is not None
    assert promise.rung is (Rung.SPIKES_LAG if late else Rung.BITS)


def refusal(graph: Graph) -> str:
    with pytest.raises(UnsupportedError) as caught:
        arranged(graph)
    (found,) = [f for f in caught.value.findings if f.severity is Severity.ERROR]
    assert found.code == "SNN-4131"
    return found.message


def test_what_no_relay_can_take() -> None:
    assert "33 layers" in refusal(delayed((63 * 33 + 5,)))
    assert "n2 has a bias" in refusal(delayed((1, 64), bias=40))
    builder = GraphBuilder("graded", REGISTRY)
    wide = dense(builder, "s0", builder.input((3,), signed(8)), np.full((2, 3), 4, np.int16), 70)
    builder.output(cuba(builder, "n0", wide, vth=20))
    assert "relays hand on spikes" in refusal(builder.graph())


def test_a_bias_does_not_matter_where_nothing_gets_later(tmp_path: Path) -> None:
    assert equal(delayed((70,), bias=40), tmp_path / "x.net") == 0


def test_the_check_finds_a_relay_that_loses_spikes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Relays whose threshold is too high never fire: the pass notices by itself and refuses."""
    monkeypatch.setattr(relay, "THRESHOLD", 5)
    assert "differs on random spikes" in refusal(delayed((70,)))
    assert numeric_check.SAMPLES > 0
