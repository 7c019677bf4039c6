"""Paired slopes: against independent ones, coverage, the share of a grid, bad input."""

import math

import numpy as np
import pytest

from scalewright.sim import fit, paired

X = np.array([1.0, 4.0, 16.0])


def test_identity_a_seed_s_own_factor_drops_out():
    rng = np.random.default_rng(0)
    own = np.exp(rng.standard_normal(5))
    values = X[:, None] ** 0.5 * own
    found = paired.slope(X, values)
    assert found.value == pytest.approx(0.5, abs=1e-14)
    assert found.high - found.low == pytest.approx(0, abs=1e-12)
    assert fit.slope(X, values).standard_error > 0.05  # taken for independent, it counts


def test_oracle_each_seed_by_polyfit():
    """Independent: numpy's least squares, seed by seed, and scipy's t interval."""
    from scipy import stats

    values = np.exp(np.random.default_rng(1).standard_normal((3, 6)))
    slopes = [np.polyfit(np.log(X), np.log(column), 1)[0] for column in values.T]
    low, high = stats.t.interval(0.95, 5, loc=np.mean(slopes), scale=stats.sem(slopes))
    found = paired.slope(X, values)
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(slopes), low, high))


def test_property_rounding_to_a_grid_is_covered():
    """A slope through edges rounded to a common grid of random offset: 95 % hold, 4 binomial errors."""
    rng, step, hits = np.random.default_rng(2), math.log(10) / 16, []
    for _ in range(1000):
        exact = np.log(X[:, None] ** rng.uniform(0.3, 2) * np.ones(4))
        truth = (exact[-1, 0] - exact[0, 0]) / np.log(16)
        rounded = np.round((exact + rng.uniform(0, step)) / step) * step
        found = paired.slope(X, np.exp(rounded), resolutions=step)
        hits.append(found.low <= truth <= found.high)
    assert np.mean(hits) > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 1000)


def test_control_without_its_resolution_a_grid_is_trusted_too_much():
    values = np.array([[1.0, 1.0], [2.0, 2.0], [2.0, 2.0]])
    blind, honest = paired.slope(X, values), paired.slope(X, values, resolutions=math.log(2))
    assert blind.low == blind.high
    assert honest.low < 0.5 < honest.high


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired.slope([1, 2], np.ones((2, 1))), "n = len\\(x\\) >= 2 points and r >= 2 seeds"),
        (lambda: paired.slope([1, 2, 3], np.ones((2, 2))), "given x \\(3,\\), values \\(2, 2\\)"),
        (lambda: paired.slope([1, 2], np.zeros((2, 2))), "positive and finite"),
        (lambda: paired.slope([2, 2], np.ones((2, 2))), "at least two different"),
        (lambda: paired.slope([1, 2], np.ones((2, 2)), resolutions=-1), "must be non-negative"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
