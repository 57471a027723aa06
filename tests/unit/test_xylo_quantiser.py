"""Quantisers: the two rules by their definition, the search by what it must never do, and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import Finding, Severity
from snnhub.ir.graph import Decoder, Graph
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, promise_of, run_passes
from snnhub_xylo.core import HIGH, Core
from snnhub_xylo.document import graph_of
from snnhub_xylo.families import A2, A3
from snnhub_xylo.lowering import _passes
from snnhub_xylo.mapping.layers import read_network
from snnhub_xylo.mapping.mapped import Mapped, mapped
from snnhub_xylo.quantiser.closed import counts, rows
from snnhub_xylo.quantiser.scales import quantise
from snnhub_xylo.quantiser.search import Numbers, Task, with_bias, with_scale
from snnhub_xylo.quantiser.teacher import later, teacher
from snnhub_xylo.quantiser.trial import Settings, errors
from snnhub_xylo.steps import mapping

from tests.networks.multispike_nets import network, raster

LARGE = (8, 40, 4)


def lowered(graph: Graph) -> Graph:
    return run_passes(graph, mapping(A2), PassContext())


def placed(graph: Graph, vmem: bool = False) -> Mapped:
    return mapped(read_network(graph, REGISTRY)[0], A2, vmem)[0]


def core_of(graph: Graph, calibration: Array | None = None, **options: str) -> tuple[Core, PassContext, Graph]:
    context = PassContext(options=options, calibration=calibration)
    after = run_passes(graph, _passes(A2), context)
    return Core.of(after.nodes[0]), context, after


@pytest.mark.parametrize("shape", ["two", "residual", "synapses"])
def test_scales_by_rule(shape: str) -> None:
    made = placed(lowered(network(shape, 3, LARGE)))
    own = ~made.relay
    one = quantise(made, "global")
    weights = np.concatenate([made.weights_in, made.weights_rec])[:, own]
    assert len(np.unique(one.scale[own])) == 1
    assert one.scale[own][0] == 127 / np.abs(weights).max()
    each = quantise(made, "per-neuron")
    np.testing.assert_array_equal(each.scale[own], 127 / np.abs(weights).max(axis=(0, 2)))
    for found in (one, each):
        np.testing.assert_array_equal(found.core.weights_rec, np.rint(made.weights_rec * found.scale[:, None]))
        np.testing.assert_array_equal(found.core.threshold, np.rint(made.threshold * found.scale))
        np.testing.assert_array_equal(found.core.threshold_out, np.rint(made.threshold_out * found.scale_out))
        relays = found.core.weights_rec[:, made.relay]
        assert set(np.unique(relays)) <= {-1, 0, 2}
        assert (found.core.threshold[made.relay] == 1).all()


@pytest.mark.parametrize("rule", ["global", "per-neuron"])
def test_a_high_threshold_lowers_the_scale(rule: str) -> None:
    graph = network("two", 1)
    high = tensor(np.linspace(1, 900, 9).astype(np.float32))
    nodes = tuple(node.with_params(threshold=high) if node.id == "n1" else node for node in graph.nodes)
    found = quantise(placed(lowered(replace(graph, nodes=nodes))), rule)
    assert found.core.threshold.max() <= HIGH
    assert not found.clipped
    made = placed(lowered(replace(graph, nodes=nodes)))
    np.testing.assert_array_equal(found.core.weights_rec, np.rint(made.weights_rec * found.scale[:, None]))


def test_a_neuron_without_weights_rests() -> None:
    graph = network("two", 1)
    weight = graph.node["d1"].param["weight"].array.copy()
    weight[0] = 0
    nodes = tuple(node.with_params(weight=tensor(weight)) if node.id == "d1" else node for node in graph.nodes)
    low = tensor(np.full(9, 0.4, np.float32))
    nodes = tuple(node.with_params(threshold=low) if node.id == "n0" else node for node in nodes)
    core, _, _ = core_of(replace(graph, nodes=nodes), quantiser="per-neuron")
    assert core.threshold[0] == 1
    assert not core.weights_in[:, 0].any()


def test_without_data_auto_goes_by_rule_and_says_so() -> None:
    core, _, after = core_of(network("two", 2))
    same, _, _ = core_of(network("two", 2), quantiser="per-neuron")
    for name, array in core.arrays.items():
        np.testing.assert_array_equal(array, same.arrays[name])
    assert [item.severity for item in after.findings if item.code == "SNN-2417"] == [Severity.INFO]
    promise = promise_of(after)
    assert promise is not None
    assert promise.rung is Rung.DECISION


def task(seed: int = 0, synapses: int = 1) -> tuple[Task, Numbers]:
    random = np.random.default_rng(seed)
    steps, samples, sources, neurons = 80, 3, 12, 10
    heard = random.poisson(0.5, (steps, samples, sources)).astype(np.float32)
    weights = random.normal(0.1, 0.4, (sources, neurons, synapses))
    dashes = random.integers(1, 6, (neurons, synapses + 1))
    threshold = random.uniform(0.5, 1.5, neurons)
    wanted = random.poisson(0.5, (steps, samples, neurons))
    weight, rounded = np.ones(samples), np.ones(neurons, bool)
    scale = 127 / np.abs(weights).max(axis=(0, 2))
    made = Task(heard, weights, threshold, np.zeros(neurons), wanted, weight, 31, rounded)
    return made, Numbers(scale, np.zeros(neurons), dashes[:, 0], dashes[:, 1:])


@pytest.mark.parametrize("synapses", [1, 2])
def test_a_trial_counts_what_the_core_counts(synapses: int) -> None:
    """Teacher-forced trials of a feed-forward layer are runs of a core with those neurons."""
    made, numbers = task(synapses=synapses)
    found = made.judge(numbers, np.array([np.zeros(10), np.full(10, 5)]))
    for row, bias in enumerate((0, 5)):
        core = Core.made(
            "v2",
            {
                "weights_in": np.clip(np.rint(made.weights * numbers.scale[:, None]), -128, 127),
                "weights_rec": np.zeros((10, 10, synapses)),
                "weights_out": np.zeros((10, 1)),
                "threshold": np.clip(np.rint(made.threshold * numbers.scale), 1, HIGH),
                "bias": np.full(10, bias),
                "dash_mem": numbers.dash_mem,
                "dash_syn": numbers.dash_syn,
                "alias": np.full(10, -1),
                **dict.fromkeys(("threshold_out", "dash_mem_out", "dash_syn_out"), np.ones(1)),
                "bias_out": np.zeros(1),
                **dict.fromkeys(("shift_in", "shift_rec", "shift_out"), np.int64(0)),
            },
        )
        recording, _ = prepare(graph_of(core)).run(made.heard.astype(np.uint8), record=["xylo/s"])
        wrong = np.abs(recording["xylo/s"].astype(int) - made.wanted).sum(axis=(0, 1))
        np.testing.assert_array_equal(found[row], wrong)


def test_settings_are_judged_alike_alone_and_together() -> None:
    made, numbers = task(1)
    biases = np.arange(-20, 20, 4)[:, None] + np.zeros(10)
    together = made.judge(numbers, biases)
    for row, bias in enumerate(biases):
        np.testing.assert_array_equal(made.judge(numbers, bias[None])[0], together[row])
    settings = Settings([numbers.dash_syn[None, :, 0]], numbers.dash_mem[None], biases, np.full((1, 10), 50))
    weighted = errors(made.arrived(numbers.scale), made.wanted, np.array([1.0, 0, 0]), settings, 31)
    first = errors([a[:, :1] for a in made.arrived(numbers.scale)], made.wanted[:, :1], np.ones(1), settings, 31)
    np.testing.assert_array_equal(weighted, first)


def test_the_search_never_gets_worse_where_it_looks() -> None:
    made, start = task(2)
    before = made.judge(start, np.zeros((1, 10)))[0]
    numbers, error = with_bias(made, start)
    assert (error <= before).all()
    np.testing.assert_array_equal(made.judge(numbers, numbers.bias[None])[0], error)
    for better, less in with_scale(made, numbers, error):
        assert (less <= error).all()
        numbers, error = better, less
    np.testing.assert_array_equal(made.judge(numbers, numbers.bias[None])[0], error)


def test_auto_is_deterministic_and_better_than_the_rules_on_new_data() -> None:
    graph, calibration = network("three", 5, LARGE), raster(8, 120, 4)
    core, context, after = core_of(graph, calibration)
    again, _, _ = core_of(graph, calibration)
    for name, array in core.arrays.items():
        np.testing.assert_array_equal(array, again.arrays[name])
    fresh = raster(8, 200, 6, seed=99)
    share = {}
    for rule in ("auto", "per-neuron", "global"):
        chosen, _, _ = core_of(graph, calibration if rule == "auto" else None, quantiser=rule)
        steps = lowered(graph)
        made = placed(steps)
        taught = teacher(steps, made, fresh, REGISTRY)
        quantised = replace(quantise(made, "per-neuron"), core=chosen)
        found = rows(counts(quantised, taught.raw), made, taught)
        share[rule] = sum(row.wrong for row in found) / sum(row.spikes for row in found)
    print(share)
    assert share["auto"] < min(share["per-neuron"], share["global"])
    assert [row["layer"] for row in context.tables["xylo ladder"]] == ["n0", "n1", "n2", "n3"]
    promise = promise_of(after)
    assert promise is not None
    assert promise.rung is Rung.BOUNDED


def test_the_ladder_tells_timing_decays_caps_and_integers_apart() -> None:
    calibration = raster(8, 150, 4)
    _, context, _ = core_of(network("two", 6, LARGE), calibration)
    first = context.tables["xylo ladder"]
    assert all(row["timing"] == row["decays"] == row["caps"] == 0 for row in first[:2])
    assert any(row["integers"] > 0 for row in first)
    for row in first:  # both say the same of the same counts
        least = 1 - row["integers"] if row["spikes"] else 1.0
        assert least - 1e-9 <= row["overlap"] <= 1.0 or row["integers"] > 1
    graph = network("two", 6, LARGE)
    slow = tensor(np.full(40, np.exp(-1 / 3.0), np.float32))
    nodes = tuple(node.with_params(alpha=slow) if node.id == "n0" else node for node in graph.nodes)
    _, context, _ = core_of(replace(graph, nodes=nodes), calibration)
    assert context.tables["xylo ladder"][0]["decays"] > 0.01
    assert context.tables["xylo ladder"][0]["timing"] == 0


@pytest.mark.parametrize("wrong", [0.5, -1.0, 300.0])
def test_calibration_that_is_no_count_is_refused(wrong: float) -> None:
    data = raster(5)
    data[3, 1, 2] = wrong
    with pytest.raises((UnsupportedError, UsageError), match="counts of events"):
        core_of(network("two"), data)


def uneven(samples: int, seed: int) -> Array:
    """Other channels in every sample, so that other outputs win."""
    rates = np.random.default_rng(seed).integers(0, 3, (samples, 8)).astype(np.float32)
    return raster(8, 120, samples, seed) * rates


def test_potentials_as_output_keep_their_decisions_and_one_scale() -> None:
    graph = network("two", 2, (8, 40, 4))
    still = tensor(np.full(4, HIGH, np.float32))
    nodes = tuple(node.with_params(threshold=still) if node.id == "n2" else node for node in graph.nodes)
    graph = replace(graph, nodes=nodes, decoder=Decoder("mean", quantity="n2/vmem"))
    core, context, after = core_of(graph, uneven(8, 1))
    assert after.decoder == Decoder("mean", quantity="xylo/vmem_out")
    assert "SNN-2419" in {item.code for item in after.findings}
    assert (core.threshold_out == HIGH).all()
    assert len({row["scale_lowest"] for row in context.tables["xylo layers"][-1:]}) == 1
    fresh = uneven(30, 77)
    wanted = prepare(graph).run(fresh, record=["n2/vmem"])[0]["n2/vmem"].mean(axis=0).argmax(axis=1)
    found, _ = prepare(after).run(fresh.astype(np.uint8), record=["xylo/vmem_out", "xylo/s_out"])
    assert not found["xylo/s_out"].any()
    equal = (found["xylo/vmem_out"].mean(axis=0).argmax(axis=1) == wanted).mean()
    print("equal decisions:", equal)
    assert equal >= 0.9
    assert len(set(wanted.tolist())) > 1


def test_later_moves_counts() -> None:
    values = np.arange(6).reshape(3, 1, 2)
    np.testing.assert_array_equal(later(values, 1)[:, 0], [[0, 0], [0, 1], [2, 3]])
    assert later(values, 0) is values
    assert not later(values, 5).any()


def test_dead_neurons_caps_and_quiet_layers_are_told() -> None:
    graph = network("three", 7, LARGE)
    calibration = raster(8, 40, 2, rate=0.02)
    calibration[0, 0, 0] = 20
    _, _, after = core_of(graph, calibration)
    found: dict[str, list[Any]] = {}
    for item in after.findings:
        found.setdefault(item.code, []).append(item)
    assert any("too quiet" in item.title for item in found["SNN-2418"])
    assert any(item.place == "input" and "1 bins" in item.bound for item in found["SNN-2413"])
    assert "SNN-2415" in found


def refusals(findings: Sequence[Finding]) -> list[tuple[str, str, str]]:
    return [(item.code, item.place, item.old) for item in findings if item.severity is Severity.ERROR]


def test_everything_that_does_not_fit_is_said_at_once() -> None:
    graph = network("two", 0, (17, 80, 40))
    node = graph.node["n1"].with_params(alpha=tensor(np.float32(0.2)))
    graph = replace(graph, nodes=tuple(node if item.id == "n1" else item for item in graph.nodes))
    with pytest.raises(UnsupportedError) as caught:
        run_passes(graph, _passes(A3), PassContext())
    errors = refusals(caught.value.findings)
    assert ("SNN-2410", "n1/alpha", "factor 0.2 per step") in errors
    assert ("SNN-2201", "network", "17") in errors
    assert ("SNN-2201", "network", "40") in errors
    wide = network("two", 0, (17, 80, 40))
    with pytest.raises(UnsupportedError) as caught:
        run_passes(wide, _passes(A2), PassContext())
    errors = refusals(caught.value.findings)
    assert {old for _, _, old in errors} >= {"17", "40"}
    assert any(code == "SNN-2201" and 64 < int(old) <= 80 for code, _, old in errors)  # the fan-out


def test_what_is_said_of_a_conversion() -> None:
    """Every code of the lowering, where there is one to be said."""
    graph = network("residual", 3, LARGE)
    node = graph.node["d1"]
    bias = tensor(np.full(40, 0.02, np.float32))
    attributes = {**node.attribute, "bias": True}
    biased = replace(node, attributes=tuple(attributes.items())).with_params(bias=bias)
    graph = replace(graph, nodes=tuple(biased if item.id == "d1" else item for item in graph.nodes))
    _, _, after = core_of(graph, raster(8, 40, 2))
    told = {item.code: item.severity.value for item in after.findings}
    assert told["SNN-2407"] == told["SNN-2408"] == told["SNN-2414"] == "note"
    assert told["SNN-2412"] == "loss"
    assert after.node["xylo"].param["bias"].array.any()


def test_a_layer_of_one_unit_gives_clipped_registers_a_loss() -> None:
    graph = network("two", 1)
    high = tensor(np.full(9, 3000.0, np.float32))
    nodes = tuple(node.with_params(bias=high) if node.id == "n0" else node for node in graph.nodes)
    _, _, after = core_of(replace(graph, nodes=nodes), quantiser="per-neuron")
    found = [(item.severity, item.place) for item in after.findings if item.code == "SNN-2416"]
    assert found == [(Severity.LOSS, "xylo/bias")]


def test_a_core_has_no_numbers_before_quantising() -> None:
    _, _, after = core_of(network("two", 1))
    with pytest.raises(UnsupportedError, match="core already"):
        run_passes(after, _passes(A2), PassContext(options={"float-spec": "x.npz"}))
    assert core_of(after)[2].network() == after.network()


def test_caps_have_a_column_of_their_own() -> None:
    graph = network("two", 6, LARGE)
    low = tensor(np.full(4, 0.05, np.float32))
    nodes = tuple(node.with_params(threshold=low) if node.id == "n2" else node for node in graph.nodes)
    _, context, after = core_of(replace(graph, nodes=nodes), raster(8, 60, 2), quantiser="per-neuron")
    rows_of = {row["layer"]: row for row in context.tables["xylo ladder"]}
    assert rows_of["n2"]["timing"] == rows_of["n2"]["decays"] == 0
    assert rows_of["n2"]["caps"] > 0.1
    assert rows_of["n0"]["caps"] == rows_of["n1"]["caps"] == 0
    assert ("SNN-2413", "loss", "n2") in {(item.code, item.severity.value, item.place) for item in after.findings}


@pytest.mark.parametrize("shape", ["residual", "skip", "nested"])
def test_the_search_leaves_relays_alone(shape: str) -> None:
    graph = network(shape, 2)
    made = placed(lowered(graph))
    core, _, _ = core_of(graph, raster(5, 60, 2))
    assert made.relay.any()
    for name in ("threshold", "bias", "dash_mem", "dash_syn", "alias"):
        np.testing.assert_array_equal(core.arrays[name][made.relay], getattr(made, name)[made.relay])
    for name in ("weights_in", "weights_rec"):
        np.testing.assert_array_equal(core.arrays[name][:, made.relay], getattr(made, name)[:, made.relay])
