"""Time constants to dashes: the rules, their borders, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from snnhub.errors import UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array, tensor
from snnhub.passes.base import PassContext, run_passes
from snnhub_xylo.families import A2
from snnhub_xylo.mapping.decays import KEPT, STEPS, dash_of, kept
from snnhub_xylo.steps import mapping

from tests.networks.multispike_nets import network


def factor(steps: Array | float) -> Array:
    """The factor per step of a time constant in steps, in f32 as graphs hold it."""
    return np.exp(-1 / np.asarray(steps, np.float64)).astype(np.float32)


@pytest.mark.parametrize("rule", ["factor", "log2"])
def test_the_chips_own_decays_keep_their_dash(rule: str) -> None:
    np.testing.assert_array_equal(dash_of(KEPT.astype(np.float32), rule), np.arange(1, 16))
    np.testing.assert_array_equal(dash_of(factor(STEPS), rule)[:12], np.arange(1, 13))
    np.testing.assert_array_equal(kept(np.arange(1, 16)), KEPT.astype(np.float32))


def test_log2_is_rockpools_rule() -> None:
    steps = np.array([2, 2.82, 2.83, 4, 5.65, 5.66, 16, 100, 1000])
    np.testing.assert_array_equal(dash_of(factor(steps), "log2"), np.rint(np.log2(steps)))


def test_factor_takes_the_nearest_time_constant() -> None:
    """Four steps: Rockpool's dash 2 keeps 0.75 per step where 0.7788 is wanted; so does the nearest one."""
    assert dash_of(factor(4.0), "factor") == 2
    assert dash_of(factor(2.5), "log2") == 1
    assert dash_of(factor(2.5), "factor") == 2  # 3.48 steps are nearer than 1.44
    for steps in np.geomspace(1.5, 20000, 200):
        chosen = int(dash_of(factor(steps), "factor"))
        ratio = np.abs(np.log(STEPS) - np.log(-1 / np.log(float(factor(steps)))))
        assert ratio[chosen - 1] == ratio.min()


def changed(graph: Graph, **params: Array | float) -> Graph:
    node = graph.node["n0"].with_params(**{n: tensor(np.asarray(v, np.float32)) for n, v in params.items()})
    return replace(graph, nodes=tuple(node if item.id == "n0" else item for item in graph.nodes))


def test_a_rounded_decay_is_a_note_and_a_far_one_a_loss() -> None:
    near = run_passes(changed(network("two"), alpha=factor(4.0)), mapping(A2), PassContext())
    found = [item for item in near.findings if item.code == "SNN-2411"]
    assert [(item.severity, item.place) for item in found] == [(Severity.NOTE, "n0/alpha")]
    assert (found[0].old, found[0].new) == ("0.778801", "0.75")
    far = run_passes(changed(network("two"), beta=factor(1e6)), mapping(A2), PassContext())
    assert [item.severity for item in far.findings if item.code == "SNN-2411"] == [Severity.LOSS]


@pytest.mark.parametrize(("value", "words"), [(factor(1.0), "not longer"), (0.0, "not longer"), (1.2, "above 1")])
def test_time_constants_that_no_dash_has_are_refused(value: float, words: str) -> None:
    graph = changed(network("two"), alpha=value, beta=value)
    with pytest.raises(UnsupportedError, match=words) as caught:
        run_passes(graph, mapping(A2), PassContext())
    errors = [item.place for item in caught.value.findings if item.severity is Severity.ERROR]
    assert errors == ["n0/alpha", "n0/beta"]
