"""Activation shaping: R(alpha) against closed forms, Hermite series and literature."""

import numpy as np
import pytest
from sympy import Rational, exp, sinh

from scalewright.theory import isometry
from scalewright.theory.isometry.shaping import ALPHA, X

ACTIVATIONS = ("tanh", "sin", "erf", "softsign")


@pytest.mark.parametrize("alpha", [0.05, 0.5, 1.0, 1.5, 3.0])
def test_identity_sine_has_a_closed_form(alpha):
    """Identity: E cos^2 and E sin^2 of a Gaussian give R = log(alpha^2 coth alpha^2) / 2."""
    found = isometry.shaped_rate(alpha, "sin")
    assert abs(found.value - 0.5 * np.log(alpha**2 / np.tanh(alpha**2))) <= 10 * found.error + 1e-13


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "cos"])
def test_oracle_hermite_coefficients(activation):
    """Oracle: R = log(sum k a_k^2 / sum_{k>=1} a_k^2) / 2 by Gauss-Hermite projection on 60 polynomials."""
    from scipy.special import eval_hermitenorm, factorial, roots_hermitenorm

    from scalewright.theory.isometry.shaping import _numeric

    alpha = 0.6
    x, weights = roots_hermitenorm(250)
    values = _numeric(activation)[0](alpha * x) * np.ones_like(x)
    k = np.arange(60)
    polynomials = eval_hermitenorm(k[:, None], x) / np.sqrt(factorial(k))[:, None]
    squares = (polynomials @ (values * weights / weights.sum())) ** 2
    expected = 0.5 * np.log((k * squares).sum() / squares[1:].sum())
    assert abs(isometry.shaped_rate(alpha, activation).value - expected) < 1e-4


def test_literature_relu_and_linear():
    """Literature: arXiv:1902.08129: pi/(pi-1) for ReLU at large batch, at any gain; linear has no growth."""
    assert abs(np.exp(2 * isometry.shaped_rate(0.3, "relu").value) - 1.467) < 1e-3
    assert abs(isometry.shaped_rate(2.0, "linear").value) < 1e-13


def test_oracle_monte_carlo():
    """Oracle: 10^6 Gaussian draws for tanh at alpha = 1, by the delta method within 4 standard errors."""
    x = np.random.default_rng(0).normal(size=1_000_000)
    top, bottom = 1 / np.cosh(x) ** 4, np.tanh(x) ** 2
    error = 0.5 * np.std(top / top.mean() - bottom / bottom.mean()) / 1000
    measured = 0.5 * np.log(top.mean() / bottom.mean())
    assert abs(measured - isometry.shaped_rate(1.0, "tanh").value) <= 4 * error


def test_any_activation():
    by_name = isometry.shaped_rate(0.8, "sin").value
    assert abs(isometry.shaped_rate(0.8, (np.sin, np.cos)).value - by_name) < 1e-13
    assert isometry.shaped_rate(0.8, sinh(X)).value > 0


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_property_rate_is_positive_and_grows(activation):
    rates = [isometry.shaped_rate(alpha, activation).value for alpha in (0.1, 0.3, 1.0, 2.0)]
    assert (np.diff([0.0, *rates]) > 0).all()


def test_identity_small_gain_series():
    """Identity: leading terms, and the series meets R(alpha) to the next power."""
    assert isometry.small_gain("tanh", 4) == Rational(2, 3) * ALPHA**4
    assert isometry.small_gain("sin", 4) == ALPHA**4 / 6
    for activation in ("tanh", "sin", "erf"):
        found = isometry.small_gain(activation, 8)
        errors = [
            abs(float(found.subs(ALPHA, a)) - isometry.shaped_rate(a, activation).value) for a in (0.1, 0.2)
        ]
        assert np.log2(errors[1] / errors[0]) > 8.5


def test_summability():
    """The condition of gains l^-p: p > 1/4 with a cubic term, p > 1/2 with a quadratic one."""
    for activation, coefficient in (("tanh", Rational(2, 3)), ("sin", Rational(1, 6))):
        found = isometry.summability(activation)
        assert (found.coefficient, found.power, found.critical) == (coefficient, 4, Rational(1, 4))
    assert isometry.summability(exp(X) - 1).critical == Rational(1, 2)
    assert isometry.summability(X + X**5).critical == Rational(1, 8)


def test_totals_are_bounded_above_the_critical_exponent_only():
    """Doubling the depth adds a constant share at p < 1/4 and a vanishing one at p > 1/4."""
    for activation, limit in (("tanh", 0.45), ("sin", 0.345)):
        low = [isometry.total(0.15, layers, activation) for layers in (200, 400)]
        high = [isometry.total(0.4, layers, activation) for layers in (200, 400)]
        assert low[1] - low[0] > 1
        assert high[1] - high[0] < 0.02
        assert high[1] < limit


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: isometry.shaped_rate(0.0), "shaped_rate: alpha must be a positive finite number; given 0.0"),
        (lambda: isometry.shaped_rate(1.0, "gelu"), "shaped_rate: activation must be one of linear, tanh, "
         "sin, erf, cos, softsign, relu, or a sympy expression in shaping.X; given 'gelu'"),
        (lambda: isometry.shaped_rate(1.0, (np.zeros_like, np.zeros_like)), "shaped_rate: the activation is "
         "constant at gain 1.0, without gradient; give another one"),
        (lambda: isometry.small_gain("cos"), "small_gain: the activation must have a slope at 0; given "
         "cos(x)"),
        (lambda: isometry.summability("linear"), "summability: R(alpha) vanishes to order 8; the activation "
         "is linear, any gains do"),
        (lambda: isometry.total(0.4, 0), "total: layers must be an integer of at least 1; given 0"),
    ],
)  # fmt: skip
def test_bad_input(call, sentence):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == sentence
