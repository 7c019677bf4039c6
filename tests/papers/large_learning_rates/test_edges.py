"""Grids of rates: where they lie, how many networks they train, and that theory moves them."""

from fractions import Fraction

import numpy as np
import pytest

from scalewright.papers.large_learning_rates import edges, settings
from scalewright.papers.large_learning_rates.edges import Setting

SP = Setting("SP", "sp", "mse", below=1.0, above=0.5, per_octave=4)


def test_a_grid_reaches_as_far_as_it_says():
    assert SP.octaves(settings.STANDARD).tolist() == [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5]
    assert SP.octaves(settings.SMOKE).tolist() == [-1, -0.5, 0, 0.5]


def test_narrow_networks_get_more_seeds():
    """(256 / n)^1/2 times eight, five at least; a setting may ask for a multiple."""
    scale = settings.STANDARD
    assert [scale.seeds_at(n) for n in (64, 256, 1024, 4096)] == [16, 8, 5, 5]
    assert len(Setting("two", "sp", "mse", seeds=2).seeds_at(scale, 1024)) == 10


@pytest.mark.parametrize(
    ("depth", "loss", "power"), [(4, "mse", "-1"), (4, "cross-entropy", "-1/2"), (2, "cross-entropy", "0")]
)
def test_grids_move_with_the_derived_power(depth, loss, power):
    chosen = Setting("x", "sp", loss, depth=depth)
    assert chosen.power(settings.SMOKE) == Fraction(power)
    assert Setting("x", "mup", loss, depth=depth).power(settings.SMOKE) == 0


def test_every_seed_has_its_own_share_of_a_step(results):
    data = results["deep-mse"]
    logs = np.log2(data.rate.transpose("width", "seed", "lr").values)
    steps = np.diff(logs, axis=-1)
    assert np.allclose(steps[np.isfinite(steps)], 1.0)  # micro scale: a rate an octave
    first = logs[:, :2, 0]
    assert np.allclose(first[:, 1] - first[:, 0], edges.shifts(range(2))[1])
    # Twice the width, and the power -1.
    assert np.allclose(first[1] - first[0], -1.0)
