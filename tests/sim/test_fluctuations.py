"""Fluctuations at finite width: derivatives of the exact map, the linearised limit, and networks drawn."""

import numpy as np
import pytest

from scalewright.sim import fluctuations


def data():
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((3, 6))
    return inputs @ inputs.T / 6, np.sign(rng.standard_normal(3))


@pytest.mark.parametrize("gamma", [pytest.param(0.3, marks=pytest.mark.slow), 2.0])
def test_oracle_forty_thousand_networks_of_width_400(gamma):
    """N Var of the outputs within 5 % of simulation wherever it exceeds 5 % of its peak."""
    problem = {"gamma": gamma, "lr": 0.1, "steps": 39, "centred": False}
    found = fluctuations.two_layer([[1.0]], [1.0], **problem)
    assert found.status == "leading order"
    _, variance, error = fluctuations.simulate([[1.0]], [1.0], width=400, draws=40_000, **problem)
    counted = found.output_variance > 0.05 * found.output_variance.max()
    assert counted.sum() > 5
    ratio = (400 * variance / found.output_variance)[counted]
    assert (np.abs(ratio - 1) < 0.05).all()
    assert (400 * error / found.output_variance)[counted].max() < 0.02
    wrong = fluctuations.two_layer([[1.0]], [1.0], **problem | {"gamma": 1.3 * gamma})
    assert (np.abs(400 * variance / wrong.output_variance - 1)[counted] > 0.05).any()


@pytest.mark.parametrize("centred", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_identity_the_linearised_limit_is_the_derivative_of_the_map(centred):
    kernel, targets = data()
    problem = {"gamma": 1.5, "lr": 0.2, "steps": 8, "centred": centred}
    one = fluctuations.two_layer(kernel, targets, **problem).output_variance[..., 0]
    two = fluctuations.linearised(kernel, targets, **problem)
    assert np.allclose(one, two, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_oracle_the_mean_is_shifted_by_one_over_n():
    """100,000 draws at width 100: N (mean - limit) within 4 standard errors and 10 %, the next order."""
    kernel, targets = data()
    problem = {"gamma": 2.0, "lr": 0.15, "steps": 10}
    found = fluctuations.two_layer(kernel, targets, **problem)
    mean, variance, _ = fluctuations.simulate(kernel, targets, width=100, draws=100_000, **problem)
    shift, error = 100 * (mean - found.outputs), 100 * np.sqrt(variance / 100_000)
    assert (np.abs(shift - found.shift) < 4 * error + 0.1 * np.abs(found.shift) + 1e-12).all()
    assert (np.abs(found.shift) > 4 * error)[1:].any()


@pytest.mark.slow
def test_oracle_single_networks_are_off_by_one_over_the_root_of_their_width():
    """4000 draws at N = 10^2 ... 10^5: the power of their spread is -1/2 within 4 standard errors."""
    kernel, targets = data()
    widths, problem = (100, 1000, 10_000, 100_000), {"gamma": 2.0, "lr": 0.15, "steps": 10, "draws": 4000}
    spreads = [
        np.sqrt(fluctuations.simulate(kernel, targets, width=n, seed=n, **problem)[1][5].mean())
        for n in widths
    ]
    power = np.polyfit(np.log(widths), np.log(spreads), 1)[0]
    assert power == pytest.approx(-0.5, abs=4 / np.sqrt(8000) / np.log(10))


@pytest.mark.slow
def test_oracle_networks_with_weights(networks_of_weights):
    """N Var of plain networks, 400 of width 200: within 4 standard errors."""
    kernel, targets = data()
    found = fluctuations.two_layer(kernel, targets, gamma=1.5, lr=0.2, steps=8)
    runs = networks_of_weights(kernel, targets, 1.5, 0.2, 8, width=200, count=400)
    counted = found.output_variance[..., 0] > 0.05 * found.output_variance.max()
    ratio = (200 * runs.var(axis=0) / found.output_variance[..., 0])[counted]
    assert abs(ratio.mean() - 1) < 4 * np.sqrt(2 / 400)


@pytest.fixture
def networks_of_weights():
    def train(kernel, targets, gamma, lr, steps, *, width, count):
        rng = np.random.default_rng(5)
        x, p = np.linalg.cholesky(kernel), len(targets)
        w, a = rng.standard_normal((count, width, p)), rng.standard_normal((count, width))
        outputs, start = [], 0.0
        for t in range(steps + 1):
            h = np.einsum("cnd,pd->cpn", w, x)
            f = np.einsum("cpn,cn->cp", h, a) / (gamma * width)
            start = f if t == 0 else start
            outputs.append(f - start)
            delta = targets - outputs[-1]
            push = lr * gamma / p
            grad = push * np.einsum("cp,pd->cd", delta, x)
            w, a = w + a[:, :, None] * grad[:, None, :], a + push * np.einsum("cp,cpn->cn", delta, h)
        return np.array(outputs).transpose(1, 0, 2)

    return train


@pytest.mark.parametrize(("activation", "gain", "slope"), [("linear", 1.0, 2.0), ("relu", 2**0.5, 5.0)])
def test_literature_initial_variances_grow_by_a_constant_a_layer(activation, gain, slope):
    """2304.03408: N Cov(Phi^l, Phi^l') = V min(l, l'); networks of width 1000 have the slope within 10 %."""
    found = fluctuations.initial_features(4, activation=activation, gain=gain)
    layers = np.arange(1, 5)
    assert np.allclose(found, slope * np.minimum.outer(layers, layers), rtol=1e-3)
    rng = np.random.default_rng(0)
    draws, width = 2000, 1000
    kernels = np.zeros((draws, 4))
    size = np.ones(draws)
    for layer in range(4):  # given Phi^(l-1), the neurons of layer l are independent and Gaussian
        h = np.sqrt(size)[:, None] * rng.standard_normal((draws, width))
        phi = h if activation == "linear" else gain * np.maximum(h, 0)
        size = (phi**2).mean(axis=1)
        kernels[:, layer] = size
    measured = np.polyfit(layers, width * kernels.var(axis=0), 1)[0]
    assert measured == pytest.approx(slope, rel=0.1)


def test_control_near_the_edge_it_says_that_it_does_not_apply():
    kernel, targets = data()
    top = np.linalg.eigvalsh(kernel)[-1]
    near = fluctuations.two_layer(kernel, targets, gamma=1.0, lr=1.9 * 3 / (2 * top), steps=5)
    assert near.status == "near the edge"
    assert "near the edge of stability 2" in near.message
