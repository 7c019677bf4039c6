"""Made-up coordinate checks: updates with the predicted powers pass, others fail."""

from fractions import Fraction

import numpy as np
import pytest

from scalewright.papers.large_learning_rates import update_verdicts as verdicts
from scalewright.papers.large_learning_rates.coordinates import Check

HALF = Check("SGD at n^-1/2", "sgd", Fraction(1, 2), 0.3)
ADAM = Check("Adam at n^-1", "adam", Fraction(1), 0.01)


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


def test_later_steps_are_judged_at_the_wider_half(checks):
    """A power that is off at narrow networks alone does not count; off at wide ones it does."""
    data, narrow, wide = (checks(HALF) for _ in range(3))
    narrow["effective"] = data.effective * np.exp(np.array([-0.5, 0, 0, 0]))[:, None, None, None]
    wide["effective"] = data.effective * np.exp(np.array([0, 0, 0, 0.5]))[:, None, None, None]
    assert verdicts.later("x", HALF, narrow)[0].verdict == "pass"
    assert "from width 128 on" in verdicts.later("x", HALF, narrow)[0].statement
    assert verdicts.later("x", HALF, wide)[0].verdict == "fail"


@pytest.mark.parametrize(("faster", "outcome"), [(0.0, "pass"), (-0.3, "pass"), (0.5, "fail")])
def test_logits_under_adam_grow_no_faster_under_the_squared_loss(checks, faster, outcome):
    data, other = checks(ADAM), checks(ADAM)
    data["total"] = data.total * data.width**faster
    *updates, logits = verdicts.same_under_adam("x", ADAM, data, other)
    assert [row.verdict for row in updates] == ["pass", "pass"]
    # The property is a power larger by 0.15, and to miss it from below passes.
    assert (logits.expected, logits.predicted, logits.verdict) == ("break", 0.15, outcome)
