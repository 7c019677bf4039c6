"""Largest stable and best rates: known edges, coverage of the intervals, and failing controls."""

import math

import numpy as np
import pytest

from scalewright.sim import fit, rates

GRID = np.geomspace(1.0, 256.0, 17)  # step sqrt(2)


def runs(edges, optimum=8.0, grid=GRID):
    """Losses of runs that diverge above their seed's edge and are best at `optimum`."""
    losses = np.exp(0.1 * np.log(grid / optimum) ** 2) / 10
    return np.where(grid < np.asarray(edges)[:, None], losses, np.inf)


def test_identity_the_edge_is_the_middle_of_its_bracket():
    found = rates.largest_stable(GRID, runs([50.0, 50.0, 50.0]))
    assert found.value == pytest.approx(32 * math.sqrt(math.sqrt(2)) * math.sqrt(2), rel=1e-12)
    assert found.standard_error == pytest.approx(math.log(2) / 2 / math.sqrt(12))
    assert found.status == "interior"
    assert found.low < 50 < found.high


def test_one_seed_gives_its_bracket():
    found = rates.largest_stable(GRID, runs([50.0]))
    assert (found.low, found.high) == pytest.approx((32 * math.sqrt(2), 64))


def test_control_a_lucky_run_above_the_edge_does_not_count():
    losses = runs([50.0] * 4)
    lucky = losses.copy()
    lucky[:, 14] = 0.05
    assert rates.largest_stable(GRID, lucky).value == rates.largest_stable(GRID, losses).value
    assert rates.optimum(GRID, lucky).value == pytest.approx(rates.optimum(GRID, losses).value)
    assert np.log(GRID[np.isfinite(lucky).sum(1) - 1][0]) > 0  # the count of finite runs did move
    assert np.isfinite(lucky).sum() > rates.good(GRID, lucky).sum()


def test_a_rate_too_low_for_the_level_is_outside_the_interval():
    inside = rates.good([1, 2, 4, 8, 16], np.array([[0.9, 0.6, 0.1, 0.2, np.nan]]), level=0.5)
    assert inside.tolist() == [[False, False, True, True, False]]
    lucky = np.array([[0.49, 0.51, 0.3, 0.2, 0.1, np.inf]])
    found = rates.largest_stable([1, 2, 4, 8, 16, 32], lucky, level=0.5)
    assert (found.low, found.high) == pytest.approx((16, 32))  # one slow run below the level ends nothing
    twice = np.array([[0.49, 0.48, 0.51, 0.2, 0.1, np.inf]])
    assert rates.largest_stable([1, 2, 4, 8, 16, 32], twice, level=0.5).low == pytest.approx(16)
    for narrow in (
        [0.9, 0.2, np.inf, 0.1, 0.1, np.inf],
        [0.9, 0.2, 1.0, 0.1, 0.1, np.inf],
    ):  # never past these
        found = rates.largest_stable([1, 2, 4, 8, 16, 32], np.array([narrow]), level=0.5)
        assert (found.low, found.high) == pytest.approx((2, 4))
    alone = rates.good([1, 2, 4], np.array([[0.9, 0.1, np.inf]]), level=0.5)
    assert alone.tolist() == [[False, True, False]]
    each = rates.good([1, 2], np.array([[0.9, 0.9], [0.9, 0.9]]), level=[1.0, 0.5])
    assert each.tolist() == [[True, True], [False, False]]


def test_property_intervals_cover_the_edge():
    """Edges scattered by 0.3 in log, 5 seeds, grids of random offset: at least 95 %, 4 binomial errors."""
    rng, hits = np.random.default_rng(0), []
    for _ in range(1000):
        grid = np.geomspace(1, 1024, 21) * math.exp(rng.uniform(0, math.log(2) / 2))
        edges = 50 * np.exp(0.3 * rng.standard_normal(5))
        found = rates.largest_stable(grid, runs(edges, grid=grid))
        hits.append(found.low <= 50 <= found.high)
    assert np.mean(hits) > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 1000)


def test_identity_optimum_of_a_parabola_in_log():
    for place in (7.0, 8.0, 9.3):
        found = rates.optimum(GRID, runs([200.0] * 3, optimum=place))
        assert found.value == pytest.approx(place, rel=1e-12)
        assert found.status == "interior"
        assert found.resolution == pytest.approx(0, abs=1e-9)  # a parabola is the same with any neighbours


def test_property_intervals_cover_the_bottom_of_an_asymmetric_valley():
    """Slow on the left, a wall on the right, 6 rates a decade, seeds' spread 0.05, 2 % noise: at least 95 %.

    300 grids of random offset, within 4 binomial errors. As control, the parabola alone holds far less.
    """
    rng, held, alone = np.random.default_rng(3), [], []
    fine = np.linspace(-1, 2, 30001)
    bottom = fine[(-0.5 * fine + np.log1p(np.exp(4 * (fine - 1)))).argmin()]
    for _ in range(300):
        logs = np.arange(-4, 3, math.log(10) / 6) + rng.uniform(0, math.log(10) / 6)
        x = logs - 0.05 * rng.standard_normal((5, 1))
        losses = np.exp(-0.5 * x + np.log1p(np.exp(4 * (x - 1))) + 0.02 * rng.standard_normal(x.shape))
        found = rates.optimum(np.exp(logs), losses)
        held.append(found.low <= math.exp(bottom) <= found.high)
        plain = fit.interval(np.log(found.seed_values))
        alone.append(plain.low <= bottom <= plain.high)
    assert np.mean(held) > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 300)
    assert np.mean(alone) < 0.8


def test_an_optimum_beside_a_diverged_run_has_the_resolution_of_the_grid():
    found = rates.optimum(GRID, runs([9.0] * 3, optimum=64.0))
    assert found.value == pytest.approx(8.0)
    assert found.resolution == pytest.approx(math.log(2) / 2)
    assert found.standard_error == pytest.approx(found.resolution / math.sqrt(12))
    assert found.status == "interior"


@pytest.mark.parametrize("function", [rates.largest_stable, rates.optimum])
def test_edges_of_the_grid_are_censored_and_refused(function):
    upper = function(GRID, runs([1e4] * 3, optimum=1e4))
    assert upper.status == "at the upper edge"
    assert upper.censored == 3
    assert "extend the grid upwards" in upper.message
    nothing = function(GRID, runs([0.1] * 3))
    assert nothing.status == "no stable rate"
    assert math.isnan(nothing.value)
    held = function(GRID, runs([50.0] * 3))
    for bad in (upper, nothing):
        with pytest.raises(ValueError, match=f"held by its grid; given one '{bad.status}' at x = 2"):
            rates.slope([1, 2], [held, bad])
    assert rates.optimum(GRID, runs([1e4] * 3, optimum=0.1)).status == "at the lower edge"


def test_one_seed_without_a_stable_rate_is_said():
    found = rates.largest_stable(GRID, runs([50.0, 50.0, 0.1]))
    assert found.status == "no stable rate"
    assert math.isnan(found.seed_values[2])


def test_oracle_slope_of_scattered_edges():
    """Independent: least squares over the logarithms of the seeds' edges."""
    rng, x = np.random.default_rng(1), np.array([1.0, 4.0, 16.0])
    edges = 8 * np.sqrt(x)[:, None] * np.exp(0.1 * rng.standard_normal((3, 6)))
    grid = np.geomspace(1, 256, 1601)
    found = rates.slope(x, [rates.largest_stable(grid, runs(row, grid=grid)) for row in edges])
    expected = np.polyfit(np.log(x), np.log(edges).mean(1), 1)[0]
    assert found.value == pytest.approx(expected, abs=math.log(grid[1] / grid[0]))
    assert found.low < 0.5 < found.high


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rates.good([1, 2], np.ones(2)), "a row a seed and a column a rate"),
        (lambda: rates.good([2, 1], np.ones((1, 2))), "positive, finite and increasing"),
        (lambda: rates.good([1, 2], np.ones((1, 2)), level=[1.0, 2.0]), "one for each of the 1 seeds"),
        (lambda: rates.largest_stable([1], np.ones((2, 1))), "rates.largest_stable: losses must be"),
        (lambda: rates.optimum([1, 2, 3], np.ones((1, 3))), "r >= 2 seeds and g >= 3"),
        (lambda: rates.slope([1], [rates.largest_stable(GRID, runs([50.0]))]), "2 or more rates"),
        (lambda: rates.slope([1, 2], [rates.largest_stable(GRID, runs([50.0]))] * 2), "at least 2 seeds"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
