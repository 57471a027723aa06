"""What must hold for every graph and input: cuts, blocks and batches never change a result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from snnhub.engine import reference, runner
from snnhub.engine.reference import prepare
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub_conformance.strategies import float_graphs, layered_graphs, netx_graphs
from snnhub_formats.container import to_bytes

GRAPHS = st.one_of(float_graphs(), netx_graphs(), layered_graphs())


@contextmanager
def sizes(block: int, group: int, chunk: int) -> Iterator[None]:
    """Other sizes for blocks of time, groups of samples and chunks of elements."""
    before = reference.BLOCK_ELEMENTS, reference.GROUP, runner.CHUNK_ELEMENTS
    reference.BLOCK_ELEMENTS, reference.GROUP, runner.CHUNK_ELEMENTS = block, group, chunk
    try:
        yield
    finally:
        reference.BLOCK_ELEMENTS, reference.GROUP, runner.CHUNK_ELEMENTS = before


def stimulus(graph: Graph, steps: int, samples: int, seed: int) -> Array:
    random = np.random.default_rng(seed)
    shape = (steps, samples, *graph.inputs[0].shape)
    if graph.inputs[0].type.is_float:
        return random.normal(0.5, 0.7, shape).astype(np.float32)
    return (random.random(shape) < 0.5).astype(np.uint8)


def equal(a: dict[str, Array], b: dict[str, Array]) -> None:
    for key, array in a.items():
        np.testing.assert_array_equal(array, b[key], err_msg=key)


@settings(max_examples=450)
@given(
    GRAPHS,
    st.integers(1, 24),
    st.integers(1, 4),
    st.integers(0, 2**20),
    st.lists(st.integers(1, 23), max_size=3),
    st.integers(1, 40),
)
def test_cuts_blocks_and_batches_do_not_matter(
    graph: Graph, steps: int, samples: int, seed: int, cuts: list[int], block: int
) -> None:
    """450 random graphs, about a hundred with loops: run whole, against random interruptions and tiny blocks."""
    x = stimulus(graph, steps, samples, seed)
    plan = prepare(graph)
    keys = plan.record_keys()
    whole, _ = plan.run(x, record=keys)
    places = [0, *sorted({cut for cut in cuts if cut < steps}), steps]
    state, parts = None, []
    with sizes(block, 1 + seed % 3, 1 + seed % 5):
        for start, stop in zip(places, places[1:], strict=False):
            part, state = plan.run(x[start:stop], record=keys, state=state)
            parts.append(part)
    equal(dict(whole), {key: np.concatenate([part[key] for part in parts]) for key in keys})
    for sample in range(samples):
        alone, _ = plan.run(x[:, sample], record=keys)
        equal(dict(alone), {key: whole[key][:, sample] for key in keys})


@settings(max_examples=100)
@given(GRAPHS)
def test_the_neutral_file_changes_nothing(graph: Graph) -> None:
    import tempfile
    from pathlib import Path

    from snnhub_formats.container import load, save

    with tempfile.TemporaryDirectory() as folder:
        save(graph, Path(folder) / "a.snn")
        found = load(Path(folder) / "a.snn")
        assert found == graph
        assert to_bytes(found) == to_bytes(graph)
        x = stimulus(graph, 6, 2, 0)
        np.testing.assert_array_equal(prepare(found).run(x)[0]["output"], prepare(graph).run(x)[0]["output"])


@settings(max_examples=60)
@given(float_graphs(), st.integers(0, 2**20))
def test_permuting_inputs_and_weights_together_changes_nothing(graph: Graph, seed: int) -> None:
    """The order of terms in a sum must not matter, bit for bit."""
    from dataclasses import replace

    from snnhub.ir.tensor import tensor

    size = graph.inputs[0].shape[0]
    order = np.random.default_rng(seed).permutation(size)
    fed = {edge.dst.node for edge in graph.fed_by("input")}
    nodes = tuple(
        node.with_params(weight=tensor(node.param["weight"].array[:, order])) if node.id in fed else node
        for node in graph.nodes
    )
    x = stimulus(graph, 8, 2, seed)
    keys = [key for key in prepare(graph).record_keys() if not key.startswith("input")]
    before, _ = prepare(graph).run(x, record=keys)
    after, _ = prepare(replace(graph, nodes=nodes)).run(x[:, :, order], record=keys)
    equal(dict(before), dict(after))
