"""Dynap-SE2's bias generator and weight quantiser: codes, ends of ranges, split synapses, saturation,
determinism.
"""

from __future__ import annotations

import numpy as np
import pytest
from snnhub.errors import UnsupportedError
from snnhub_dynapse2.dac import BASES, PARAMETERS, SCALES, Code, amps, errors, grid, nearest, span, table
from snnhub_dynapse2.dac_fit import FINE, bits_of, fit
from snnhub_dynapse2.network import LAYOUT, blocked_steps
from snnhub_dynapse2.quantiser.grid import base_grid
from snnhub_dynapse2.quantiser.levels import Sample, cells, digits, masks_of
from snnhub_dynapse2.quantiser.levels import nearest as nearest_level
from snnhub_dynapse2.quantiser.weights import GAIN, quantise, uniform_error

from tests.networks.dynapse2_nets import DEFAULTS, matrices

ISCALE, IGAIN = 1e-8, DEFAULTS["Igain_syn"]
TOP = span(BASES[0])[1]


def test_a_fit_finds_the_currents_that_it_models() -> None:
    weights = np.array([1e-12, *(2.1**bit * 1e-11 for bit in range(8))])
    found = fit((bits_of(FINE) @ weights).tolist())
    np.testing.assert_allclose(found["amps"], weights, rtol=1e-8)
    assert found["max_error"] < 1e-8


def test_the_model_drops_where_a_bit_is_worth_less_than_those_below_it() -> None:
    assert set(errors()) == {"N", "P"}
    for kind in "NP":
        assert table(kind).shape == (6, 256)
        drops = np.flatnonzero(np.diff(table(kind)[4]) < 0) + 1
        assert set(drops.tolist()) <= {32, 64, 96, 128, 160, 192, 224}
        assert drops.size
        assert all(largest >= median > 0 for largest, median in errors()[kind])
    assert pytest.approx(0.494e-6, rel=0.01) == TOP


def test_every_parameter_has_a_factor_and_the_nearest_code() -> None:
    set_by = {parameter for parameters in PARAMETERS.values() for parameter in parameters} | set(BASES)
    assert set(SCALES) == set_by
    assert len(SCALES) == 23
    for name in SCALES:
        code = Code(3, 100)
        assert nearest(name, amps(name, code)) == code
        currents, codes = grid(name)
        assert (np.diff(currents) >= 0).all()
        assert amps(name, codes[700]) == currents[700]
    assert nearest("SOIF_DC_P", 1.0).coarse == 5  # callers check the range


def test_refractory_steps_are_those_of_a_timer_in_f32() -> None:
    assert blocked_steps(1.05e-9, 1e-3, LAYOUT) == 1  # 0.99999993 ms
    assert blocked_steps(1.0405e-9, 1e-3, LAYOUT) == 2  # 1.009 ms: the code next to it
    assert blocked_steps(1.05e-10, 1e-3, LAYOUT) in (10, 11)
    assert blocked_steps(1e-30, 1e-3, LAYOUT) == 10**6


def test_levels_of_one_and_two_masks() -> None:
    assert digits(1).shape == (16, 4)
    assert digits(2).shape == (81, 4)
    assert masks_of(np.arange(16), 1)[:, 0].tolist() == list(range(16))
    both = masks_of(np.arange(81), 2)
    np.testing.assert_array_equal(digits(1)[both].sum(axis=1), digits(2))


def test_the_error_of_many_bases_is_that_of_each() -> None:
    rng = np.random.default_rng(3)
    magnitudes = rng.lognormal(0, 1, 300)
    sets = rng.uniform(0, 4, (20, 4))
    for depth in (1, 2):
        found = cells(Sample.of(magnitudes), sets, depth)
        for bases, error in zip(sets, found.error, strict=True):
            level = nearest_level(magnitudes, bases, depth)
            values = digits(depth)[level] @ bases
            brute = np.abs(magnitudes[:, None] - digits(depth) @ bases).min(axis=1)
            np.testing.assert_allclose(np.abs(values - magnitudes), brute, atol=1e-12)
            assert error == pytest.approx(np.square(brute).mean())


@pytest.mark.parametrize("name", list(matrices()))
def test_never_above_uniform_and_always_the_same(name: str) -> None:
    weights = matrices()[name][0].ravel()
    weights = weights[weights != 0]
    first, second = (quantise(weights, ISCALE, IGAIN) for _ in range(2))
    assert first.codes == second.codes
    np.testing.assert_array_equal(first.masks, second.masks)
    assert np.square(first.values - weights).mean() <= uniform_error(weights)
    assert (np.sign(first.values) * np.sign(weights) >= 0).all()
    taken = set(base_grid()[1])
    assert set(first.codes) <= taken
    assert first.gain is not None
    assert first.iscale * amps(GAIN, first.gain) == pytest.approx(ISCALE * IGAIN, rel=1e-12)


def test_weights_that_four_bases_make_are_kept() -> None:
    bases = np.array([amps(BASES[0], Code(4, fine)) for fine in (40, 80, 160, 250)]) / ISCALE
    weights = np.concatenate([digits(1)[1:] @ bases, -(digits(1)[1:] @ bases)])
    found = quantise(weights, ISCALE, IGAIN, choose="keep")
    assert np.abs(found.values - weights).max() < 0.01 * np.abs(weights).max()


def test_uniform_weights_are_never_worse_than_uniform_levels() -> None:
    weights = np.arange(1, 16, dtype=np.float64) * 0.4
    found = quantise(weights, ISCALE, IGAIN)
    assert np.abs(found.values - weights).max() < 0.02


def test_saturation_is_an_error_or_another_iscale() -> None:
    """The tutorial's factor of 50: with the unit kept all four bases would saturate."""
    weights = np.random.default_rng(5).uniform(-15, 12, 120)
    with pytest.raises(UnsupportedError, match="more current") as problem:
        quantise(weights, 50 * ISCALE, IGAIN, choose="keep")
    assert [item.code for item in problem.value.findings] == ["SNN-2512"]
    found = quantise(weights, 50 * ISCALE, IGAIN)
    assert found.iscale < 50 * ISCALE
    assert found.bases.max() <= TOP
    assert found.gain is not None
    assert found.iscale * amps(GAIN, found.gain) == pytest.approx(50 * ISCALE * IGAIN, rel=1e-12)
    assert np.square(found.values - weights).mean() <= uniform_error(weights)
    with pytest.raises(UnsupportedError, match="more current"):
        quantise(weights, 1.0, 1e-6)


def test_tiny_weights_get_a_larger_iscale() -> None:
    weights = np.random.default_rng(6).normal(0, 3e-6, 200)
    kept, found = (quantise(weights, ISCALE, IGAIN * 1e-4, choose=choose) for choose in ("keep", "auto"))
    assert found.iscale > ISCALE
    assert np.square(found.values - weights).mean() < np.square(kept.values - weights).mean()


def test_synapses_are_split_while_there_is_room() -> None:
    rng = np.random.default_rng(7)
    weights, target = rng.normal(0, 3, 600), np.repeat(np.arange(12), 50)
    single = quantise(weights, ISCALE, IGAIN, target=target)
    split = quantise(weights, ISCALE, IGAIN, target=target, split="auto")
    entries = np.bincount(target, (split.masks != 0).sum(axis=1), minlength=12)
    assert entries.max() <= 64
    assert split.masks.shape == (600, 2)
    assert np.square(split.values - weights).mean() < 0.9 * np.square(single.values - weights).mean()
    few = quantise(weights[:200], ISCALE, IGAIN, target=np.arange(200) % 10, split="auto")
    alone = quantise(weights[:200], ISCALE, IGAIN, target=np.arange(200) % 10)
    assert np.square(few.values - weights[:200]).mean() < np.square(alone.values - weights[:200]).mean() / 10


def test_a_core_without_synapses_has_no_bases() -> None:
    found = quantise(np.zeros(0), ISCALE, IGAIN)
    assert (found.codes, found.values.size) == ((), 0)


@pytest.mark.parametrize("largest", [20.0, 100.0, 1000.0])
def test_a_few_large_weights_do_not_take_all_levels(largest: float) -> None:
    weights = np.random.default_rng(8).normal(0, 1, 500)
    weights[0] = largest
    found = quantise(weights, ISCALE, IGAIN)
    assert np.square(found.values - weights)[1:].mean() < 0.15
    assert abs(found.values[0] / largest - 1) < 0.1


def test_weights_far_from_0_get_levels_where_they_are() -> None:
    weights = np.random.default_rng(9).uniform(0.8, 1.0, 400)
    found = quantise(weights, ISCALE, IGAIN)
    assert np.square(found.values - weights).mean() < 0.2 * uniform_error(weights)


def test_weights_of_four_values_are_those_values() -> None:
    values = np.array([0.31, 0.83, 2.9, 4.4])
    weights = np.random.default_rng(10).choice(values, 300)
    found = quantise(weights, ISCALE, IGAIN)
    assert np.abs(found.values / weights - 1).max() < 0.01


def test_one_base_may_be_clipped_while_four_reach_the_largest_weight() -> None:
    """1.2 uA for the largest weight: more than one base has, less than four have."""
    weights = np.array([*np.random.default_rng(11).uniform(1, 30, 100), 120.0])
    found = quantise(weights, ISCALE, IGAIN, choose="keep")
    assert found.bases.max() <= TOP
    assert found.values[-1] == pytest.approx(120, rel=0.02)
    with pytest.raises(UnsupportedError, match="more current"):
        quantise(weights * 2, ISCALE, IGAIN, choose="keep")


def test_bases_are_put_where_codes_are_exact() -> None:
    """Very small and fairly large weights move iscale, and no further than the gain can follow exactly."""
    rng = np.random.default_rng(12)
    for scale, moves in ((1e-3, True), (1.0, False), (30.0, True)):
        found = quantise(rng.normal(0, scale, 200), ISCALE, IGAIN)
        assert (abs(found.iscale / ISCALE - 1) > 0.05) == moves
        assert found.gain is not None
        assert {code.coarse for code in found.codes} <= {2, 3, 4}
        assert found.gain.coarse <= 4
