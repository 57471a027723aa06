"""Pictures of potentials, weights and limits: their numbers against plain counts, recordings and ``check``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from snnhub.api.target import Limit
from snnhub.errors import GraphError, UsageError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Match, Node, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub.plot.histogram import BINS, counted
from snnhub.plot.threshold import threshold_of
from snnhub_formats.container import save
from snnhub_loihi.lowering import passes as loihi

from tests.build import cuba, dense, loihi_mlp, mlp, neurons, scalar, spikes
from tests.networks.xylo_cores import core_graph, largest, random_core
from tests.unit.test_plot import drawn, filled, groups, rows_of, words_in

pytest.importorskip("matplotlib")
VALUE: dict[str, Any] = {"reset": "value", "compare": "ge"}
RESETTING = {"v_threshold": scalar(0.7), "v_reset": scalar(0.0)}
RED = "#d62728"
LEAKY = {**RESETTING, "tau": scalar(2.0)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float network, Loihi's integers of it, and input that tells them apart."""
    place = tmp_path_factory.mktemp("plot")
    graph = mlp((10, 12, 4), seed=3)
    snnhub.save(graph, place / "net.snn")
    snnhub.save(run_passes(graph, loihi(), PassContext()), place / "chip.snn")
    np.save(place / "x.npy", spikes((20, 3, 10)))
    return place


def stimulus(folder: Path) -> Array:
    return np.asarray(np.load(folder / "x.npy"))


def test_the_worst_neurons_and_their_potentials(folder: Path, tmp_path: Path) -> None:
    """Ranked as a plain count of differing spikes ranks them; values as both sides recorded them."""
    x = stimulus(folder)[:, :1]
    sides = folder / "net.snn", folder / "chip.snn"
    result = snnhub.plot_vmem(sides[0], tmp_path / "v.svg", stimulus=x, against=sides[1], worst=4)
    left = snnhub.run(sides[0], x, record="all").recording
    right = snnhub.run(sides[1], x, record="all", steps=len(x) + 2).recording
    counts: dict[tuple[str, int], int] = {}
    for key, lag in (("n0", 1), ("n1", 2)):
        b_key = next(row["b"] for row in result.rows if row["a"] == f"{key}/v") if key == "n0" else None
        name = (b_key or next((row["b"] for row in result.rows if row["a"] == "n1/v"), "n1/v")).partition("/")[0]
        differing = left[f"{key}/s"][:, 0] != right[f"{name}/s"][lag : lag + len(x), 0]
        counts |= {(f"{key}/v", neuron): int(n) for neuron, n in enumerate(differing.sum(axis=0))}
    found = [row["different"] for row in result.rows]
    assert found == sorted(counts.values(), reverse=True)[:4]
    assert [counts[row["a"], row["neuron"]] for row in result.rows] == found
    assert found[0] > 0
    rows = rows_of(tmp_path / "v.csv")
    for row in result.rows:
        own = [item for item in rows if (item["a"], int(item["neuron"])) == (row["a"], row["neuron"])]
        neuron, lag = row["neuron"], row["lag"]
        a = left[row["a"]][:, 0, neuron]
        b = right[row["b"]][lag : lag + len(x), 0, neuron]
        assert np.array_equal(np.array([item["value_a"] for item in own], a.dtype), a)
        assert [int(item["value_b"]) for item in own] == b.tolist()
        train = left[row["a"].replace("/v", "/s")][:, 0, neuron]
        assert [int(item["spikes_a"]) for item in own] == train.tolist()


def test_potentials_in_the_unit_of_the_first_side(folder: Path, tmp_path: Path) -> None:
    """The correspondence has the scale; thresholds are those that the programs compare with."""
    x, chip = stimulus(folder), snnhub.load(folder / "chip.snn")
    result = snnhub.plot_vmem(folder / "net.snn", tmp_path / "v.svg", stimulus=x, against=folder / "chip.snn")
    scales = {match.old.node: match.scale for match in chip.correspondence if match.old.name == "v"}
    for number, row in enumerate(result.rows):
        node = row["a"].partition("/")[0]
        assert row["scale"] == scales[node]
        assert row["threshold_a"] == 1.0
        other = chip.node[row["b"].partition("/")[0]]
        assert row["threshold_b"] == 64 * int(other.param["vThMant"].array.reshape(-1)[0])
        assert drawn(tmp_path / "v.svg", f"panel{number}-a-threshold") == 1
        assert drawn(tmp_path / "v.svg", f"panel{number}-b") == 1
    assert not [item for item in result.findings if item.code in ("SNN-6203", "SNN-6204")]
    assert "threshold B" in words_in(tmp_path / "v.svg")


def test_neurons_that_no_table_relates_have_axes_of_their_own(tmp_path: Path) -> None:
    builder = GraphBuilder("other", REGISTRY)
    weight = np.random.default_rng(5).normal(0.3, 1, (4, 6)).astype(np.float32)
    builder.output(neurons(builder, "n", dense(builder, "d", builder.input((6,), F32), weight)))
    snnhub.save(mlp((6, 4)), tmp_path / "a.snn")
    snnhub.save(builder.graph(), tmp_path / "b.snn")
    sides: dict[str, Any] = {"against": tmp_path / "b.snn", "stimulus": spikes((30, 6))}
    result = snnhub.plot_vmem(tmp_path / "a.snn", tmp_path / "v.svg", **sides)
    assert {row["scale"] for row in result.rows} == {None}
    assert {(row["a"], row["b"]) for row in result.rows} == {("n0/v", "n/v")}
    (finding,) = [item for item in result.findings if item.code == "SNN-6203"]
    assert finding.place == "n0/v"
    weights = snnhub.plot_weights(tmp_path / "a.snn", tmp_path / "w.svg", against=tmp_path / "b.snn")
    assert [(row["a"]["synapse"], row["b"]["synapse"]) for row in weights.rows] == [("fc0/weight", "d/weight")]
    assert any(item.code == "SNN-5005" for item in weights.findings)


def test_one_side_shows_the_neurons_that_fire_most(folder: Path, tmp_path: Path) -> None:
    x = stimulus(folder)[:, 2]
    result = snnhub.plot_vmem(folder / "net.snn", tmp_path / "v.svg", stimulus=x, worst=3, steps=7)
    fired = snnhub.run(folder / "net.snn", x, record="all").recording
    counts = np.concatenate([fired["n0/s"].sum(axis=0), fired["n1/s"].sum(axis=0)])
    own = [int(fired[row["a"].replace("/v", "/s")][:, row["neuron"]].sum()) for row in result.rows]
    assert own == sorted(counts.tolist(), reverse=True)[:3]
    assert len(rows_of(tmp_path / "v.csv")) == 3 * 7
    words = [item.message for item in result.findings if item.code == "SNN-6201"]
    assert any("3 of 16 neurons" in text for text in words)
    assert any("steps 0 to 6 of 20" in text for text in words)


def test_states_by_name(folder: Path, tmp_path: Path) -> None:
    """Any state may be drawn, also one that no other state is called like; a current has no threshold."""
    x = stimulus(folder)
    key = next(f"{node.id}/u" for node in snnhub.load(folder / "chip.snn").nodes if node.op == "loihi.CubaLIF")
    asked: dict[str, Any] = {"stimulus": x, "quantities": [key], "worst": 2}
    result = snnhub.plot_vmem(folder / "chip.snn", tmp_path / "v.png", **asked)
    neuron = result.rows[0]["neuron"]
    values = snnhub.run(folder / "chip.snn", x, record="all").recording[key]
    rows = [row for row in rows_of(tmp_path / "v.csv") if int(row["neuron"]) == neuron]
    assert [int(row["value_a"]) for row in rows] == values[:, 0, neuron].tolist()
    assert any(item.code == "SNN-6204" and item.place == key for item in result.findings)
    with pytest.raises(UsageError, match="no state of this name"):
        snnhub.plot_vmem(folder / "chip.snn", tmp_path / "v.png", **(asked | {"quantities": ["n0/s"]}))


def test_silence_and_broken_numbers(tmp_path: Path) -> None:
    """A neuron that never fires may be looked at. One that is NaN on a side is far from the other."""
    snnhub.save(mlp((6, 4)), tmp_path / "a.snn")
    x = np.zeros((5, 6), np.float32)
    result = snnhub.plot_vmem(tmp_path / "a.snn", tmp_path / "v.png", stimulus=x, worst=2)
    assert len(result.rows) == 2
    v = np.random.default_rng(2).normal(0, 1, (30, 4)).astype(np.float32)
    broken = v.copy()
    broken[7, 2], broken[9, 1] = np.nan, np.inf
    result = snnhub.plot_vmem({"n/v": v}, tmp_path / "w.svg", against={"n/v": broken}, worst=3)
    assert {row["neuron"] for row in result.rows[:2]} == {1, 2}
    assert {row["value_b"] for row in rows_of(tmp_path / "w.csv")} >= {"nan", "inf"}
    words_in(tmp_path / "w.svg")
    with pytest.raises(UsageError, match="no such sample"):
        snnhub.plot_vmem({"n/v": v}, tmp_path / "w.svg", sample=3)


def some_of(weight: Array, thresholds: Array, name: str) -> Graph:
    builder = GraphBuilder(name, REGISTRY)
    port = dense(builder, f"{name}d", builder.input((6,), F32), weight)
    params = {"v_threshold": tensor(thresholds), "v_reset": scalar(0.0)}
    builder.output(builder.node(f"{name}n", "core.IF", port, params=params, **VALUE))
    return builder.graph()


def test_neurons_that_are_part_of_a_larger_layer(tmp_path: Path) -> None:
    """What a pass put before them shifts numbers of neurons: spikes, potentials and thresholds shift alike."""
    random = np.random.default_rng(8)
    weight = random.normal(0.3, 1, (4, 6)).astype(np.float32)
    thresholds = np.array([0.5, 1.0, 1.5, 2.0], np.float32)
    more = np.concatenate([random.normal(0.3, 1, (2, 6)).astype(np.float32), weight])
    more[3, 0] += 1
    small = some_of(weight, thresholds, "a")
    large = some_of(more, np.concatenate([np.array([9, 9], np.float32), thresholds]), "b")
    pairs = [Match(Port("an", name), Port("bn", name), 0, 1.0, (2, 6)) for name in "sv"]
    snnhub.save(small, tmp_path / "a.snn")
    snnhub.save(replace(large, correspondence=tuple(pairs)), tmp_path / "b.snn")
    x = spikes((25, 6))
    asked: dict[str, Any] = {"stimulus": x, "against": tmp_path / "b.snn"}
    result = snnhub.plot_vmem(tmp_path / "a.snn", tmp_path / "v.png", worst=4, **asked)
    assert result.rows[0]["neuron"] == 1
    assert sorted(row["different"] > 0 for row in result.rows) == [False, False, False, True]
    values = snnhub.run(tmp_path / "b.snn", x, record="all").recording["bn/v"]
    for row in result.rows:
        neuron = row["neuron"]
        assert row["threshold_a"] == row["threshold_b"] == thresholds[neuron]
        own = [item["value_b"] for item in rows_of(tmp_path / "v.csv") if int(item["neuron"]) == neuron]
        assert np.array_equal(np.array(own, np.float32), values[:, 2 + neuron])
    raster = snnhub.plot_raster(tmp_path / "a.snn", tmp_path / "r.png", **asked)
    assert raster.rows[0]["different"] == result.rows[0]["different"]


def lone(op: str, params: dict[str, Any], **attributes: Any) -> Node:
    builder = GraphBuilder("lone", REGISTRY)
    port = dense(builder, "d", builder.input((3,), F32), np.eye(3, dtype=np.float32))
    builder.output(builder.node("n", op, port, params=params, **attributes))
    return builder.graph().node["n"]


@pytest.mark.parametrize(
    ("node", "state", "wanted"),
    [
        (lone("core.IF", RESETTING, **VALUE), "v", 0.7),
        (lone("core.IF", {"v_threshold": scalar(0.7)}, reset="subtract", compare="gt"), "v", 0.7),
        (lone("core.IF", {"v_threshold": scalar(0.7)}, reset="none", compare="ge"), "v", 0.7),
        (lone("core.LIF", LEAKY, decay_input=True, **VALUE), "v", 0.7),
        (lone("core.KLIF", {**LEAKY, "k": scalar(2.0)}, decay_input=True, scale_reset=False, **VALUE), "v", 0.7),
        # here v is divided by k before it is kept: what is compared is in another unit than what is recorded
        (lone("core.KLIF", {**LEAKY, "k": scalar(2.0)}, decay_input=True, scale_reset=True, **VALUE), "v", None),
        (lone("core.IF", RESETTING, **VALUE), "q", None),
        (loihi_mlp(vth=90).node["n0"], "v", 90 * 64),
        (loihi_mlp(vth=90).node["n0"], "u", None),
    ],
)
def test_thresholds_are_read_from_the_arithmetic(node: Node, state: str, wanted: float | None) -> None:
    found = threshold_of(node, state, 5)
    if wanted is None:
        assert found is None
    else:
        assert found is not None
        assert found.tolist() == [float(np.float32(wanted))] * 5


def test_thresholds_of_single_neurons() -> None:
    each = tensor(np.array([0.5, 1.0, 2.0], np.float32))
    params = {"alpha": scalar(0.9), "beta": scalar(0.8), "threshold": each, "bias": scalar(0.0)}
    node = lone("core.MultiSpikeLIF", params, n_syn=1, recurrent=False, max_spikes=31)
    found = threshold_of(node, "vmem", 3)
    assert found is not None
    assert found.tolist() == [0.5, 1.0, 2.0]
    assert threshold_of(node, "isyn", 3) is None
    core = random_core(7, (8, 6, 4))[0]
    xylo = core_graph(core).node["xylo"]
    for state, values in (("vmem", core.threshold), ("vmem_out", core.threshold_out)):
        found = threshold_of(xylo, state, values.size)
        assert found is not None
        assert found.tolist() == values.tolist()
    assert threshold_of(xylo, "isyn", 6) is None


INTEGERS = hnp.arrays(np.int16, st.integers(1, 300), elements=st.integers(-300, 300))
FLOATS = hnp.arrays(np.float32, st.integers(1, 300), elements=st.floats(-1e6, 1e6, width=32))


@given(INTEGERS | FLOATS, st.sampled_from([1, 2, 6]))
def test_every_weight_is_in_one_bin(weights: Array, grid: int) -> None:
    weights = weights * grid if weights.dtype.kind == "i" else weights
    found = counted("w", weights)
    assert found.counts.sum() == weights.size == found.size
    assert len(found.counts) <= BINS
    assert found.zeros == int((weights == 0).sum())
    assert (found.low, found.high) == (weights.min(), weights.max())
    for low, high, count in zip(found.edges[:-1], found.edges[1:], found.counts, strict=True):
        assert int(((weights >= low) & (weights < high)).sum()) == count
    middle = np.searchsorted(found.edges, 0.0, "right") - 1
    if weights.dtype.kind == "f":
        assert found.edges[middle] == -found.edges[middle + 1]


def test_saturated_weights() -> None:
    """Quantisers clip at the same number on both sides, so the smaller of both limits counts."""
    weights = np.array([-128, -127, -126, 0, 126, 127, 127], np.int8)
    assert counted("w", weights, (-128, 127)).saturated == 4
    assert counted("w", weights, (-256, 254)).saturated == 0
    assert counted("w", weights).saturated is None


def test_float_and_integer_weights_side_by_side(folder: Path, tmp_path: Path) -> None:
    graph, chip = snnhub.load(folder / "net.snn"), snnhub.load(folder / "chip.snn")
    result = snnhub.plot_weights(folder / "net.snn", tmp_path / "w.svg", against=folder / "chip.snn")
    rows = rows_of(tmp_path / "w.csv")
    partner = {match.old.node: match.new.node for match in chip.correspondence}
    assert [row["a"]["synapse"] for row in result.rows] == ["fc0/weight", "fc1/weight"]
    for number, row in enumerate(result.rows):
        node = row["a"]["synapse"].partition("/")[0]
        assert row["b"]["synapse"] == f"{partner[node]}/weight"
        integers = chip.node[partner[node]].param["weight"].array
        floats = graph.node[node].param["weight"].array
        assert row["b"]["limits"] == [-256, 254]
        assert "lava-dl" in row["b"]["source"]
        assert row["b"]["saturated"] == int((np.abs(integers.astype(int)) >= 254).sum())
        assert row["b"]["zeros"] == int((integers == 0).sum())
        assert row["a"]["saturated"] is None
        assert row["a"]["levels"] == np.unique(floats).size
        for side, values in (("a", floats), ("b", integers)):
            own = [item for item in rows if (item["row"], item["side"]) == (str(number), side)]
            assert {item["synapse"] for item in own} == {row[side]["synapse"]}
            assert sum(int(item["weights"]) for item in own) == values.size
            assert groups(tmp_path / "w.svg", f"panel{number}-{side}-bar") == len(own)
        assert groups(tmp_path / "w.svg", f"panel{number}-b-limit") == 2
    assert f"saturated {result.rows[0]['b']['saturated']}" in words_in(tmp_path / "w.svg")


def test_weights_without_counterparts(tmp_path: Path) -> None:
    snnhub.save(mlp((6, 5, 4)), tmp_path / "a.snn")
    core = random_core(7, (6, 5, 4))[0]
    snnhub.save(core_graph(core), tmp_path / "b.snn")
    result = snnhub.plot_weights(tmp_path / "a.snn", tmp_path / "w.png", against=tmp_path / "b.snn")
    assert [row["a"] is None for row in result.rows] == [False, False, True]
    assert any(item.code == "SNN-5005" and "counterparts" in item.message for item in result.findings)
    found = {row["b"]["synapse"]: row["b"] for row in result.rows if row["b"] is not None}
    wanted = int((np.abs(core.weights_rec) >= 127).sum())
    assert found["xylo/weights_rec"]["saturated"] == wanted
    assert found["xylo/weights_rec"]["limits"] == [-128, 127]


def test_many_synapses(tmp_path: Path) -> None:
    snnhub.save(mlp([3] * 20), tmp_path / "deep.snn")
    result = snnhub.plot_weights(tmp_path / "deep.snn", tmp_path / "w.png")
    assert len(result.rows) == 16
    assert any(item.code == "SNN-6201" and "16 of 19" in item.message for item in result.findings)


def test_refusals_of_weights(folder: Path, tmp_path: Path) -> None:
    builder = GraphBuilder("bare", REGISTRY)
    builder.output(cuba(builder, "n", builder.input((2,), loihi_mlp().inputs[0].type)))
    snnhub.save(builder.graph(), tmp_path / "bare.snn")
    with pytest.raises(UsageError, match="no weights"):
        snnhub.plot_weights(tmp_path / "bare.snn", tmp_path / "w.png")
    with pytest.raises(UsageError, match="no target of this name"):
        snnhub.plot_weights(folder / "net.snn", tmp_path / "w.png", target="loihi9")
    graph = mlp()
    weight = graph.nodes[0].param["weight"].array.copy()
    weight[0, 0] = np.nan
    first = graph.nodes[0].with_params(weight=tensor(weight))
    save(replace(graph, nodes=(first, *graph.nodes[1:])), tmp_path / "nan.snn")
    with pytest.raises(GraphError):
        snnhub.plot_weights(tmp_path / "nan.snn", tmp_path / "w.png")
    assert not (tmp_path / "w.png").exists()


def too_large() -> Graph:
    return core_graph(largest((20, 300, 40), 3000))


def test_utilisation_is_what_check_measures(tmp_path: Path) -> None:
    """Every limit of every target, in order; red bars are the violations that check reports."""
    snnhub.save(too_large(), tmp_path / "core.snn")
    targets = ["xylo-a2", "xylo-imu", "xylo-a3"]
    wanted = snnhub.check(tmp_path / "core.snn", targets)
    result = snnhub.plot_utilisation(tmp_path / "core.snn", tmp_path / "u.svg", targets)
    rows = rows_of(tmp_path / "u.csv")
    assert result.facts["passed"] is False
    broken = 0
    for number, report in enumerate(wanted.targets):
        own = [row for row in rows if row["target"] == report.target]
        usage = [
            (place, str(low), str(high), str(limit.low), str(limit.high))
            for place, low, high, limit in report.usage
        ]
        assert [(r["place"], r["lowest"], r["highest"], r["limit_low"], r["limit_high"]) for r in own] == usage
        refused = [item for item in report.findings if item.code == "SNN-2201"]
        over = [row for row in own if row["fits"] == "False"]
        assert len(over) == len(refused)
        assert [float(row["share"]) > 1 for row in own] == [row["fits"] == "False" for row in own]
        assert groups(tmp_path / "u.svg", f"panel{number}-too-much") == len(over)
        assert groups(tmp_path / "u.svg", f"panel{number}-fits") == len(own) - len(over)
        broken += len(over)
    assert filled(tmp_path / "u.svg", RED) == broken > 4
    text = words_in(tmp_path / "u.svg")
    assert "20 of 16   125%" in text
    assert text.count("does not fit") == 3
    assert {item.code for item in result.findings} >= {"SNN-2201"}


def test_a_network_that_fits(folder: Path, tmp_path: Path) -> None:
    result = snnhub.plot_utilisation(folder / "chip.snn", tmp_path / "u.svg", "loihi2")
    assert result.facts["passed"] is True
    assert "fits" in words_in(tmp_path / "u.svg")
    assert {limit["fits"] for row in result.rows for limit in row["limits"]} == {True}


def test_many_limits(tmp_path: Path) -> None:
    """What breaks a limit is drawn first, then what is used most."""
    graph = loihi_mlp([3] * 16)
    last = graph.nodes[-1]
    broken = last.with_params(vThMant=tensor(np.array(2**18, np.int32)))
    snnhub.save(replace(graph, nodes=(*graph.nodes[:-1], broken)), tmp_path / "deep.snn")
    result = snnhub.plot_utilisation(tmp_path / "deep.snn", tmp_path / "u.svg", "loihi2")
    limits = result.rows[0]["limits"]
    assert len(limits) == 60
    assert (limits[0]["place"], limits[0]["fits"]) == (f"{last.id}/vThMant", False)
    assert all(a["share"] >= b["share"] for a, b in zip(limits[1:], limits[2:], strict=False))
    assert any(item.code == "SNN-6201" and "60 of" in item.message for item in result.findings)


def test_refusals_of_utilisation(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no target was named"):
        snnhub.plot_utilisation(folder / "chip.snn", tmp_path / "u.png", [])
    with pytest.raises(UsageError, match="uses nothing that a target limits") as caught:
        snnhub.plot_utilisation(folder / "net.snn", tmp_path / "u.png", "xylo-a2")
    assert {item.code for item in caught.value.findings} == {"SNN-2425"}
    assert not (tmp_path / "u.png").exists()


@pytest.mark.parametrize(
    ("low", "high", "limits", "share"),
    [(-64, 10, (-128, 127), 0.5), (0, 32, (0, 16), 2.0), (-3, -3, (0, 10), 0.0), (-200, 20, (-100, 100), 2.0)],
)
def test_share_of_a_limit(low: int, high: int, limits: tuple[int, int], share: float) -> None:
    assert Limit("op", "p", *limits, "here").share(low, high) == share
