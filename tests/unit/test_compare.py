"""Verdicts: the ladder, lag, overlap, first divergence, isolation, decisions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from snnhub.compare.align import Pair, align, by_order, spike_keys
from snnhub.compare.decide import decide
from snnhub.compare.isolate import isolated
from snnhub.compare.verdict import differing, judge
from snnhub.engine.reference import prepare
from snnhub.ir.graph import TERMINAL_PORT, Decoder, Match, Port
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung
from snnhub.ops.registry import REGISTRY

from tests.build import loihi_mlp, mlp, spikes


def pair(a: list[int], b: list[int], lag: int = 0, key: str = "output", spiking: bool = True) -> Pair:
    left, right = (np.array(values, np.uint8).reshape(-1, 1, 1) for values in (a, b))
    return Pair(key, key, left, right, spiking, lag)


def test_counts_are_added_up() -> None:
    """Several spikes in a step: 2 of 4 and 1 of 1 are common, as if each had a step of its own."""
    verdict = judge([pair([2, 0, 1], [4, 0, 1])])
    assert (verdict.rows[0].a_spikes, verdict.rows[0].b_spikes, verdict.rows[0].overlap) == (3, 5, 3 / 5)
    assert verdict.rows[0].different == 1


def test_what_the_decoder_reads_decides() -> None:
    """Not the spikes of the output, where it reads a state; nothing where that was not recorded."""
    silent = Pair("output", "output", np.zeros((2, 3, 2)), np.zeros((2, 3, 2)), True)
    a = np.array([[[1.0, 2.0], [3.0, 1.0], [0.0, 5.0]]])
    state = Pair("n/vmem", "n/vmem", a, a[:, :, ::-1], False)
    decoder = Decoder("mean", quantity="n/vmem")
    assert judge([silent, state], decoder=decoder).decisions_equal == 0
    assert judge([silent, replace(state, b=a)], decoder=decoder).decisions_equal == 3
    assert judge([silent], decoder=decoder).decisions is None


def test_the_ladder_is_ordered() -> None:
    assert Rung.BITS.reaches(Rung.SPIKES)
    assert not Rung.DECISION.reaches(Rung.BOUNDED)
    assert [rung.height for rung in Rung] == [6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("pairs", "options", "reached", "missed"),
    [
        ([pair([1, 0, 1], [1, 0, 1])], {}, "bits", None),
        ([pair([1, 0, 1], [1, 0, 1]), pair([3, 4, 5], [3, 4, 6], key="n/v", spiking=False)], {}, "spikes", "bits"),
        ([pair([1, 0, 1], [1, 0, 1], lag=2)], {}, "spikes+lag", None),
        ([pair([1, 0, 1], [1, 1, 1])], {"overlap_bound": 0.5}, "bounded", "spikes"),
        ([pair([1, 0, 1], [1, 1, 1])], {}, "diverged", "spikes"),
        ([pair([1, 0, 1], [1, 0, 1])], {"comparable_states": False}, "spikes", None),
        ([pair([1, 0, 1], [1, 0, 1])], {"problems": ["x"]}, "diverged", "spikes"),
    ],
)
def test_rungs(pairs: list[Pair], options: dict[str, object], reached: str, missed: str | None) -> None:
    verdict = judge(pairs, **options)  # type: ignore[arg-type]
    assert verdict.reached.value == reached
    assert (verdict.missed.value if verdict.missed else None) == missed


def test_decisions_count_even_where_spikes_differ() -> None:
    a = np.zeros((4, 2, 3), np.uint8)
    b = a.copy()
    a[:, 0, 1], b[:3, 0, 1] = 1, 1
    a[0, 1, 2], b[1, 1, 2] = 1, 1
    verdict = judge([Pair("output", "output", a, b, True)], decoder=Decoder("mean"))
    assert verdict.reached is Rung.DECISION
    assert (verdict.decisions_equal, verdict.decisions) == (2, 2)


def test_ties_go_to_the_lowest_index_and_are_counted() -> None:
    output = np.array([[[1, 1, 0]], [[0, 0, 1]]], np.uint8)
    found = decide(output, None)
    assert found is not None
    assert found.winners.tolist() == [0]
    assert found.ties == 1
    assert decide(output[:, :, :1], None) is None
    assert decide(output, Decoder("mean", argmax=False)) is None


def test_first_divergence_is_the_earliest_and_in_network_order() -> None:
    pairs = [
        pair([0, 0, 1], [0, 0, 0], key="a/s"),
        pair([0, 1, 1], [0, 0, 1], key="b/s"),
        pair([0, 1, 0], [0, 0, 0], key="c/s"),
    ]
    first = judge(pairs).first
    assert first is not None
    assert (first.key, first.step, first.a, first.b) == ("b/s", 1, 1, 0)


def test_minus_zero_equals_zero_and_nan_equals_nan() -> None:
    a = np.array([0.0, np.nan, 1.0], np.float32)
    assert differing(a, np.array([-0.0, np.nan, 1.0], np.float32)).tolist() == [False, False, False]
    assert differing(a, np.array([0.0, 1.0, np.float32(1 + 2**-23)], np.float32)).tolist() == [False, True, True]


def test_overlap_is_not_accuracy() -> None:
    verdict = judge([pair([1, 1, 0, 0], [1, 0, 1, 0])], overlap_bound=0.99)
    assert verdict.worst_overlap == pytest.approx(1 / 3)


def test_a_silent_comparison_is_marked() -> None:
    assert judge([pair([0, 0], [0, 0])]).silent
    assert not judge([pair([0, 0], [0, 0]), pair([1, 1], [1, 1], key="n/v", spiking=False)]).silent


def test_alignment_shifts_selects_and_reports_misfits() -> None:
    a = Recording({"n/s": np.arange(6).reshape(3, 2)}, False)
    wide = np.concatenate([np.zeros((2, 3)), np.array([[0, 1, 9], [2, 3, 9], [4, 5, 9]])])
    b = Recording({"m/s": wide, "m/v": np.zeros((5, 4))}, False)
    matches = [Match(Port("n", "s"), Port("m", "s"), 2, 1.0, (0, 2)), Match(Port("n", "s"), Port("m", "v"))]
    pairs, problems = align(a, b, matches, frozenset({"n/s"}), 3)
    np.testing.assert_array_equal(pairs[0].a, pairs[0].b)
    assert problems == ["n/s [3, 1, 2] and m/v [3, 1, 4] cannot be compared"]


def test_spike_keys_and_matching_by_order() -> None:
    a, b = mlp((6, 5, 4)), loihi_mlp((6, 5, 4))
    assert spike_keys(a) == {"n0/s", "n1/s", "output"}
    rows = by_order(a, b)
    assert [(m.old.node, m.new.node, m.lag) for m in rows] == [
        ("n0", "n0", 1),
        ("n1", "n1", 2),
        ("output", "output", 2),
    ]
    assert rows[-1].old == Port("output", TERMINAL_PORT)


def test_isolation_tells_the_guilty_layer_from_the_one_that_inherits() -> None:
    graph = loihi_mlp((6, 8, 8, 4), seed=2)
    x = spikes((30, 2, 6))
    good, _ = prepare(graph).run(x, record=[f"n{i}/{name}" for i in range(3) for name in "suv"])
    weight = graph.node["fc1"].param["weight"]
    changed = weight.array.copy()
    changed[:] = -changed
    from snnhub.ir.tensor import tensor

    nodes = tuple(n.with_params(weight=tensor(changed)) if n.id == "fc1" else n for n in graph.nodes)
    bad_graph = replace(graph, nodes=nodes)
    bad, _ = prepare(bad_graph).run(x, record=list(good))
    keys = [key for key in good if key.endswith("/s")]
    matches = [Match(Port(*key.split("/")), Port(*key.split("/"))) for key in keys]
    pairs, _ = align(bad, good, matches, spike_keys(graph), 30)
    first = judge(pairs).first
    assert first is not None
    assert first.key == "n1/s"
    assert isolated(bad_graph, first, good, x, REGISTRY) is True
    inherits = replace(first, key="n2/s")
    assert isolated(bad_graph, inherits, good, x, REGISTRY) is False
    assert isolated(bad_graph, replace(first, key="fc1/y"), good, x, REGISTRY) is None
