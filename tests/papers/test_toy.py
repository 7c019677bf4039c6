"""Literature: the toys against the table of finite-width statistics of the whitened two-layer network.

The table: D = 4, gamma_0 = 1, |w*| = 1, eta_0 = 0.2, 80 steps, 60 draws, N = 2^6 ... 2^18; its slopes are
printed to two digits, its values to three. Bands: three standard errors of our fits and the table's range.
"""

import math
from functools import cache

import numpy as np
import pytest

from scalewright.papers.super_consistency import toy
from scalewright.papers.super_consistency.settings import linear_network
from scalewright.papers.super_consistency.toy_verdicts import spread_slope
from scalewright.sim import fit, linear

WIDTHS = tuple(2**k for k in range(6, 19, 2))
SIGMAS = 3
PRINTED = 0.005
#: The band of the suggested checks on raw sharpness, and on the sharpening under muP and NTP.
RAW, SHARPENING = 0.03, 0.1


@cache
def whitened(name):
    return toy.whitened(name, widths=WIDTHS, draws=60)


def slope_of(name, quantity, step=None):
    """Slope in width of the mean of a quantity at a step, or of its change over the run."""
    values = whitened(name)[quantity].transpose("width", "seed", "step")
    if step is None:
        values = np.abs(values.sel(step=80) - values.sel(step=0))
    else:
        values = values.sel(step=step)
    return fit.slope(WIDTHS, values.values, average="mean")


def inside(found, low, high):
    reach = SIGMAS * found.standard_error + PRINTED
    return low - reach <= found.value <= high + reach


@pytest.mark.parametrize("step", [0, 5, 20, 80])
def test_literature_the_size_of_the_sharpness_does_not_depend_on_the_width(step):
    found = slope_of("mup", "sharpness", step)
    assert abs(found.value) <= RAW
    assert abs(slope_of("ntp", "sharpness", step).value) <= RAW, "nor under NTP: raw S tells them not apart"


@pytest.mark.parametrize(
    ("name", "quantity", "low", "high"),
    [
        ("mup", "sharpness", 0.01, 0.01),
        ("mup", "ntk", 0.01, 0.01),
        ("ntp", "sharpness", -1.0, -1.0),
        ("ntp", "ntk", -1.0, -1.0),
        ("mup", "residual", 0.0, 0.0),
        ("ntp", "residual", -0.5, -0.5),
    ],
)
def test_literature_slopes_of_what_changes(name, quantity, low, high):
    assert inside(slope_of(name, quantity), low, high)


def test_control_the_other_parametrization_misses_the_table():
    assert not inside(slope_of("ntp", "sharpness"), 0.01, 0.01)
    assert not inside(slope_of("mup", "sharpness"), -1.0, -1.0)
    assert not inside(slope_of("mup", "residual"), -0.5, -0.5)
    assert abs(slope_of("ntp", "sharpness").value) > SHARPENING


@pytest.mark.parametrize(
    ("name", "step", "low", "high"),
    [("mup", 0, -0.02, 0.0), ("mup", 5, -0.02, -0.001), ("ntp", 0, -0.5, -0.5), ("ntp", 5, -0.5, -0.5)],
)
def test_literature_slopes_of_the_residual_part(name, step, low, high):
    assert inside(slope_of(name, "residual", step), low, high)


@pytest.mark.parametrize("name", ["mup", "ntp"])
def test_literature_draws_differ_by_the_root_of_the_width(name):
    found = spread_slope(whitened(name))
    assert abs(found.value + 0.5) <= SIGMAS * found.standard_error


def test_literature_infinite_width_under_mup():
    """S(t) at t = 0, 5, 20, 80, printed to three digits."""
    path = linear.trajectory(
        toy.WHITENED, linear_network("mup"), width=math.inf, lr=0.2, steps=80, spectra_at=[0, 5, 20, 80],
        quantities=("sharpness",),
    )  # fmt: skip
    found = path.sharpness.isel(seed=0).sel(step=[0, 5, 20, 80]).values
    np.testing.assert_allclose(found, [0.809, 0.637, 1.074, 1.108], rtol=0, atol=0.0005)
    assert found[0] == pytest.approx((1 + math.sqrt(5)) / 4, rel=1e-9), "1/D + sqrt(1/D^2 + k^2 b^2)"


@pytest.mark.parametrize(("step", "mean"), [(0, 0.847), (5, 0.704), (20, 1.076), (80, 1.113)])
def test_literature_means_at_width_64(step, mean):
    """Both means carry the error of 60 draws."""
    ours = whitened("mup").sharpness.sel(width=64, step=step).values
    error = ours.std(ddof=1) * math.sqrt(1 / len(ours) + 1 / 60)
    assert abs(ours.mean() - mean) <= SIGMAS * error


@pytest.mark.parametrize(("width", "change"), [(64, 1.1e-2), (2**18, 3e-6)])
def test_literature_size_of_the_change_under_ntp(width, change):
    path = whitened("ntp").sharpness.sel(width=width)
    ours = np.abs(path.sel(step=80) - path.sel(step=0)).values
    error = ours.std(ddof=1) * math.sqrt(1 / len(ours) + 1 / 60)
    assert abs(ours.mean() - change) <= SIGMAS * error


def test_shapes_and_progress():
    seen = []
    data = toy.transfer("mup", widths=(64, 256), draws=2, progress=lambda *at: seen.append(at))
    assert seen == [(1, 2), (2, 2)]
    assert data.loss.sizes == {"width": 2, "seed": 2, "lr": 26, "step": toy.TRANSFER_STEPS + 1}
    assert data.attrs["parametrization"] == "mup"
    assert whitened("mup").sharpness.sizes == {"width": len(WIDTHS), "seed": 60, "step": 81}
