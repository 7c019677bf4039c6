r"""Activation shaping: how fast gradients grow at gain alpha, and which schedules of gains keep them bounded.

A layer is X -> sigma(alpha sqrt(n) BN(W X)): entries of the batch-normalized preactivation are close to N(0,
1) for large n. With batch statistics (mean over the batch removed, or an odd sigma) the mean-field rate of
the log-norm is

$$R(\alpha)=\tfrac12\log\frac{\alpha^2E[\sigma'(\alpha x)^2]}{\operatorname{Var}\sigma(\alpha x)}
=\tfrac12\log\frac{\sum_kk\,a_k^2}{\sum_{k\ge1}a_k^2},\qquad x\sim N(0,1),$$

a_k the coefficients of sigma(alpha x) in normalised Hermite polynomials: R >= 0, and 0 iff sigma is linear.
Without the factor sqrt(n) of the paper's equation 4 the entries are of size 1/sqrt(n), and alpha counts as
alpha / sqrt(n).

Reference: arXiv:2310.02012, section 5; Yang et al., arXiv:1902.08129, theorem 9, at large batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import Any

import numpy as np
from sympy import (
    Expr,
    Integer,
    Poly,
    Rational,
    Symbol,
    cos,
    diff,
    erf,
    expand,
    factorial2,
    sin,
    sqrt,
    sympify,
    tanh,
)
from sympy import log as sympy_log
from sympy import series as sympy_series

from scalewright.theory.integers import integer

ALPHA, X = Symbol("alpha", positive=True), Symbol("x", real=True)
SMOOTH: dict[str, Expr] = {
    "linear": X,
    "tanh": tanh(X),
    "sin": sin(X),
    "erf": erf(X),
    "cos": cos(X),
    "softsign": X / sqrt(1 + X**2),
}
"""Smooth activations by name, as expressions in x; any sympy expression in `X` may stand for a name."""


@dataclass(frozen=True)
class Rate:
    """R(alpha) with the error of its quadrature (difference between n and 2n nodes)."""

    value: float
    error: float


def shaped_rate(
    alpha: float, activation: "str | Expr | Callable[[Any], Any]" = "tanh", *, nodes: int = 200
) -> Rate:
    """Return the mean-field rate R(alpha) at which the log-norm of gradients grows per layer.

    Args:
        alpha: gain, positive and finite.
        activation: "tanh", "sin", "erf", "cos", "softsign", "linear", "relu", a sympy expression in
            `shaping.X`, or a numpy function (of an array) together with its derivative, as a pair.
        nodes: Gauss-Hermite nodes of the coarser of two quadratures.

    Raises:
        ValueError: gain not positive, unknown name, an activation constant on its inputs (no rate).

    >>> round(shaped_rate(1.0, "sin").value, 4)
    0.1362
    """
    if not (isinstance(alpha, Real) and 0 < alpha < float("inf")):
        raise ValueError(f"shaped_rate: alpha must be a positive finite number; given {alpha!r}")
    if isinstance(activation, str) and activation == "relu":
        return Rate(0.5 * float(np.log(np.pi / (np.pi - 1))), 0.0)
    function, derivative = _numeric(activation)
    fine = _quadrature(alpha, function, derivative, 2 * nodes)
    return Rate(fine, abs(fine - _quadrature(alpha, function, derivative, nodes)) + 1e-14)


def _numeric(activation: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    if isinstance(activation, tuple):
        return activation
    return _compiled(_expression(activation, "shaped_rate"))


@cache
def _compiled(expression: Expr) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    from sympy import lambdify

    modules = ["scipy", "numpy"]
    return lambdify(X, expression, modules), lambdify(X, diff(expression, X), modules)


def _expression(activation: Any, function: str) -> Expr:
    if isinstance(activation, str):
        if activation not in SMOOTH:
            raise ValueError(
                f"{function}: activation must be one of {', '.join([*SMOOTH, 'relu'])}, or a sympy "
                f"expression in shaping.X; given {activation!r}"
            )
        return SMOOTH[activation]
    expression = sympify(activation)
    if expression.free_symbols != {X}:
        raise ValueError(
            f"{function}: activation must be an expression in shaping.X alone; given {activation}"
        )
    return expression


def _quadrature(
    alpha: float, function: Callable[[Any], Any], derivative: Callable[[Any], Any], nodes: int
) -> float:
    x, weights = _gaussian_nodes(nodes)
    values, slopes = (np.broadcast_to(f(alpha * x), x.shape) for f in (function, derivative))
    mean = float(weights @ values)
    variance = float(weights @ (values - mean) ** 2)
    slope = alpha**2 * float(weights @ slopes**2)
    if variance <= 1e-28 * (mean**2 + slope):
        raise ValueError(
            f"shaped_rate: the activation is constant at gain {alpha}, without gradient; give another one"
        )
    return 0.5 * float(np.log(slope / variance))


@cache
def _gaussian_nodes(count: int) -> tuple[Any, Any]:
    """Return nodes and weights of the Gauss-Hermite rule for the standard normal density."""
    from scipy.special import roots_hermitenorm

    x, weights = roots_hermitenorm(count)
    return x, weights / weights.sum()


@cache
def small_gain(activation: "str | Expr" = "tanh", terms: int = 8) -> Expr:
    r"""Return the series of R(alpha) at alpha = 0, to the given power of alpha, exactly.

    From the Taylor series of sigma and the moments E x^(2j) = (2j-1)!!. The leading term is (2/3) alpha^4 for
    tanh, alpha^4/6 for sin; for a sigma with a quadratic term it is of order alpha^2.

    >>> small_gain("sin", 4)
    alpha**4/6
    """
    expression = _expression(activation, "small_gain")
    taylor = sympy_series(expression, X, 0, terms + 2).removeO()
    if not taylor.coeff(X, 1):
        raise ValueError(f"small_gain: the activation must have a slope at 0; given {expression}")
    mean = _gaussian_mean(taylor)
    variance = _gaussian_mean(expand(taylor**2)) - mean**2
    slope = ALPHA**2 * _gaussian_mean(expand(diff(taylor, X) ** 2))
    ratio = sympy_log(expand(slope / ALPHA**2)) - sympy_log(expand(variance / ALPHA**2))
    found = sympy_series(ratio / 2, ALPHA, 0, terms + 1).removeO()
    return expand(found)


def _gaussian_mean(polynomial: Expr) -> Expr:
    """Return E of a polynomial in alpha x: E x^(2j) = (2j-1)!!, odd moments 0."""
    out: Expr = Integer(0)
    for (power,), coefficient in Poly(polynomial, X).terms():
        if power % 2 == 0:
            out += coefficient * ALPHA**power * (factorial2(power - 1) if power else 1)
    return out


@dataclass(frozen=True)
class Summability:
    """For which p gains alpha_l = l^-p keep gradients bounded: sum_l R(l^-p) < inf iff p > critical.

    R(alpha) ~ coefficient alpha^power as alpha -> 0, so R(l^-p) ~ coefficient l^(-power p): critical =
    1/power.
    """

    coefficient: Expr
    power: int
    critical: Rational


def summability(activation: "str | Expr" = "tanh") -> Summability:
    """Return the critical exponent of gain schedules, derived from the leading term of `small_gain`.

    >>> summability("tanh").critical
    1/4
    """
    for terms in (2, 4, 6, 8):
        leading = Poly(small_gain(activation, terms), ALPHA).terms()
        if leading[-1][1]:
            (power,), coefficient = leading[-1]
            return Summability(coefficient, power, Rational(1, power))
    raise ValueError("summability: R(alpha) vanishes to order 8; the activation is linear, any gains do")


def total(exponent: float, layers: int, activation: "str | Expr | Callable[[Any], Any]" = "tanh") -> float:
    """Return sum over l = 1 ... layers of R(l^-exponent): the predicted growth of the log-norm."""
    layers = integer(layers, "layers", function="total", least=1)
    return float(
        sum(shaped_rate(float(layer) ** -exponent, activation).value for layer in range(1, layers + 1))
    )
