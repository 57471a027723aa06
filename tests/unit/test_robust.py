"""Order-robustness by hand: sums that every order gives alike, ties and their places, what verify says of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from hypothesis import given
from hypothesis import strategies as st
from snnhub.api.discretise import discretise
from snnhub.api.robustness import explained, robust_findings
from snnhub.cli.main import invoke
from snnhub.compare.verdict import Divergence, Verdict
from snnhub.engine import reference
from snnhub.engine.robust.certificate import EXACT, INTEGERS, Robustness
from snnhub.engine.robust.certify import certify
from snnhub.engine.robust.plan import BoundedPlan
from snnhub.engine.robust.sums import sum_radius
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import Finding, Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32, F64, SPIKE
from snnhub.ir.op import TransformOp
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import CORE, REGISTRY, Registry
from snnhub.ops.shaping import FLATTEN

from tests.build import dense, loihi_mlp, mlp, neurons, scalar, spikes
from tests.networks.nir_nets import DT, affine, chain, continuous, cuba, weights


def one_layer(weight: Any, v_threshold: float = 1.0, **changes: Any) -> Graph:
    """A dense layer of IF neurons."""
    builder = GraphBuilder("one", REGISTRY)
    array = np.asarray(weight, np.float32)
    port = dense(builder, "d", builder.input((array.shape[1],), F32), array)
    builder.output(neurons(builder, "n", port, v_threshold=v_threshold, **changes))
    return builder.graph()


def ones(graph: Graph, steps: int = 1) -> Array:
    return np.ones((steps, *graph.inputs[0].shape), np.float32)


def test_a_sum_on_a_binary_grid_is_certain_at_equality() -> None:
    """0.25 + 0.5 + 0.125 + 0.125 is 1 in every order."""
    graph = one_layer([[0.25, 0.5, 0.125, 0.125]])
    found = certify(graph, ones(graph, 3))
    assert found.robust
    assert (found.reason, found.closest, found.decided) == (EXACT, None, 3)


def test_a_sum_of_tenths_at_the_threshold_is_a_tie() -> None:
    """Ten times f32(0.1) is 1.0000000149; rounded once it is 1, added one by one it is 1.0000001."""
    graph = one_layer(np.full((1, 10), 0.1))
    total = np.float32(0)
    for _ in range(10):
        total += np.float32(0.1)
    assert total != 1
    found = certify(graph, ones(graph), lookup=REGISTRY)
    assert not found.robust
    assert found.first is not None
    assert (found.first.step, found.first.sample, found.first.key, found.first.index) == (0, 0, "n/s", (0,))
    assert found.first.margin == 0
    assert 2**-24 < found.first.bound < 2**-20
    assert found.flagged("n/s", 0, 0, (0,))
    assert not found.flagged("n/s", 1, 0, (0,))
    assert "no, 1 tie in 1 decisions, first at step 0, sample 0, n/s[0]" in str(found)


def test_two_terms_have_one_order() -> None:
    """0.3 + 0.7 is rounded once by everybody, though not exactly 1; with a third term it depends."""
    graph = one_layer([[0.3, 0.7, 0.0]])
    x = np.array([[1, 1, 0]], np.float32)
    assert certify(graph, x).reason == EXACT
    assert not certify(one_layer([[0.3, 0.6, 0.1]]), ones(graph)).robust


def test_the_margin_and_its_place() -> None:
    """Three neurons, of which the second is closest to its threshold."""
    graph = one_layer([[0.1, 0.2, 0.3], [0.3, 0.3, 0.3001], [3.3, 0.7, 0.1]], v_threshold=0.9)
    found = certify(graph, ones(graph)[:, None].repeat(2, axis=1))
    assert found.robust
    assert found.closest is not None
    assert (found.closest.step, found.closest.sample, found.closest.index) == (0, 0, (1,))
    assert found.closest.margin == pytest.approx(1e-4, rel=1e-2)
    assert found.closest.ratio > 100
    assert "smallest margin" in str(found)


def test_ties_in_order() -> None:
    """The first tie is that of the earliest step; of a later layer only where no earlier one has one."""
    tenths = np.full((2, 10), 0.1)
    builder = GraphBuilder("two", REGISTRY)
    port = dense(builder, "d0", builder.input((10,), F32), np.asarray(tenths, np.float32))
    port = neurons(builder, "n0", port)
    port = dense(builder, "d1", port, np.array([[0.5, 0.5]], np.float32))
    builder.output(neurons(builder, "n1", port))
    graph = builder.graph()
    x = ones(graph, 4)
    x[0] = 0
    found = certify(graph, x)
    assert (found.first.step, found.first.key) == (1, "n0/s")  # type: ignore[union-attr]
    assert found.ties == 6
    assert set(found.places) == {"n0/s"}  # given those spikes, 0.5 + 0.5 is certain
    assert found.complete


def test_integers_are_robust_without_a_run() -> None:
    found = certify(loihi_mlp(), spikes((4, 2, 6)))
    assert (found.robust, found.reason) == (True, INTEGERS)


@given(seed=st.integers(0, 2**32 - 1))
def test_sums_of_two_kinds_stay_within_their_radius(seed: int) -> None:
    """Against sums in f32 in random order, of numbers of very different sizes; of f64 likewise."""
    random = np.random.default_rng(seed)
    for dtype in (np.float32, np.float64):
        terms = (random.normal(0, 1, (50, 30)) * 10.0 ** random.integers(-6, 6, (50, 30))).astype(dtype)
        terms[random.random(terms.shape) < 0.3] = 0
        exact = [sum((int(v * 2**150) if v else 0) for v in map(float, row)) for row in terms]
        total = np.array([value / 2**150 for value in exact]).astype(dtype)
        size = np.abs(terms.astype(np.float64)).sum(axis=1)
        radius = sum_radius(total, (terms != 0).sum(axis=1), size, 0.0, rounded_products=False)
        for _ in range(10):
            other = np.zeros(50, dtype)
            for column in random.permuted(terms, axis=1).T:
                other = other + column
            assert (np.abs(other.astype(np.float64) - total.astype(np.float64)) <= radius).all()


def test_integer_weights_in_floats_far_beyond_24_bits_are_not_exact() -> None:
    """Sums of multiples of 1 are exact up to 2^24 and no further."""
    sizes = np.array([2.0**24, 2.0**24 + 2, 2.0**26])
    total, terms = np.zeros(3, np.float32), np.full(3, 9.0)
    radius = sum_radius(total, terms, sizes * 1.99, 0.0, rounded_products=False, grid=0)
    assert radius[0] == 0
    assert (radius[1:] > 0).tolist() == [False, True]


def test_values_are_those_of_the_reference_engine() -> None:
    """The run with radii is the engine's own run: delays, loops, blocks and all, whatever was carried beside."""
    builder = GraphBuilder("loop", REGISTRY)
    random = np.random.default_rng(1)
    weights = [random.normal(0.3, 0.5, shape).astype(np.float32) for shape in ((5, 4), (5, 5), (3, 5))]
    port = neurons(builder, "a", dense(builder, "d", builder.input((4,), F32), weights[0], delay=2))
    builder.edge(dense(builder, "r", port, weights[1], delay=1), Port("a", "x"))
    builder.output(neurons(builder, "b", dense(builder, "e", port, weights[2]), reset="value"), delay=1)
    graph = builder.graph()
    plain, bounded = reference.prepare(graph), BoundedPlan(graph, REGISTRY)
    x = random.normal(0.2, 1, (20, 3, 4)).astype(np.float32)
    ours, state = bounded.run(x, record=plain.record_keys())
    theirs, _ = plain.run(x, record=plain.record_keys())
    for key in plain.record_keys():
        np.testing.assert_array_equal(ours[key], theirs[key])
    assert bounded.radii["a/v"].max() > 0
    again, _ = bounded.run(x, record=["output"], state=state)
    assert again.steps == 20


def test_the_certificate_does_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = mlp((6, 5, 4), seed=3)
    x = np.random.default_rng(0).normal(0, 1, (30, 5, 6)).astype(np.float32)
    whole = certify(graph, x)
    monkeypatch.setattr(reference, "BLOCK_ELEMENTS", 16)
    monkeypatch.setattr(reference, "GROUP", 2)
    assert certify(graph, x).to_json() == whole.to_json()


def test_ops_without_a_rule_are_refused_together() -> None:
    """An op of a plugin may sum in an order that nobody here knows."""
    own = replace(FLATTEN, name="acme.Fold")
    assert isinstance(own, TransformOp)
    builder = GraphBuilder("own", Registry([*CORE, own]))
    port = builder.input((2, 2), F32)
    for name in ("f", "g"):
        port = builder.node(name, "acme.Fold", port, start=0, end=1 if name == "f" else 0)
    builder.output(neurons(builder, "n", port))
    graph = builder.graph()
    with pytest.raises(UnsupportedError) as caught:
        certify(graph, np.ones((1, 2, 2), np.float32), lookup=builder.lookup)
    assert [(finding.code, finding.place) for finding in caught.value.findings] == [
        ("SNN-5205", "f"),
        ("SNN-5205", "g"),
    ]


def test_a_sum_that_overflows_in_some_order_is_in_doubt() -> None:
    """The exact sum is 2; an order that adds the positive numbers first reaches infinity."""
    found = certify(one_layer([[3e38, 3e38, -3e38, -3e38, 2]]), np.ones((1, 5), np.float32))
    assert found.ties == 1
    assert found.first is not None
    assert found.first.bound == np.inf
    assert found.first.to_json()["bound"] is None


def verdict(first: Divergence | None) -> Verdict:
    return Verdict(Rung.DIVERGED, None, (), first, first_spike=first)


def codes(findings: list[Finding]) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in findings}


def test_what_is_said_of_a_divergence() -> None:
    graph = one_layer(np.full((2, 10), 0.1))
    tied = certify(graph, ones(graph))
    at = Divergence(0, 0, "n/s", (1,), 1, 0)
    assert explained(graph, verdict(at), tied) is True
    assert explained(graph, verdict(replace(at, step=3)), tied) is False
    assert explained(graph, verdict(replace(at, key="output")), tied) is True
    assert explained(graph, verdict(replace(at, key="output", step=3)), tied) is None
    assert explained(graph, verdict(None), tied) is None
    assert explained(graph, verdict(at), replace(tied, places={})) is None
    robust = Robustness(2, 0, None, None)
    assert explained(graph, verdict(replace(at, key="output")), robust) is False
    assert codes(robust_findings(graph, verdict(at), tied, True)) == {
        "SNN-5202": Severity.NOTE,
        "SNN-5203": Severity.INFO,
    }
    assert codes(robust_findings(graph, verdict(at), robust, False)) == {
        "SNN-5201": Severity.INFO,
        "SNN-5204": Severity.LOSS,
    }


def test_run_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = one_layer(np.full((2, 10), 0.1))
    snnhub.save(graph, tmp_path / "a.snn")
    np.save(tmp_path / "x.npy", ones(graph))
    arguments = ["run", str(tmp_path / "a.snn"), "--input", str(tmp_path / "x.npy")]
    assert invoke([*arguments, "--robust"]) == 0
    assert "order-robust: no, 2 ties in 2 decisions" in capsys.readouterr().out
    assert invoke([*arguments, "--robust", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["robust"]["ties"] == 2
    assert "SNN-5202" in {finding["code"] for finding in found["findings"]}
    assert invoke([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["robust"] is None


def test_two_networks_have_no_order_to_tell(tmp_path: Path) -> None:
    path = tmp_path / "a.snn"
    snnhub.save(one_layer([[0.5]]), path)
    with pytest.raises(UsageError, match="one network"):
        snnhub.verify(path, path, stimulus=np.ones((1, 1), np.float32), robust=True)


def test_double_precision_and_spikes_as_input() -> None:
    """A f64 network has bounds of its own size; integers that come in are exact."""
    builder = GraphBuilder("wide", REGISTRY)
    port = dense(builder, "d", builder.input((10,), SPIKE), np.full((1, 10), 0.1))
    port = builder.node("s", "core.Scale", port, params={"scale": tensor(1.0), "shift": tensor(0.0)})
    builder.output(port)
    graph = builder.graph()
    plan = BoundedPlan(graph, REGISTRY)
    recording, _ = plan.run(np.ones((1, 10), np.uint8), record=["d/y", "output"])
    assert recording["d/y"].dtype == np.float64
    assert F64 in plan.analysis.types.values()
    assert 2**-54 < plan.radii["d/y"].max() < 2**-48
    assert plan.radii["output"].max() == plan.radii["d/y"].max() or plan.radii["output"].max() < 2**-48
    assert scalar(1.0).dtype == np.float32


def test_counts_without_a_margin_are_not_called_exact() -> None:
    """floor(h / threshold) spikes compare nothing, and yet their sums are rounded."""
    net = chain(affine(weights(4, 8, 1)), cuba(4, r=20.0, th=2.0), shape=[8], out=[4])
    graph = discretise(continuous(net), DT, "rockpool-3")
    found = certify(graph, np.random.default_rng(0).normal(0, 1, (3, 8)).astype("f4"))
    assert (found.ties, found.closest, found.reason) == (0, None, "")
