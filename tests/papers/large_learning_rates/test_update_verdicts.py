"""Made-up coordinate checks: updates with the predicted powers pass, others fail."""

from fractions import Fraction

import numpy as np
import pytest

from scalewright.papers.large_learning_rates import update_verdicts as verdicts
from scalewright.papers.large_learning_rates.coordinates import Check

HALF = Check("SGD at n^-1/2", "sgd", Fraction(1, 2), 0.3)


@pytest.mark.parametrize(("off", "outcome"), [(0.0, "pass"), (0.3, "fail")])
def test_updates_are_held_against_theory(checks, off, outcome):
    rows = verdicts.updates("x", HALF, checks(HALF, off=off), step=1)
    assert [row.predicted for row in rows] == [-1.0, 0.0, 0.5, 0.5, 0.5]
    assert {row.verdict for row in rows} == {outcome}


def test_a_power_that_rises_with_the_width_is_seen(checks):
    data = checks(HALF)
    (flat,) = verdicts.rising("x", HALF, data)
    assert flat.verdict == "undecided"
    bend = np.array([0.0, 0.1, 0.4, 0.9])[:, None, None, None]
    data["propagating"] = data.propagating * np.exp(bend)
    (row,) = verdicts.rising("x", HALF, data)
    assert (row.expected, row.verdict) == ("break", "pass")
