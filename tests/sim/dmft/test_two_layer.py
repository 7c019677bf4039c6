"""One hidden layer: the exact map of every neuron, against networks and against the exact linear march."""

import numpy as np
import pytest

from scalewright import sim
from scalewright.sim.dmft import two_layer
from scalewright.sim.dmft.problem import pose


def data(samples=4, dim=10, outputs=1):
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((samples, dim))
    return inputs, inputs @ inputs.T / dim, np.sign(rng.standard_normal((samples, outputs)))


@pytest.mark.parametrize("activation", ["tanh", "relu", "softplus"])
def test_oracle_networks(activation, networks):
    """Outputs and both kernels lie within 3 standard errors of 40 networks of width 500."""
    inputs, kernel, targets = data()
    problem = {"activation": activation, "gamma": 2.0, "lr": 0.2, "steps": 12, "momentum": 0.4}
    found = sim.dmft.solve(kernel=kernel, targets=targets, hidden_layers=1, **problem).trajectory
    runs = [networks.train(inputs, targets, layers=1, width=500, seed=i, **problem) for i in range(40)]
    for value, measured in (
        (found.outputs, [r.outputs for r in runs]),
        (found.feature_kernel[1], [networks.feature_kernel(r, 1) for r in runs]),
        (found.gradient_kernel[0], [networks.gradient_kernel(r, 1) for r in runs]),
    ):
        error = np.std(measured, axis=0, ddof=1) / np.sqrt(40)
        assert np.linalg.norm(np.mean(measured, axis=0) - value.values) < 3 * np.linalg.norm(error)


def test_oracle_a_linear_neuron_is_the_exact_march():
    """The map is sampled, the march is exact: they meet within 4 standard errors of 8 scramblings."""
    _, kernel, targets = data(outputs=2)
    problem = {"hidden_layers": 1, "gamma": 2.0, "lr": 0.2, "steps": 15, "weight_decay": 0.1}
    exact = sim.dmft.solve(kernel=kernel, targets=targets, **problem).trajectory
    linear = sim.dmft.Activation("identity", lambda x, xp: x, lambda x, xp: xp.ones_like(x))
    sampled = sim.dmft.solve(kernel=kernel, targets=targets, activation=linear, **problem).trajectory
    for name in ("outputs", "feature_kernel"):
        distance = np.linalg.norm(sampled[name] - exact[name])
        assert distance < 4 * np.linalg.norm(sampled[f"{name}_error"])
        assert distance < 2e-3 * np.linalg.norm(exact[name])


def test_property_sobol_points_beat_independent_ones():
    """At the start E phi(h)^2 is known by quadrature; scrambled points come closer than 1/sqrt(S) allows."""
    problem = pose(np.eye(2), [1.0, -1.0], hidden_layers=1, activation="tanh", loss="mse", lr=0.1, steps=0)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    truth = weights @ np.tanh(nodes) ** 2 / np.sqrt(2 * np.pi)
    found = [np.mean(np.tanh(two_layer.draw(problem, 2048, (seed,))[0][:, 0]) ** 2) for seed in range(8)]
    independent = np.sqrt((weights @ np.tanh(nodes) ** 4 / np.sqrt(2 * np.pi) - truth**2) / 2048)
    assert np.sqrt(np.mean((np.array(found) - truth) ** 2)) < independent / 5
