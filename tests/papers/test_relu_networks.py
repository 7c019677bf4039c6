"""ReLU networks at micro scale: ragged seeds, rates a width, random features, and the rule of SP."""

from dataclasses import replace

import numpy as np
import pytest

from scalewright.papers.super_consistency import relu_networks, settings
from scalewright.papers.super_consistency.relu_networks import (
    FOLLOWED_TOLERANCE,
    grid,
    proportional,
    rule_of,
    seed_blocks,
)


@pytest.mark.parametrize("name", ["mup", "sp"])
def test_sweep_is_ragged_in_the_seeds(micro, swept, name):
    data = swept[name]
    assert data.loss.transpose("width", "seed", "lr", "step").shape == (2, 4, 5, micro.mlp_steps + 1)
    trained = np.isfinite(data.loss.isel(step=0, lr=0)).transpose("width", "seed").values
    assert trained.sum(axis=1).tolist() == [4, 2]
    np.testing.assert_array_equal(data["rate"].values, [grid(micro, name, w) for w in micro.mlp_widths])


@pytest.mark.parametrize("name", ["mup", "sp"])
def test_training_lowers_the_loss(swept, name):
    lowest = swept[name].loss.isel(step=-1).min("lr")
    ratio = (lowest / swept[name].loss.isel(step=0, lr=0)).values
    assert (ratio[np.isfinite(ratio)] < 1).all()


def test_outputs_start_at_zero(swept):
    """Centred outputs: the initial loss is that of f = 0, sum (y^2) / 2P, the same for every network."""
    targets = settings.digits(replace(settings.SCALES["smoke"], samples=64)).targets
    start = swept["sp"].loss.isel(step=0).values
    expected = (targets**2).sum() / (2 * len(targets))
    np.testing.assert_allclose(start[np.isfinite(start)], expected, rtol=64 * np.finfo(np.float32).eps)


def test_rates_stay_under_mup_and_follow_the_width_under_sp(micro):
    assert np.array_equal(grid(micro, "mup", 16), grid(micro, "mup", 32))
    np.testing.assert_allclose(grid(micro, "sp", 16), 2 * grid(micro, "sp", 32), rtol=1e-12)
    np.testing.assert_allclose(np.diff(np.log2(grid(micro, "mup", 16))), 0.5, rtol=1e-12)


@pytest.mark.parametrize("scale", settings.SCALES.values(), ids=lambda scale: scale.name)
def test_blocks_cover_every_seed_once(scale):
    for width in scale.mlp_widths:
        blocks = seed_blocks(scale, width)
        seeds = [seed for block in blocks for seed in block]
        assert seeds == list(range(scale.transfer_seeds * scale.mlp_widths[-1] // width))
    assert proportional(3, scale, scale.mlp_widths[-1]) == 3


def test_spectra_have_every_quantity(micro, followed):
    at = settings.observed_steps(micro.mlp_steps)
    for quantity in ("sharpness", "gauss_newton", "residual", "ntk"):
        found = followed["spectra"][quantity].sel(step=at)
        assert found.sizes == {"width": 2, "seed": micro.spectra_seeds, "step": len(at)}
        assert np.isfinite(found).all(), quantity


def test_identity_ntk_is_the_gauss_newton_part_times_the_samples(micro, followed):
    """Squared loss: G = J^T J / P and NTK = J J^T share their spectrum up to P; each to its residual."""
    data = followed["spectra"].sel(step=settings.observed_steps(micro.mlp_steps))
    ratio = data.ntk / (micro.samples * data.gauss_newton)
    assert np.abs(ratio - 1).max() <= 2 * FOLLOWED_TOLERANCE


def test_narrow_widths_have_more_seeds(micro, followed):
    counts = {n: np.isfinite(d.sharpness.isel(step=0)).sum("seed").values for n, d in followed.items()}
    assert counts["mup"].tolist() == [proportional(micro.followed_seeds, micro, w) for w in micro.mlp_widths]
    assert counts["ntp"].tolist() == counts["frozen"].tolist() == [micro.spectra_seeds] * 2


def test_identity_random_features_keep_their_sharpness(followed):
    """Only the readout moves, so H is constant: S changes by no more than the error of the eigenvalues."""
    path = followed["frozen"].sharpness
    change = np.abs(path.isel(step=-1) / path.isel(step=0) - 1).values
    assert np.nanmax(change) <= 2 * FOLLOWED_TOLERANCE


def test_control_trained_features_change_theirs(followed):
    path = followed["mup"].sharpness
    change = np.abs(path.isel(step=-1) / path.isel(step=0) - 1).values
    assert np.nanmean(change) > 2 * FOLLOWED_TOLERANCE


def test_identity_inputs_of_unit_variance_leave_the_initial_function_as_it_is(micro):
    """multiplier * init_std of every layer, the size of what it computes, is that of named SP."""
    rule, plain = rule_of(micro, "sp"), relu_networks.named(
        relu_networks.mlp(layers=micro.mlp_layers, activation="relu", loss="squared"), "sp", "sgd"
    )  # fmt: skip
    for name, entry in rule.entries.items():
        other = plain.entries[name]
        assert entry.multiplier * entry.init_std == other.multiplier * other.init_std
        assert entry.lr == relu_networks.Power.one()
    assert rule.entries["input.weight"].init_std == relu_networks.Power.one()
    assert plain.entries["input.weight"].init_std != relu_networks.Power.one()
