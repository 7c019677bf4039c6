"""How networks of finite width approach the limit: single ones as N^-1/2, their mean as 1/N."""

import numpy as np
import pytest

from scalewright import sim
from scalewright.sim.compare import compare
from scalewright.sim.dataset import dataset

STEPS = 15


def data():
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((5, 12))
    return inputs, inputs @ inputs.T / 12, np.sign(rng.standard_normal((5, 1)))


def measured(networks, width, seeds):
    """Return the losses of networks in the shape in which `nets.train` returns them."""
    inputs, _, targets = data()
    runs = [
        networks.train(
            inputs, targets, layers=2, width=width, seed=i, gamma=1.0, lr=0.2, steps=STEPS, record=False
        ).outputs
        for i in range(seeds)
    ]
    loss = ((np.array(runs) - targets) ** 2).sum(axis=-1).mean(axis=-1) / 2
    return dataset(
        {"loss": (("seed", "step"), loss)}, {"seed": np.arange(seeds), "step": np.arange(STEPS + 1)}
    )


def predicted(**more):
    _, kernel, targets = data()
    problem = {"hidden_layers": 2, "gamma": 1.0, "lr": 0.2, "steps": STEPS, "kernels": "equal-time"}
    return sim.dmft.solve(kernel=kernel, targets=targets, **problem | more).trajectory


@pytest.mark.slow
def test_oracle_the_error_of_a_network_falls_as_one_over_the_root_of_its_width(networks):
    """48 to 8 networks of N = 128 to 2048: the 95 % interval holds -1/2, and not for a wrong gamma."""
    runs = {n: measured(networks, n, seeds) for n, seeds in ((128, 48), (512, 24), (2048, 8))}
    found = compare(predicted(), runs)
    assert found.exponent.low < -0.5 < found.exponent.high
    wrong = compare(predicted(gamma=3.0), runs)
    assert wrong.exponent.low > -0.5


@pytest.mark.slow
def test_oracle_the_mean_of_networks_is_off_by_one_over_n(networks):
    """1200 networks a width, N = 32 ... 256, two hidden layers: the bias is decided, and its power is -1.

    Tolerance 0.25: three standard errors of the power, from those of the bias (10 to 20 %) at the two ends.
    """
    found = compare(predicted(), {n: measured(networks, n, 1200) for n in (32, 64, 128, 256)})
    assert found.status == "decided"
    assert found.bias_exponent == pytest.approx(-1, abs=0.25)


def test_control_stepping_the_tangent_kernel_misses_at_the_edge_of_stability(networks, published):
    """lr S passes 2: networks of width 500 stay within 0.5 of the march, which Euler steps leave."""
    inputs, kernel, targets = data()
    problem = {"gamma": 3.0, "lr": 0.21, "steps": 39}
    found = sim.dmft.solve(kernel=kernel, targets=targets, hidden_layers=2, **problem).trajectory
    assert float(found.gauss_newton.max()) * 0.21 > 2
    runs = [
        networks.train(inputs, targets, layers=2, width=500, seed=i, record=False, **problem).outputs
        for i in range(2)
    ]
    assert max(float(np.abs(run - found.outputs.values).max()) for run in runs) < 0.5
    with np.errstate(all="ignore"):
        stepped = published(kernel, targets[:, 0], 2, 3.0, 0.21, 39, euler=True).outputs
    assert not np.abs(stepped - found.outputs.values[..., 0]).max() < 1.0
