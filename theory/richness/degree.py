r"""Activations that are no ReLU: how a network's degree of homogeneity takes the place of its depth.

A unit z = u h, phi(z), w: gradient flow moves w by Delta phi(z) and u by Delta w phi'(z) h, so that

    d(u^2) = e(z) d(w^2),    e(z) = z phi'(z) / phi(z),

the elasticity of phi. At large gamma all weights that can grow do. Where e tends to p for large z, phi grows
as z^p, and one example goes through F = prod_l w_l^(p^(L - l)), of degree S = 1 + p + ... + p^(L-1) in all
weights. Then w_l^2 / p^(L-l) is one number a^2 for all layers, F = B a^S with B = prod_k p^(k p^k / 2), and

    da/dtau = B a^(S-1) Delta,    tau = eta t / gamma:

the toy of S linear layers with gamma / B in the place of gamma, its rescaled time in units of 1/B. For
p >= 1 every power of the plane at large gamma is that of S layers: S = L for ReLU and GELU (p = 1), 3 for two
layers of squared ReLUs. What is bounded has p = 0 and S = 1, and only its time follows, eta t ~ gamma^2: a
sharpness of 1 / gamma^2 is that of one example alone. With several, units stay within their bend on a few,
and the curvature through these falls more slowly: as about gamma^-0.6 with two layers of tanh
(docs/concepts/richness-of-networks.md).
"""

from typing import Any

from sympy import Expr, Integer, Rational, Symbol, diff, erf, limit, oo, prod, simplify, sqrt, tanh

from scalewright.theory.richness.symbols import GAMMA, check_layers, exact

PREACTIVATION = Symbol("z", positive=True)
#: Activations by name, where the preactivation is positive.
ACTIVATIONS: dict[str, Expr] = {
    "linear": PREACTIVATION,
    "relu": PREACTIVATION,
    "gelu": PREACTIVATION * (1 + erf(PREACTIVATION / sqrt(2))) / 2,
    "tanh": tanh(PREACTIVATION),
}


def elasticity(activation: str) -> Expr:
    """Return e(z) = z phi'(z) / phi(z) at z > 0: by how many percent phi grows with one percent of z.

    Raises:
        ValueError: an activation that is not one of `ACTIVATIONS`.

    >>> elasticity("relu")
    1
    """
    if activation not in ACTIVATIONS:
        known = ", ".join(map(repr, ACTIVATIONS))
        raise ValueError(f"richness.elasticity: activation must be one of {known}; given {activation!r}")
    phi = ACTIVATIONS[activation]
    return simplify(PREACTIVATION * diff(phi, PREACTIVATION) / phi)


def power_of(activation: str) -> Expr:
    """Return the power p with which an activation grows: the limit of its elasticity.

    >>> power_of("gelu"), power_of("tanh")
    (1, 0)
    """
    return limit(elasticity(activation), PREACTIVATION, oo)


def total_degree(layers: Any, power: Any) -> Expr:
    """Return S = 1 + p + ... + p^(L-1), the degree of a network in all its weights.

    Args:
        layers: weight layers L, a number. power: p of its activation, an integer, 0 for a bounded one.

    Raises:
        ValueError: fewer than 2 layers or a negative power; TypeError for a float.

    >>> total_degree(3, 1), total_degree(2, 2), total_degree(4, 0)
    (3, 3, 1)
    """
    count, grown = _checked(layers, power, "total_degree")
    return sum((grown**k for k in range(count)), Integer(0))


def rich_sharpness(layers: Any, power: Any) -> Expr:
    r"""Return the sharpness at convergence for gamma >> 1, squared loss: $S (B / \gamma)^{2/S}$.

    The Gauss-Newton curvature of F / gamma at F = gamma, one example. A bounded activation, p = 0, has
    1 / gamma^2, as its readout alone grows: with several examples its sharpness falls more slowly.

    >>> rich_sharpness(2, 1), rich_sharpness(2, 2)
    (2/gamma, 3*2**(2/3)/gamma**(2/3))
    """
    count, grown = _checked(layers, power, "rich_sharpness")
    degree = total_degree(layers, power)
    scale = prod([grown ** (Rational(k) * grown**k / 2) for k in range(1, count)]) if grown else Integer(1)
    return simplify(degree * (scale / GAMMA) ** (Integer(2) / degree))


def least_time(share: Any, start: Any) -> Expr:
    r"""Return an eta t below which no bounded network, |phi| <= 1, takes its loss to a share r of the first.

    $\eta t \ge \gamma\,((1 - \sqrt r)\,\gamma - 2 \langle|w_0|\rangle)$ for any depth, rate and data, targets
    of mean square 1, squared loss that never exceeds its first value: no step moves a weight of the readout
    by more than (eta/gamma) times the root of the mean square of Delta, and |gamma f| is at most the mean of
    what they have moved by, and twice that of their start.

    Args:
        share: r in (0, 1), exact. start: mean of the readout's |w_0|, sqrt(2/pi) for standard normal weights.

    Raises:
        ValueError: a share outside (0, 1); TypeError for floats.

    >>> least_time(Rational(1, 4), 1)
    gamma*(gamma/2 - 2)
    """
    part, mean = exact(share, "share", "least_time"), exact(start, "start", "least_time")
    if not (part.is_number and 0 < part < 1):
        raise ValueError(f"richness.least_time: share must lie in (0, 1); given {share}")
    return GAMMA * ((1 - sqrt(part)) * GAMMA - 2 * mean)


def _checked(layers: Any, power: Any, function: str) -> tuple[int, Expr]:
    """Return layers and power as integers."""
    count, grown = check_layers(layers, function), exact(power, "power", function)
    if not isinstance(count, Integer):
        raise ValueError(f"richness.{function}: layers must be a number; given {layers}")
    if not (isinstance(grown, Integer) and grown >= 0):
        raise ValueError(f"richness.{function}: power must be an integer of at least 0; given {power}")
    return int(count), grown
