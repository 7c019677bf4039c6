"""Where slopes cross zero, and with what error."""

import numpy as np
import pytest

from scalewright.papers.large_learning_rates import readings
from scalewright.sim import fit


def test_oracle_the_crossing_of_a_line_and_its_error():
    """Against draws: the interval of the crossing is that of repeated noise."""
    powers, rng = np.array([0.75, 1.0, 1.25, 1.5]), np.random.default_rng(0)

    def cross(values):
        return readings.crossing(powers, [fit.Slope(v, 0.03, v - 0.06, v + 0.06, 10) for v in values])

    exact = cross(1.1 - powers)
    assert exact.value == pytest.approx(1.1, abs=1e-12)
    drawn = np.std([cross(1.1 - powers + 0.03 * rng.standard_normal(4)).value for _ in range(400)])
    # The deviation of 400 draws is known to 1 / sqrt(800): 4 sigma, and the line's curvature.
    assert exact.standard_error == pytest.approx(drawn, rel=4 / 800**0.5 + 0.02)
