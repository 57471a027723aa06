"""The verdict distribution: equivalence of rates over runs, with margin and n stated, and nothing beyond it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api.distribution import count_spikes, rate_ratios
from snnhub.compare.distribution import equivalence
from snnhub.compare.rate_ratio import RateRatio, rate_ratio
from snnhub.compare.student import student_cdf, student_quantile
from snnhub.errors import UsageError
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub_dynapse2.mismatch import mismatched

from tests.networks.dynapsim_numbers import layer, raster, raw, save


def poisson(mean: float, runs: int, neurons: int = 3, seed: int = 0) -> Array:
    return np.random.default_rng(seed).poisson(mean, (runs, neurons))


@pytest.mark.parametrize(
    ("p", "df", "t"),
    [
        (0.95, 9, 1.8331129),
        (0.975, 1, 12.7062047),
        (0.975, 4, 2.7764451),
        (0.95, 2.5, 2.5582),
        (0.9, 1000, 1.2823988),
    ],
)
def test_quantiles_of_students_t_are_those_of_the_tables(p: float, df: float, t: float) -> None:
    assert student_quantile(p, df) == pytest.approx(t, rel=2e-4)
    assert student_quantile(1 - p, df) == pytest.approx(-t, rel=2e-4)
    assert student_cdf(t, df) == pytest.approx(p, abs=1e-4)
    assert (student_cdf(-math.inf, df), student_cdf(0.0, df), student_cdf(math.inf, df)) == (0.0, 0.5, 1.0)


def test_equal_rates_over_many_runs_are_equivalent() -> None:
    found = equivalence(poisson(80, 60, seed=1), poisson(80, 60, seed=2), seconds=0.5)
    assert found.reached is Rung.DISTRIBUTION
    row = found.rows[0]
    assert row.a.high is not None
    assert row.a.low < 160 < row.a.high
    assert 1 / 1.25 < row.low < row.ratio < row.high < 1.25
    assert row.p < 0.05
    (told,) = found.findings
    assert told.code == "SNN-5401"
    assert "1.25" in told.message
    assert "60 and 60 runs" in told.message


def test_a_difference_beyond_the_margin_is_never_equivalent() -> None:
    found = equivalence(poisson(80, 60, seed=1), poisson(110, 60, seed=2))
    assert found.reached is Rung.DIVERGED
    assert not any(row.equivalent for row in found.rows)
    mixed = poisson(80, 60, seed=2)
    mixed[:, 1] = poisson(120, 60, seed=3)[:, 1]
    found = equivalence(poisson(80, 60, seed=1), mixed)
    assert [row.equivalent for row in found.rows] == [True, False, True]
    assert found.reached is Rung.DIVERGED
    assert equivalence(poisson(80, 60, seed=1), mixed, margin=2).reached is Rung.DISTRIBUTION


def test_too_few_runs_show_nothing_even_where_rates_are_equal() -> None:
    found = equivalence(poisson(6, 3, seed=1), poisson(6, 3, seed=2))
    assert found.reached is Rung.DIVERGED
    assert {item.code for item in found.findings} == {"SNN-5401", "SNN-5402"}


def test_both_tests_hold_their_level() -> None:
    """Rates exactly at the margin: at most alpha of the verdicts are wrong, as far as 1,000 tell."""
    random = np.random.default_rng(5)
    wrong = 0
    for _ in range(1000):
        a, b = random.poisson(100, (20, 1)), random.poisson(125, (20, 1))
        wrong += equivalence(a, b).rows[0].equivalent
    assert 20 <= wrong <= 75


def test_pairs_take_out_what_the_inputs_have_in_common() -> None:
    random = np.random.default_rng(3)
    common = random.integers(5, 200, (25, 1))
    a, b = common + random.integers(0, 3, (25, 1)), common + random.integers(0, 3, (25, 1))
    assert equivalence(a, b, paired=True).reached is Rung.DISTRIBUTION
    assert equivalence(a, b, paired=False).reached is Rung.DIVERGED


def test_the_interval_and_the_tests_agree() -> None:
    for seed in range(40):
        mean = 40 + 2 * seed
        found = equivalence(poisson(60, 12, 1, seed), poisson(mean, 12, 1, seed + 100))
        row = found.rows[0]
        assert row.equivalent == (row.low > 1 / 1.25 and row.high < 1.25)


def test_samples_of_one_draw_are_not_runs_of_their_own() -> None:
    """Ten chips that differ, each counted over a thousand samples: the chips are what varies."""
    random = np.random.default_rng(8)
    reference = np.full((1, 1000, 1), 80)
    chips = (80 * np.exp(np.linspace(-0.9, 0.9, 10))).round()[:, None, None] * np.ones((1, 1000, 1))
    assert equivalence(reference, chips).reached is Rung.DIVERGED
    as_if_independent = equivalence(reference[0].repeat(10, axis=0), chips.reshape(-1, 1))
    assert as_if_independent.reached is Rung.DISTRIBUTION
    close = (80 * random.normal(1, 0.02, (10, 1, 1))).round() * np.ones((1, 1000, 1))
    assert equivalence(reference, close).reached is Rung.DISTRIBUTION
    assert equivalence(close, close[::-1]).runs == (10, 10)


def test_silence_shows_nothing() -> None:
    silent = np.zeros((30, 2), np.int64)
    found = equivalence(silent, silent)
    assert found.reached is Rung.DIVERGED
    assert "SNN-5403" in {item.code for item in found.findings}
    one = silent.copy()
    one[:, 0] = 40
    assert equivalence(one, one).reached is Rung.DISTRIBUTION
    assert equivalence(one, silent).reached is Rung.DIVERGED


def test_ratios_have_both_counts_and_infinity() -> None:
    assert rate_ratio(np.array([49, 1])) == RateRatio(49, 1)
    assert str(rate_ratio(np.array([0, 8]))) == "8/0"
    assert math.isnan(rate_ratio(np.array([0, 0])).ratio)
    with pytest.raises(UsageError, match="two neurons"):
        rate_ratio(np.array([1]))


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (np.zeros((3, 2)), np.zeros((3, 3)), "do not fit"),
        (np.zeros((1, 2)), np.zeros((3, 2)), "several runs"),
        (np.full((3, 2), 0.5), np.zeros((3, 2)), "whole numbers"),
        (np.full((3, 2), -1), np.zeros((3, 2)), "whole numbers"),
        (np.zeros(3), np.zeros((3, 2)), "whole numbers"),
    ],
)
def test_counts_that_do_not_fit(a: Array, b: Array, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        equivalence(a, b)
    with pytest.raises(UsageError, match="no test"):
        equivalence(poisson(5, 3), poisson(5, 3), margin=1.0)


def test_networks_over_noise_samples_and_draws_of_mismatch(tmp_path: Path) -> None:
    """A network against itself, against small mismatch, and against another threshold."""
    arrays = {**layer(3, 8, spread=0.0), **raw(3)}
    arrays["w_in"] = np.abs(arrays["w_in"]) * np.float32(2)
    del arrays["w_rec"]
    graph = snnhub.import_model(save(tmp_path / "net.npz", arrays), source="dynapse2")
    x = np.stack([raster(600, 8, seed, 0.1) for seed in range(12)], axis=1)
    same = snnhub.distribution(graph, graph, x)
    assert same.verdict.paired
    assert same.reached is Rung.DISTRIBUTION
    assert same.verdict.runs == (12, 12)
    assert same.verdict.rows[0].a.mean == pytest.approx(count_spikes([graph], x)[:, 0].mean() / 0.6)
    drawn = list(mismatched(graph, 5, 0.05, seed=3))
    noisy = snnhub.distribution(graph, drawn, x, margin=1.4)
    assert (noisy.verdict.runs, noisy.verdict.samples) == ((1, 5), 12)
    assert any("1 and 5 runs" in finding.message for finding in noisy.findings)
    assert noisy.reached is Rung.DISTRIBUTION
    other = {**arrays, "w_in": arrays["w_in"] * np.float32(0.1)}
    wrong = snnhub.import_model(save(tmp_path / "other.npz", other), source="dynapse2")
    assert snnhub.distribution(graph, wrong, x, margin=1.4).reached is Rung.DIVERGED
    assert len(rate_ratios(drawn, x)) == 60
    assert noisy.to_json()["verdict"]["reached"] == "distribution"
    with pytest.raises(UsageError, match="no spikes"):
        snnhub.distribution(graph, graph, x, record="layer0/imem")
    with pytest.raises(UsageError, match="without networks"):
        snnhub.distribution(graph, [], x)
