"""The losses of one output against finite differences and their minimisers."""

import math

import pytest
from sympy import oo

from scalewright.theory.richness import loss_named
from scalewright.theory.richness.symbols import ERROR, OUTPUT

NAMES = ("squared", "cross-entropy", "logistic")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("output", [-2.0, 0.0, 0.7, 3.0])
def test_oracle_pull_and_curvature_are_differences_of_the_value(name, output):
    """Central differences of step h = 1e-4: an error of h^2."""
    loss, step = loss_named(name), 1e-4
    low, here, high = (float(loss.value.subs(OUTPUT, output + d)) for d in (-step, 0, step))
    assert float(loss.pull_at(output)) == pytest.approx((low - high) / (2 * step), abs=1e-7)
    assert float(loss.curvature_at(output)) == pytest.approx((low + high - 2 * here) / step**2, abs=1e-6)


@pytest.mark.parametrize("name", ["squared", "cross-entropy"])
def test_identity_the_pull_vanishes_at_the_minimiser(name):
    loss = loss_named(name)
    assert abs(float(loss.pull_at(loss.minimiser))) < 1e-15
    assert loss.reached == 1 - ERROR


def test_literature_the_soft_target_has_these_numbers():
    """p_0 = 1/(1+e): p_0 p_1 = .19661, p_1 - 1/2 = .23106 (arXiv:2410.04642, section 4)."""
    loss = loss_named("cross-entropy")
    assert float(loss.curvature_at(1)) == pytest.approx(0.19661, abs=5e-6)
    assert float(loss.pull_at(0)) == pytest.approx(0.23106, abs=5e-6)


def test_identity_the_logistic_loss_has_converged_where_its_pull_is_the_error():
    loss = loss_named("logistic")
    assert loss.minimiser is oo
    assert float(loss.pull_at(loss.reached.subs(ERROR, 0.05))) == pytest.approx(0.05)
    assert float(loss.reached.subs(ERROR, 0.05)) == pytest.approx(math.log(19))


def test_an_unknown_loss_is_refused():
    with pytest.raises(
        ValueError, match="loss must be one of 'squared', 'cross-entropy', 'logistic'; given 'ce'"
    ):
        loss_named("ce")
