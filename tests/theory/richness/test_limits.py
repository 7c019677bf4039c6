"""The powers of gamma, and the limit maps against the toy at extreme gamma."""

import numpy as np
import pytest
from sympy import Rational, lambdify, oo

from scalewright.theory.richness import limit_map, limits, rate_power
from scalewright.theory.richness.symbols import LAYERS


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "sign", "adam"])
@pytest.mark.parametrize("layers", [2, 3, 7])
def test_identity_the_powers_are_those_of_the_degree(optimizer, layers):
    power = 2 if optimizer in ("sgd", "momentum") else 1
    assert rate_power(layers, optimizer, regime="small") == power
    assert rate_power(layers, optimizer, regime="large") == Rational(power, layers)


def test_identity_symbolic_layers_and_other_degrees():
    assert rate_power(regime="large") == 2 / LAYERS
    assert rate_power(3, "shampoo(1/2)", regime="large") == 0  # degree -1: the rate needs no gamma


@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
def test_oracle_the_toy_tends_to_its_limit_maps(loss):
    """Independent: the toy iterated at gamma = 1e-7 and 1e9, twenty steps; differences of order gamma^+-1."""
    layers, ratio = 3, 0.3
    for regime, gamma in (("small", 1e-7), ("large", 1e9)):
        found = limit_map(layers, loss, regime=regime)
        step = lambdify((found.variable, limits.RATIO), found.step)
        scale = gamma ** (1 / layers)
        eta = ratio * gamma ** float(found.power)
        c = 1.0 if regime == "small" else 0.5 * scale
        state = 0.0 if regime == "small" else 0.5
        pull = {
            "squared": lambda f: 1 - f,
            "cross-entropy": lambda f: np.e / (1 + np.e) - 1 / (1 + np.exp(-f)),
        }[loss]
        for _ in range(20):
            c = c + eta / gamma * pull((c**layers - 1) / gamma) * c ** (layers - 1)
            state = step(state, ratio)
        mine = (c**layers - 1) / gamma if regime == "small" else c / scale
        assert mine == pytest.approx(state, rel=1e-5)


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_identity_both_limits_lose_stability_at_the_same_ratio(layers):
    small, large = (limits.stability(layers, regime=regime) for regime in ("small", "large"))
    assert small == large == Rational(2, layers)
    assert limits.stability(layers, "logistic", regime="small") is oo


def test_another_regime_is_refused():
    with pytest.raises(ValueError, match="regime must be 'small' or 'large'; given 'middle'"):
        rate_power(3, regime="middle")
