"""Every judge: data made to follow the law pass, data made to break it fail, so no check is empty."""

import numpy as np
import pytest
import xarray as xr

from scalewright.papers.super_consistency import toy_verdicts, verdicts
from scalewright.papers.super_consistency.settings import linear_network
from scalewright.sim.linear import exponents

NAMES = ("mup", "ntp", "sp")
AXES = ("origin", "width", "seed", "step")
ORIGINS = ["measured", "predicted", "control"]


def outcomes(rows):
    return {row.id: row.verdict for row in rows}


# predicted against measured


def compared(error=0.0, control=0.3, name="mup"):
    """Trajectories of which the predicted ones miss the measured ones by a relative error."""
    base = np.random.default_rng(0).uniform(1, 2, (1, 2, 3, 5))
    stacked = np.concatenate([base, base * (1 + error), base * (1 + control)])
    coords = {"origin": ORIGINS, "width": [32, 64], "seed": range(3), "step": range(5)}
    data = xr.Dataset(dict.fromkeys(verdicts.COMPARED, (AXES, stacked)), coords, {"parametrization": name})
    spectra = [key for key in verdicts.COMPARED if key != "loss"]
    seen = data.step.isin([0, 2, 4])
    return data.assign({key: data[key].where(seen) for key in spectra})


@pytest.mark.parametrize(
    ("error", "control", "held", "broken"),
    [
        (1e-10, 0.3, "pass", "pass"),
        (1e-7, 0.3, "fail", "pass"),
        (1e-10, 1e-10, "pass", "fail"),
    ],
)
def test_agreement(error, control, held, broken):
    rows = verdicts.agreement(compared(error, control))
    assert outcomes(rows) == {"agreement-mup": held, "agreement-mup-control": broken}


@pytest.mark.parametrize("quantity", verdicts.COMPARED)
def test_one_quantity_of_one_network_at_one_step_is_enough_to_fail(quantity):
    data = compared(1e-10)
    data[quantity] = data[quantity].copy()
    data[quantity].loc[{"origin": "predicted", "width": 64, "seed": 2, "step": 4}] *= 1 + 1e-6
    assert outcomes(verdicts.agreement(data))["agreement-mup"] == "fail"


@pytest.mark.parametrize("steps", [[0, 1, 2, 3, 4], [3, 4]])
def test_prediction_that_ends_before_the_network_does_is_no_pass(steps):
    """Diverged in the prediction alone: the rest of the measured losses have nothing to agree with."""
    data = compared(1e-10)
    data["loss"] = data["loss"].copy()
    data["loss"].loc[{"origin": "predicted", "width": 64, "seed": 2, "step": steps}] = np.nan
    assert outcomes(verdicts.agreement(data))["agreement-mup"] != "pass"


# powers of the width


def laws(sharpening, residual):
    """S rises from 1 by N^sharpening, lambda_max(R) is N^residual, in units of their values at width 256."""
    rise = np.array([0.0, 0.01, 0.02])
    return {
        "sharpness": lambda n: 1 + rise * (n / 256.0) ** sharpening,
        "residual": lambda n: 0.1 * (n / 256.0) ** residual,
    }


def follows(made, name, sharpening=None, residual=None, **options):
    derived = exponents(linear_network(name))
    sharpening = float(derived["sharpening"]) if sharpening is None else sharpening
    residual = float(derived["residual"]) if residual is None else residual
    return made(name=name, noise=0.002, **laws(sharpening, residual), **options)


@pytest.mark.parametrize("name", NAMES)
def test_draws_that_follow_the_derived_powers_pass(made, name):
    rows = outcomes(verdicts.draws(follows(made, name)))
    assert set(rows.values()) == {"pass"}
    assert {f"slope-{what}-{name}" for what in verdicts.SLOPES} <= set(rows)


@pytest.mark.parametrize("name", NAMES)
def test_control_draws_with_other_powers_fail(made, name):
    derived = exponents(linear_network(name))
    moved = follows(made, name, sharpening=float(derived["sharpening"]) + 0.25)
    assert outcomes(verdicts.draws(moved))[f"slope-sharpening-{name}"] == "fail"
    moved = follows(made, name, residual=float(derived["residual"]) - 0.25)
    assert outcomes(verdicts.draws(moved))[f"slope-residual-{name}"] == "fail"


def test_control_of_ntp_fails_where_ntp_is_super_consistent(made):
    rows = outcomes(verdicts.draws(follows(made, "ntp", sharpening=0.0)))
    assert rows["super-consistency-ntp-control"] == "fail"


def test_widths_below_the_asymptotic_ones_do_not_count(made):
    data = follows(made, "ntp", widths=(64, 256, 1024, 4096))
    spoiled = data.copy(deep=True)
    spoiled["residual"].loc[{"width": 64}] *= 100
    assert verdicts.draws(spoiled)[2] == verdicts.draws(data)[2]


def networks(made, sharpening=None, residual=None):
    one = follows(made, "ntp", sharpening, residual, widths=(256, 1024), seeds=3)
    return one.expand_dims(origin=["measured"])


def test_networks_with_the_slope_of_the_draws_pass(made):
    rows = verdicts.networks_and_draws(networks(made), follows(made, "ntp", seeds=40))
    assert outcomes(rows) == {"networks-sharpening-ntp": "pass", "networks-residual-ntp": "pass"}


def test_control_networks_with_another_slope_fail(made):
    rows = verdicts.networks_and_draws(networks(made, -0.5, 0.0), follows(made, "ntp", seeds=40))
    assert outcomes(rows) == {"networks-sharpening-ntp": "fail", "networks-residual-ntp": "fail"}


# divergence


def diverging(measured, predicted):
    values = np.array([measured, predicted])
    return xr.Dataset(
        {"diverged_at": (("origin", "width", "seed"), values)},
        {"origin": ORIGINS[:2], "width": [64, 256], "seed": [0, 1]},
    )


@pytest.mark.parametrize(
    ("measured", "predicted", "held", "broken"),
    [
        ([[-1, -1], [7, 8]], [[-1, -1], [7, 8]], "pass", "pass"),
        ([[-1, -1], [7, 8]], [[-1, -1], [7, 9]], "fail", "pass"),
        ([[-1, -1], [7, 8]], [[-1, -1], [-1, 8]], "fail", "pass"),
        ([[-1, -1], [-1, -1]], [[-1, -1], [-1, -1]], "pass", "fail"),
    ],
)
def test_fixed_rate(measured, predicted, held, broken):
    rows = verdicts.fixed_rate(diverging(measured, predicted))
    assert outcomes(rows) == {"fixed-rate-sp": held, "fixed-rate-sp-control": broken}


# learning-rate transfer

SWEPT = (64, 128, 256, 512)


def sweep(power, name="mup", follow=0.0, seeds=6):
    """Losses whose minimum lies at N^power, tried on grids that follow N^follow, optima off by 2 % a seed."""
    widths = np.array(SWEPT, dtype=float)
    grid = (widths[:, None] / 64) ** follow * np.sqrt(2.0) ** np.arange(-6, 7)
    off = np.exp(0.02 * np.random.default_rng(1).standard_normal((len(widths), seeds)))
    best = (widths[:, None] / 64) ** power * off
    final = np.exp(0.3 * np.log(grid[:, None, :] / best[:, :, None]) ** 2)
    loss = np.repeat(final[..., None], verdicts.AVERAGED + 1, axis=-1)
    loss[..., 0] = 100.0
    coords = {"width": list(SWEPT), "seed": range(seeds), "lr": range(13), "rate": (("width", "lr"), grid)}
    attrs = {"parametrization": name}
    return xr.Dataset({"loss": (("width", "seed", "lr", "step"), loss)}, coords, attrs)


def test_optimum_that_stays_passes_for_mup():
    assert outcomes(verdicts.transfer(sweep(0.0))) == {"transfer-mup": "pass"}


def test_control_optimum_that_drifts_fails_for_mup():
    assert outcomes(verdicts.transfer(sweep(-0.3))) == {"transfer-mup": "fail"}


def test_optimum_that_falls_passes_for_sp():
    rows = verdicts.transfer(sweep(-1.0, "sp", follow=-1.0))
    assert outcomes(rows) == {"transfer-sp": "pass", "transfer-sp-control": "pass"}


def test_control_optimum_that_stays_fails_for_sp():
    rows = verdicts.transfer(sweep(0.0, "sp"))
    assert outcomes(rows) == {"transfer-sp": "fail", "transfer-sp-control": "fail"}


def test_optimum_at_the_edge_of_the_grid_is_said():
    (row,) = verdicts.transfer(sweep(-2.0))
    assert "censored at widths [256, 512]" in row.statement


def test_diverged_rates_and_absent_seeds_are_left_out():
    data = sweep(0.0)
    spoiled = data.copy(deep=True)
    spoiled["loss"].loc[{"lr": [11, 12], "step": slice(1, None)}] = np.nan
    spoiled["loss"].loc[{"width": 512, "seed": [4, 5]}] = np.nan
    assert outcomes(verdicts.transfer(spoiled)) == {"transfer-mup": "pass"}
    assert [found.replicates for found in verdicts.optima(spoiled)] == [6, 6, 6, 4]


# the sharpness of ReLU networks


def relu(made, power=0.0, rise=0.5, name="mup"):
    time = np.array([0.0, 0.6, 1.0])
    return made(
        widths=SWEPT, name=name, sharpness=lambda n: 4 * (n / 64.0) ** power * (1 + rise * time), noise=0.01
    )


def ntp(made, rise):
    """The widest networks sharpen by `rise`, with a spread over seeds."""
    data = relu(made, rise=rise, name="ntp")
    spread = xr.DataArray(
        1 + 0.02 * np.random.default_rng(2).standard_normal(data.sizes["seed"]), dims="seed"
    )
    return data.assign(sharpness=data.sharpness * xr.where(data.step == 0, 1.0, spread))


def test_consistency_of_what_stays_and_fades(made):
    rows = verdicts.consistency(relu(made), ntp(made, 0.05))
    assert outcomes(rows) == {"consistency-mup": "pass", "consistency-ntp-control": "pass"}


def test_control_consistency_fails_where_the_sharpness_follows_the_width(made):
    assert outcomes(verdicts.consistency(relu(made, 0.2), ntp(made, 0.05)))["consistency-mup"] == "fail"


def test_control_consistency_fails_where_ntp_sharpens_too(made):
    assert outcomes(verdicts.consistency(relu(made), ntp(made, 0.5)))["consistency-ntp-control"] == "fail"


def test_random_features(made):
    frozen, trained = relu(made, rise=0.0), ntp(made, 0.5)
    names = ("random-features", "random-features-control")
    assert outcomes(toy_verdicts.random_features(frozen, trained)) == dict.fromkeys(names, "pass")
    assert outcomes(toy_verdicts.random_features(trained, ntp(made, 0.01))) == dict.fromkeys(names, "fail")


# toys


def whitened(made, name, sharpening=None, residual=None, spread=-0.5):
    derived = exponents(linear_network(name))
    first = float(derived["sharpening"]) if sharpening is None else sharpening
    second = float(derived["residual"]) if residual is None else residual
    widths = tuple(2**k for k in range(6, 19, 2))
    rng = np.random.default_rng(3)
    draws = rng.standard_normal(60)
    scale = 1e-3 * (np.array(widths, dtype=float)[:, None] / 64) ** spread
    data = made(
        widths=widths, seeds=60, steps=9, name=name, noise=0.0,
        sharpness=lambda n: np.where(np.arange(9) == 8, 0.9 + 0.1 * (n / 64.0) ** first, 0.9),
        residual=lambda n: 0.1 * (n / 64.0) ** second,
    )  # fmt: skip
    noise = xr.DataArray(scale * draws, dims=("width", "seed"))
    wobble = xr.DataArray(np.exp(0.01 * rng.standard_normal(60)), dims="seed")
    return data.assign(sharpness=data.sharpness + noise, residual=data.residual * wobble)


def test_toy_that_follows_the_derived_powers_passes(made):
    assert set(outcomes(toy_verdicts.whitened(whitened(made, "mup"))).values()) == {"pass"}


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({"sharpening": -1.0}, "toy-sharpening-mup"),
        ({"residual": -0.5}, "toy-residual-mup"),
        ({"spread": 0.0}, "toy-spread-mup"),
    ],
)
def test_control_toy_with_other_powers_fails(made, change, failed):
    assert outcomes(toy_verdicts.whitened(whitened(made, "mup", **change)))[failed] == "fail"


@pytest.mark.parametrize(("name", "row"), [("mup", "toy-transfer-mup"), ("ntp", "toy-transfer-ntp-control")])
@pytest.mark.parametrize("power", [0.0, -0.2])
def test_toy_transfer(name, row, power):
    """muP must stay; NTP must not."""
    stays = power == 0.0
    expected = "pass" if stays == (name == "mup") else "fail"
    assert outcomes(toy_verdicts.transfer(sweep(power, name)))[row] == expected


def test_dominance(made):
    carried = made(sharpness=lambda n: 0 * n + 1.0, gauss_newton=lambda n: 0 * n + 0.99)
    rows = outcomes(toy_verdicts.dominance(carried, follows(made, "ntp")))
    assert rows == {"dominance-mup": "pass", "slowing-ntp": "pass"}


def test_control_dominance_fails_where_the_residual_part_carries(made):
    shared = made(sharpness=lambda n: 0 * n + 1.0, gauss_newton=lambda n: 0 * n + 0.8)
    rows = outcomes(toy_verdicts.dominance(shared, follows(made, "ntp", sharpening=-0.5)))
    assert rows == {"dominance-mup": "fail", "slowing-ntp": "fail"}
