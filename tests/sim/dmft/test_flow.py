"""Gradient flow by extrapolation, against the closed ODE of two layers and against ever smaller steps."""

import numpy as np
import pytest

from scalewright import sim
from scalewright.sim.dmft import limits


def solve(**more):
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((3, 8))
    problem = {"kernel": inputs @ inputs.T / 8, "targets": np.sign(rng.standard_normal(3)), "gamma": 1.5}
    return sim.dmft.solve(**problem | {"hidden_layers": 2, "lr": 0.2, "steps": 10, "dynamics": "flow"} | more)


def test_oracle_the_closed_flow_of_two_layers():
    """Whitened inputs: solve_ivp to 1e-11 within the error that is claimed; the distance is of third order.

    Each halving of the steps divides it by 8, up to higher orders: between 2^2.8 and 2^3.2. Control: descent
    with the coarsest of these steps misses the flow by more than a hundred times the claimed error.
    """
    targets = np.array([1.0, -0.5, 2.0])
    closed = limits.whitened(targets, gamma=1.5, times=0.1 * np.arange(11))
    problem = {"kernel": np.eye(3), "targets": targets, "hidden_layers": 1, "lr": 0.1}
    distances, claimed = [], []
    for refine in (2, 4, 8):
        found = solve(refine=refine, **problem)
        assert found.status == "extrapolated"
        distances.append(np.linalg.norm(found.trajectory.outputs[..., 0] - closed))
        claimed.append(np.linalg.norm(found.trajectory.outputs_error))
        assert distances[-1] <= claimed[-1]
    orders = -np.diff(np.log2(distances))
    assert ((orders > 2.8) & (orders < 3.2)).all()
    descent = solve(dynamics="descent", **problem).trajectory
    assert np.linalg.norm(descent.outputs[..., 0] - closed) > 100 * claimed[0]


@pytest.mark.slow
def test_property_the_error_holds_against_steps_six_times_as_fine():
    """In the norm of the whole trajectory: single entries cross zero, and their error with them."""
    coarse, fine = solve(refine=1).trajectory, solve(refine=6).trajectory
    for name in ("outputs", "feature_kernel", "gradient_kernel"):
        claimed = float(np.linalg.norm(coarse[f"{name}_error"]))
        assert 0 < np.linalg.norm(coarse[name] - fine[name]) <= claimed
        assert np.linalg.norm(fine[f"{name}_error"]) < claimed / 10


@pytest.mark.slow
def test_oracle_a_nonlinear_flow_is_descent_with_small_steps():
    """tanh, one hidden layer: 64 steps for one are within 1 % of the flow; both are sampled to 0.2 %."""
    flow = solve(activation="tanh", hidden_layers=1, refine=4, samples=4096).trajectory
    small = solve(activation="tanh", hidden_layers=1, lr=0.2 / 64, steps=640, dynamics="descent",
                  kernels="equal-time", samples=4096).trajectory  # fmt: skip
    assert np.abs(flow.outputs - small.outputs[::64].values).max() < 0.01


def test_control_momentum_has_no_flow_here():
    with pytest.raises(ValueError, match="full batch without momentum"):
        solve(momentum=0.5)
    with pytest.raises(ValueError, match="dynamics must be 'descent' or 'flow'; given 'gd'"):
        solve(dynamics="gd")
