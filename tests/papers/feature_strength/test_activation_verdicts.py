"""Verdicts on activations that are no ReLU: made-up planes that keep a law or break it."""

import numpy as np
import pytest

from scalewright.papers.feature_strength import activation_verdicts
from scalewright.sim.dataset import dataset

GAMMAS = np.array([10.0, 1e2, 1e3])
AXES = ("gamma", "eta", "seed")


def halved(kind, power, scale=1.0, layers=3):
    """A plane with one rate, 1, at every gamma, whose loss halves after scale * gamma^power steps."""
    reached, diverged, peak = np.full((3, 3, 4), -2), np.full((3, 3, 4), -2), np.full((3, 3, 4), np.nan)
    for k, gamma in enumerate(GAMMAS):
        reached[k, k] = np.round(scale * gamma**power * np.array([0.9, 1.0, 1.1, 1.0]))
        diverged[k, k], peak[k, k] = -1, 1.0
    variables = {"reached_at": reached, "diverged_at": diverged, "peak_loss": peak}
    axes = {"gamma": GAMMAS, "eta": np.array([0.999, 1.0, 1.001]), "seed": np.arange(4)}
    attrs = {"layers": layers, "kind": kind, "steps": 10**7}
    return dataset({name: (AXES, values) for name, values in variables.items()}, axes, attrs)


@pytest.mark.parametrize(("power", "verdict"), [(0.28, "pass"), (2 / 3, "fail"), (1.0, "fail")])
def test_the_hessian_must_fall_more_slowly_than_its_gauss_newton_part_not_faster(power, verdict):
    data = curved(power).assign_attrs(layers=3, kind="gelu").rename(gauss_newton="sharpness")
    assert outcomes(activation_verdicts.smooth(data)) == [verdict]


def curved(power, degree_power=2):
    """A plane whose Gauss-Newton sharpness in eta's unit falls as gamma^-power."""
    reached, values = np.full((3, 3, 4), -2), np.full((3, 3, 4), np.nan)
    for k, gamma in enumerate(GAMMAS):
        reached[k, k] = 5
        values[k, k] = gamma ** (2 - power) * np.array([0.9, 1.0, 1.1, 1.0])
    axes = {"gamma": GAMMAS, "eta": GAMMAS, "seed": np.arange(4)}
    attrs = {"layers": 2, "kind": "ReLU^2", "power": degree_power}
    return dataset({"reached_at": (AXES, reached), "gauss_newton": (AXES, values)}, axes, attrs)


def outcomes(rows):
    return [row.verdict for row in rows]


def test_what_keeps_the_bound_and_its_power_passes():
    assert outcomes(activation_verdicts.bounded(halved("tanh", 2), halved("relu", 1))) == ["pass"] * 3


def test_control_a_time_below_the_bound_fails_and_a_relu_above_it_too():
    rows = activation_verdicts.bounded(halved("tanh", 1), halved("relu", 2))
    assert outcomes(rows) == ["fail", "fail", "fail"]


def test_control_one_relu_network_above_the_bound_fails_from_gamma_100_on_and_not_below():
    relu = halved("relu", 1)
    relu.reached_at.values[0, 0] = 50
    assert activation_verdicts.bounded(halved("tanh", 2), relu)[1].verdict == "pass"
    relu.reached_at.values[2, 2, 0] = 10**6
    assert activation_verdicts.bounded(halved("tanh", 2), relu)[1].verdict == "fail"


def test_networks_trained_past_the_bound_without_halving_their_loss_are_above_it_and_in_no_power():
    data = halved("tanh", 2)
    data.reached_at.values[2, 2] = -1
    first, _, power = activation_verdicts.bounded(data, halved("relu", 1))
    assert first.verdict == "pass"
    assert power.verdict == "undecided"
    assert not np.isfinite(power.measured)
    assert power.statement.endswith("(4 of 4 seeds left out)")


def test_control_networks_whose_steps_end_below_the_bound_decide_nothing():
    data = halved("tanh", 2)
    data.reached_at.values[2, 2, 0] = -1
    data.attrs["steps"] = 1000
    row = activation_verdicts.bounded(data, halved("relu", 1))[0]
    assert (row.verdict, np.isfinite(row.measured)) == ("undecided", False)
    assert row.statement.endswith("(not judged: 1 of 12 networks were not trained for long enough)")


@pytest.mark.parametrize("halves", [True, False])
@pytest.mark.parametrize(("name", "value"), [("diverged_at", 40), ("peak_loss", 1.1), ("peak_loss", np.nan)])
def test_control_a_loss_above_its_first_value_leaves_the_bound_s_condition(name, value, halves):
    data = halved("tanh", 2)
    data[name].values[2, 2, 0] = value
    if not halves:
        data.reached_at.values[2, 2, 0] = -1
    row = activation_verdicts.bounded(data, halved("relu", 1))[0]
    assert (row.verdict, row.further_seeds) == ("undecided", None)
    assert row.statement.endswith("(not judged: the loss of 1 of 12 networks exceeds its first value)")


def test_a_peak_of_rounding_is_none():
    data = halved("tanh", 2)
    data.peak_loss.values[2, 2, 0] = 1 + 1e-12
    assert activation_verdicts.bounded(data, halved("relu", 1))[0].verdict == "pass"


def test_where_no_network_is_strong_enough_nothing_is_judged():
    weak = halved("relu", 1).isel(gamma=[0], eta=[0])
    row = activation_verdicts.bounded(halved("tanh", 2), weak)[1]
    assert row.verdict == "undecided"
    assert row.statement.endswith("(not judged: no network)")


@pytest.mark.parametrize(("degree_power", "power"), [(2, 2 / 3), (3, 1 / 2)])
def test_the_degree_takes_the_place_of_the_depth(degree_power, power):
    assert outcomes(activation_verdicts.powers(curved(power, degree_power))) == ["pass", "pass"]
    assert outcomes(activation_verdicts.powers(curved(1.0, degree_power))) == ["fail", "fail"]
