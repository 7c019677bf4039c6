"""Memory is counted before it is allocated, and real networks are named where they are cheaper."""

import numpy as np
import pytest

from scalewright.sim import dmft
from scalewright.sim.dmft import cost
from scalewright.sim.dmft.problem import pose


def problem(samples=3, steps=5, layers=2, outputs=1):
    return pose(
        np.eye(samples), np.ones((samples, outputs)), hidden_layers=layers, activation="tanh", loss="mse",
        lr=0.1, steps=steps,
    )  # fmt: skip


@pytest.mark.parametrize("two_time", [True, False])
@pytest.mark.parametrize("activation", [pytest.param("linear", marks=pytest.mark.slow), "tanh"])
def test_identity_the_bytes_counted_are_those_of_the_trajectory(two_time, activation):
    """Kernels, responses and tangent kernel to the byte; errors and scalars come on top."""
    found = dmft.solve(
        kernel=np.eye(3), targets=np.ones((3, 2)), hidden_layers=2, activation=activation, lr=0.1, steps=5,
        kernels="two-time" if two_time else "equal-time", samples=256, accuracy=9.0,
    ).trajectory  # fmt: skip
    names = ("feature_kernel", "gradient_kernel", "forward_response", "backward_response", "tangent_kernel")
    held = sum(found[name].nbytes for name in names if name in found)
    count = cost.kernel_bytes(problem(outputs=2), gammas=1, two_time=two_time, sampled=activation == "tanh")
    assert count == held


def test_control_what_does_not_fit_is_refused_with_its_size():
    big = problem(samples=50, steps=200)
    need = cost.kernel_bytes(big, gammas=1, two_time=True, sampled=True)
    with pytest.raises(ValueError) as caught:
        cost.check_memory(big, need, need - 1, two_time=True)
    assert f"would fill {need / 2**30:.1f} GiB" in str(caught.value)
    assert "kernels='equal-time' keeps only equal steps" in str(caught.value)
    cost.check_memory(big, need, need, two_time=True)


def test_identity_networks_are_named_where_they_are_cheaper():
    small, large = problem(samples=4, steps=10), problem(samples=20, steps=100)
    assert cost.advice(small, 16000) == ""
    assert cost.advice(problem(layers=1, samples=20, steps=100), 16000) == ""
    assert "averaging 16 networks of width 1000" in cost.advice(large, 16000)
    assert cost.network_ratio(large) == pytest.approx(36 * 101 * 20 / 3000)
