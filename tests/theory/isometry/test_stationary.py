"""The stationary spectrum for n < d: its moments against simulation, its limits, and the rate."""

import numpy as np
import pytest
from sympy import Rational, limit, simplify

from scalewright.theory import isometry
from scalewright.theory.isometry.stationary import RHO


def chain(d, n, layers, rng):
    """Return moments 1 ... 4 of X X^T every 10 layers, and the log growth of one tangent at every layer."""
    x, tangent = isometry.normalize(rng.normal(size=(d, n))), rng.normal(size=(d, n))
    moments, growth = [], []
    for layer in range(layers):
        q, r = np.linalg.qr(rng.normal(size=(d, d)))
        weight = q * np.sign(np.diag(r))
        z, moved = weight @ x, weight @ tangent
        lengths = np.linalg.norm(z, axis=1, keepdims=True)
        x = z / lengths
        moved = (moved - x * (x * moved).sum(axis=1, keepdims=True)) / lengths
        growth.append(np.log(np.linalg.norm(moved)))
        tangent = moved / np.linalg.norm(moved)
        if layer % 10 == 0:
            lam = np.linalg.eigvalsh(x.T @ x)
            moments.append([(lam**k).sum() / d for k in (1, 2, 3, 4)])
    return np.array(moments), np.array(growth)


def blocked(values, blocks=16):
    """Return the mean of a correlated series and its standard error from means of blocks."""
    means = np.array([block.mean(axis=0) for block in np.array_split(values, blocks)])
    return means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(blocks)


@pytest.mark.parametrize("n", [8, 16, 24])
def test_oracle_simulation(n):
    """Oracle: a chain at d = 32, within 4 standard errors and 2/d (moments) or 6 % (rate)."""
    d = 32
    moments, growth = chain(d, n, 1800, np.random.default_rng(n))
    mean, error = blocked(moments[30:])
    expected = np.array([float(m) for m in isometry.stationary_moments(4, Rational(n, d))])
    assert (np.abs(mean - expected) <= 4 * error + 2 / d * (expected - 1)).all()
    # Control: an isotropic spectrum of the same rank is told apart where it differs enough.
    isotropic = np.array([(d / n) ** (k - 1) for k in (1, 2, 3, 4)])
    assert n == 8 or abs(mean[1] - isotropic[1]) > 4 * error[1] + 2 / d * (expected[1] - 1)
    rate, rate_error = blocked(growth[300:])
    assert abs(rate - isometry.orthogonal_rate(n, d)) <= 4 * rate_error + 0.06 * rate


def test_identity_the_moments_are_those_of_a_law_with_these_edges():
    """Identity: Jacobi parameters from the moments give the edges (a constant from the second step on)."""
    rho = Rational(1, 2)
    m = (1, *isometry.stationary_moments(5, rho))
    # Of the measure lambda d(nu), of total mass m_1 = 1: mean, variance and third cumulant.
    mean = m[2]
    variance = m[3] - mean**2
    skew = m[4] - 3 * mean * m[3] + 2 * mean**3
    low, high = isometry.stationary_edges(rho)
    assert simplify((low + high) / 2 - mean) == 0
    assert simplify((high - low) ** 2 / 16 - variance) == 0
    assert skew == 0


def test_limits():
    assert isometry.stationary_variance(1) == 0
    assert isometry.stationary_edges(1) == (1, 1)
    assert limit(isometry.stationary_variance() * RHO, RHO, 0) == 1
    assert isometry.stationary_moments(1) == (1,)
    assert simplify(isometry.stationary_moments(2)[1] - 1 - isometry.stationary_variance()) == 0


@pytest.mark.parametrize(
    ("error", "call", "sentence"),
    [
        (TypeError, lambda: isometry.stationary_variance(0.5), "stationary_variance: ratio must be exact, "
         "such "
         "as Rational(3, 4); given 0.5"),
        (ValueError, lambda: isometry.stationary_variance(2), "stationary_variance: ratio n/d must lie in "
         "(0, 1]; given 2; for n >= d phi goes to 0"),
        (ValueError, lambda: isometry.stationary_moments(0), "stationary_moments: count must be an integer "
         "of "
         "at least 1; given 0"),
    ],
)  # fmt: skip
def test_bad_input(error, call, sentence):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == sentence
