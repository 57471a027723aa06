"""Shapes that a file does not say, as torch runs them: broadcasting, states that are put back, other inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.discretise import discretise
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub_profiles.layer import Op
from snnhub_profiles.torch_shapes import Signal, brought

from tests.networks.nir_nets import DT, Net, affine, chain, continuous, cuba, integrate, lif

X = np.array([[0.6], [2.5], [-1.0], [0.7]], "f4")


def made(net: Net, profile: str, shape: tuple[int, ...] | None = None) -> Graph:
    return discretise(continuous(net), DT, profile, shape)


def run(graph: Graph, x: Array) -> Array:
    recording, _ = prepare(graph).run(x, record=["output"])
    return np.asarray(recording["output"])


def codes(graph: Graph) -> set[str]:
    return {item.code for item in graph.findings}


def refusal(net: Net, profile: str, shape: tuple[int, ...] | None = None) -> UnsupportedError:
    with pytest.raises(UnsupportedError) as caught:
        made(net, profile, shape)
    return caught.value


def linear(out: int, into: int) -> tuple[str, Any]:
    return affine(np.ones((out, into), "f4"))


def test_behind_a_node_left_out_one_value_goes_to_all_neurons() -> None:
    """There is no Linear in sinabs. Its neurons forget: their states have another shape than what arrives."""
    net = chain(linear(2, 1), integrate(2, th=np.array([0.5, 1.0])), shape=[1], out=[2])
    graph = made(net, "sinabs-3")
    assert {"SNN-2603", "SNN-2605", "SNN-2614"} <= codes(graph)
    np.testing.assert_array_equal(run(graph, X), np.maximum(np.trunc(X / [0.5, 1.0]), 0))
    assert any("put back" in item.message for item in graph.findings)


def test_norse_keeps_its_states_when_it_repeats() -> None:
    """The padding of a SumPool2d is not read, so that a row arrives where the file says two."""
    pool = {"kernel_size": np.array([3, 1]), "stride": np.array([1, 1]), "padding": np.array([1, 0])}
    neurons = integrate([1, 3, 2], th=np.arange(1.0, 7.0).reshape(1, 3, 2))
    net = chain(("SumPool2d", pool), neurons, shape=[1, 3, 2], out=[1, 3, 2])
    graph = made(net, "norse-1")
    assert "SNN-2614" in codes(graph)
    assert "SNN-2603" not in codes(graph)
    x = np.ones((6, 1, 3, 2), "f4")
    spikes = run(graph, x)
    assert spikes.shape == (6, 1, 3, 2)
    np.testing.assert_array_equal(spikes[:, 0, 0, 0], 1)  # 3 a step are above 1
    assert [int(step) for step in np.flatnonzero(spikes[:, 0, 2, 1])] == [2, 5]  # v > 6, from 0, by 3


@pytest.mark.parametrize(("profile", "shape"), [("norse-1", (1,)), ("snntorch-1", (1,)), ("sinabs-3", (1,))])
def test_an_input_of_another_shape(profile: str, shape: tuple[int, ...]) -> None:
    layer = lif(3, r=20.0 if profile == "snntorch-1" else 1.0, th=0.5)
    graph = made(chain(layer, shape=[3]), profile, shape)
    assert graph.inputs[0].shape == shape
    assert {"SNN-2614", "SNN-2618"} <= codes(graph)
    assert run(graph, X).shape == (4, 3)
    assert "SNN-2618" not in codes(made(chain(layer, shape=[3]), profile, (3,)))


def test_neurons_of_one_number_take_any_shape(tmp_path: Path) -> None:
    """SpikingJelly's, which are the same for all; the option of the command line, too."""
    path = chain(lif(3), shape=[3]).write(tmp_path / "n.nir")
    options = ImportOptions(profile="spikingjelly-2", dt=DT, input_shape=(2, 5))
    graph = load_graph(path, options=options).graph
    assert run(graph, np.ones((4, 2, 5), "f4")).shape == (4, 2, 5)


def test_rockpool_repeats_a_single_value() -> None:
    graph = made(chain(cuba(3, th=0.1), shape=[3]), "rockpool-3", (1,))
    assert run(graph, X).shape == (4, 3)
    assert "2 values arrive" in str(refusal(chain(cuba(3), shape=[3]), "rockpool-3", (2,)))


@pytest.mark.parametrize("profile", ["nir-euler", "spyx-1", "exponential"])
def test_profiles_that_take_the_files_shape_only(profile: str) -> None:
    net = Net({**(base := chain(lif(3), shape=[3])).nodes}, base.edges)
    assert "inputs of [1]" in str(refusal(net, profile, (1,)))


def test_weights_refuse_what_does_not_fit() -> None:
    net = chain(linear(2, 3), lif(2), shape=[3], out=[2])
    assert "features do not fit" in str(refusal(net, "norse-1", (2,)))


def test_stacking_asks_for_equal_shapes() -> None:
    """The executor adds by stacking: a value that was repeated and one that was not cannot be added."""
    base = chain(lif(3), lif(3), shape=[3])
    net = Net(base.nodes, [*base.edges, ("input", "1")])
    assert "cannot be added" in str(refusal(net, "norse-1", (1,)))


def test_states_drawn_by_chance_are_undetermined() -> None:
    """There are more states than samples, and sinabs draws which goes on."""
    problem = refusal(chain(integrate([2, 3]), shape=[2, 3]), "sinabs-3", (3,))
    assert "SNN-2616" in {item.code for item in problem.findings}


@pytest.mark.parametrize(
    ("before", "after", "ops"),
    [
        (Signal((1, 3), (3,)), (1, 3), []),
        (Signal((1, 1), (1,)), (1, 3), ["core.Upsample"]),
        (Signal((1, 3), (3,)), (2, 3), ["core.Reshape", "core.Upsample"]),
        (Signal((1,), ()), (1, 4), ["core.Reshape", "core.Upsample"]),
    ],
)
def test_what_is_brought_has_the_entries_of_numpys_broadcast(
    before: Signal, after: tuple[int, ...], ops: list[str]
) -> None:
    chain_of: tuple[Op, ...] = brought(before, after)
    assert [op.op for op in chain_of if op.op != "core.Reshape"] == [op for op in ops if op != "core.Reshape"]
    values = np.arange(1.0, 1 + int(np.prod(before.torch))).reshape(before.ours)
    x = values
    for op in chain_of:
        if op.op == "core.Reshape":
            x = x.reshape(numbers(op, "shape"))
        else:
            for axis, factor in enumerate(numbers(op, "factor"), start=1):
                x = np.repeat(x, factor, axis=axis)
    np.testing.assert_array_equal(x.ravel(), np.broadcast_to(values.reshape(before.torch), after).ravel())


def numbers(op: Op, name: str) -> tuple[int, ...]:
    found = op.attributes[name]
    assert isinstance(found, tuple)
    return found


def test_decays_that_are_the_same_everywhere_are_one_number_for_any_input() -> None:
    """Its importer takes the decays of a CubaLIF for one number where all are, and so they meet any shape."""
    wide, narrow = (chain(cuba(shape, r=20.0, w_in=10.0), shape=shape) for shape in ([2, 2, 3], [1, 2, 3]))
    graph = made(wide, "snntorch-1", (1, 2, 3))
    assert "SNN-2618" in codes(graph)
    x = np.random.default_rng(3).normal(0.5, 1, (12, 1, 2, 3)).astype("f4")
    spikes = run(graph, x)
    assert spikes.any()
    np.testing.assert_array_equal(spikes, run(made(narrow, "snntorch-1"), x))
