"""Lyapunov exponents: zero or positive where theory says so, the same forwards and backwards."""

import numpy as np
import pytest

from scalewright.sim.isometry import Network, chain, exponents

SIGMAS = 4


def test_identity_at_least_the_neutral_directions_do_not_grow():
    """n > d: rows become orthonormal, rotations of the samples are neutral, and nothing grows."""
    found = exponents(Network(6, 9), depth=2000, seeds=range(3), count=3)
    assert abs(found.lyapunov.values).max() < 1e-3
    assert found.attrs["status"] == "complete"


def test_oracle_gradients_grow_backwards_as_changes_do_forwards():
    """Independent: the slope of the log gradient over the inner layers of another function."""
    network, seeds = Network(12, 4), range(8)
    found = exponents(network, depth=1000, seeds=seeds).lyapunov.values[:, 0]
    grown = chain(network, depth=1000, seeds=seeds, observe_at=[]).log_input_gradient.values
    slopes = (grown[:, 100] - grown[:, 900]) / 800
    error = np.hypot(found.std(ddof=1), slopes.std(ddof=1)) / np.sqrt(len(seeds))
    assert abs(found.mean() - slopes.mean()) <= SIGMAS * error
    assert found.mean() > 20 * error


def test_control_standard_normalization_with_as_many_samples_as_features_explodes():
    square = exponents(Network(8, 8, centred=True), depth=4000, seeds=range(6)).lyapunov.values[:, 0]
    one_more = exponents(Network(8, 9, centred=True), depth=4000, seeds=range(6)).lyapunov.values[:, 0]
    assert square.mean() > SIGMAS * square.std(ddof=1) / np.sqrt(6)
    assert abs(one_more).max() < 1e-4


def test_exponents_come_in_order_with_errors():
    found = exponents(Network(8, 4), depth=1500, count=4)
    values, errors = found.lyapunov.values[0], found.lyapunov_error.values[0]
    assert (np.diff(values) <= SIGMAS * errors.max()).all()
    assert (errors > 0).all()


def test_short_blocks_are_said():
    status = exponents(Network(16, 4), depth=200).attrs["status"]
    assert "blocks of 7 layers are shorter than twice the width" in status


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"depth": 10},
            "depth must leave at least 20 layers after the transient; given depth 10 and transient 2",
        ),
        ({"depth": 100, "count": 0}, "count must be between 1 and width times samples = 12; given 0"),
        ({"depth": 100, "count": 13}, "given 13"),
    ],
)
def test_bad_input_gets_one_sentence(arguments, said):
    with pytest.raises(ValueError, match=said):
        exponents(Network(4, 3), **arguments)
