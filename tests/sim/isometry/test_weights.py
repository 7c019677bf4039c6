"""Haar and Gaussian weights: orthogonality, moments, and the sign that a bare QR gets wrong."""

import numpy as np
import pytest

from scalewright.sim.isometry.weights import draw, gaussian, generators, orthogonal

SIGMAS = 4


def within(sample, expected):
    """Whether the mean of a sample lies within four standard errors of what is expected."""
    return abs(sample.mean() - expected) <= SIGMAS * sample.std(ddof=1) / np.sqrt(len(sample))


def test_identity_orthogonal_matrices():
    w = orthogonal(generators(range(3)), 7)
    np.testing.assert_allclose(w @ w.swapaxes(-1, -2), np.broadcast_to(np.eye(7), (3, 7, 7)), atol=1e-14)


def test_literature_moments_of_the_haar_measure():
    """E w_11 = 0, E w_11^4 = 3 / (n (n + 2)) and E w_11^2 w_22^2 = (n + 1) / (n (n - 1) (n + 2)) at n = 4."""
    w = orthogonal(generators(range(4000)), 4)
    assert within(w[:, 0, 0], 0.0)
    assert within(w[:, 0, 0] ** 4, 3 / 24)
    assert within(w[:, 0, 0] ** 2 * w[:, 1, 1] ** 2, 5 / 72)


def test_control_qr_without_its_signs_is_not_haar():
    q = np.linalg.qr(gaussian(generators(range(1000)), 4, 4))[0]
    assert not within(q[:, 0, 0], 0.0)


def test_gaussian_weights_have_variance_one_over_d():
    w = draw("gaussian", generators(range(200)), 16)
    assert within((w**2).sum(-1).ravel(), 1.0)


def test_a_seed_is_the_same_alone_and_among_others():
    assert np.array_equal(orthogonal(generators([5]), 3)[0], orthogonal(generators([1, 5]), 3)[1])


@pytest.mark.parametrize("kind", ["orthogonal", "gaussian"])
def test_no_global_generator_is_moved(kind):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    draw(kind, generators([0]), 3)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
