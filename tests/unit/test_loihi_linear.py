"""Transforms that become weights on the way to Loihi: in bits for integers, in spikes for floats on a grid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.compare.align import key_of
from snnhub.compare.proof import Prover
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, Severity
from snnhub.ir.graph import Edge, Graph, Node, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ir.rung import Rung
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import Pass, PassContext, Promise, promise_of, run_pass, run_passes
from snnhub_loihi import linear as rewriting
from snnhub_loihi import stretch
from snnhub_loihi.lowering import passes
from snnhub_loihi.stretch import Stretch, chain
from snnhub_netx.arrange import passes as arrange
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import spikes
from tests.networks.linear import BOTH, FLOAT, SHAPE, linear

LINEAR = Pass("loihi linear", 1, Promise(Rung.BOUNDED, 0.99), "", rewriting.run)


def told(graph: Graph) -> list[Finding]:
    return [f for f in graph.findings if f.code == "SNN-2143"]


def rewritten(graph: Graph) -> Graph:
    return run_pass(graph, LINEAR, PassContext())


def compare(before: Graph, after: Graph, names: tuple[str, ...]) -> None:
    """Every quantity named so, in bits; those with one axis now are read row by row."""
    x = spikes((24, 3, *before.inputs[0].shape), 0.4)
    table = {key_of(match.old): match for match in after.correspondence}
    keys = [f"n{layer}/{name}" for layer in range(4) for name in names]
    assert set(keys) <= set(table)
    lag = max(table[key].lag for key in keys)
    old, _ = prepare(before).run(x, record=keys)
    new, _ = prepare(after).run(x, record=[key_of(table[key].new) for key in keys], steps=24 + lag)
    for key in keys:
        right = new[key_of(table[key].new)][table[key].lag : table[key].lag + 24]
        np.testing.assert_array_equal(old[key], right.reshape(old[key].shape), err_msg=key)
    assert all(old[key].any() for key in keys if key.endswith("/s"))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", BOTH)
def test_integers_stay_equal_in_bits(name: str, seed: int, tmp_path: Path) -> None:
    """Through the whole way: lowering, arranging, a NetX file, and back."""
    graph = linear(BOTH[name], integer=True, seed=seed)
    found = run_passes(graph, (*passes(), *arrange()), PassContext())
    compare(graph, found, ("s", "u", "v"))
    assert promise_of(found) == Promise(Rung.BITS)
    export_netx(found, tmp_path / "x.net")
    compare(graph, import_netx(tmp_path / "x.net", ImportOptions()), ("s", "u", "v"))


@pytest.mark.parametrize("name", FLOAT)
def test_floats_on_a_grid_keep_their_spikes(name: str) -> None:
    graph = linear(FLOAT[name], integer=False)
    compare(graph, rewritten(graph), ("s",))


@pytest.mark.parametrize("name", FLOAT)
def test_the_contract_holds(name: str) -> None:
    graph = linear(FLOAT[name], integer=False, seed=5)
    prover, context = Prover(spikes((16, 3, *SHAPE), 0.4), REGISTRY), PassContext()
    prover.start(graph)
    run_passes(graph, passes(), context)
    for item in context.applied:
        if item.name == "loihi linear":
            prover.apply(item)
    assert [step.kept for step in prover.steps] == [True]


@pytest.mark.parametrize(("name", "kept"), [("padded", "convolution"), ("averaged", "convolution")])
def test_what_can_stay_a_convolution_does(name: str, kept: str) -> None:
    found = rewritten(linear(FLOAT[name], integer=False))
    (finding,) = told(found)
    assert kept in finding.new
    assert [node.op for node in found.nodes].count("core.Conv") == 3


def test_everything_behind_a_matrix_is_one_as_well() -> None:
    found = rewritten(linear(BOTH["unpooled"], integer=False))
    assert [(f.place, f.severity) for f in told(found)] == [
        ("middle", Severity.NOTE), ("second", Severity.NOTE), ("last", Severity.NOTE)
    ]  # fmt: skip
    assert "matrix 192 x 48, 576 synapses" in told(found)[0].new
    assert [node.op for node in found.nodes if node.op != "core.IF"] == [
        "core.Conv", "core.Flatten", "core.Dense", "core.Dense", "core.Dense"
    ]  # fmt: skip


def left_alone(graph: Graph) -> str:
    """Why the graph stays as it is; the lowering refuses it then, op by op."""
    result = rewriting.run(graph, PassContext())
    assert result.graph.network() == graph.network()
    with pytest.raises(UnsupportedError) as caught:
        run_passes(graph, passes(), PassContext())
    codes = {f.code for f in caught.value.findings if f.severity is Severity.ERROR}
    assert codes == {"SNN-2101"}
    (finding,) = [f for f in result.findings if f.code == "SNN-2144"]
    assert finding.severity is Severity.INFO
    assert finding in caught.value.findings
    return finding.message


def test_a_matrix_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "LARGEST", 48 * 192 - 1)
    assert "a matrix of 9216 weights at middle" in left_alone(linear(BOTH["unpooled"], integer=False))


def test_a_transposed_convolution_is_a_matrix_or_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """3 x 4 x 4 entries go to 3 x 8 x 5; one synapse too many, and the chip's report says why."""
    graph = linear(BOTH["transposed"], integer=False)
    assert "matrix 120 x 48" in told(rewritten(graph))[0].new
    assert "core.ConvTranspose" not in {node.op for node in rewritten(graph).nodes}
    monkeypatch.setattr(rewriting, "LARGEST", 48 * 120 - 1)
    assert "a matrix of 5760 weights at middle" in left_alone(graph)


def test_so_is_one_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The convolution behind would need a matrix too, and that one is the largest."""
    monkeypatch.setattr(rewriting, "LARGEST", 48 * 192)
    assert "weights at second" in left_alone(linear(BOTH["unpooled"], integer=False))


def test_the_check_finds_wrong_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = stretch.affine
    monkeypatch.setattr(rewriting, "affine", lambda *given: (whole(*given)[0] * 2, whole(*given)[1]))
    assert "on random spikes" in left_alone(linear(BOTH["picture"], integer=False))


def test_nothing_is_touched_where_folds_have_a_way() -> None:
    graph = linear(lambda builder, port, parts: parts.conv(builder, "middle", port, 3, 3, 2, 2), integer=False)
    assert rewriting.run(graph, PassContext()).graph is graph


def test_an_op_that_is_known_by_name_alone() -> None:
    """Sum pooling, as a plugin may bring it: a convolution of each channel by itself, which sums windows."""
    window = (("kernel", (2, 2)), ("stride", (2, 2)), ("padding", (0, 0)))
    pool, source = Node("p", "core.SumPool", 1, window, ()), Port("n0", "s")
    edges = Edge(source, Port("p", "x"), 1), Edge(Port("p", "y"), Port("n1", "a"))
    item = Stretch(source, (pool,), edges, "n1")
    assert item.awkward
    made = rewriting._as_conv(item, (3, 4, 6), True)
    assert made is not None
    x = spikes((5, 2, 3, 4, 6), 0.5)
    found = prepare(chain((made,), (3, 4, 6), SPIKE)).run(x)[0]["output"]
    np.testing.assert_array_equal(found, x.reshape(5, 2, 3, 2, 2, 3, 2).sum(axis=(4, 6)))
    ceil = replace(pool, attributes=(*window, ("ceil_mode", True)))
    assert rewriting._as_conv(replace(item, nodes=(ceil,)), (3, 4, 6), True) is None
