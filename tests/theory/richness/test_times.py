"""Times of the flow against an ODE solver, and their two limits."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from sympy import Integer, Rational, lambdify, log

from scalewright.theory.richness import drop_time, flow_time, half_time, limits, loss_named, times
from scalewright.theory.richness.symbols import ERROR, GAMMA, OUTPUT

NAMES = ("squared", "cross-entropy", "logistic")


def number(expression, gamma, error=0.01):
    integrals = expression.atoms(type(flow_time(3, "logistic")))
    if integrals:
        return float(expression.subs({GAMMA: gamma, ERROR: error}).evalf())
    return float(lambdify((GAMMA, ERROR), expression, "mpmath")(gamma, error))


@pytest.mark.parametrize("loss", NAMES)
@pytest.mark.parametrize(("layers", "gamma"), [(2, 0.01), (2, 50.0), (3, 1.0), (4, 300.0)])
def test_oracle_the_time_is_that_of_an_ode_solver(loss, layers, gamma):
    """Independent: DOP853 on dc/dtau = c^(L-1) Delta, relative tolerance 1e-10, until f is reached."""
    function = loss_named(loss)
    pull = lambdify(OUTPUT, function.pull)
    goal = float(function.reached.subs(ERROR, 0.05))
    aim = (1 + gamma * goal) ** (1 / layers)

    def reached(_, c):
        return c[0] - aim

    reached.terminal = True
    found = solve_ivp(
        lambda _, c: c ** (layers - 1) * pull((c**layers - 1) / gamma), (0, 1e4), [1.0], method="DOP853",
        events=reached, rtol=1e-10, atol=1e-13,
    )  # fmt: skip
    assert number(flow_time(layers, loss), gamma, 0.05) == pytest.approx(found.t_events[0][0], rel=1e-6)


@pytest.mark.parametrize("loss", NAMES)
def test_identity_the_lazy_limit(loss):
    """tau / gamma at gamma = 1e-6 differs by order gamma."""
    limit = float(times.lazy_time(3, loss).subs(ERROR, 0.01))
    assert number(flow_time(3, loss), 1e-6) / 1e-6 == pytest.approx(limit, rel=1e-4)


@pytest.mark.parametrize("loss", NAMES)
def test_identity_the_rich_limit_comes_as_a_power(loss):
    """L = 4: what is left out falls as gamma^-(1 - 2/L) = gamma^-1/2."""
    limit = float(times.rich_time(4, loss))
    gaps = [abs(number(flow_time(4, loss), gamma) / limit - 1) for gamma in (1e6, 1e8)]
    assert gaps[0] < 0.02
    assert gaps[1] / gaps[0] == pytest.approx(0.1, rel=0.3)


def test_identity_two_layers_have_a_logarithmic_plateau():
    assert times.rich_time(2) == log(GAMMA) / 2
    ratio = number(flow_time(2), 1e12) / number(flow_time(2), 1e6)
    assert ratio == pytest.approx((12 + 2) / (6 + 2), rel=1e-3)  # log(gamma / epsilon) / 2


def test_identity_half_and_drop_are_parts_of_the_flow():
    """At the rate gamma steps are tau; from 0 to 1/2, and from 1/10 to 9/10."""
    half, drop = number(half_time(3, rate=GAMMA), 7.0), number(drop_time(3, rate=GAMMA), 7.0)
    assert half == pytest.approx(number(flow_time(3, start=Integer(0), stop=Rational(1, 2)), 7.0))
    ends = [number(flow_time(3, stop=Rational(k, 10)), 7.0) for k in (1, 9)]
    assert drop == pytest.approx(ends[1] - ends[0])


def test_literature_the_drop_of_two_layers_takes_log_81_over_4_k_steps():
    """At eta = k eta_crit of two layers: (1/k) (1/2) log 81, 22 steps at k = 0.1, at every gamma >> 1."""
    steps = float(limits.rich_drop(2).doit()) / 0.1
    assert steps == pytest.approx(5 * np.log(81), rel=1e-9)
