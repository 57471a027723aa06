"""Xylo's core: the kernel against the definition, files, states, batches, latency, arrays that do not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snnhub.engine.reference import prepare
from snnhub.engine.robust.certify import certify
from snnhub.errors import GraphError, UsageError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32, unsigned
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array, tensor
from snnhub.ir.timing import lag_to_output
from snnhub.ops.registry import REGISTRY
from snnhub_formats import container
from snnhub_xylo import definition, ordered
from snnhub_xylo.core import CAP_HIDDEN, HIGH, LOW, Core
from snnhub_xylo.ordered import OrderedSum

from tests.networks.xylo_cores import KINDS, core_graph, random_core

KEYS = ("output", *(f"xylo/{name}" for name in ("s", "s_out", "isyn", "vmem", "isyn_out", "vmem_out", "pending")))


def keys_of(core: Core) -> tuple[str, ...]:
    return (*KEYS, "xylo/isyn2") if core.synapses == 2 else KEYS


def by_definition(core: Core, x: Array) -> dict[str, Array]:
    """Every record key, one sample and neuron after the other."""
    found: dict[str, list[list[Array]]] = {key: [] for key in keys_of(core)}
    for sample in range(x.shape[1]):
        state = definition.at_rest(core)
        rows: dict[str, list[Array]] = {key: [] for key in found}
        for now in x[:, sample].astype(np.int64):
            s, s_out = definition.step(core, now, state)
            isyn = {"isyn": state.isyn[:, 0], "isyn2": state.isyn[:, -1]}
            named = {"s": s, "pending": s, "s_out": s_out, **isyn, "vmem": state.vmem}
            named |= {"isyn_out": state.isyn_out, "vmem_out": state.vmem_out}
            for key, values in rows.items():
                values.append(named["s_out" if key == "output" else key.partition("/")[2]].copy())
        for key, values in rows.items():
            found[key].append(values)
    return {key: np.array(values).swapaxes(0, 1) for key, values in found.items()}


def same(ours: Recording, wanted: dict[str, Array]) -> int:
    for key, array in wanted.items():
        np.testing.assert_array_equal(ours[key], array, err_msg=key)
    return sum(array.size for array in wanted.values())


@pytest.mark.parametrize("seed", range(4 * len(KINDS)))
def test_the_kernel_is_the_definition(seed: int) -> None:
    core, x = random_core(seed, steps=25)
    ours, _ = prepare(core_graph(core)).run(x, record=keys_of(core))
    assert same(ours, by_definition(core, x)) > 0


@given(st.integers(100, 2**31))
def test_the_kernel_is_the_definition_for_any_core(seed: int) -> None:
    core, x = random_core(seed, steps=12)
    ours, _ = prepare(core_graph(core)).run(x, record=keys_of(core))
    same(ours, by_definition(core, x))


def one_by_one(weights: Array, currents: Array, counts: Array) -> Array:
    """Event after event, the way it is defined."""
    result = currents.copy()
    for sample, target in np.ndindex(*result.shape):
        for source in range(len(weights)):
            for _ in range(counts[sample, source]):
                result[sample, target] = min(HIGH, max(LOW, result[sample, target] + weights[source, target]))
    return result


@given(st.data())
def test_sums_that_saturate(data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    sources, targets = (int(random.integers(1, 9)) for _ in range(2))
    size = data.draw(st.sampled_from([5, 127, 4000, 32768]))
    weights = np.where(
        random.random((sources, targets)) < 0.6, random.integers(-size, size, (sources, targets)), 0
    )
    currents = data.draw(st.sampled_from([0, 1])) * random.integers(LOW, HIGH + 1, (3, targets))
    counts = random.integers(0, CAP_HIDDEN + 1, (3, sources)) * (random.random((3, sources)) < 0.7)
    total = OrderedSum(weights, np.full(sources, CAP_HIDDEN))
    np.testing.assert_array_equal(total.add(currents, counts), one_by_one(weights, currents, counts))


def test_order_matters_and_is_kept() -> None:
    """Up to the limit and down again is not the same as down and up."""
    weights = np.array([[32767], [100], [-200]])
    counts = np.ones((1, 3), np.int64)
    assert OrderedSum(weights, np.ones(3, np.int64)).add(np.zeros((1, 1), np.int64), counts) == 32567
    assert OrderedSum(weights[::-1].copy(), np.ones(3, np.int64)).add(np.zeros((1, 1), np.int64), counts) == 32667


def test_large_sums_are_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    core, x = random_core(2)
    whole, _ = prepare(core_graph(core)).run(x, record=KEYS)
    monkeypatch.setattr(ordered, "CHUNK", 3)
    parts, _ = prepare(core_graph(core)).run(x, record=KEYS)
    same(parts, dict(whole.items()))


@pytest.mark.parametrize("seed", [12, 25, 51])
def test_stop_go_on_and_batches(seed: int, tmp_path: Path) -> None:
    core, x = random_core(seed)
    graph = core_graph(core)
    container.save(graph, tmp_path / "net.snn")
    assert container.load(tmp_path / "net.snn") == graph
    plan = prepare(container.load(tmp_path / "net.snn"))
    whole, _ = plan.run(x, record=keys_of(core))
    first, state = plan.run(x[:17], record=keys_of(core))
    rest, _ = plan.run(x[17:], record=keys_of(core), state=state)
    alone, _ = plan.run(x[:, 1], record=keys_of(core))
    assert whole["xylo/s"].any()
    for key in keys_of(core):
        np.testing.assert_array_equal(np.concatenate([first[key], rest[key]]), whole[key], err_msg=key)
        np.testing.assert_array_equal(alone[key], whole[key][:, 1], err_msg=key)


def test_latency_is_counted_through_the_core() -> None:
    core, _ = random_core(0, (2, 4, 1))
    chain = np.zeros((4, 4, 1), np.int64)
    chain[0, 1] = chain[1, 2] = chain[2, 3] = 5
    into = np.zeros((2, 4, 1), np.int64)
    into[0, 0] = 5
    out = np.array([[0], [0], [0], [5]])
    core = replace(core, weights_in=into, weights_rec=chain, weights_out=out, alias=np.full(4, -1))
    assert lag_to_output(core_graph(core), REGISTRY) == 4
    shortcut = replace(core, alias=np.array([-1, 3, -1, -1]))
    assert lag_to_output(core_graph(shortcut), REGISTRY) == 2
    nothing = replace(core, weights_out=np.zeros_like(out))
    assert lag_to_output(core_graph(nothing), REGISTRY) == 1


def test_integers_need_no_bound() -> None:
    core, x = random_core(3)
    assert certify(core_graph(core), x).robust


def test_everything_that_does_not_fit_is_named() -> None:
    core, _ = random_core(0, (3, 5, 2))
    params = core.params() | {
        "threshold": tensor(np.ones(4, np.int16)),
        "alias": tensor(np.full(5, 7, np.int16)),
        "dash_syn_out": tensor(np.ones((2, 2), np.uint8)),
    }
    builder = GraphBuilder("wrong", REGISTRY)
    x = builder.input((4,), unsigned(8))
    builder.node("xylo", "xylo.Core", x, params=params, core=core.version, synapses=1)
    builder.output(Port("xylo", "s_out"))
    with pytest.raises(GraphError) as caught:
        builder.graph()
    for words in (
        "threshold [4] for [5]",
        "dash_syn_out [2, 2] for [2]",
        "input [4] for [3]",
        "alias to neuron 7 of 5",
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("dash_mem", 16, "SNN-1006"),
        ("dash_syn", -1, "SNN-1006"),
        ("weights_in", 128, "SNN-1006"),
        ("threshold", 40000, "SNN-1006"),
        ("shift_rec", 16, "SNN-1006"),
        ("alias", -2, "SNN-1006"),
    ],
)
def test_numbers_beyond_their_registers(name: str, value: int, code: str) -> None:
    core, _ = random_core(0)
    wrong = core.arrays[name].copy()
    wrong[...] = value
    with pytest.raises(GraphError) as caught:
        core_graph(Core.made(core.version, core.arrays | {name: wrong}))
    assert [(item.code, item.place) for item in caught.value.findings] == [(code, f"xylo/{name}")]


def test_floats_and_large_counts_are_refused() -> None:
    core, x = random_core(0)
    graph: Graph = core_graph(core)
    with pytest.raises(UsageError, match="values that the network does not take"):
        prepare(graph).run(np.full_like(x, 255).astype(np.int64) + 1)
    with pytest.raises(GraphError, match="counts of events"):
        prepare(replace(graph, inputs=(replace(graph.inputs[0], type=F32),)))


def test_version_1_has_no_bias() -> None:
    core, _ = random_core(3 * len(KINDS))
    assert core.version == "v1"
    assert "bias" not in core_graph(core).node["xylo"].param
