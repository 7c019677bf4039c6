"""Slopes of made-up grids: those that keep a law pass, those that break it fail, censored ones say so."""

import numpy as np
import pytest

from scalewright.papers.large_learning_rates import edge_verdicts as verdicts
from scalewright.papers.large_learning_rates import network_verdicts
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


def batched(grids, powers, *, scales=(8.0, 8.0)):
    """Grids of two batch sizes; with a scale each, and a power of the width each."""
    runs = [grids(p, scale=s, claimed=-0.5, seeds=12) for p, s in zip(powers, scales, strict=True)]
    return [run.assign_attrs(batch=batch) for run, batch in zip(runs, (8, 128), strict=True)]


def test_the_batch_that_matters_less_at_wide_networks(grids):
    (row,) = verdicts.narrowing(batched(grids, (-0.44, -0.64), scales=(4.0, 8.0)))
    assert (row.expected, row.verdict) == ("break", "pass")
    (row,) = verdicts.narrowing(batched(grids, (-0.5, -0.5), scales=(4.0, 8.0)))
    assert row.verdict in ("undecided", "fail")
    (row,) = verdicts.narrowing(batched(grids, (-0.64, -0.44), scales=(4.0, 8.0)))
    assert row.verdict == "fail"


def test_a_censored_seed_gives_no_power_of_the_batch(grids):
    runs = batched(grids, (-0.5, -0.5), scales=(4.0, 8.0))
    (row,) = verdicts.batch_powers(runs)
    assert row.verdict == "pass"
    runs[0]["accuracy"][-1, 0] = 0.9
    runs[0]["diverged_at"][-1, 0] = -1
    (row,) = verdicts.batch_powers(runs)
    assert row.verdict == "undecided"
    assert "(batch 8: at the upper edge" in row.statement


def test_catapults_end_or_do_not(grids):
    data = grids(-0.5).isel(width=-1, drop=True).drop_vars("rate").assign_attrs(steps=60)
    learnt, lost = (data.assign(accuracy=data.accuracy * 0 + value) for value in (0.8, 0.3))
    for run in (learnt, lost):
        run["diverged_at"][:] = -1
    assert [row.verdict for row in verdicts.catapults(lost, learnt)] == ["pass", "pass"]
    assert [row.verdict for row in verdicts.catapults(learnt, lost)] == ["fail", "fail"]
    learnt["diverged_at"][0, 0] = 7
    assert verdicts.catapults(lost, learnt)[0].verdict == "fail"


def test_networks_that_overrate_themselves_alike_decide_nothing_about_the_parametrization(grids):
    """The same growth under SP and muP: each row of its own may pass, that of the difference can't."""
    data = grids(-0.5)
    grown = data.assign(confidence=data.confidence + 0.005 * np.log(data.width))
    runs = {f"{kind}-cross-entropy": grown for kind in ("deep", "mup")}
    rows = {row.id: row for row in network_verdicts.confidence(runs)}
    assert rows["confidence-sp"].verdict == rows["confidence-mup"].verdict == "pass"
    assert rows["confidence-apart"].verdict != "pass"
    flat = runs | {"mup-cross-entropy": data}
    assert {row.id: row for row in network_verdicts.confidence(flat)}["confidence-apart"].verdict == "pass"
