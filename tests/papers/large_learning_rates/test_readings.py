"""Powers seed by seed: their slopes, where they cross zero, and with what error."""

import numpy as np
import pytest

from scalewright.papers.large_learning_rates import readings
from scalewright.papers.large_learning_rates.coordinates import Check

POWERS = np.array([0.75, 1.0, 1.25, 1.5])


def test_oracle_the_crossing_of_a_line_and_its_error():
    """Against draws of seeds whose slopes share most of their noise, as those of the same networks do."""
    rng = np.random.default_rng(0)

    def cross():
        shared, own = rng.standard_normal(12), rng.standard_normal((4, 12))
        return readings.crossing(POWERS, 1.1 - POWERS[:, None] + 0.03 * shared + 0.003 * own)

    drawn = [cross() for _ in range(400)]
    values = np.array([one.value for one in drawn])
    assert values.mean() == pytest.approx(1.1, abs=4 * values.std() / 20)
    # The deviation of 400 draws is known to 1 / sqrt(800): 4 sigma; errors of 12 seeds have a mean 2 % low.
    errors = np.array([one.standard_error for one in drawn])
    assert errors.mean() == pytest.approx(values.std(), rel=4 / 800**0.5 + 0.02)
    assert np.mean([one.low < 1.1 < one.high for one in drawn]) == pytest.approx(0.95, abs=4 * 0.011)


def test_a_seed_that_diverged_at_one_width_is_left_out(checks):
    data = checks(Check("SGD", "sgd", 1, 0.1), seeds=4)
    data["effective"][0, 2] = np.nan
    slopes = readings.seed_slopes(data, "hidden.1.weight", "effective", 1)
    assert np.isnan(slopes).tolist() == [False, False, True, False]
    assert readings.over_seeds(slopes).replicates == 3
    assert np.isnan(readings.over_seeds(slopes[1:3]).value)


def test_identity_a_power_law_has_its_power(checks):
    data = checks(Check("SGD", "sgd", 1, 0.1), noise=0.0)
    assert readings.seed_slopes(data, "hidden.1.weight", "effective", 1) == pytest.approx(-0.5, abs=1e-12)
