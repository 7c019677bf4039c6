"""Claims with a direction: the right side passes, the wrong one fails, and what touches the bound is open."""

import math

import pytest

from scalewright.papers.large_learning_rates.onesided import beyond
from scalewright.sim.fit import Estimate


@pytest.mark.parametrize(
    ("low", "high", "above", "below"),
    [
        (0.08, 0.12, "pass", "fail"),
        (-0.12, -0.08, "fail", "pass"),
        (-0.01, 0.08, "undecided", "undecided"),
        (math.nan, math.nan, "undecided", "undecided"),
    ],
)
def test_identity_of_the_rule(low, high, above, below):
    estimate = Estimate((low + high) / 2, 0.01, low, high, 4)
    for side, verdict in (("above", above), ("below", below)):
        row = beyond("x", "It is not.", estimate, bound=0.0, side=side, basis="why")
        assert (row.verdict, row.expected) == (verdict, "break")
        assert row.basis == f"why; {side}"


def test_control_within_the_tolerance_is_no_pass():
    assert (
        beyond("x", "", Estimate(0.01, 0.0, 0.01, 0.01), bound=0, side="above", tolerance=0.02).verdict
        == "fail"
    )
