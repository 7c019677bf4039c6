r"""How gradients change from layer to layer: exactly at isometry, and their mean-field rates elsewhere.

All rates are of the logarithm of the gradient's norm per layer. At an orthogonal X a perturbation dX = S X
with d x d matrix S is mapped by BN(W .) to V S V^T less its diagonal (V = W, seen in the new basis) if S is
symmetric, and turned without loss if S is antisymmetric.
"""

from math import log
from typing import Any

from sympy import Expr, Integer, Rational, Symbol, factor

from scalewright.theory.integers import integer
from scalewright.theory.isometry.expected import D, dimension, power_sum, row_moment
from scalewright.theory.isometry.hierarchy import growth

LAYERS = Symbol("k", integer=True, nonnegative=True)


def symmetric_contraction(d: Any = D) -> Expr:
    """Return E |S'|^2 / |S|^2 for symmetric traceless perturbations of an orthogonal X: d / (d + 2).

    S' = V S V^T without its diagonal, so |S'|^2 = |S|^2 - sum_j (v_j^T S v_j)^2, and E (v^T S v)^2 is
    `row_moment(2)`.
    """
    found = factor(1 - D * row_moment(2) / power_sum(2))
    return found if d == D else found.subs(D, dimension(d, "symmetric_contraction"))


def gradient_profile(layers: Any = LAYERS, d: Any = D) -> Expr:
    r"""Return E |dL/dX_{L-k}|^2 / |dL/dX_L|^2 for orthogonal X, n = d, and an isotropic gradient at layer L.

    $$\frac{d-1}{2d}+\Big[\frac{d+1}{2d}-\frac1{d^2}\Big]\Big(\frac d{d+2}\Big)^k:$$

    the antisymmetric share, which is neutral, and the symmetric traceless one; the trace is gone at once (k
    >= 1). It tends to (d-1)/(2d): the log-norm shifts by -log(2)/2, and by nothing more at any depth.

    `layers` is k >= 1, an integer or symbolic.
    """
    k = _layers(layers)
    d = dimension(d, "gradient_profile")
    if k == 0:
        return Integer(1)
    antisymmetric = (d - 1) / (2 * d)
    symmetric = (d + 1) / (2 * d) - 1 / d**2
    return antisymmetric + symmetric * symmetric_contraction(d) ** k


def plateau(d: Any = D) -> Expr:
    """Return the limit of `gradient_profile` at many layers: (d - 1) / (2 d), 1/2 in a wide network."""
    d = dimension(d, "plateau")
    return Rational(1, 2) * (d - 1) / d


def _layers(layers: Any) -> Expr:
    if isinstance(layers, Expr) and not layers.is_number:
        return layers
    return Integer(integer(layers, "layers", function="gradient_profile", least=0))


def mean_field_rate(n: int, *, mean_reduction: bool = False) -> float:
    """Return the mean-field rate of a linear network with batch n, infinitely wide: log((n-1)/(n-2)) / 2.

    With mean reduction one dimension of the batch is lost, n - 1 stands for n: the squared norm grows by
    (n-2)/(n-3), equation of arXiv:1902.08129 with B = n. Valid for n << d, Gaussian or orthogonal weights
    alike.

    Raises ValueError for n <= 2, or n <= 3 with mean reduction: E 1/|z|^2 is infinite there.
    """
    effective = _batch(n, mean_reduction, "mean_field_rate")
    return 0.5 * log((effective - 1) / (effective - 2))


def orthogonal_rate(n: int, d: int, *, mean_reduction: bool = False) -> float:
    r"""Return the rate of an orthogonal linear network with batch n and width d.

    $$2\rho\,g(\rho)\cdot\tfrac12\log\frac{n-1}{n-2},\qquad\rho=n/d<1,$$

    g of `growth`: derived, and exact where n/d is fixed and both grow, and where d grows alone (2 rho g ->
    1). At d = 64 it holds within 7 % for 8 <= n <= 7/8 d; corrections are of relative order 1/(d - n). For n
    >= d the rate is 0, exactly, by `jacobian_bound`. With mean reduction n - 1 stands for n, so n = d
    explodes slowly, batch d + 1 doesn't. An input of rank r counts as n = r.
    """
    d = integer(d, "d", function="orthogonal_rate", least=1)
    if not mean_reduction and integer(n, "n", function="orthogonal_rate", least=1) >= d:
        return 0.0
    effective = _batch(n, mean_reduction, "orthogonal_rate")
    if effective >= d:
        return 0.0
    return 2 * effective / d * growth(Rational(effective, d)).value * mean_field_rate(effective)


def _batch(n: int, mean_reduction: bool, function: str) -> int:
    least = 4 if mean_reduction else 3
    n = integer(n, "n", function=function, least=1)
    if n < least:
        reason = "with mean reduction " if mean_reduction else ""
        raise ValueError(
            f"{function}: n must be at least {least} {reason}for a finite rate; given {n}, for which the "
            "mean of 1/|z|^2 diverges"
        )
    return n - 1 if mean_reduction else n
