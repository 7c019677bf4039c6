"""The sampled march of nonlinear networks, against the exact march and against trained networks."""

import numpy as np
import pytest

from scalewright import sim
from scalewright.sim.dmft import montecarlo


def data(samples=3, dim=8, seed=0, outputs=1):
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((samples, dim))
    return inputs, inputs @ inputs.T / dim, np.sign(rng.standard_normal((samples, outputs)))


def solve(inputs, targets, **options):
    return sim.dmft.solve(kernel=inputs @ inputs.T / inputs.shape[1], targets=targets, **options)


def away(found, runs, networks):
    """Return, of outputs and kernels, |mean of networks - prediction| over the standard errors of both."""
    sides = {"outputs": (found.outputs, found.outputs_error, [r.outputs for r in runs])}
    for layer in range(1, found.attrs["hidden_layers"] + 1):
        below = layer - 1
        sides[f"phi{layer}"] = (
            found.feature_kernel[layer],
            found.feature_kernel_error[layer],
            [networks.feature_kernel(r, layer) for r in runs],
        )
        sides[f"g{layer}"] = (
            found.gradient_kernel[below],
            found.gradient_kernel_error[below],
            [networks.gradient_kernel(r, layer) for r in runs],
        )
    ratios = {}
    for name, (value, error, measured) in sides.items():
        spread = np.var(measured, axis=0, ddof=1) / len(measured) + error.values**2
        ratios[name] = np.sqrt(((np.mean(measured, axis=0) - value.values) ** 2).sum() / spread.sum())
    return ratios


CASES = {
    "tanh": {"activation": "tanh", "hidden_layers": 2, "gamma": 2.0, "lr": 0.3},
    "softplus": {"activation": "softplus", "hidden_layers": 3, "gamma": 1.0, "lr": 0.1},
    "two outputs, momentum and decay": {
        "activation": "erf", "hidden_layers": 2, "gamma": 1.5, "lr": 0.15, "momentum": 0.5,
        "weight_decay": 0.2,
    },
    "cross-entropy": {
        "activation": "gelu", "hidden_layers": 2, "gamma": 1.0, "lr": 1.0, "loss": "cross-entropy",
    },
    "residual": {"activation": "tanh", "hidden_layers": 4, "gamma": 1.0, "lr": 0.3, "residual": 1.0},
    "batches": {
        "activation": "tanh", "hidden_layers": 2, "gamma": 2.0, "lr": 0.2,
        "batches": np.random.default_rng(3).integers(0, 3, (11, 2)),
    },
}  # fmt: skip


#: This runs by default; the others are slow.
QUICK = ("two outputs, momentum and decay",)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_oracle_networks(name, networks):
    """Outputs and every two-time kernel lie within 3 standard errors of 16 networks of width 600."""
    options = CASES[name] | {"steps": 10}
    inputs, _, targets = data(
        outputs=2 if name in ("two outputs, momentum and decay", "cross-entropy") else 1
    )
    if name == "cross-entropy":
        targets = np.eye(2)[[0, 1, 0]]
    found = solve(inputs, targets, samples=8192, **options)
    assert found.status == "sampled", found.message
    own = dict(options)
    layers = own.pop("hidden_layers")
    runs = [networks.train(inputs, targets, layers=layers, width=600, seed=i, **own) for i in range(16)]
    ratios = away(found.trajectory, runs, networks)
    assert max(ratios.values()) < 3, ratios


@pytest.mark.parametrize("layers", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_identity_linear_networks_sampled_are_linear_networks_solved(layers):
    """Whitened draws and signs leave nothing of a linear network to chance; the jitter of 1e-10 remains."""
    inputs, _, targets = data(4, 12)
    problem = {"gamma": 1.5, "lr": 0.2, "steps": 12, "momentum": 0.3, "weight_decay": 0.1}
    problem["hidden_layers"] = layers
    exact = solve(inputs, targets, **problem).trajectory
    identity = sim.dmft.Activation(
        "identity", lambda x, xp: x, lambda x, xp: xp.ones_like(x), lambda x, xp: 0 * x
    )
    sampled = solve(inputs, targets, activation=identity, samples=4096, **problem).trajectory
    assert np.allclose(sampled.outputs, exact.outputs, atol=1e-9)
    assert np.allclose(sampled.feature_kernel, exact.feature_kernel, atol=1e-8)
    gradient = exact.gradient_kernel.values[:, :, None, :, :, None, :]
    assert np.allclose(sampled.gradient_kernel, gradient, atol=1e-8)
    forward = sampled.forward_response[1:layers].sum("sample_2")  # g of a linear network has no sample
    assert np.allclose(forward, exact.forward_response[1:layers], atol=1e-8)


@pytest.mark.slow
def test_property_four_times_the_draws_halve_the_standard_error():
    """The ratio of two spreads, 7 degrees of freedom an entry, is within 40 % of 2 over whole kernels."""
    inputs, _, targets = data()
    problem = {"activation": "tanh", "hidden_layers": 2, "gamma": 2.0, "lr": 0.3, "steps": 10}
    few = solve(inputs, targets, samples=4096, **problem)
    many = solve(inputs, targets, samples=16384, seed=1, **problem)
    errors = [
        sum(np.linalg.norm(run.trajectory[f"{name}_error"]) for name in ("feature_kernel", "gradient_kernel"))
        for run in (few, many)
    ]
    assert 2 / 1.4 < errors[0] / errors[1] < 2 * 1.4
    for name in ("outputs", "feature_kernel", "gradient_kernel"):
        spread = np.linalg.norm(np.hypot(few.trajectory[f"{name}_error"], many.trajectory[f"{name}_error"]))
        assert np.linalg.norm(few.trajectory[name] - many.trajectory[name]) < 3 * spread


@pytest.mark.slow
def test_control_without_the_instantaneous_response_the_gradient_kernel_is_missed(monkeypatch, networks):
    """B(t, t) has weight one: without it G^1(t, t) is off by half of itself, with it by less than 0.05.

    Seven steps: later on, the sampled kernel is known to a few per cent only, and it is small.
    """
    inputs, targets = np.ones((1, 1)), np.array([[2.0]])
    problem = {"activation": "tanh", "gamma": 2.0, "lr": 0.4, "steps": 7}
    runs = [networks.train(inputs, targets, layers=2, width=1000, seed=i, **problem) for i in range(24)]
    measured = np.diag(np.mean([networks.gradient_kernel(r, 1)[:, 0, 0, :, 0, 0] for r in runs], axis=0))

    def largest_miss():
        found = solve(inputs, targets, hidden_layers=2, samples=2**18, **problem).trajectory
        return (np.abs(np.diag(found.gradient_kernel[0, :, 0, 0, :, 0, 0]) - measured) / measured).max()

    right = largest_miss()
    monkeypatch.setattr(montecarlo._March, "instantaneous", lambda self, bend: 0.0 * bend.mean(axis=0))
    montecarlo._compiled.cache_clear()
    wrong = largest_miss()
    montecarlo._compiled.cache_clear()
    assert right < 0.05
    assert wrong > 0.5


def test_control_too_few_samples_say_how_many_would_do():
    inputs, _, targets = data()
    found = solve(
        inputs, targets, activation="tanh", hidden_layers=2, gamma=2.0, lr=0.3, steps=5, samples=1024,
        accuracy=0.001,
    )  # fmt: skip
    assert found.status == "inaccurate"
    worst = max(error for name, error in found.standard_error.items() if name != "outputs")
    needed = int(np.ceil(1024 * (worst / 0.001) ** 2 / 1000)) * 1000
    assert f"above accuracy=0.001: take about samples={needed}" in found.message


def test_control_near_the_edge_of_stability_draws_are_not_trusted():
    """One sample, tanh: at a fifth of the edge the status is sampled, at 0.95 of it inaccurate."""
    problem = {"hidden_layers": 2, "activation": "tanh", "gamma": 0.5, "steps": 3, "samples": 4096}
    tangent = sim.kernels.initial([[1.0]], hidden_layers=2, activation="tanh").ntk.item()
    calm = sim.dmft.solve(kernel=[[1.0]], targets=[1.0], lr=0.4 / tangent, **problem)
    near = sim.dmft.solve(kernel=[[1.0]], targets=[1.0], lr=1.9 / tangent, **problem)
    assert calm.status == "sampled"
    assert "edge" not in calm.message
    assert near.status == "inaccurate"
    assert "of the edge of stability of lr=" in near.message


def test_identity_the_same_seed_gives_the_same_bytes():
    inputs, _, targets = data()
    problem = {"activation": "tanh", "hidden_layers": 2, "gamma": 2.0, "lr": 0.3, "steps": 5, "samples": 1024}
    one, two = solve(inputs, targets, **problem), solve(inputs, targets, **problem)
    assert one.trajectory.outputs.values.tobytes() == two.trajectory.outputs.values.tobytes()
    assert not np.allclose(
        one.trajectory.outputs, solve(inputs, targets, seed=1, **problem).trajectory.outputs
    )
