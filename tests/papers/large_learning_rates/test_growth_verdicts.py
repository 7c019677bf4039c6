"""Made-up coordinate checks: predicted growth passes, what must not grow fails where it does."""

from fractions import Fraction

import pytest

from scalewright.papers.large_learning_rates import growth_verdicts as verdicts
from scalewright.papers.large_learning_rates.coordinates import Check


@pytest.mark.parametrize(("off", "outcome"), [(0.0, "pass"), (0.3, "fail")])
def test_growth_inside_the_window(checks, off, outcome):
    check = Check("SGD at n^-3/4", "sgd", Fraction(3, 4), 0.1)
    rows = verdicts.growth("x", check, checks(check, off=off))
    assert [row.predicted for row in rows] == [0.25, 0.0, -0.5]
    assert {row.verdict for row in rows} == {outcome}


def test_control_activations_that_stay_fail_below_the_window(checks):
    check = Check("SGD at n^-1/2", "sgd", Fraction(1, 2), 1.0)
    assert verdicts.catastrophic("x", check, checks(check))[0].verdict == "fail"
    assert verdicts.catastrophic("x", check, checks(check, off=0.4))[0].verdict == "pass"
