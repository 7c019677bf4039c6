"""The rule of verdicts, each outcome with its opposite."""

import pytest

from scalewright.sim.fit import Estimate
from scalewright.sim.verdict import judge


def row(low, high, predicted=0.0, tolerance=0.1, expected="hold", replicates=3):
    estimate = Estimate((low + high) / 2, 0.0, low, high, replicates)
    return judge("x", "a slope", estimate, predicted=predicted, tolerance=tolerance, expected=expected)


@pytest.mark.parametrize(
    ("low", "high", "hold", "broken"),
    [
        (-0.05, 0.05, "pass", "fail"),
        (0.2, 0.3, "fail", "pass"),
        (0.05, 0.15, "undecided", "undecided"),
        (-0.5, 0.5, "undecided", "undecided"),
        (-0.1, 0.1, "pass", "fail"),
    ],
)
def test_identity_of_the_rule(low, high, hold, broken):
    assert row(low, high).verdict == hold
    assert row(low, high, expected="break").verdict == broken


def test_further_seeds_decide():
    """Half width 0.2 around 0.05 must shrink to 0.05: sixteen times the seeds."""
    undecided = row(-0.15, 0.25, replicates=3)
    assert undecided.further_seeds == 3 * 16 - 3
    half = 0.2 * (3 / (3 + undecided.further_seeds)) ** 0.5
    assert row(0.05 - half, 0.05 + half).verdict == "pass"


def test_no_number_of_seeds_decides_on_the_border():
    assert row(0.0, 0.2).further_seeds is None


def test_not_a_number_is_never_a_pass():
    assert judge("x", "s", float("nan"), predicted=0, tolerance=1).verdict == "undecided"


def test_bad_input():
    with pytest.raises(ValueError, match="tolerance must be a number >= 0"):
        judge("x", "s", 1.0, predicted=0, tolerance=-1)
    with pytest.raises(ValueError, match="'hold' or 'break'"):
        judge("x", "s", 1.0, predicted=0, tolerance=1, expected="maybe")
