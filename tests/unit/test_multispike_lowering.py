"""Several spikes per step and soft resets to Loihi: refused, or approximated on request with measured losses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import snnhub
from hypothesis import given
from hypothesis import strategies as st
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import Finding, Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Edge, Graph, Port
from snnhub.ir.numtype import F32
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, promise_of, run_pass, run_passes
from snnhub_loihi.lowering import passes

from tests.build import dense, scalar, spikes
from tests.conftest import SHARED
from tests.networks.soft_reset import digits
from tests.networks.soft_reset import graph as soft

ZERO = {"reset": "zero"}
STAGES = {item.name: item for item in passes()}
Values = Mapping[str, Array | float]


def multi(builder: GraphBuilder, name: str, source: Any, values: Values, **choice: Any) -> Port:
    """Neurons with the given alpha, beta, threshold and bias."""
    params = {key: tensor(value, "float32") for key, value in values.items()}
    return builder.node(
        name, "core.MultiSpikeLIF", source, params=params, **{"n_syn": 1, "recurrent": False, **choice}
    )


VALUES: Values = {"alpha": 0.5, "beta": 0.75, "threshold": 1.0, "bias": 0.0}


def layer(weight: Array, values: Values = VALUES, cap: int = 31, rec: Array | None = None, **more: Any) -> Graph:
    """Dense layer of neurons, with recurrent weights where they are given."""
    builder = GraphBuilder("multi", REGISTRY)
    builder.input((weight.shape[1],), F32)
    port = dense(builder, "d", Port("input", "x"), weight, **more)
    port = multi(builder, "n", port, values, max_spikes=cap, recurrent=rec is not None)
    if rec is not None:
        builder.edge(dense(builder, "n/rec", port, rec, delay=1), Port("n", "r"))
    builder.output(port)
    return builder.graph()


def lowered(graph: Graph, calibration: Array | None = None, **options: str) -> Graph:
    return run_passes(graph, passes(), PassContext(options=options or ZERO, calibration=calibration))


def refused(graph: Graph, **options: str) -> list[Finding]:
    with pytest.raises(UnsupportedError) as caught:
        run_passes(graph, passes(), PassContext(options=options))
    return [finding for finding in caught.value.findings if finding.severity is Severity.ERROR]


def as_floats(graph: Graph) -> Graph:
    """After both approximations, before anything becomes an integer."""
    context = PassContext(options=ZERO)
    return run_passes(graph, (STAGES["loihi one spike"], STAGES["loihi reset"]), context)


grids = st.integers(-24, 32).map(lambda k: k / 16)
factors = st.sampled_from((0.0, 0.25, 0.5, 0.75, 1.0))
powers = st.sampled_from((0.25, 0.5, 1.0))
"""Of currents: (isyn + x) beta and isyn beta + beta x round alike."""


@given(
    st.lists(st.lists(grids, min_size=4, max_size=4), min_size=3, max_size=3),
    st.tuples(factors, powers, st.sampled_from((0.5, 1.0, 2.0)), st.sampled_from((0.0, 0.125, -0.25))),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_equal_until_a_spike_leaves_an_excess(
    rows: list[list[float]], numbers: tuple[float, float, float, float], recurrent: bool, seed: int
) -> None:
    """Order of time, decays, biases and resets are exact: only what a spike leaves makes a difference."""
    values = dict(zip(("alpha", "beta", "threshold", "bias"), numbers, strict=True))
    rec = np.array([[0, 0.5, 0], [0, 0, -1], [0.25, 0, 0]], np.float32) if recurrent else None
    graph = layer(np.asarray(rows, np.float32), values, rec=rec)
    found = as_floats(graph)
    assert [node.op for node in found.nodes if "weight" not in node.param] == ["loihi.FloatCubaLIF"]
    x = (np.random.default_rng(seed).random((24, 1, 4)) < 0.3).astype(np.float32)
    before, _ = prepare(graph).run(x, record=["n/s", "n/vmem", "n/isyn"])
    after, _ = prepare(found).run(x, record=["n/s", "n/v", "n/u"])
    fired = before["n/s"] > 0
    excess = (before["n/s"] > 1) | (fired & (before["n/vmem"] != 0))
    bad = excess.any(axis=(1, 2))
    until = int(np.argmax(bad)) if bad.any() else len(x)
    # the step that leaves something fires in both all the same, unless spikes come in more than one
    same = (before["n/s"][: until + 1] > 0) == after["n/s"][: until + 1]
    assert same.all()
    for old, new in (("n/vmem", "n/v"), ("n/isyn", "n/u")):
        np.testing.assert_array_equal(before[old][:until], after[new][:until])


def test_a_layer_whose_spikes_leave_nothing_is_equal_throughout() -> None:
    """Inputs that reach the threshold exactly: hundreds of spikes, all equal, states too."""
    weight = (np.kron(np.eye(4), np.ones((3, 1))) * np.array([[1], [0.5], [0.25]] * 4)).astype(np.float32)
    graph = layer(weight, {"alpha": 1.0, "beta": 1.0, "threshold": 1.0, "bias": 0.0}, cap=1)
    x = np.zeros((60, 3, 4), np.float32)
    x[0] = 1  # the current never decays: from now on every step brings the same
    before, _ = prepare(graph).run(x, record=["n/s", "n/vmem"])
    after, _ = prepare(as_floats(graph)).run(x, record=["n/s", "n/v"])
    assert before["n/s"].sum() == 3 * 4 * (60 + 30 + 15)
    np.testing.assert_array_equal(before["n/s"], after["n/s"])
    np.testing.assert_array_equal(before["n/vmem"], after["n/v"])


def test_losses_are_named_and_measured() -> None:
    weight = np.random.default_rng(0).normal(0.3, 0.5, (12, 8)).astype(np.float32)
    graph, x = layer(weight), spikes((40, 6, 8))
    found = lowered(graph, x)
    losses = {f.code: f for f in found.findings if f.severity is Severity.LOSS}
    assert set(losses) >= {"SNN-2116", "SNN-2117"}
    once = run_pass(graph, STAGES["loihi one spike"], PassContext(options=ZERO))
    runs = [prepare(each).run(x.astype(np.float32), record=["n/s"])[0]["n/s"] for each in (graph, once)]
    runs.append(prepare(as_floats(graph)).run(x.astype(np.float32), record=["n/s"])[0]["n/s"])
    counts = [run.astype(int) for run in runs]
    for code, (a, b) in {"SNN-2117": counts[:2], "SNN-2116": counts[1:]}.items():
        wanted = np.minimum(a, b).sum() / np.maximum(a, b).sum()
        assert 0.2 < wanted < 1
        assert losses[code].bound.startswith(f"spike overlap {wanted:.4f} on the calibration data; ")
    beside = (counts[0] - (counts[0] > 0)).sum()
    assert f"{beside} of {counts[0].sum()} spikes came beside another one" in losses["SNN-2117"].bound
    promised = promise_of(found)
    assert promised is not None
    assert promised.rung is Rung.BOUNDED
    assert 0 < (promised.overlap or 0) < wanted


def test_without_calibration_nothing_is_promised_and_the_report_says_not_measured() -> None:
    found = lowered(layer(np.full((3, 4), 0.5, np.float32)))
    losses = [f for f in found.findings if f.code in ("SNN-2116", "SNN-2117")]
    assert [f.bound for f in losses] == ["not measured"] * 2
    assert all("--calibrate" in f.remedy for f in losses)
    promised = promise_of(found)
    assert promised is not None
    assert promised.rung is Rung.DISTRIBUTION


def test_everything_that_stands_in_the_way_in_one_report() -> None:
    builder = GraphBuilder("bad", REGISTRY)
    port = dense(builder, "d", builder.input((4,), F32), np.ones((3, 4), np.float32), bias=np.ones(3, np.float32))
    values = {"alpha": 1.5, "beta": 0.5, "beta2": -0.5, "threshold": 0.0, "bias": 0.0}
    port = multi(builder, "n", {"x": port, "x2": port}, values, max_spikes=31, n_syn=2)
    port = builder.node("filter", "core.ExpSyn", port, params={"beta": scalar(0.5)})
    port = multi(builder, "last", port, VALUES, max_spikes=1)
    builder.output(port)
    graph = builder.graph(decoder=Decoder("mean", quantity="last/vmem"))
    places = {(f.place, f.message) for f in refused(graph)}
    assert places >= {
        ("n", "Loihi resets to 0 and fires once in a step"),
        ("last", "Loihi resets to 0"),
        ("n", "Loihi has one current per neuron"),
        ("n", "alpha must lie in 0 .. 1"),
        ("n", "beta2 must lie in 0 .. 1"),
        ("n", "threshold must be above 0"),
        ("d", "a synapse leads to one layer of neurons"),
        ("d", "Loihi adds a bias to the membrane potential, not to the current that decays"),
        ("filter", "Loihi has no core.ExpSyn/1"),
        ("last", "the network decides by what does not leave the chip"),
        ("last", "neurons take their input from a synapse"),
    }
    remaining = {(f.place, f.message) for f in refused(graph, reset="zero")}
    assert remaining == {item for item in places if not item[1].startswith("Loihi resets")}


def test_refused_unless_asked_for_and_the_report_says_how(tmp_path: Any) -> None:
    graph = layer(np.ones((3, 4), np.float32))
    found = refused(graph)
    assert [(f.place, f.code) for f in found] == [("n", "SNN-2101")]
    assert "--reset zero" in found[0].remedy
    snnhub.save(graph, tmp_path / "a.snn")
    assert invoke(["convert", str(tmp_path / "a.snn"), "-o", str(tmp_path / "a.net")]) == 4
    assert invoke(["convert", str(tmp_path / "a.snn"), "-o", str(tmp_path / "a.net"), "--reset", "zero"]) == 0
    with pytest.raises(UsageError):
        snnhub.convert(tmp_path / "a.snn", tmp_path / "b.net", lowering={"reset": "subtract"})


def test_thresholds_biases_and_decays_of_single_neurons() -> None:
    """Thresholds go into weights and biases, by powers of two exactly; decays and biases are per neuron."""
    weight = (np.random.default_rng(3).integers(-6, 12, (4, 8)) / 16).astype(np.float32)
    values = {
        "alpha": np.array([0.5, 0.75, 0.25, 1.0]),
        "beta": np.array([0.5, 0.5, 0.75, 0.25]),
        "threshold": np.array([0.5, 1.0, 2.0, 4.0]),
        "bias": np.array([0.0, 0.125, 0.25, -0.5]),
    }
    graph = layer(weight, values, cap=1)
    found = as_floats(graph)
    node = found.node["n"]
    assert float(node.param["v_threshold"].array) == 4
    np.testing.assert_array_equal(node.param["bias"].array, [0, 0.5, 0.5, -0.5])
    notes = {f.code: f for f in found.findings}
    assert notes["SNN-2119"].old == "0.5 … 4"
    assert notes["SNN-2118"].bound == "exact"
    x = spikes((50, 4, 8), 0.3).astype(np.float32)
    before, _ = prepare(graph).run(x, record=["n/s", "n/vmem"])
    after, _ = prepare(found).run(x, record=["n/s"])
    left = (before["n/s"] > 0) & (before["n/vmem"] != 0)
    for neuron in range(4):
        for sample in range(4):
            until = int(np.argmax([*left[:, sample, neuron], True])) + 1
            np.testing.assert_array_equal(
                before["n/s"][:until, sample, neuron] > 0, after["n/s"][:until, sample, neuron]
            )
    chip = lowered(graph).node["n"]
    np.testing.assert_array_equal(chip.param["vDecay"].array, [2048, 1024, 3072, 0])
    np.testing.assert_array_equal(chip.param["iDecay"].array, [2048, 2048, 1024, 3072])
    bias = chip.param["bias"].array.astype(float) / float(chip.param["vThMant"].array)
    np.testing.assert_allclose(bias, [0, 0.125, 0.125, -0.125], atol=0.02)


def test_recurrent_layers_keep_their_delay() -> None:
    random = np.random.default_rng(5)
    weight, rec = (random.normal(0.2, 0.5, shape).astype(np.float32) for shape in ((6, 8), (6, 6)))
    found = lowered(layer(weight, rec=rec), spikes((30, 4, 8)))
    assert found.node["n"].op == "loihi.CubaLIF"
    assert Edge(Port("n", "s"), Port("n/rec", "x"), 1) in found.edges
    assert Edge(Port("n/rec", "y"), Port("n", "a"), 0) in found.edges


def test_soft_resets_of_other_neurons_are_approximated_too() -> None:
    """SpikingJelly's IF with v_reset=None, trained on digits."""
    graph = soft("if")
    assert {f.place for f in refused(graph)} == {"1", "3"}
    found = lowered(graph, digits("calibration", 40))
    losses = [f for f in found.findings if f.code == "SNN-2116"]
    assert [f.place for f in losses] == ["1", "3"]
    reached = [float(re.findall(r"overlap ([\d.]+)", f.bound)[0]) for f in losses]
    assert all(0.2 < each < 0.95 for each in reached)
    assert "SNN-2117" not in {f.code for f in found.findings}
    x = digits("images", 60)
    before, _ = prepare(graph).run(x)
    after, _ = prepare(found).run(x, steps=len(x) + 2)
    first, second = (run["output"].sum(axis=0).argmax(axis=1) for run in (before, after))
    assert (first == second).mean() > 0.6


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Rockpool's trained network for three classes of sound as NetX, and rasters of 0 and 1."""
    source = SHARED / "rockpool"
    if not source.is_dir():
        pytest.skip(f"{source} is not here")
    with np.load(source / "rasters.npz") as file:
        x = {
            kind: np.stack(
                [np.minimum(file[key], 1) for key in sorted(file.files) if key.startswith(kind)], axis=1
            )
            for kind in ("calibration", "test")
        }
    path = tmp_path_factory.mktemp("synnet") / "a.net"
    json = source / "to_deploy_inXylo.json"
    result = snnhub.convert(
        json, path, calibration=x["calibration"][:, :6], lowering=ZERO, verify=x["test"][:, :2]
    )
    return json, path, x, result


def test_a_trained_synnet_from_rockpool_to_netx(trained: Any) -> None:
    """Every step keeps its promise, the file read back is equal in bits, and it still knows dt and its source."""
    json, path, x, result = trained
    assert result.proof is not None
    assert result.proof.passed
    assert [step.verdict.reached for step in result.proof.steps if step.name == "written file"] == [Rung.BITS]
    losses = [(f.code, f.place) for f in result.findings if f.severity is Severity.LOSS]
    layers = [f"seq/{name}_neurons" for name in ("0", "1", "2", "out")]
    assert losses == [("SNN-2117", name) for name in layers[:3]] + [("SNN-2116", name) for name in layers]
    assert all(f.bound.startswith("spike overlap") for f in result.findings if f.code in ("SNN-2116", "SNN-2117"))
    back = snnhub.inspect(path).graph
    assert back.dt == pytest.approx(0.009994)
    assert promise_of(back) is not None
    found = snnhub.verify(json, path, stimulus=x["test"])
    assert found.passed
    rows = {row.a_key: row for row in found.verdict.rows}
    assert [rows[f"{name}/s"].lag for name in layers] == [1, 2, 3, 4]
    assert (rows["seq/0_neurons/s"].a_spikes or 0) > 50_000
    assert (rows["seq/0_neurons/s"].overlap or 0) > 0.5


def test_counts_are_no_input_for_loihi(trained: Any) -> None:
    json, path, x, _ = trained
    with pytest.raises(UnsupportedError) as caught:
        snnhub.convert(json, path.with_name("b.net"), calibration=2 * x["calibration"], lowering=ZERO)
    assert [f.code for f in caught.value.findings if f.severity is Severity.ERROR] == ["SNN-2113"]
