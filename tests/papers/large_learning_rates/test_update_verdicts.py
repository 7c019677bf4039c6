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


@pytest.mark.parametrize(
    ("faster", "same", "no_faster"), [(0.0, "pass", "pass"), (-0.3, "fail", "pass"), (0.5, "fail", "fail")]
)
def test_logits_under_adam_are_held_against_those_of_cross_entropy(checks, faster, same, no_faster):
    data, other = checks(ADAM), checks(ADAM)
    data["total"] = data.total * data.width**faster
    *updates, logits, bound = verdicts.same_under_adam("x", ADAM, data, other)
    assert [row.verdict for row in updates] == ["pass", "pass"]
    assert (logits.id, logits.verdict) == ("x-readout", same)
    # The property is a power larger by 0.15, and to miss it from below passes.
    assert (bound.id, bound.expected, bound.predicted) == ("x-no-faster", "break", 0.15)
    assert bound.verdict == no_faster


def test_the_change_of_a_local_power_knows_that_the_halves_share_a_width(checks):
    """Noise of the middle width enters both halves with opposite signs: intervals hold in 95 % of draws."""
    held = []
    for draw in range(200):
        data = checks(HALF, seeds=8, noise=0.0)
        noise = np.random.default_rng(draw).standard_normal(data.propagating.shape)
        data["propagating"] = data.propagating * np.exp(0.05 * noise)
        (row,) = verdicts.rising("x", HALF, data)
        held.append(row.low < 0 < row.high)
    assert np.mean(held) == pytest.approx(0.95, abs=4 * (0.05 * 0.95 / 200) ** 0.5)


@pytest.mark.parametrize(("off", "outcome"), [(0.0, "pass"), (0.4, "fail")])
def test_the_first_update_of_adam_keeps_its_size_at_one_power(checks, off, outcome):
    powers = {c: Check(f"Adam at n^-{c}", "adam", Fraction(c), 0.01) for c in ("3/4", "1", "5/4")}
    found = {c: (check, checks(check, off=off)) for c, check in powers.items()}
    assert [row.verdict for row in verdicts.adam_edge(found)] == [outcome]
