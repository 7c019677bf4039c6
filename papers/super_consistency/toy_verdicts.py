"""Judge the toys, random features, and which part of the Hessian carries the sharpness."""

import numpy as np
import xarray as xr

from scalewright.papers.super_consistency.settings import linear_network
from scalewright.papers.super_consistency.verdicts import LABEL, optima, rates_of, sharpening
from scalewright.sim import fit
from scalewright.sim.linear import exponents
from scalewright.sim.verdict import Verdict, judge


def whitened(data: xr.Dataset) -> list[Verdict]:
    """Width exponents of the whitened toy: the sharpening, the residual part, and the spread over draws."""
    name = data.attrs["parametrization"]
    derived = exponents(linear_network(name))
    changed = fit.slope(data.width.values, sharpening(data).transpose("width", "seed").values, average="mean")
    residual = data.residual.isel(step=5).transpose("width", "seed").values
    label = LABEL[name]
    return [
        judge(
            f"toy-sharpening-{name}",
            f"{label}, whitened toy: |S(80) - S(0)| scales as N^{derived['sharpening']}",
            changed,
            predicted=float(derived["sharpening"]),
            tolerance=0.1,
            basis="derived; N from 64 to 2^18",
        ),
        judge(
            f"toy-residual-{name}",
            f"{label}, whitened toy: lambda_max(R) at step 5 scales as N^{derived['residual']}",
            fit.slope(data.width.values, residual, average="mean"),
            predicted=float(derived["residual"]),
            tolerance=0.05,
            basis="derived",
        ),
        judge(
            f"toy-spread-{name}",
            f"{label}, whitened toy: the spread of S(80) over draws falls as N^-1/2",
            spread_slope(data),
            predicted=-0.5,
            tolerance=0.1,
            basis="central limit theorem of the Gram matrix",
        ),
    ]


def spread_slope(data: xr.Dataset) -> fit.Slope:
    """Slope of the deviation of S(80) over n draws, whose log has standard error 1/sqrt(2(n-1))."""
    values = data.sharpness.isel(step=-1).transpose("width", "seed").values
    count = values.shape[1]
    errors = np.full(len(values), 1 / np.sqrt(2 * (count - 1)))
    return fit.line(
        data.width.values.astype(float), np.log(values.std(axis=1, ddof=1)), errors, replicates=count
    )


def transfer(data: xr.Dataset) -> list[Verdict]:
    """The toy's best learning rate stays under muP and drifts under NTP, whose catapults weaken as 1/N."""
    name = data.attrs["parametrization"]
    found = fit.slope(
        data.width.values, [np.array(o.replicate_values) for o in optima(data, averaged=1, reach=1)]
    )
    rates, widths = rates_of(data)[0], data.width.values
    one_step = float(np.log(rates[1] / rates[0]) / np.log(widths[-1] / widths[0]))
    holds = name == "mup"
    return [
        judge(
            "toy-transfer-mup" if holds else f"toy-transfer-{name}-control",
            f"{LABEL[name]}, graded toy: the best learning rate after 60 steps is the same at every width",
            found,
            predicted=0.0,
            tolerance=one_step,
            expected="hold" if holds else "break",
            basis="exact dynamics; band: one step of the grid of rates over the range of widths",
        )
    ]


def random_features(frozen: xr.Dataset, trained: xr.Dataset) -> list[Verdict]:
    """C6: with only the readout trained the sharpness stays where it is; trained features sharpen."""
    ratios = [
        (data.sharpness.isel(step=-1) / data.sharpness.isel(step=0)).values.ravel()
        for data in (frozen, trained)
    ]
    relative = [np.abs(ratio[np.isfinite(ratio)] - 1) for ratio in ratios]
    return [
        judge(
            "random-features",
            "Random features: the relative change of S over training (largest over networks)",
            float(relative[0].max()),
            predicted=0.0,
            tolerance=0.05,
            basis="the Hessian in the readout is constant; band: five times the residual of the eigenvalues",
        ),
        judge(
            "random-features-control",
            "Trained features: S does not change over training either (mean relative change)",
            fit.interval(relative[1]),
            predicted=0.0,
            tolerance=0.2,
            expected="break",
            basis="a change below 0.2 would not be called sharpening",
        ),
    ]


def dominance(mup: xr.Dataset, ntp: xr.Dataset) -> list[Verdict]:
    """C8: under muP the Gauss-Newton part carries the sharpness; under NTP the evolution slows."""
    share = (mup.gauss_newton / mup.sharpness).isel(step=-1)
    finite = [w for w in mup.width.values if np.isfinite(w) and w >= 256]
    slowing = fit.slope(
        finite, sharpening(ntp).sel(width=finite).transpose("width", "seed").values, average="mean"
    )
    return [
        judge(
            "dominance-mup",
            "muP, linear network on the digits: G carries the sharpness after "
            "training (least share over widths and draws)",
            float(share.min()),
            predicted=1.0,
            tolerance=0.05,
            basis="R falls with the residual, G grows with the features",
        ),
        judge(
            "slowing-ntp",
            "NTP, linear network on the digits: the evolution of S slows down as 1/N",
            slowing,
            predicted=-1.0,
            tolerance=0.05,
            basis="derived",
        ),
    ]
