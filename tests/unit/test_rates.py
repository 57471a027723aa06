"""Rates, their intervals, the three answers and firing-rate ratios, held to what they claim by simulation."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from snnhub.compare.distribution import Answer, equivalence
from snnhub.compare.rate import rate
from snnhub.compare.rate_ratio import RateRatio, rate_ratio, summary
from snnhub.errors import UsageError
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array

SEED = 20261122


def binomial_reach(share: float, trials: int) -> float:
    """Four standard deviations of a share that is counted."""
    return 4 * math.sqrt(share * (1 - share) / trials)


@pytest.mark.parametrize(
    ("mean", "runs", "shape"),
    [(20, 20, 0.0), (5, 30, 0.0), (60, 10, 0.0), (30, 40, 0.3)],
)
def test_intervals_of_rates_cover_as_often_as_they_say(mean: float, runs: int, shape: float) -> None:
    """Poisson counts, and counts whose mean itself varies from run to run, as with mismatch. Seed 20261122."""
    random = np.random.default_rng(SEED)
    trials = 2000
    means = mean * np.exp(random.normal(-(shape**2) / 2, shape, (trials, runs)))
    covered = 0
    for counts in random.poisson(means):
        found = rate(counts[:, None], 0.05, 0.5)
        assert found.high is not None
        covered += found.low <= mean / 0.5 <= found.high
    allowed = binomial_reach(0.95, trials) + (0.015 if shape else 0.005)  # counts are not quite normal
    print(f"seed {SEED}: covered {covered} of {trials}, mean {mean}, {runs} runs")
    assert abs(covered / trials - 0.95) <= allowed


def test_silence_has_an_upper_bound_that_holds() -> None:
    """At the bound itself a silent record has just the probability alpha / 2; samples of one network count too."""
    silent = rate(np.zeros((10, 30)), 0.05, 1.0)
    assert silent.mean == silent.low == 0
    assert silent.high == pytest.approx(-math.log(0.025) / 300)
    assert silent.high is not None
    assert math.exp(-silent.high * 300) == pytest.approx(0.025)
    assert rate(np.zeros((1, 30)), 0.05, 0.5).high == pytest.approx(2 * -math.log(0.025) / 30)


def test_one_run_tells_nothing_of_its_spread_and_json_has_no_infinity() -> None:
    found = rate(np.array([[7]]), 0.05, 0.5)
    assert (found.mean, found.low, found.high, found.runs) == (14.0, 0.0, None, 1)
    result = equivalence(np.full((1, 1, 2), 7), np.full((4, 1, 2), 7))
    assert '"high": null' in json.dumps(result.to_json(), allow_nan=False)


def test_the_test_for_equivalent_holds_its_level_and_has_power() -> None:
    """In pairs that share their input: rates at the margin pass in 5 % of all trials at most, equal ones in
    most.
    """
    random = np.random.default_rng(SEED)
    trials, wrong, right = 1500, 0, 0
    for _ in range(trials):
        a = random.poisson(80, (25, 1))
        wrong += equivalence(a, random.poisson(100, (25, 1)), paired=True).answer is Answer.EQUIVALENT
        right += equivalence(a, random.poisson(80, (25, 1)), paired=True).answer is Answer.EQUIVALENT
    print(f"seed {SEED}: {wrong} and {right} of {trials}")
    assert wrong / trials <= 0.05 + binomial_reach(0.05, trials)
    assert wrong > 0.02 * trials, "a test that never errs has no power"
    assert right / trials > 0.9


def test_different_is_said_of_a_whole_at_its_level_too() -> None:
    """Five neurons, all of them just at the margin: one is enough for *different*, so each is tested more
    strictly.
    """
    random = np.random.default_rng(SEED)
    trials, wrong = 300, 0
    for _ in range(trials):
        found = equivalence(random.poisson(100, (15, 5)), random.poisson(125, (15, 5)))
        wrong += found.answer is Answer.DIFFERENT
    print(f"seed {SEED}: {wrong} of {trials}")
    assert wrong / trials <= 0.05 + binomial_reach(0.05, trials)
    assert equivalence(random.poisson(100, (15, 5)), random.poisson(180, (15, 5))).answer is Answer.DIFFERENT


@pytest.mark.parametrize("mean", [0.05, 0.3, 1.0, 2.0])
def test_quiet_neurons_do_not_pass_for_the_same(mean: float) -> None:
    """Half a spike pulls ratios of small counts towards 1: run by run, 60 % of the trials at 0.3 would be
    wrong.
    """
    random = np.random.default_rng(SEED)
    trials, wrong, blocks = 300, 0, set()
    for _ in range(trials):
        found = equivalence(random.poisson(mean, (100, 1)), random.poisson(1.25 * mean, (100, 1)))
        wrong += found.answer is Answer.EQUIVALENT
        blocks.add(found.rows[0].block)
    print(f"seed {SEED}: {wrong} of {trials} at {mean}, blocks {sorted(blocks)}")
    assert min(blocks) > 1
    assert wrong / trials <= 0.05 + binomial_reach(0.05, trials)
    assert "SNN-5408" in {finding.code for finding in found.findings}


def test_quiet_neurons_can_still_be_told() -> None:
    random = np.random.default_rng(SEED)
    found = equivalence(random.poisson(0.5, (4000, 1)), random.poisson(0.5, (4000, 1)))
    assert found.rows[0].block > 5
    assert (found.answer, found.rows[0].a.runs) == (Answer.EQUIVALENT, 4000)
    assert equivalence(random.poisson(0.5, (400, 1)), random.poisson(2, (400, 1))).answer is Answer.DIFFERENT
    once = np.zeros((100, 2), np.int64)
    once[:, 0], once[50, 1] = 40, 1
    assert equivalence(once, once, paired=True).answer is Answer.EQUIVALENT
    assert equivalence(once, once).answer is Answer.UNDECIDED


def test_three_answers() -> None:
    random = np.random.default_rng(4)
    base = random.poisson(80, (40, 3))
    same, other = random.poisson(80, (40, 3)), random.poisson((80, 80, 160), (40, 3))
    assert equivalence(base, same).answer is Answer.EQUIVALENT
    found = equivalence(base, other)
    assert [row.answer for row in found.rows] == [Answer.EQUIVALENT, Answer.EQUIVALENT, Answer.DIFFERENT]
    assert (found.answer, found.reached) == (Answer.DIFFERENT, Rung.DIVERGED)
    assert found.rows[2].p > 0.99
    assert found.rows[2].p_different < 1e-6
    few = equivalence(random.poisson(6, (3, 1)), random.poisson(6, (3, 1)))
    assert (few.answer, few.reached) == (Answer.UNDECIDED, Rung.DIVERGED)
    assert "of 1 the runs do not tell" in few.findings[0].message
    silent = np.zeros((30, 2), np.int64)
    assert equivalence(silent, silent).answer is Answer.UNDECIDED


def test_ratios_beyond_every_number_stay_finite() -> None:
    a = np.array([[0], [10**9]])
    found = equivalence(a, np.array([[10**9], [0]]), alpha=1e-6)
    assert all(math.isfinite(value) for value in (found.rows[0].low, found.rows[0].high, found.rows[0].ratio))
    for margin in (1.0, math.inf, math.nan):
        with pytest.raises(UsageError, match="no test"):
            equivalence(a, a, margin=margin)


def test_summaries_count_what_is_no_number() -> None:
    runs = [rate_ratio(np.array(pair)) for pair in ((10, 5), (3, 3), (0, 0), (4, 0), (9, 3))]
    assert [item.winner for item in runs] == [0, None, None, 0, 0]
    found = summary(runs)
    assert (found.runs, found.infinite, found.silent) == (5, 1, 1)
    assert found.median == 2.5
    assert str(found) == "median 2.50 of 5 (1 infinite, 1 silent)"
    assert summary([RateRatio(1, 0), RateRatio(2, 0), RateRatio(5, 5)]).median is None
    assert summary([RateRatio(0, 0)]).to_json() == {"runs": 1, "median": None, "infinite": 0, "silent": 1}
    assert summary([]).median is None
    text = json.dumps([item.to_json() for item in runs], allow_nan=False)
    assert json.loads(text)[3] == {"most": 4, "least": 0, "ratio": None, "winner": 0}


def test_ratios_of_several_neurons_are_of_the_extremes() -> None:
    counts: Array = np.array([4, 20, 10])
    assert rate_ratio(counts) == RateRatio(20, 4)
    assert rate_ratio(counts).winner == 1
