"""Limits of the marches that have formulas of their own."""

import numpy as np
import pytest

from scalewright import sim
from scalewright.sim.dmft import limits

SLOW = pytest.mark.slow


def data(samples=5, dim=12):
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((samples, dim))
    return inputs @ inputs.T / dim, np.sign(rng.standard_normal((samples, 1)))


@pytest.mark.parametrize("loss", ["mse", pytest.param("logistic", marks=SLOW)])
def test_identity_vanishing_gamma_is_the_tangent_kernel(loss):
    """Odd orders vanish, so a hundredth of gamma is a ten-thousandth of the distance."""
    kernel, targets = data()
    problem = {"hidden_layers": 3, "lr": 0.2, "steps": 20, "momentum": 0.3, "loss": loss}
    lazy = limits.lazy(kernel, targets, **problem)
    found = sim.dmft.solve(kernel=kernel, targets=targets, gamma=[0.001, 0.01, 0.1], **problem).trajectory
    distances = [np.linalg.norm(found.outputs[i] - lazy) for i in range(3)]
    assert distances[1] / distances[0] == pytest.approx(100, rel=0.02)
    assert distances[2] / distances[1] == pytest.approx(100, rel=0.2)
    assert distances[0] < 1e-5 * np.linalg.norm(lazy)


@pytest.mark.slow
def test_identity_vanishing_gamma_of_nonlinear_networks():
    """tanh, two hidden layers: the initial kernels by quadrature, within 4 standard errors."""
    kernel, targets = data(3)
    problem = {"hidden_layers": 2, "lr": 0.3, "steps": 10, "activation": "tanh"}
    lazy = limits.lazy(kernel, targets, **problem)
    found = sim.dmft.solve(kernel=kernel, targets=targets, gamma=0.01, **problem).trajectory
    assert np.linalg.norm(found.outputs - lazy) < 4 * np.linalg.norm(found.outputs_error) + 1e-3
    exact = sim.kernels.initial(kernel, hidden_layers=2, activation="tanh")
    for layer in (1, 2):
        start = found.feature_kernel[layer, 0, :, 0, :]
        error = found.feature_kernel_error[layer, 0, :, 0, :]
        assert np.linalg.norm(start - exact.features[layer]) < 4 * np.linalg.norm(error)


@pytest.mark.slow
def test_identity_one_layer_and_whitened_inputs_have_a_closed_end():
    """The march of 60 steps at a tenth of the edge ends within 1 % of the flow's feature kernel."""
    targets = np.array([1.0, -0.5, 2.0])
    end = sim.dmft.solve(
        kernel=np.eye(3), targets=targets, hidden_layers=1, gamma=1.5, lr=0.1, steps=150, kernels="equal-time"
    ).trajectory
    expected = limits.whitened_kernel(targets, gamma=1.5)
    assert np.linalg.norm(end.feature_kernel[1, -1] - expected) < 0.01 * np.linalg.norm(expected)


@pytest.mark.parametrize("layers", [pytest.param(1, marks=SLOW), 2, pytest.param(3, marks=SLOW)])
def test_identity_first_correction_in_gamma(layers):
    """The corrections of order gamma^2 for vanishing steps, to their next order, gamma^2 = 1e-4.

    Steps add an error of first order: half the rate halves it, to 2 %, and extrapolating removes it.
    """
    kernel, targets = data()
    coarse, fine = (corrections(kernel, targets, layers, lr) for lr in (0.02, 0.01))
    for name, (found, expected) in fine.items():
        size = np.linalg.norm(expected)
        errors = [(found - expected) / size for found, expected in (coarse[name], fine[name])]
        assert np.linalg.norm(errors[0]) == pytest.approx(2 * np.linalg.norm(errors[1]), rel=0.02)
        assert np.linalg.norm(2 * errors[1] - errors[0]) < 1e-4


def corrections(kernel, targets, layers, lr):
    """Return what moved by time 2 at gamma = 0.01, measured and predicted, by name."""
    gamma, steps = 0.01, round(2 / lr)
    found = sim.dmft.solve(
        kernel=kernel, targets=targets, hidden_layers=layers, gamma=gamma, lr=lr, steps=steps,
        kernels="equal-time",
    ).trajectory  # fmt: skip
    lazy = limits.lazy(kernel, targets, hidden_layers=layers, lr=lr, steps=steps)[..., 0]
    drive = lr / len(kernel) * (targets[:, 0] - lazy)[:-1].sum(axis=0)
    weak = limits.weakly_rich(kernel, drive, gamma=gamma, hidden_layers=layers)
    moved = found.tangent_kernel[-1, :, 0, :, 0] - found.tangent_kernel[0, :, 0, :, 0]
    pairs = {"tangent kernel": (moved.values, weak.ntk - (layers + 1) * kernel)}
    for layer in range(1, layers + 1):
        pairs[f"features {layer}"] = (
            found.feature_kernel[layer, -1].values - kernel,
            weak.features[layer] - kernel,
        )
        pairs[f"gradients {layer}"] = (
            found.gradient_kernel[layer - 1, -1, 0, 0].values - 1,
            np.asarray(weak.gradients[layer - 1] - 1),
        )
    return pairs


@SLOW
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_identity_ultra_rich_networks_end_at_the_balanced_kernel(layers):
    """The constant of the scalar toy to 1 % at gamma = 300, at a quarter of the largest stable rate."""
    expected = limits.ultra_rich_kernel(gamma=300.0, target=1.0, hidden_layers=layers)
    found = sim.dmft.solve(
        kernel=[[1.0]], targets=[1.0], hidden_layers=layers, gamma=300.0, lr=0.5 / expected, steps=120,
        kernels="equal-time",
    ).trajectory  # fmt: skip
    assert float(found.loss[-1]) < 1e-3
    assert float(found.ntk[-1]) == pytest.approx(expected, rel=0.01)
