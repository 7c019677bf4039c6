"""Evaluate theory's boundaries at numbers: gammas, steps and an error."""

from functools import cache
from typing import Any

import numpy as np
from sympy import Expr, Integral, LambertW, exp, hyper, lambdify, oo
from sympy.codegen.cfunctions import expm1

from scalewright.sim.richness.march import checked
from scalewright.theory.richness.symbols import ERROR, GAMMA, STEPS


def evaluate(expression: Expr, gamma: Any, *, steps: int, error: float) -> np.ndarray:
    """Return a boundary's values at every gamma.

    Hypergeometric functions are evaluated by mpmath, integrals by adaptive quadrature to a relative 1e-10.

    Raises:
        ValueError: an expression with other symbols than gamma, T and epsilon, such as a constant that theory
            leaves open; a gamma that is not positive.

    >>> from scalewright.theory.richness import boundaries
    >>> evaluate(boundaries(3)["eta_crit"].expression, [1.0, 7.0], steps=100, error=0.01).round(3)
    array([0.265, 2.042])
    """
    gammas = checked("gamma", np.atleast_1d(gamma))
    if expression is oo:
        return np.full(gammas.shape, np.inf)
    unknown = expression.free_symbols - {GAMMA, STEPS, ERROR}
    if unknown:
        raise ValueError(
            "richness.evaluate: expression must depend on gamma, T and epsilon alone; given one with "
            f"{', '.join(sorted(map(str, unknown)))}"
        )
    function = _compiled(expression)
    return np.array([function(value, float(steps), error) for value in gammas.tolist()], dtype=float)


@cache
def _compiled(expression: Expr) -> Any:
    """Return (gamma, T, epsilon) -> number, with every integral as a call of its own."""
    integrals = sorted(expression.atoms(Integral), key=str)
    if integrals:
        return _with_integrals(expression, integrals)
    names = (GAMMA, STEPS, ERROR)
    slow = expression.has(hyper) or expression.has(LambertW)
    return lambdify(names, expression, "mpmath" if slow else "numpy")


def _with_integrals(expression: Expr, integrals: list[Any]) -> Any:
    from sympy import Dummy

    names = (GAMMA, STEPS, ERROR)
    places = [Dummy(f"I{index}") for index in range(len(integrals))]
    outer = lambdify(
        (*names, *places), expression.xreplace(dict(zip(integrals, places, strict=True))), "numpy"
    )
    inner = [_quadrature(integral) for integral in integrals]

    def value(gamma: float, steps: float, error: float) -> Any:
        return outer(gamma, steps, error, *(one(gamma, steps, error) for one in inner))

    return value


def _quadrature(integral: Any) -> Any:
    variable, low, high = integral.limits[0]
    names = (GAMMA, STEPS, ERROR)
    # (e^x - 1) / gamma loses digits where x is small: sympy keeps e^x - 1 apart, numpy has a function for it.
    safe = integral.function.xreplace({exp(variable) - 1: expm1(variable)})
    integrand = lambdify((variable, *names), safe, "numpy")
    ends = lambdify(names, [low, high], "numpy")

    def value(*numbers: float) -> float:
        from scipy.integrate import quad

        return float(quad(integrand, *ends(*numbers), args=numbers, limit=500, epsrel=1e-10, epsabs=0)[0])

    return value
