r"""Where the spectrum settles with fewer samples than features: n < d, orthogonal weights, both large.

With rho = n/d fixed and tau = layer/d as time, the moments m_k = tr((X X^T)^k)/d obey a closed system,

$$\frac{dm_k}{d\tau}=k\Big[-2m_{k+1}+(2+2s)m_k+s\sum_{i+j=k,\;i,j\ge1}m_im_j\Big],\qquad s=m_2-1,$$

and settle at a Marchenko-Pastur law of rank n. It has mean 1 over all d eigenvalues and variance

$$s=\frac{2(1-\rho)}{\rho(2-\rho)},\qquad\text{its nonzero part on}\quad[\,1+s-\sqrt{2s},\;1+s+\sqrt{2s}\,].$$

At rho = 1 it is isometry. Derived in docs/concepts/isometry.md, section 7; leading order in 1/d.
"""

from typing import Any

from sympy import Expr, Rational, Symbol, factor, sqrt

from scalewright.theory.integers import integer
from scalewright.theory.isometry.expected import dimension

RHO = Symbol("rho", positive=True)
"""n/d, the number of samples over that of features."""


def stationary_variance(ratio: Any = RHO) -> Expr:
    """Return s = S_2/d, the variance of the d eigenvalues of X X^T after many layers, at n/d = rho.

    `ratio` is a rational in (0, 1], or symbolic. An isotropic X of the same rank has (1 - rho)/rho, less by
    the factor 1 - rho/2.

    >>> stationary_variance(Rational(1, 2))
    4/3
    """
    rho = _ratio(ratio, "stationary_variance")
    return factor(2 * (1 - rho) / (rho * (2 - rho)))


def stationary_edges(ratio: Any = RHO) -> tuple[Expr, Expr]:
    """Return the ends of the interval that holds the n nonzero eigenvalues of X X^T after many layers."""
    s = stationary_variance(ratio)
    return 1 + s - sqrt(2 * s), 1 + s + sqrt(2 * s)


def stationary_moments(count: int, ratio: Any = RHO) -> tuple[Expr, ...]:
    """Return m_1, ..., m_count, m_k = tr((X X^T)^k)/d, from 2 m_{k+1} = (2+2s) m_k + s sum m_i m_{k-i}.

    >>> stationary_moments(3, Rational(1, 2))
    (1, 7/3, 55/9)
    """
    count = integer(count, "count", function="stationary_moments", least=1)
    s = stationary_variance(ratio)
    found: list[Expr] = [Rational(1)]
    while len(found) < count:
        pairs = sum((a * b for a, b in zip(found[:-1], found[-2::-1], strict=True)), Rational(0))
        found.append(factor((1 + s) * found[-1] + s * pairs / 2))
    return tuple(found)


def _ratio(ratio: Any, function: str) -> Expr:
    if isinstance(ratio, float):
        raise TypeError(f"{function}: ratio must be exact, such as Rational(3, 4); given {ratio!r}")
    found = ratio if isinstance(ratio, Expr) else dimension(ratio, function)
    if found.is_number and not 0 < found <= 1:
        raise ValueError(f"{function}: ratio n/d must lie in (0, 1]; given {ratio}; for n >= d phi goes to 0")
    return found
