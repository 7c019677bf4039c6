r"""The theorems of arXiv:2310.02012 as statements to check, beside sharper ones with explicit constants.

A `Bound` holds both sides for given numbers. The paper's constants C are not given in its text: they are
arguments here. The sharper statements are proved in docs/concepts/isometry.md; in short, with S_2 = sum
(lam_k - 1)^2,

1. the exact conditional expectation (`expected`) stands in place of corollary 4;
2. E[phi' - phi | X] <= -S_2 / (d (d+2) (1 + sqrt(15 v))), v = 2 S_2 / (d (d+2)), from moments of degree 4 and
8;
3. S_2 >= d phi / (3/5 + d phi); together E phi_l <= phi_0 exp(-l/k) with
   k = (d+2) (3/5 + d phi_0) (1 + sqrt(30 / (d (d+2)))): theorem 1 with k of order d (1 + d phi_0), not C d^2
   (...).
"""

from dataclasses import dataclass
from math import ceil, exp, inf, log, sqrt
from typing import Any

from scalewright.theory.integers import integer
from scalewright.theory.isometry.expected import eigenvalues, expected_change

PLOTTED_CONSTANT = 0.015
"""The C of theorem 1 in the published plots; admissible only for d >= 35 (`plotted_rate_is_possible`)."""


@dataclass(frozen=True)
class Bound:
    """An inequality, low <= high, at given numbers; `holds` allows for `error`, that of both sides."""

    name: str
    low: float
    high: float
    error: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether low <= high within the error."""
        return self.low <= self.high + self.error

    @property
    def slack(self) -> float:
        """Return high - low."""
        return self.high - self.low


def deviation(spectrum: Any) -> float:
    """Return S_2 = sum over k of (lam_k - 1)^2 for a spectrum scaled to sum d."""
    return float(((eigenvalues(spectrum, "deviation") - 1) ** 2).sum())


def corollary_4(spectrum: Any) -> float:
    r"""Return the paper's bound on E[phi' - phi | X]: log(1 - S_2 / (2 d^2 (d+2)))."""
    lam = eigenvalues(spectrum, "corollary_4")
    d = len(lam)
    return log(1 - deviation(lam) / (2 * d**2 * (d + 2)))


def second_order_bound(spectrum: Any) -> float:
    r"""Return the sharper bound on E[phi' - phi | X]: -S_2 / (d (d+2) (1 + sqrt(15 v))), v = 2 S_2/(d (d+2)).

    Near isometry it is exact to leading order; v < 2 always, so it is never more than 6.5 times too small.
    """
    lam = eigenvalues(spectrum, "second_order_bound")
    variance = 2 * deviation(lam) / (len(lam) * (len(lam) + 2))
    return -variance / (2 * (1 + sqrt(15 * variance)))


def check_corollary_4(spectrum: Any) -> tuple[Bound, Bound, Bound]:
    """Return exact <= sharper, sharper <= corollary 4 and exact <= corollary 4, for one spectrum."""
    exact, sharper, published = expected_change(spectrum), second_order_bound(spectrum), corollary_4(spectrum)
    return (
        Bound("expected change below the second-order bound", exact.value, sharper, exact.error),
        Bound("second-order bound below corollary 4", sharper, published, 1e-15),
        Bound("expected change below corollary 4", exact.value, published, exact.error),
    )


def theorem_3(spectrum: Any) -> Bound:
    r"""Return theorem 3 for the ratio E[I(BN(WX))] / I(X), from below, I = exp(-phi).

    low: the paper's (1 - S_2/(2 d^2 (d+2)))^-1. high: exp(-E[phi' - phi]), itself below the ratio by Jensen's
    inequality, so the theorem follows wherever this bound holds.
    """
    change = expected_change(spectrum)
    return Bound(
        "theorem 3", exp(-corollary_4(spectrum)), exp(-change.value), change.error * exp(-change.value)
    )


def theorem_1_layers(d: int, phi: float, constant: float) -> float:
    """Return k = C d^2 (1 + d phi_0) of theorem 1: E phi_l <= phi_0 exp(-l/k) for some absolute C."""
    _check(d, phi, "theorem_1_layers")
    _positive(constant, "theorem_1_layers")
    return constant * d**2 * (1 + d * phi)


def conjectured_layers(d: int, phi: float) -> float:
    """Return k = d (1 + d phi_0): the same statement with one power of d less, from measured chains."""
    _check(d, phi, "conjectured_layers")
    return d * (1 + d * phi)


def proved_layers(d: int, phi: float) -> float:
    """Return k with E phi_l <= phi_0 exp(-l/k), proved: (d+2) (3/5 + d phi_0) (1 + sqrt(30/(d (d+2)))).

    It holds for every d >= 1, phi_0 and l, for independent Haar weights; no constant is left open.

    >>> round(proved_layers(64, 1.0))
    4623
    """
    _check(d, phi, "proved_layers")
    return (d + 2) * (0.6 + d * phi) * (1 + sqrt(30 / (d * (d + 2))))


def theorem_1(expected_gaps: Any, layers: float, *, error: float = 0.0) -> tuple[Bound, ...]:
    """Return E phi_l <= phi_0 exp(-l/k) for every layer l of a list of (measured) expectations, phi_0 first.

    `layers` is k, of any of the three above; `error` that of the expectations, absolute.
    """
    gaps = [float(value) for value in expected_gaps]
    if not gaps or min(gaps) < 0:
        raise ValueError("theorem_1: expected_gaps must be at least one number, none negative")
    if not layers > 0:
        raise ValueError(f"theorem_1: layers, the k of exp(-l/k), must be positive; given {layers}")
    return tuple(
        Bound(f"theorem 1, layer {layer}", value, gaps[0] * exp(-layer / layers), error)
        for layer, value in enumerate(gaps)
    )


def plotted_rate_is_possible(d: int, constant: float = PLOTTED_CONSTANT) -> bool:
    """Return whether theorem 1 with this C can hold near isometry, where phi falls by d/(d+2) a layer.

    As phi_0 -> 0 it claims exp(-1/(C d^2)) a layer, which must not be below d/(d+2).

    >>> [d for d in range(1, 100) if plotted_rate_is_possible(d)][0]
    35
    """
    _check(d, 0.0, "plotted_rate_is_possible")
    _positive(constant, "plotted_rate_is_possible")
    return exp(-1 / (constant * d**2)) >= d / (d + 2)


def theorem_5(d: int, phi: float, constant: float) -> float:
    """Return the paper's bound on E log of the gradient norm at any depth: C d^5 (phi_0^3 + 1)."""
    _check(d, phi, "theorem_5")
    _positive(constant, "theorem_5")
    return constant * d**5 * (phi**3 + 1)


def expected_jacobian_bound(d: int, phi: float) -> float:
    r"""Return a proved bound on E log of the operator norm of dX_L/dX_0, at any depth, for Haar weights.

    $$\tfrac12d\phi_0+\frac{\sqrt{2\lceil k\rceil d\phi_0}}{2(1-e^{-1/2})},$$

    k of `proved_layers`: of order d (1 + d phi_0), in place of C d^5 (phi_0^3 + 1), without an open constant.
    """
    k = ceil(proved_layers(d, phi))
    return 0.5 * d * phi + sqrt(2 * k * d * phi) / (2 * (1 - exp(-0.5)))


def jacobian_bound(d: int, change: float, layers: int) -> float:
    r"""Return the deterministic bound on log of the operator norm of dX_L/dX_0, for any orthogonal weights.

    $$\log\lVert\partial X_L/\partial X_0\rVert\le\tfrac12\Big[d\,\delta+\sqrt{2dL\,\delta}\Big],\qquad
    \delta=\phi_0-\phi_L .$$

    `change` is delta, `layers` L. It grows as sqrt(L): no exponential explosion, whatever the weights.
    """
    _check(d, change, "jacobian_bound")
    layers = integer(layers, "layers", function="jacobian_bound", least=0)
    return 0.5 * (d * change + sqrt(2 * d * layers * change))


def _positive(constant: float, function: str) -> None:
    if not 0 < constant < inf:
        raise ValueError(f"{function}: constant must be positive and finite; given {constant}")


def _check(d: int, phi: float, function: str) -> None:
    integer(d, "d", function=function, least=1)
    if not 0 <= phi < inf:
        raise ValueError(
            f"{function}: the isometry gap must be finite and not negative; given {phi}; the statement is "
            "empty for rank-deficient inputs"
        )
