"""Residual networks with linear branches, against networks and against the sampled march of one site."""

import numpy as np
import pytest

from scalewright import sim

PROBLEM = {"hidden_layers": 4, "gamma": 1.5, "lr": 0.12, "steps": 8, "residual": 1.2}


def data(outputs=1):
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((4, 12))
    return inputs, inputs @ inputs.T / 12, np.sign(rng.standard_normal((4, outputs)))


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"momentum": 0.4, "weight_decay": 0.2}])
def test_oracle_the_sampled_march_knows_nothing_of_linearity(more):
    """Whitened draws leave nothing of a linear stream to chance: equal up to the jitter of 1e-10."""
    _, kernel, targets = data()
    problem = {"kernel": kernel, "targets": targets, **PROBLEM, **more}
    exact = sim.dmft.solve(**problem).trajectory
    identity = sim.dmft.Activation(
        "identity", lambda x, xp: x, lambda x, xp: xp.ones_like(x), lambda x, xp: 0 * x
    )
    sampled = sim.dmft.solve(activation=identity, samples=8 * 640, **problem).trajectory
    assert np.allclose(sampled.outputs, exact.outputs, atol=1e-9)
    assert np.allclose(sampled.feature_kernel, exact.feature_kernel, atol=1e-8)
    assert np.allclose(sampled.gradient_kernel[:, :, 0, :, :, 0], exact.gradient_kernel, atol=1e-8)
    forward = sampled.forward_response[1:4].sum("sample_2")
    assert np.allclose(forward, exact.forward_response[1:4], atol=1e-8)
    assert np.allclose(sampled.backward_response[1:4, :, 0], exact.backward_response[1:4], atol=1e-8)


def test_oracle_networks(networks):
    """Outputs and kernels of the first and last layer lie within 3 standard errors of 16 networks."""
    inputs, kernel, targets = data(2)
    found = sim.dmft.solve(kernel=kernel, targets=targets, **PROBLEM).trajectory
    own = {name: value for name, value in PROBLEM.items() if name != "hidden_layers"}
    runs = [networks.train(inputs, targets, layers=4, width=500, seed=i, **own) for i in range(16)]
    for value, measured in (
        (found.outputs, [r.outputs for r in runs]),
        (found.feature_kernel[1], [networks.feature_kernel(r, 1) for r in runs]),
        (found.feature_kernel[4], [networks.feature_kernel(r, 4) for r in runs]),
        (found.gradient_kernel[0], [networks.gradient_kernel(r, 1)[:, 0, :, :, 0] for r in runs]),
    ):
        error = np.std(measured, axis=0, ddof=1) / 4
        assert np.linalg.norm(np.mean(measured, axis=0) - value.values) < 3 * np.linalg.norm(error)


def test_identity_one_step_by_hand():
    """At the start every layer has the kernel (1 + b^2)^l K, and the branches weigh b^2."""
    _, kernel, targets = data()
    found = sim.dmft.solve(kernel=kernel, targets=targets, **PROBLEM | {"steps": 1}).trajectory
    b = 1.2 / np.sqrt(3)
    grown = (1 + b**2) ** 3
    weight = grown + grown + 3 * b**2 * (1 + b**2) ** 2
    assert np.allclose(found.tangent_kernel[0, :, 0, :, 0], weight * kernel, rtol=1e-12)
    assert np.allclose(found.outputs[1], 0.12 / 4 * weight * kernel @ targets, rtol=1e-12)


@pytest.mark.slow
def test_control_skip_connections_change_the_answer():
    _, kernel, targets = data()
    with_skip = sim.dmft.solve(kernel=kernel, targets=targets, **PROBLEM).trajectory
    without = sim.dmft.solve(kernel=kernel, targets=targets, **PROBLEM | {"residual": None}).trajectory
    assert float(np.abs(with_skip.outputs - without.outputs).max()) > 0.1
