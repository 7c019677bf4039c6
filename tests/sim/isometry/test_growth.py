"""The whole Jacobian of narrow chains against difference quotients, and the bound that no chain may cross."""

import numpy as np
import pytest

from scalewright.sim.isometry import Network, chain, jacobian
from scalewright.sim.isometry.start import starts
from scalewright.sim.isometry.weights import generators


def test_oracle_largest_singular_value_of_the_difference_quotients():
    """Independent: the forward pass alone, entry by entry."""
    network, step = Network(3, 4), 1e-6
    inputs = starts(network, "gaussian", [0])

    def run(x):
        streams = generators([0])
        for _ in range(5):
            x = network.layer(streams, x, 1.0).outputs
        return x

    columns = []
    for place in np.ndindex(3, 4):
        delta = np.zeros((1, 3, 4))
        delta[0][place] = step
        columns.append(((run(inputs + delta) - run(inputs - delta)) / (2 * step)).ravel())
    expected = np.log(np.linalg.norm(np.stack(columns), 2))
    assert float(jacobian(network, depth=5).log_jacobian[0, -1]) == pytest.approx(expected, abs=1e-6)


def test_identity_growth_is_bounded_by_the_least_rows():
    """log |dX_L/dX_0| <= -1/2 sum_l log min_j q_j for rows of norm 1, inputs of trace d."""
    network, seeds = Network(6, 6, rows="norm"), range(5)
    inputs = starts(network, "gaussian", seeds)
    inputs = inputs * np.sqrt(6) / np.linalg.norm(inputs, axis=(-2, -1), keepdims=True)
    path = chain(network, depth=40, start=inputs, seeds=seeds, gradients=False)
    bound = -0.5 * path.log_least_row.values[:, 1:].cumsum(axis=1)
    grown = jacobian(network, depth=40, start=inputs, seeds=seeds).log_jacobian.values[:, 1:]
    assert (grown <= bound + 1e-10).all()
    assert grown.max() > 0.1


def test_wide_chains_are_refused():
    with pytest.raises(ValueError, match=r"width times samples must be at most 1024.*given 4096: use"):
        jacobian(Network(64, 64), depth=2)
