"""The joint limit of width and depth: finite depths approach it as 1/L."""

import math

import numpy as np
import pytest

from scalewright import sim


def solve(depth, **more):
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((4, 12))
    problem = {"kernel": inputs @ inputs.T / 12, "targets": np.sign(rng.standard_normal(4)), "residual": 1.0}
    return sim.dmft.solve(**problem | {"hidden_layers": depth, "lr": 0.05, "steps": 8, "gamma": 1.5} | more)


def test_identity_finite_depths_approach_the_limit_as_one_over_their_number_of_branches():
    """The distance is c/L + d/L^2: the local slope misses -1 by a term that halves as L doubles.

    The limit is known 20 times as well as the least distance, which moves the last slope by less than 0.07;
    the term halves to 10 %, the next order, and is below 0.05 at the end.
    """
    limit = solve(math.inf, branches=24)
    assert limit.status == "extrapolated"
    depths = np.array([8, 16, 32, 64])
    distances = [
        np.linalg.norm(solve(int(n) + 1).trajectory.outputs - limit.trajectory.outputs) for n in depths
    ]
    slopes = np.diff(np.log(distances)) / np.diff(np.log(depths))
    assert distances[-1] > 20 * np.linalg.norm(limit.trajectory.outputs_error)
    assert slopes[-1] == pytest.approx(-1, abs=0.05)
    np.testing.assert_allclose((slopes[:-1] + 1) / (slopes[1:] + 1), 2, rtol=0.1)


def test_property_the_error_holds_against_twice_the_branches():
    coarse, fine = (solve(math.inf, branches=n).trajectory for n in (4, 8))
    for name in ("outputs", "feature_kernel", "gradient_kernel"):
        claimed = coarse[f"{name}_error"]
        other = fine[name]
        if name != "outputs":
            other = other.isel(layer=[0, *range(1, 10, 2)] if name[0] == "f" else [*range(0, 9, 2), 9])
            other = other.drop_vars("layer")
        assert np.linalg.norm(coarse[name].drop_vars("layer", errors="ignore") - other) <= np.linalg.norm(
            claimed
        )


def test_oracle_the_kernel_at_the_start_grows_as_an_exponential():
    """(1 + beta^2/L)^L -> exp(beta^2): within the error of the extrapolation."""
    found = solve(math.inf).trajectory
    start, error = found.feature_kernel[-1, 0, :, 0], found.feature_kernel_error[-1, 0, :, 0]
    expected = math.e * found.feature_kernel[0, 0, :, 0]
    assert (np.abs(start - expected) <= error + 1e-12).all()


@pytest.mark.slow
def test_oracle_a_nonlinear_stream_is_near_a_deep_network(networks):
    """tanh branches, two for the coarsest level: within 4 standard errors of 12 networks of 24 branches."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((4, 12))
    targets = np.sign(rng.standard_normal((4, 1)))
    limit = solve(math.inf, activation="tanh", branches=2, samples=32768, lr=0.2).trajectory
    runs = [
        networks.train(
            inputs, targets, layers=25, width=400, seed=i, gamma=1.5, lr=0.2, steps=8, residual=1.0,
            activation="tanh", record=False,
        ).outputs
        for i in range(12)
    ]  # fmt: skip
    error = np.sqrt(np.var(runs, axis=0, ddof=1) / 12 + limit.outputs_error.values**2)
    assert np.linalg.norm(np.mean(runs, axis=0) - limit.outputs) < 4 * np.linalg.norm(error)


def test_control_infinite_depth_needs_skip_connections():
    with pytest.raises(ValueError, match="hidden_layers=inf needs residual=beta_0"):
        solve(math.inf, residual=None)
