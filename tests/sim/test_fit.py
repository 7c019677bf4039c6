"""Slopes and optima: literature values, coverage of the intervals, and failing controls."""

import math

import numpy as np
import pytest

from scalewright.sim import fit


def noisy_line(exponent, seeds, scatter, rng, widths=(64, 128, 256, 512)):
    widths = np.array(widths, dtype=float)
    noise = rng.standard_normal((len(widths), seeds)) * scatter
    return widths, widths[:, None] ** exponent * np.exp(noise)


def test_identity_slope_of_an_exact_power():
    x, y = noisy_line(-0.5, 3, 0.0, np.random.default_rng(0))
    found = fit.slope(x, y)
    assert found.value == pytest.approx(-0.5, abs=1e-14)
    assert found.low == pytest.approx(found.high, abs=1e-12)


def test_oracle_standard_error_equals_that_of_weighted_sums():
    """Independent: the spread of many fitted slopes against the error each fit reports."""
    rng = np.random.default_rng(1)
    fits = [fit.slope(*noisy_line(-1.0, 5, 0.1, rng)) for _ in range(2000)]
    spread = np.std([f.value for f in fits])
    reported = math.sqrt(np.mean([f.standard_error**2 for f in fits]))
    assert reported == pytest.approx(spread, rel=4 / math.sqrt(2 * 2000) * 2)


def test_property_intervals_cover_and_reject():
    """An interval holds the truth in 95 % of 2000 trials (4 binomial errors), and rejects a wrong slope."""
    rng = np.random.default_rng(2)
    fits = [fit.slope(*noisy_line(-1.0, 3, 0.1, rng)) for _ in range(2000)]
    covered = np.mean([f.low <= -1.0 <= f.high for f in fits])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 2000) + 0.01
    assert np.mean([f.low <= -0.5 <= f.high for f in fits]) < 0.01


def test_control_curvature_is_reported():
    x = np.array([64.0, 128.0, 256.0, 512.0])
    y = (1 / x + 1 / 64)[:, None] * np.exp(0.01 * np.random.default_rng(3).standard_normal((4, 4)))
    assert fit.slope(x, y).curvature > 3
    assert fit.slope(*noisy_line(-1.0, 4, 0.01, np.random.default_rng(4))).curvature < 3


def test_identity_ragged_replicates_weigh_as_their_own_number():
    """A row given twice over has the same centre and the error of twice the replicates."""
    x, y = noisy_line(-1.0, 4, 0.1, np.random.default_rng(5))
    plain, doubled = fit.slope(x, y), fit.slope(x, [np.concatenate([row, row]) for row in y])
    assert doubled.value == pytest.approx(plain.value)
    assert doubled.standard_error == pytest.approx(plain.standard_error * math.sqrt(3 / 7), rel=1e-12)
    assert fit.slope(x, list(y)).low == pytest.approx(plain.low)


@pytest.mark.parametrize("reach", [1, 2])
def test_optimum_of_a_parabola_with_any_reach(reach):
    grid = np.geomspace(0.1, 10, 9)
    losses = np.exp(np.log(grid / 1.2) ** 2)[None].repeat(2, axis=0)
    assert fit.optimum(grid, losses, reach=reach).value == pytest.approx(1.2, rel=1e-12)


@pytest.mark.parametrize("factor", [1.0, 1.13, 1.3])
def test_identity_optimum_of_a_parabola_in_log(factor):
    grid = np.geomspace(0.1, 10, 9)
    losses = np.exp(np.log(grid / factor) ** 2)[None].repeat(3, axis=0)
    found = fit.optimum(grid, losses)
    assert found.value == pytest.approx(factor, rel=1e-12)
    assert found.status == "interior"


def test_optimum_beside_a_diverged_run_and_at_the_edge():
    grid = np.geomspace(1, 16, 5)
    beside = np.array([[4.0, 3.0, 1.0, np.inf, np.inf]] * 2)
    assert fit.optimum(grid, beside).value == pytest.approx(4.0)
    falling = np.array([[5.0, 4.0, 3.0, 2.0, 1.0]] * 2)
    assert fit.optimum(grid, falling).status == "at the edge"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit.slope([1, 2], np.ones((2, 1))), "r >= 2 replicates for each of n >= 2"),
        (lambda: fit.slope([1, 2], np.array([[1, np.inf], [1, 1]])), "positive and finite"),
        (lambda: fit.slope([1, 2], np.ones((2, 2)), average="median"), "'log' or 'mean'"),
        (lambda: fit.optimum([1, 2], np.ones((2, 2))), "g = len\\(grid\\) >= 3"),
        (lambda: fit.optimum([1, 2, 3], np.full((2, 3), np.inf)), "all rates of one diverged"),
        (lambda: fit.interval([1.0]), "at least 2 replicates"),
        (lambda: fit.interval([1.0, np.nan]), "a list of finite numbers"),
        (lambda: fit.interval(np.ones((2, 2))), "a list of finite numbers"),
        (lambda: fit.slope([2, 2], np.ones((2, 2))), "at least 2 different values"),
        (lambda: fit.optimum([3, 2, 1], np.ones((2, 3))), "positive and increasing"),
        (lambda: fit.optimum([1, 2, 2], np.ones((2, 3))), "positive and increasing"),
        (lambda: fit.optimum([1, 2, 3], np.zeros((2, 3))), "losses must be positive"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
