"""Judge the trajectories of each experiment: the rows of the report, controls included."""

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from scalewright.papers.super_consistency import settings
from scalewright.papers.super_consistency.settings import ASYMPTOTIC
from scalewright.sim import fit
from scalewright.sim.linear import exponents
from scalewright.sim.verdict import Verdict, judge

ROUNDING = 1e-8
COMPARED = ("loss", "sharpness", "gauss_newton", "residual", "ntk")
LABEL = {"mup": "muP", "ntp": "NTP", "sp": "SP"}


def agreement(data: xr.Dataset) -> list[Verdict]:
    """Predicted against measured from the same initial weights: only rounding remains."""
    name = data.attrs["parametrization"]
    error = float(largest_error(data, "predicted").max())
    control = float(largest_error(data, "control").min())
    return [
        judge(
            f"agreement-{name}",
            f"{LABEL[name]}: trained networks follow the prediction from their own initial Gram matrix "
            "(largest relative error of loss, S, G, R and NTK over widths, seeds and steps)",
            error,
            predicted=0.0,
            tolerance=ROUNDING,
            basis="the closure is exact: rounding of 64-bit numbers remains",
        ),
        judge(
            f"agreement-{name}-control",
            f"{LABEL[name]}: the prediction from another network's Gram matrix agrees as well (least "
            f"error over networks)",
            control,
            predicted=0.0,
            tolerance=ROUNDING,
            expected="break",
            basis="another initial state",
        ),
    ]


def largest_error(data: xr.Dataset, origin: str) -> np.ndarray:
    """Largest relative error over the quantities and steps that were measured, (width, seed).

    A prediction that is no number where a network was measured has an infinite error.
    """
    measured, other = data.sel(origin="measured"), data.sel(origin=origin)
    errors = []
    for name in (quantity for quantity in COMPARED if quantity in data):
        error = abs(other[name] / measured[name] - 1).fillna(np.inf).where(np.isfinite(measured[name]), 0.0)
        errors.append(error.transpose("width", "seed", "step").values)
    return np.concatenate(errors, axis=-1).max(axis=-1)


def sharpening(data: xr.Dataset) -> xr.DataArray:
    """Return |S(T) - S(0)|."""
    return np.abs(data.sharpness.isel(step=-1) - data.sharpness.isel(step=0))


def last_residual(data: xr.Dataset) -> xr.DataArray:
    """Return lambda_max(R) at the last step."""
    return data.residual.isel(step=-1)


#: name of a slope -> what is fitted, the derived exponent's key, half width of the band by parametrization.
SLOPES = {
    "sharpness": (
        lambda d: d.sharpness.isel(step=-1),
        "sharpness",
        {"mup": 0.05, "ntp": 0.05, "sp": 0.1},
        "S(T)",
    ),
    "sharpening": (sharpening, "sharpening", {"mup": 0.1, "ntp": 0.05, "sp": 0.1}, "|S(T) - S(0)|"),
    "residual": (last_residual, "residual", {"mup": 0.05, "ntp": 0.05, "sp": 0.05}, "lambda_max(R(T))"),
}


def slope_of(data: xr.Dataset, what: str, widths: Sequence[float] | None = None) -> fit.Slope:
    """Fit the width exponent of a quantity over finite widths of at least 256."""
    quantity = SLOPES[what][0](data).transpose("width", "seed")
    chosen = (
        [w for w in quantity.width.values if math.isfinite(w) and w >= ASYMPTOTIC]
        if widths is None
        else list(widths)
    )
    return fit.slope(chosen, quantity.sel(width=chosen).values, average="mean")


def draws(data: xr.Dataset) -> list[Verdict]:
    """Slopes in width over the exact dynamics of many initial draws, against the derived exponents."""
    name = data.attrs["parametrization"]
    derived = exponents(settings.linear_network(name))
    rows = []
    for what, (_, key, bands, symbol) in SLOPES.items():
        law = f"N^{derived[key]} from width {ASYMPTOTIC} on"
        statement = f"{LABEL[name]}: {symbol} of linear networks scales as {law}"
        basis = "exponent derived from the parametrization; band: finite-width corrections"
        rows.append(
            judge(
                f"slope-{what}-{name}",
                statement,
                slope_of(data, what),
                predicted=float(derived[key]),
                tolerance=bands[name],
                basis=basis,
            )
        )
    if name == "ntp":
        rows.append(
            judge(
                "super-consistency-ntp-control",
                "NTP: the sharpening is the same at every width, as under muP",
                slope_of(data, "sharpening"),
                predicted=0.0,
                tolerance=0.1,
                expected="break",
                basis="the band of muP",
            )
        )
    return rows


def networks_and_draws(trained: xr.Dataset, drawn: xr.Dataset) -> list[Verdict]:
    """The trained networks' slopes lie within three standard errors of those of the draws."""
    name = trained.attrs["parametrization"]
    measured = trained.sel(origin="measured")
    widths = [float(w) for w in measured.width.values if w in drawn.width.values]
    rows = []
    for what in ("sharpening", "residual"):
        ours, theirs = slope_of(measured, what, widths), slope_of(drawn, what, widths)
        error = _slope_error(drawn, what, widths, seeds=measured.sizes["seed"])
        distance = (ours.value - theirs.value) / math.hypot(error, theirs.standard_error)
        rows.append(
            judge(
                f"networks-{what}-{name}",
                f"{LABEL[name]}: the trained networks' slope of "
                f"{SLOPES[what][3]} "
                f"({ours.value:.3f}) is that of the draws ({theirs.value:.3f}), in standard errors",
                distance,
                predicted=0.0,
                tolerance=3.0,
                basis="standard error from the spread of the draws",
            )
        )
    return rows


def _slope_error(drawn: xr.Dataset, what: str, widths: Sequence[float], *, seeds: int) -> float:
    """Standard error of a slope fitted to `seeds` networks a width, from the spread over many draws."""
    fitted = slope_of(drawn, what, widths)
    draws = drawn.sizes["seed"]
    return fitted.standard_error * math.sqrt(draws / seeds)


def fixed_rate(data: xr.Dataset) -> list[Verdict]:
    """SP at one rate for every width diverges from some width on, at the predicted step."""
    measured, predicted = data.sel(origin="measured").diverged_at, data.sel(origin="predicted").diverged_at
    same = float(np.abs(measured - predicted).max())
    widest = float((measured.isel(width=-1) >= 0).mean())
    return [
        judge(
            "fixed-rate-sp",
            "SP at a rate that does not shrink: the step of divergence of every "
            "network is the predicted one "
            "(largest difference in steps)",
            same,
            predicted=0.0,
            tolerance=0.0,
            basis="exact dynamics",
        ),
        judge(
            "fixed-rate-sp-control",
            "SP at a rate that does not shrink: the widest networks stay stable (share that diverged)",
            widest,
            predicted=0.0,
            tolerance=0.5,
            expected="break",
            basis="S grows as N, the edge 2/eta does not",
        ),
    ]


#: The loss that a rate is judged by is averaged, in log, over this many last steps.
AVERAGED = 10
#: Neighbours on each side, in steps of sqrt(2), through which the parabola around an optimum is fitted.
REACH = 2


def optima(data: xr.Dataset, *, averaged: int = AVERAGED, reach: int = REACH) -> list[fit.Optimum]:
    """Optimal learning rate of each width, with interval; seeds that a width did not train are left out."""
    loss = data.loss.transpose("width", "seed", "lr", "step").values
    found = []
    for grid, runs in zip(rates_of(data), loss, strict=True):
        runs = runs[np.isfinite(runs[:, 0, 0])]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            final = np.exp(np.log(runs[..., -averaged:]).mean(axis=-1))
        found.append(fit.optimum(grid, np.where(runs[..., -1] < runs[..., 0], final, np.inf), reach=reach))
    return found


def rates_of(data: xr.Dataset) -> np.ndarray:
    """Return the learning rates tried at each width, (width, lr)."""
    return data["rate"].values if "rate" in data.coords else np.tile(data.lr.values, (data.sizes["width"], 1))


def transfer_slope(data: xr.Dataset) -> fit.Slope:
    """Slope of log optimal rate against log width."""
    return fit.slope(data.width.values, [np.array(found.replicate_values) for found in optima(data)])


def transfer(data: xr.Dataset) -> list[Verdict]:
    """The optimum does not move under muP, and falls as 1/N under SP."""
    name = data.attrs["parametrization"]
    found = transfer_slope(data)
    censored = [
        int(w) for w, o in zip(data.width.values, optima(data), strict=True) if o.status != "interior"
    ]
    note = f"; censored at widths {censored}" if censored else ""
    if name == "mup":
        return [
            judge(
                "transfer-mup",
                "muP: the optimal learning rate of the ReLU network does not move with width" + note,
                found,
                predicted=0.0,
                tolerance=0.1,
                basis="derived: the rate's power carries all of the width",
            )
        ]
    return [
        judge(
            "transfer-sp",
            "SP: the optimal learning rate of the ReLU network falls as 1/N" + note,
            found,
            predicted=-1.0,
            tolerance=0.15,
            basis="derived: largest rate with bounded logits",
        ),
        judge(
            "transfer-sp-control",
            "SP: one learning rate serves all widths (slope 0)",
            found,
            predicted=0.0,
            tolerance=0.1,
            expected="break",
            basis="the band of muP",
        ),
    ]


def consistency(mup: xr.Dataset, ntp: xr.Dataset) -> list[Verdict]:
    """C1 on the ReLU network: S(t) is the same function of t at every width under muP; under NTP it fades."""
    later = np.log(mup.sharpness.isel(step=slice(1, None))).mean("step", skipna=True)
    mean = fit.slope(
        mup.width.values, [row[np.isfinite(row)] for row in np.exp(later).transpose("width", "seed").values]
    )
    ours, theirs = relative_sharpening(mup), relative_sharpening(ntp)
    return [
        judge(
            "consistency-mup",
            "muP: the sharpness of the ReLU network, averaged in log over training, does not depend on width",
            mean,
            predicted=0.0,
            tolerance=0.05,
            basis="band: finite-width corrections from width 64 on",
        ),
        judge(
            "consistency-ntp-control",
            "NTP: the widest ReLU networks sharpen as much as under muP, (S(T) - S(0)) / S(0)",
            theirs,
            predicted=ours.value,
            tolerance=ours.value / 2,
            expected="break",
            basis="muP measured; half of it",
        ),
    ]


def relative_sharpening(data: xr.Dataset) -> fit.Estimate:
    """Mean of (S(T) - S(0)) / S(0) over the widest networks."""
    widest = data.sharpness.isel(width=-1)
    change = (widest.isel(step=-1) / widest.isel(step=0) - 1).values
    return fit.interval(change[np.isfinite(change)])
