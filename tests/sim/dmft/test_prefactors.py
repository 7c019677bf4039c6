"""Gamma and rates come from a parametrization, and put the limit on the networks that it makes."""

import math

import pytest

from scalewright import theory
from scalewright.sim.dmft import family, prefactors
from scalewright.sim.linear import NoLimitError
from scalewright.theory.power import Power


def rule(name, layers=3, activation="tanh"):
    return theory.named(theory.mlp(layers=layers, activation=activation, loss="squared"), name, "sgd")


def test_identity_mup_is_the_limit_at_every_width():
    for width in (64, 4096, math.inf):
        found = prefactors(rule("mup"), width=width, gamma=2.0)
        assert (found.gamma, found.rates) == (2.0, (1.0, 1.0, 1.0))


def test_identity_ntp_is_a_smaller_gamma_at_every_width_and_lazy_in_the_limit():
    assert prefactors(rule("ntp"), width=64, gamma=2.0).gamma == pytest.approx(2.0 / 8)
    assert prefactors(rule("ntp")).gamma == 0.0
    assert family(2.0, power=0.0, width=64) == pytest.approx(
        prefactors(rule("ntp"), width=64, gamma=2.0).gamma
    )
    assert family(2.0, power=0.5, width=math.inf) == 2.0
    assert family(2.0, power=0.25, width=math.inf) == 0.0
    assert family(2.0, power=0.25, width=256) == pytest.approx(0.5)


def test_identity_the_gauge_does_not_matter():
    for gauge in ("no-multipliers", "output-multiplier", "unit-variance"):
        found = prefactors(rule("mup").in_gauge(gauge), gamma=2.0, inputs=64)
        assert found.gamma == pytest.approx(2.0)
        assert found.rates == pytest.approx((1.0, 1.0, 1.0))


def test_identity_sp_at_one_over_n_trains_the_readout_alone_at_infinity():
    assert prefactors(rule("sp")).rates[0] == 0.0


def test_control_a_rate_that_grows_has_no_limit():
    fast = rule("mup").with_lr(Power({"width": 2}))
    with pytest.raises(NoLimitError, match="there is no infinite-width limit"):
        prefactors(fast)
    with pytest.raises(ValueError, match="perceptron without biases under 'sgd'"):
        prefactors(theory.named(theory.mlp(layers=3, loss="squared"), "mup", "adam"))
    with pytest.raises(ValueError, match="power must lie between 0"):
        family(1.0, power=0.7, width=10)
