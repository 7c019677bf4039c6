"""Gradients: the profile at isometry by simulation, mean-field rates, and what is refused."""

import numpy as np
import pytest
from sympy import Rational, limit, oo, simplify

from scalewright.theory import isometry
from scalewright.theory.isometry.expected import D
from scalewright.theory.isometry.gradients import LAYERS


def orthogonal(d, rng):
    q, r = np.linalg.qr(rng.normal(size=(d, d)))
    return q * np.sign(np.diag(r))


def backward(gradient, weight, x):
    """Return dL/dX from dL/dY, Y = BN(W X)."""
    z = weight @ x
    lengths = np.linalg.norm(z, axis=1, keepdims=True)
    y = z / lengths
    return weight.T @ ((gradient - (gradient * y).sum(axis=1, keepdims=True) * y) / lengths)


def test_identity_profile_has_its_limits():
    assert isometry.symmetric_contraction() == D / (D + 2)
    assert isometry.gradient_profile(0, 7) == 1
    assert limit(isometry.gradient_profile(LAYERS, 5), LAYERS, oo) == isometry.plateau(5)
    assert limit(isometry.plateau(D), D, oo) == Rational(1, 2)
    # At k = 0 the two shares and the trace, 1/d^2, add up to one.
    assert simplify(isometry.gradient_profile(LAYERS, D).subs(LAYERS, 0) + 1 / D**2) == 1


def test_oracle_profile_by_simulation():
    """Oracle: backward through 40 orthogonal layers at isometry, 4 standard errors at every depth."""
    d, draws, layers = 12, 300, 40
    rng = np.random.default_rng(0)
    norms = np.empty((draws, layers + 1))
    for draw in range(draws):
        gradient = rng.normal(size=(d, d))
        gradient /= np.linalg.norm(gradient)
        x = orthogonal(d, rng)
        for k in range(layers + 1):
            norms[draw, k] = (gradient**2).sum()
            weight = orthogonal(d, rng)
            gradient, x = backward(gradient, weight, weight.T @ x), weight.T @ x
    mean, error = norms.mean(axis=0), norms.std(axis=0) / np.sqrt(draws)
    predicted = np.array([float(isometry.gradient_profile(k, d)) for k in range(layers + 1)])
    assert (np.abs(mean - predicted) <= 4 * error + 1e-12).all()
    # Control: the profile of another width is told apart.
    other = np.array([float(isometry.gradient_profile(k, 2 * d)) for k in range(layers + 1)])
    assert (np.abs(mean - other) > 4 * error).any()


def test_identity_antisymmetric_perturbations_are_neutral():
    """Identity: BN(W X Q) = BN(W X) Q, so X A, A antisymmetric, keeps its length for any weights."""
    rng = np.random.default_rng(1)
    x, weight = orthogonal(5, rng), rng.normal(size=(5, 5))
    turn = orthogonal(5, rng)
    np.testing.assert_allclose(
        isometry.normalize(weight @ x @ turn), isometry.normalize(weight @ x) @ turn, atol=1e-14
    )


def test_literature_mean_field_rates():
    """Literature: arXiv:1902.08129: the squared norm grows by (B-2)/(B-3) with mean subtraction."""
    assert abs(isometry.mean_field_rate(10, mean_reduction=True) - 0.5 * np.log(8 / 7)) < 1e-15
    assert abs(isometry.mean_field_rate(10) - 0.5 * np.log(9 / 8)) < 1e-15


def test_oracle_mean_field_rate_by_simulation():
    """Oracle: Gaussian weights, n = 4 samples, width 512: 12 layers, within 4 standard errors and 2 n/d."""
    n, d, rng = 4, 512, np.random.default_rng(2)
    growth = []
    for _ in range(6):
        x = isometry.normalize(rng.normal(size=(d, n)))
        states, weights = [x], []
        for _ in range(12):
            weights.append(rng.normal(size=(d, d)) / np.sqrt(d))
            states.append(isometry.normalize(weights[-1] @ states[-1]))
        gradient = rng.normal(size=(d, n))
        logs = [np.log(np.linalg.norm(gradient))]
        for weight, state in zip(weights[::-1], states[-2::-1], strict=True):
            gradient = backward(gradient, weight, state)
            logs.append(np.log(np.linalg.norm(gradient)))
        growth.append((logs[-1] - logs[4]) / 8)
    mean, error = np.mean(growth), np.std(growth) / np.sqrt(len(growth))
    assert abs(mean - isometry.mean_field_rate(n)) <= 4 * error + 2 * n / d


def test_orthogonal_rate_has_its_limits():
    assert isometry.orthogonal_rate(64, 64) == isometry.orthogonal_rate(80, 64) == 0
    assert isometry.orthogonal_rate(64, 64, mean_reduction=True) > 0
    assert isometry.orthogonal_rate(65, 64, mean_reduction=True) == 0
    assert abs(isometry.orthogonal_rate(4, 10**6) / isometry.mean_field_rate(4) - 1) < 1e-5


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: isometry.mean_field_rate(0), "mean_field_rate: n must be an integer of at least 1; given 0"),
        (lambda: isometry.mean_field_rate(2), "mean_field_rate: n must be at least 3 for a finite rate; "
         "given "
         "2, for which the mean of 1/|z|^2 diverges"),
        (lambda: isometry.mean_field_rate(3, mean_reduction=True), "mean_field_rate: n must be at least 4 "
         "with mean reduction for a finite rate; given 3, for which the mean of 1/|z|^2 diverges"),
        (lambda: isometry.orthogonal_rate(4, 0), "orthogonal_rate: d must be an integer of at least 1; given "
         "0"),
        (lambda: isometry.gradient_profile(-1), "gradient_profile: layers must be an integer of at least 0; "
         "given -1"),
    ],
)  # fmt: skip
def test_bad_input(call, sentence):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == sentence
