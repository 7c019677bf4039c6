r"""How fast gradients grow with fewer samples than features: n < d, orthogonal weights, both large, derived.

A perturbation dX of X is followed through its second moments at leading order in 1/d. With Q = X^T X,
C = X^T dX and P = dX^T dX these close on three families,

    p_k = tr(Q^k P)/d,    b_ij = tr(Q^i C Q^j C)/d,    t_ij = tr(Q^i C Q^j C^T)/d,

in a linear system whose coefficients are the stationary moments m_k and s of `stationary`. Its largest
eigenvalue is the growth of |dX|^2 in d layers. The system has no end: each equation holds moments one degree
higher. It is cut by expanding in the orthogonal polynomials of the stationary law, which converges
geometrically. Derived in docs/concepts/isometry.md, section 7.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from scalewright.theory.integers import integer
from scalewright.theory.isometry.stationary import stationary_moments, stationary_variance

Moment = tuple[str, int, int]
"""Family ("p", "b" or "t") and its indices; p has the second one 0."""
Terms = Iterator[tuple[float, Moment]]


@dataclass(frozen=True)
class Growth:
    """Limit of d times the rate of the log-norm per layer, with the error of cutting the hierarchy."""

    value: float
    error: float


@dataclass(frozen=True)
class Law:
    """The stationary law that the coefficients come from: m_0 ... m_{order + 2}, and s."""

    moments: tuple[float, ...]
    variance: float


@cache
def growth(ratio: Any, *, order: int = 7) -> Growth:
    """Return lim d * (rate at which log |dL/dX| grows per layer) for n/d -> ratio, orthogonal weights.

    Args:
        ratio: n/d, a rational in (0, 1].
        order: highest power of Q that is kept, at least 2; the cost is (2 order^2)^3.

    Returns the limit, with the difference to order - 1 as its error. It tends to 1/(2 ratio), the mean-field
    value, as ratio -> 0, and to 1 - ratio as ratio -> 1. Corrections are of relative order 1/(d - n).

    >>> from sympy import Rational
    >>> round(growth(Rational(1, 2)).value, 4)
    0.5235
    """
    order = integer(order, "order", function="growth", least=2)
    fine, coarse = (top_eigenvalue(ratio, k) for k in (order, order - 1))
    return Growth(fine / 2, abs(fine - coarse) / 2)


def top_eigenvalue(ratio: Any, order: int) -> float:
    """Return the largest real part among the eigenvalues of the system cut at an order."""
    return float(np.linalg.eigvals(system(ratio, order)).real.max())


def system(ratio: Any, order: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the matrix of the system cut at an order: (order+1) p's, (order+1)^2 b's and as many t's."""
    s = float(stationary_variance(ratio))
    found = [float(m) for m in stationary_moments(order + 2, ratio)]
    law, top = Law((float("nan"), *found), s), _closure(order, s)
    size = order + 1
    matrix = np.zeros((size + 2 * size**2,) * 2)
    for row, moment in enumerate(_all(order)):
        for coefficient, other in derivative(moment, law):
            for factor, kept in _reduced(other, top):
                matrix[row, _place(kept, order)] += coefficient * factor
    return matrix


def derivative(moment: Moment, law: Law) -> Terms:
    """Yield the time derivative of a moment, layers over d as time: coefficients of moments."""
    family, i, j = moment
    s, m = law.variance, law.moments
    if family == "p":
        yield (i + 1) * (2 + 2 * s), ("p", i, 0)
        yield -(2 * i + 2), ("p", i + 1, 0)
        yield -2, ("t", 0, i)
        yield -2, ("b", i, 0)
        yield from _kicked(m[i + 1])
        yield from ((2 * s * (i - r) * m[r], ("p", i - r, 0)) for r in range(1, i))
        return
    yield (i + j + 2) * (2 + 2 * s), moment
    yield from _kicked(m[i + 1] * m[j + 1])
    if family == "b":
        yield -(2 * i + 3), ("b", i + 1, j)
        yield -(2 * j + 3), ("b", i, j + 1)
        yield -1, ("t", j, i + 1)
        yield -1, ("t", i, j + 1)
        yield from ((2 * s * (i - r + 1) * m[r], ("b", i - r, j)) for r in range(1, i + 1))
        yield from ((2 * s * (j - r + 1) * m[r], ("b", i, j - r)) for r in range(1, j + 1))
        return
    yield -(2 * i + 4), ("t", i + 1, j)
    yield -(2 * j + 2), ("t", i, j + 1)
    yield -2, ("b", i + 1, j)
    yield 2 * s * m[i + 1], ("p", j, 0)
    yield from ((2 * s * (i - r + 2) * m[r], ("t", i - r, j)) for r in range(1, i + 1))
    yield from ((2 * s * (j - r) * m[r], ("t", i, j - r)) for r in range(1, j))


def _kicked(coefficient: float) -> Terms:
    """Yield the noise that dX y^T, the part of dX along its own row of X, leaves: tr(QP) + tr(C^2)."""
    yield coefficient, ("p", 1, 0)
    yield coefficient, ("b", 0, 0)


def _closure(order: int, s: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the powers that stand for Q^(order+1): its orthogonal polynomial is set to 0.

    The law is a semicircle of mean 1 + s and variance s/2: pi_{k+1} = (x - 1 - s) pi_k - (s/2) pi_{k-1}.
    """
    before, now = np.array([1.0]), np.array([-(1 + s), 1.0])
    for _ in range(order):
        after = np.r_[0.0, now]
        after[: len(now)] -= (1 + s) * now
        after[: len(before)] -= s / 2 * before
        before, now = now, after
    return -now[:-1]


def _reduced(moment: Moment, top: np.ndarray[Any, np.dtype[np.float64]]) -> Terms:
    """Yield a moment by those that are kept."""
    family, i, j = moment
    if i == len(top):
        yield from ((float(c), (family, k, j)) for k, c in enumerate(top))
    elif j == len(top):
        yield from ((float(c), (family, i, k)) for k, c in enumerate(top))
    else:
        yield 1.0, moment


def _all(order: int) -> Iterator[Moment]:
    yield from (("p", k, 0) for k in range(order + 1))
    for family in "bt":
        yield from ((family, i, j) for i in range(order + 1) for j in range(order + 1))


def _place(moment: Moment, order: int) -> int:
    family, i, j = moment
    size = order + 1
    return {"p": 0, "b": size, "t": size + size**2}[family] + (i if family == "p" else size * i + j)
