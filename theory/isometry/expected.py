r"""The isometry gap of the next layer, averaged over Haar-distributed weights: exact, and as a series.

With lam the spectrum of X X^T (sum d) and w uniform on the sphere of R^d,

$$E[\phi(BN(WX))-\phi(X)\mid X]=E\log\textstyle\sum_k\lambda_kw_k^2
=\int_0^\infty\Big[(1+2t)^{-d/2}-\prod_k(1+2t\lambda_k)^{-1/2}\Big]\frac{dt}t .$$

The series in lam_k = 1 + e_k comes from moments of one row of W (`haar`), with d symbolic.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sympy import Expr, Integer, Rational, Symbol, digamma, expand, factor, log

from scalewright.theory.haar import table
from scalewright.theory.haar.partitions import Partition, partitions
from scalewright.theory.haar.spherical import class_size
from scalewright.theory.integers import is_integer

D = Symbol("d", integer=True, positive=True)
"""Number of features, rows of X."""


def power_sum(m: int) -> Symbol:
    """Return the symbol S_m = sum over k of (lam_k - 1)^m; S_1 = 0 stands as the number."""
    return Symbol(f"S_{m}", real=True)


@dataclass(frozen=True)
class Integral:
    """A numerical integral with a bound on its error: value, error, number of nodes."""

    value: float
    error: float
    nodes: int


def expected_change(spectrum: Any) -> Integral:
    """Return E[phi(BN(WX)) - phi(X) | X] for a spectrum of X X^T, by the trapezoidal rule in log t.

    Args:
        spectrum: (d,) eigenvalues of X X^T, not negative, not all zero; scaled to sum d here.

    The integrand is analytic for |Im log t| < pi, so the error of the rule falls as exp(-2 pi^2 / step): the
    steps 1/4 and 1/8 differ by rounding alone. `error` adds this difference, the ends cut off, and rounding.

    >>> change = expected_change([1.0, 1.0, 1.0])
    >>> abs(change.value) <= change.error
    True
    """
    lam = eigenvalues(spectrum, "expected_change")
    # The integrand falls as t from the left, and as t^(-rank/2) with t lam_max from the right.
    low, high = -40.0, 80.0 / min(2, len(lam)) + 40.0
    fine, size = _trapezoid(lam, low, high, 0.125)
    coarse, _ = _trapezoid(lam, low, high, 0.25)
    ends = np.exp(low) * len(lam) + np.exp(-high / 2) * 4
    rounding = 50 * np.finfo(np.float64).eps * max(1.0, abs(fine)) * np.sqrt(size)
    return Integral(fine, float(abs(fine - coarse) + ends + rounding), size)


def _trapezoid(lam: Any, low: float, high: float, step: float) -> tuple[float, int]:
    t = np.exp(np.arange(low, high, step))
    sphere = np.exp(-0.5 * len(lam) * np.log1p(2 * t))
    tilted = np.exp(-0.5 * np.log1p(2 * t[:, None] * lam).sum(axis=1))
    return float(step * (sphere - tilted).sum()), len(t)


def expected_gap(x: Any) -> Integral:
    """Return E[phi(BN(WX)) | X] for X of shape (d, n), d <= n, of full rank, W Haar on O(d)."""
    from scalewright.theory.isometry.gap import gap, matrix, spectrum

    x = matrix(x, "expected_gap")
    if x.ndim != 2 or x.shape[0] > x.shape[1]:
        raise ValueError(
            f"expected_gap: x must have shape (d, n) with d <= n; given {x.shape}, whose rows are dependent"
        )
    now, change = gap(x), expected_change(spectrum(x))
    return Integral(now + change.value, change.error + 1e-14 * (1 + now), change.nodes)


def eigenvalues(spectrum: Any, function: str) -> Any:
    """Return a spectrum scaled to sum to its length, or say what is wrong with it."""
    lam = np.asarray(spectrum, dtype=np.float64)
    if lam.ndim != 1 or not lam.size or not np.isfinite(lam).all():
        raise ValueError(
            f"{function}: spectrum must be a row of d >= 1 finite eigenvalues; given shape {lam.shape}"
        )
    if (lam < 0).any() or not lam.sum() > 0:
        raise ValueError(
            f"{function}: the eigenvalues of X X^T must not be negative, nor all zero; given {lam.min():.3g} "
            f"... {lam.max():.3g}"
        )
    return lam * (len(lam) / lam.sum())


@cache
def row_moment(m: int) -> Expr:
    r"""Return E[(w^T E w)^m] in d and S_j = tr E^j, for one row w of a Haar matrix and tr E = 0.

    Every pairing of the 2m row indices fits, one and the same row, so the sum over them is one number,
    sum_mu N_mu Wg(mu), N_mu the number of pairings of type mu; a pairing of the column indices contracts m
    copies of E into traces, one tr E^j a loop. The result is sum_mu N_mu S_mu / (d (d+2) ... (d+2m-2)).

    >>> row_moment(2)
    2*S_2/(d*(d + 2))
    """
    weingarten = table(2 * m, D)
    rows = factor(sum(_count(mu) * value for mu, value in weingarten.items()))
    columns = sum((_count(mu) * _traces(mu) for mu in partitions(m)), Integer(0))
    return factor(rows * columns)


def _count(mu: Partition) -> Rational:
    size = class_size(mu, 2)
    return Rational(size.numerator, size.denominator)


def _traces(mu: Partition) -> Expr:
    out: Expr = Integer(1)
    for part in mu:
        out *= power_sum(part) if part > 1 else Integer(0)
    return out


def _orders(order: int) -> Iterator[int]:
    if not is_integer(order) or not 2 <= order <= 12:
        raise ValueError(f"series: order must be an integer from 2 to 12; given {order!r}")
    yield from range(2, order + 1)


def series(order: int = 4) -> Expr:
    r"""Return E[phi(BN(WX)) - phi(X) | X] to an order in the deviations lam_k - 1, with d symbolic.

    $$-\frac{S_2}{d(d+2)}+\frac{8S_3}{3d(d+2)(d+4)}-\frac{3S_2^2+12S_4}{d(d+2)(d+4)(d+6)}+\ldots$$

    It is the expectation of log(1 + u), u = w^T E w, term by term. Cost: a Weingarten table of degree 2
    order.

    >>> series(2)
    -S_2/(d*(d + 2))
    """
    return sum((Rational((-1) ** (m + 1), m) * row_moment(m) for m in _orders(order)), Integer(0))


def gap_series(order: int = 4) -> Expr:
    """Return phi(X) = sum over m of (-1)^m S_m / (m d), to an order in the deviations lam_k - 1.

    >>> gap_series(3)
    S_2/(2*d) - S_3/(3*d)
    """
    return expand(sum((Rational((-1) ** m, m) * power_sum(m) / D for m in _orders(order)), Integer(0)))


def rate(d: Any = D) -> Expr:
    """Return lim phi -> 0 of E[phi(BN(WX)) | X] / phi(X), from the terms of second order: d / (d + 2).

    >>> rate()
    d/(d + 2)
    """
    found = factor(1 + series(2) / gap_series(2))
    return found if d == D else found.subs(D, dimension(d, "rate"))


def rank_one_change(d: Any = D) -> Expr:
    """Return the expected change where one eigenvalue holds all: log d + psi(1/2) - psi(d/2)."""
    d = dimension(d, "rank_one_change")
    return log(d) + digamma(Rational(1, 2)) - digamma(d / 2)


def duplicate_change(d: Any = D) -> Expr:
    """Return the expected change where one eigenvalue is nearly 0 and the others are equal.

    It is log(d/(d-1)) + psi((d-1)/2) - psi(d/2), about -1/d^2: the slowest way to isometry.
    """
    d = dimension(d, "duplicate_change")
    if d.is_Integer and d < 2:
        raise ValueError(f"duplicate_change: d must be at least 2; given {d}")
    return log(d / (d - 1)) + digamma((d - 1) / 2) - digamma(d / 2)


def dimension(d: Any, function: str) -> Expr:
    """Return a number of features as an exact expression: an integer of at least 1, or symbolic."""
    from scalewright.theory.haar.groups import dimension_of

    return dimension_of(d, function)
