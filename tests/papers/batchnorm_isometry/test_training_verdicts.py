"""Epochs to an accuracy and the judges of training, on made-up runs that keep the law or break it."""

import math

import numpy as np
import pytest
import xarray as xr

from scalewright.papers.batchnorm_isometry import training_verdicts as verdicts


def run(*curves, status="complete", depth=50):
    data = {"accuracy": (("seed", "epoch"), np.array(curves))}
    coords = {"seed": range(len(curves)), "epoch": range(len(curves[0]))}
    return xr.Dataset(data, coords, {"status": status, "depth": depth})


def rising(epochs, length=21):
    """A curve that crosses 0.8 after so many epochs."""
    return np.minimum(0.8 * np.arange(length) / epochs, 0.99)


@pytest.mark.parametrize(
    ("curve", "epochs"),
    [([0.0, 0.4, 0.8, 0.9], 2.0), ([0.0, 0.6, 1.0], 1.5), ([0.85, 0.9], 0.0), ([0.1, 0.2], math.inf)],
)
def test_epochs_are_read_between_epochs(curve, epochs):
    assert verdicts.epochs_to(run(curve), 0.8).tolist() == pytest.approx([epochs])


def outcome(runs, name="linear"):
    return verdicts.across_depths(name, runs)[0].verdict


def test_equal_depths_pass_and_slow_ones_fail():
    quick = run(rising(4), rising(4.2), rising(4.1))
    assert outcome({50: quick, 500: run(rising(5), rising(5.2), rising(5.1))}) == "pass"
    assert outcome({50: quick, 500: run(rising(12), rising(12.2), rising(12.1))}) == "fail"


def test_a_network_that_does_not_get_there_fails_only_if_it_ran_long_enough():
    quick, never = run(rising(4), rising(4.2)), run(0.5 * rising(4), 0.5 * rising(4))
    assert outcome({50: quick, 500: never}) == "fail"
    short = {depth: r.isel(epoch=slice(0, 7)) for depth, r in {50: quick, 500: never}.items()}
    assert outcome(short) == "undecided"
    assert outcome({50: never, 500: never}) == "undecided"


def test_controls_pass_where_the_others_fail():
    runs = {50: run(rising(4), rising(4.2)), 500: run(0.5 * rising(4), 0.5 * rising(4))}
    (row,) = verdicts.across_depths("linear-gaussian", runs)
    assert (row.id, row.verdict) == ("epochs-linear-gaussian-control", "pass")


@pytest.mark.parametrize(("last", "verdict"), [(0.1, "pass"), (0.95, "fail"), (math.nan, "pass")])
def test_training_that_must_fail(last, verdict):
    said = "complete" if math.isfinite(last) else "seed 0: float32 overflow at update 1: ..."
    (row,) = verdicts.fails("relu", run([0.1, last], status=said))
    assert row.verdict == verdict
    assert ("float32 overflow" in row.statement) == math.isnan(last)


def evaluated(difference, width):
    values = np.full((2, 3), 0.8)
    variables = {
        "test_accuracy": (("depth", "seed"), values),
        "running_accuracy": (("depth", "seed"), values + np.array([[0.05], [difference]])),
        "rank": 50,
    }
    return xr.Dataset(variables, {"depth": [50, 1000], "seed": range(3)}, {"width": width})


@pytest.mark.parametrize(
    ("square", "narrow", "expected"),
    [(-0.7, 0.1, ("pass", "pass")), (0.1, 0.1, ("fail", "pass")), (-0.7, -0.7, ("pass", "fail"))],
)
def test_running_averages_break_where_the_rank_says_so_and_only_there(square, narrow, expected):
    rows = {row.id: row.verdict for row in verdicts.evaluation(evaluated(square, 64), evaluated(narrow, 48))}
    assert (rows["evaluation-deep"], rows["evaluation-deep-full-rank"]) == expected


def test_a_batch_of_full_rank_must_hold_at_every_width():
    rows = {row.id: row for row in verdicts.evaluation(evaluated(0.1, 50), evaluated(0.1, 40))}
    assert rows["evaluation-deep"].expected == "hold"
    assert rows["evaluation-deep"].verdict == "pass"
