"""Verdicts on activations that are no ReLU: made-up planes that keep a law or break it."""

import numpy as np
import pytest

from scalewright.papers.feature_strength import activation_verdicts
from scalewright.sim.dataset import dataset

GAMMAS = np.array([10.0, 1e2, 1e3])
AXES = ("gamma", "eta", "seed")


def halved(kind, power, scale=1.0, layers=3):
    """A plane with one rate, 1, at every gamma, whose loss halves after scale * gamma^power steps."""
    reached = np.full((3, 3, 4), -2)
    for k, gamma in enumerate(GAMMAS):
        reached[k, k] = np.round(scale * gamma**power * np.array([0.9, 1.0, 1.1, 1.0]))
    axes = {"gamma": GAMMAS, "eta": np.array([0.999, 1.0, 1.001]), "seed": np.arange(4)}
    return dataset({"reached_at": (AXES, reached)}, axes, {"layers": layers, "kind": kind})


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


def test_networks_that_have_not_halved_their_loss_are_above_the_bound_and_in_no_power():
    data = halved("tanh", 2)
    data.reached_at.values[2, 2] = -1
    first, _, power = activation_verdicts.bounded(data, halved("relu", 1))
    assert first.verdict == "pass"
    assert power.verdict == "undecided"
    assert not np.isfinite(power.measured)


@pytest.mark.parametrize(("degree_power", "power"), [(2, 2 / 3), (3, 1 / 2)])
def test_the_degree_takes_the_place_of_the_depth(degree_power, power):
    assert outcomes(activation_verdicts.powers(curved(power, degree_power))) == ["pass", "pass"]
    assert outcomes(activation_verdicts.powers(curved(1.0, degree_power))) == ["fail", "fail"]
