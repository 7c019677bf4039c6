"""NNGP and NTK at initialisation: closed forms against quadrature, wide networks and each other."""

import numpy as np
import pytest
from scipy.special import erf

from scalewright.sim import kernels
from scalewright.sim.dmft.activations import ACTIVATIONS


def covariance(samples=4, dim=7):
    inputs = np.random.default_rng(0).standard_normal((samples, dim))
    return inputs @ inputs.T / dim


def test_oracle_closed_forms_are_what_the_quadrature_finds():
    """erf by arcsine and by nodes share nothing; the nodes are exact to 1e-9 on these variances."""
    for mine, theirs in zip(
        kernels.pair_means(covariance(), ACTIVATIONS["erf"]),
        kernels._quadrature(covariance(), ACTIVATIONS["erf"]),
        strict=True,
    ):
        assert np.allclose(mine, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["relu", "erf", "tanh", "softplus", "gelu", "linear"])
def test_oracle_a_million_normal_pairs(name):
    """Means of 10^6 draws, 5 standard errors."""
    k = covariance(3)
    draws = np.random.default_rng(1).standard_normal((1_000_000, 3)) @ np.linalg.cholesky(k).T
    activation = ACTIVATIONS[name]
    for expected, function in zip(
        kernels.pair_means(k, activation), (activation.value, activation.first), strict=True
    ):
        x = function(draws, np)
        products = x[:, :, None] * x[:, None, :]
        error = products.std(axis=0) / 1000
        assert (np.abs(products.mean(axis=0) - expected) < 5 * error + 1e-12).all()


def test_identity_linear_networks_have_l_plus_1_times_the_input_kernel():
    found = kernels.initial(covariance(), hidden_layers=4)
    assert np.allclose(found.ntk, 5 * covariance(), rtol=1e-14)


def test_identity_derivatives_of_the_kernel_are_the_slope_kernel():
    """d<phi(u)phi(v)>/dcov = <phi'(u)phi'(v)> (Price's theorem), by central differences to 1e-6."""
    for name in ("relu", "erf", "tanh"):
        step, k = 1e-5, np.array([[1.0, 0.3], [0.3, 0.8]])
        up, down = k + step * np.eye(2)[::-1], k - step * np.eye(2)[::-1]
        ends = [kernels.pair_means(x, ACTIVATIONS[name])[0][0, 1] for x in (up, down)]
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(
            kernels.pair_means(k, ACTIVATIONS[name])[1][0, 1], abs=1e-6
        )


def test_control_a_wrong_activation_is_seen():
    assert abs(kernels.pair_means(covariance(), ACTIVATIONS["tanh"])[0] - erf(0.5)).max() > 0.05
    with pytest.raises(ValueError, match="hidden_layers must be at least 1; given 0"):
        kernels.initial(covariance(), hidden_layers=0)
