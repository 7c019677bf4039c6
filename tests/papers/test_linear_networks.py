"""Linear networks: trained ones follow the exact dynamics from their own initial Gram matrix."""

import math
from dataclasses import replace

import numpy as np
import pytest

from scalewright.papers.super_consistency import linear_networks, settings
from scalewright.papers.super_consistency.verdicts import COMPARED, ROUNDING, agreement, largest_error

NAMES = settings.PARAMETRIZATIONS


@pytest.mark.parametrize("name", NAMES)
def test_identity_networks_follow_the_closure(agreements, name):
    held, control = agreement(agreements[name])
    assert held.measured <= ROUNDING
    assert (held.verdict, control.verdict) == ("pass", "pass")


@pytest.mark.parametrize("name", NAMES)
def test_control_another_network_does_not(agreements, name):
    """Every network, at every width, is missed by the prediction that starts from another's weights."""
    assert largest_error(agreements[name], "control").min() > 1e6 * ROUNDING


@pytest.mark.parametrize("name", NAMES)
def test_trajectory_has_every_quantity_on_every_axis(micro, agreements, name):
    data = agreements[name]
    assert data.sizes == {"origin": 3, "width": 2, "seed": 2, "step": micro.linear_steps + 1}
    assert list(data.origin.values) == ["measured", "predicted", "control"]
    assert data.attrs["parametrization"] == name
    assert data.attrs["lr"] > 0
    at = settings.observed_steps(micro.linear_steps)
    stable = (data.diverged_at.sel(origin="measured") < 0).values
    assert stable.any()
    for quantity in COMPARED:
        found = data[quantity].sel(origin="measured", step=at).transpose("width", "seed", "step").values
        assert np.isfinite(found[stable]).all(), quantity


@pytest.mark.parametrize("name", NAMES)
def test_identity_over_a_hundred_steps(micro, name):
    """Relative error of loss, S, G, R and NTK; rounding grows where S passes 2/eta, and stays below 1e-8."""
    long = replace(micro, samples=256, linear_widths=(64,), linear_steps=100)
    data = linear_networks.agreement(long, name, device="cpu")
    assert set(COMPARED) <= set(data.data_vars)
    assert largest_error(data, "predicted").max() <= ROUNDING
    assert largest_error(data, "control").min() > ROUNDING


def test_fixed_rate_diverges_at_the_predicted_step(micro):
    scale = replace(micro, linear_widths=(64, 256, 1024), linear_steps=20)
    data = linear_networks.fixed_rate(scale, device="cpu")
    measured, predicted = (data.diverged_at.sel(origin=origin).values for origin in ("measured", "predicted"))
    np.testing.assert_array_equal(measured, predicted)
    assert (measured[-1] > 0).all()
    assert (measured[0] == -1).all()
    after = data.loss.sel(origin="measured", width=1024).isel(step=-1)
    assert np.isnan(after).all()


def test_draws_and_limit_have_their_axes(micro, drawn):
    for name, data in drawn.items():
        assert data.sizes == {"width": 4, "seed": 3, "step": micro.linear_steps + 1}
        assert np.isfinite(data.sharpness.sel(width=[256, 1024]).isel(step=[0, -1])).all()
        assert data.attrs["parametrization"] == name
    limit = linear_networks.limit(micro, "mup")
    assert limit.attrs["width"] == math.inf
    assert np.isfinite(limit.sharpness).all()


def test_base_rate_is_the_same_share_of_the_edge_under_every_parametrization(micro):
    """eta_0 S_inf(0) is one number below the edge of stability, 2, so that the parametrizations compare."""
    limits = [linear_networks.limit(micro, name) for name in NAMES]
    shares = [limit.attrs["lr"] * float(limit.sharpness[0, 0]) for limit in limits]
    assert all(limit.attrs["width"] == math.inf for limit in limits)
    np.testing.assert_allclose(shares, shares[0], rtol=1e-6)
    assert 0 < shares[0] < 2


def test_progress_counts_the_widths(micro):
    seen = []
    linear_networks.draws(
        replace(micro, draws=2), "mup", progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("samples", [256, 32])
def test_identity_rotated_samples_train_the_same_networks(micro, samples):
    """D + K rotated samples carry all of a linear network's loss: every quantity is that of all samples."""
    scale = replace(micro, samples=samples, linear_widths=(64,), linear_steps=3)
    plain, turned = (
        linear_networks.agreement(replace(scale, rotated=rotated), "mup", device="cpu")
        for rotated in (False, True)
    )
    for quantity in COMPARED:
        first, second = (data[quantity].sel(origin="measured").values for data in (plain, turned))
        seen = np.isfinite(first)
        np.testing.assert_array_equal(seen, np.isfinite(second))
        np.testing.assert_allclose(second[seen], first[seen], rtol=ROUNDING, err_msg=quantity)


def test_run_that_diverges_is_refused_with_width_and_step(micro):
    scale = replace(micro, linear_widths=(32,), rate=6.0)
    with pytest.raises(ValueError, match=r"width 32 under sp diverged at step \d+; give a smaller rate$"):
        linear_networks.agreement(scale, "sp", device="cpu")
