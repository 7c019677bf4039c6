"""Slopes of made-up grids: those that keep a law pass, those that break it fail, censored ones say so."""

import numpy as np
import pytest

from scalewright.papers.large_learning_rates import edge_verdicts as verdicts
from scalewright.papers.large_learning_rates.edges import shifts


@pytest.mark.parametrize(
    ("power", "claimed", "outcome"), [(-0.5, -0.5, "pass"), (-1.0, -1.0, "pass"), (-0.9, -0.5, "fail")]
)
def test_the_power_of_the_largest_stable_rate(grids, power, claimed, outcome):
    (row,) = verdicts.edge(
        "x", grids(power, claimed=claimed, rates=13, scale=8.0 if power == claimed else 32.0)
    )
    assert row.verdict == outcome
    assert row.low <= power <= row.high


def test_shifted_grids_tell_a_rate_to_less_than_their_step(grids):
    """Four shifted grids: the interval of a slope over three doublings is a third of a step at most."""
    (row,) = verdicts.edge("x", grids(-0.5))
    assert row.high - row.low < 2 * np.log(2) / 2 / 3


def test_shifts_are_spread_evenly():
    assert shifts(range(4)).tolist() == pytest.approx([0, 0.618, 0.236, 0.854], abs=1e-3)


@pytest.mark.parametrize(("scale", "said"), [(80.0, "at the upper edge"), (0.01, "no stable rate")])
def test_control_a_grid_that_does_not_hold_the_edge_is_censored_and_said(grids, scale, said):
    data = grids(-0.5)
    data = data.assign_coords(rate=data.rate)
    if scale > 1:
        data["accuracy"][:], data["diverged_at"][:] = 0.8, -1
    else:
        data["accuracy"][:] = 0.25
    (row,) = verdicts.edge("x", data)
    assert (row.verdict, np.isnan(row.measured)) == ("undecided", True)
    assert said in row.statement


def test_seeds_that_a_width_did_not_train_are_left_out(grids):
    data = grids(-0.5)
    for name in ("loss", "accuracy", "rate", "diverged_at"):
        data[name] = data[name].astype(float)
        data[name][-1, 2:] = np.nan
    assert [len(one.values) for one in verdicts.stable_rates(data)] == [4, 4, 4, 2]


def test_the_best_rate_and_what_it_is_worth(grids):
    """The made-up loss is lowest at a third of the edge."""
    data = grids(-0.5, noise=0.0)
    for one in verdicts.best_rates(data):
        expected = 8.0 * one.width**-0.5 / 3
        # The parabola through three points of log(0.1 + x^2) is off by less than a step of the grid.
        assert np.abs(np.log(one.values / expected)).max() < np.log(2) / 2
    assert all((row == 0.75).all() for row in verdicts.best_accuracy(data))
    assert all(row == pytest.approx(0.15) for row in verdicts.overconfidence(data))


def test_control_the_other_losss_power_is_missed(grids):
    (row,) = verdicts.control("x", grids(-1.0), wrong=-0.5)
    assert (row.expected, row.verdict) == ("break", "pass")
    (row,) = verdicts.control("x", grids(-0.5), wrong=-0.5)
    assert row.verdict == "fail"


def test_one_rate_for_both_losses(grids):
    stable, broken = grids(-0.5), grids(-0.5)
    stable["diverged_at"][:], broken["diverged_at"][:] = -1, 5
    assert [row.verdict for row in verdicts.same_rate(stable, broken)] == ["pass", "pass"]
    assert [row.verdict for row in verdicts.same_rate(broken, stable)] == ["fail", "fail"]


def test_a_catapult_that_has_not_come_down_is_no_instability_of_the_squared_loss(grids):
    """Runs of wide networks that are bad above half of the edge shift it under cross-entropy alone."""
    data = grids(-0.5, noise=0.0)
    over = np.arange(data.sizes["lr"]) >= data.sizes["lr"] - 4
    data["accuracy"][-1] = np.where(over, 0.3, data.accuracy[-1])
    lower = verdicts.stable_rates(data)[-1].values
    data.attrs["loss"] = "mse"
    whole = [one.values / one.width**-0.5 for one in verdicts.stable_rates(data)]
    assert (lower < 0.8 * verdicts.stable_rates(data)[-1].values).all()
    assert np.ptp([np.log(values).mean() for values in whole]) < 1e-9
