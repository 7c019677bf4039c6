"""Judge rates read off grids of networks: the largest stable and the best one, and what moves them."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength.network_verdicts import (
    LAZY,
    OPEN,
    WIDE_LAZY,
    Window,
    above,
    edge_rivals,
    exponent,
    rejected,
    within,
)
from scalewright.sim import fit, paired, rates
from scalewright.sim.fit import Estimate, Slope
from scalewright.sim.rates import Rate
from scalewright.sim.verdict import Verdict, judge

#: Range of gamma in which the powers of rates are fitted in the rich regime, and the band of the edge there.
RICH: Window = (10, 1e3)
EDGE_BAND = 0.1
#: Range in which the best rate over the largest stable one is lazy: the share falls from 1e-2 on.
SHARE_LAZY: Window = (1e-4, 1e-2)


def edges(data: xr.Dataset) -> dict[float, Rate]:
    """Return the largest stable rate at every gamma: the end of the interval of rates that learn."""
    found = {}
    for index, gamma in enumerate(data.gamma.values):
        used = np.flatnonzero(data.reached_at.values[index, :, 0] != -2)
        learnt = data.reached_at.values[index, used].T >= 0
        found[float(gamma)] = rates.largest_stable(
            data.eta.values[used], np.where(learnt, 0.0, np.inf), level=1.0
        )
    return found


def in_window(found: Mapping[float, Rate], window: Window) -> dict[float, Rate]:
    """Return the rates whose gamma lies in a window."""
    return {gamma: rate for gamma, rate in found.items() if within(np.array([gamma]), window)[0]}


def rate_slope(found: Mapping[float, Rate], window: Window) -> Slope:
    """Return the slope of the rates in a window, paired by seeds, which share weights and tasks.

    Where a grid does not hold a rate nothing is fitted: the slope is nan within an interval without end,
    which decides nothing.
    """
    used = in_window(found, window)
    gammas = np.array(list(used))
    if any(rate.status != "interior" or rate.censored for rate in used.values()):
        return OPEN
    values = np.array([rate.seed_values for rate in used.values()])
    return paired.slope(gammas, values, resolutions=[rate.resolution for rate in used.values()])


def unfitted(found: Mapping[float, Rate], window: Window) -> str:
    """Return why the rates in a window were not fitted, "" where they were."""
    for gamma, rate in in_window(found, window).items():
        if rate.status != "interior" or rate.censored:
            return f" (not fitted: at gamma = {gamma:g} {rate.censored} of {rate.replicates} seeds censored)"
    return ""


def edge(data: xr.Dataset) -> list[Verdict]:
    """T9: the powers of the largest stable rate, and the rivals that they reject."""
    layers, kind = int(data.attrs["layers"]), str(data.attrs["kind"])
    name, found = f"edge-{kind}-{layers}", edges(data)
    what = f"{kind}, {layers} layers: largest stable rate as a power of gamma"
    rich = rate_slope(found, RICH)
    rows = [
        judge(
            f"{name}-lazy",
            f"{what} in [1e-3, 1e-2]{unfitted(found, LAZY)}",
            rate_slope(found, LAZY),
            predicted=exponent(layers, "small"),
            tolerance=0.15,
            basis="theory.richness; band: the scatter of single networks at the edge",
        ),
        judge(
            f"{name}-rich",
            f"{what} in [10, 1e3]{unfitted(found, RICH)}",
            rich,
            predicted=exponent(layers, "large"),
            tolerance=EDGE_BAND,
            basis="theory.richness; band: the scatter of single networks at the edge",
        ),
    ]
    return rows + rejected(name, f"{what} in [10, 1e3]", rich, edge_rivals(layers), EDGE_BAND)


def batches(runs: Mapping[int, xr.Dataset]) -> list[Verdict]:
    """Beyond the paper: the powers of the edge do not depend on the batch size, its place does."""
    found = {size: online_edges(data, level=0.1) for size, data in runs.items()}
    layers = int(next(iter(runs.values())).attrs["layers"])
    rows = []
    for size, edge_of in found.items():
        for regime, window, band in (("lazy", LAZY, 0.15), ("rich", RICH, 0.15)):
            rows.append(
                judge(
                    f"batch-{size}-{regime}",
                    f"relu, {layers} layers, online, batches of {size}: largest stable rate as a power of "
                    f"gamma, {regime}{unfitted(edge_of, window)}",
                    rate_slope(edge_of, window),
                    predicted=exponent(layers, "small" if regime == "lazy" else "large"),
                    tolerance=band,
                    basis="noise of a batch is of the size of the gradient at every gamma: ours",
                )
            )
    least, most = min(found), max(found)
    for regime, window in (("lazy", LAZY), ("rich", RICH)):
        shift = judge(
            f"batch-shift-{regime}-control",
            f"relu, {layers} layers: the edge of batches of {most} is that of {least}, {regime} (ratio)",
            _ratio(in_window(found[most], window), in_window(found[least], window)),
            predicted=1.0,
            tolerance=0.25,
            expected="break",
            basis="a batch of fewer samples has a larger curvature of its own: the ratio is above 1",
        )
        rows.append(above(shift))
    return rows


def online_edges(data: xr.Dataset, *, level: float) -> dict[float, Rate]:
    """Return the largest rate at every gamma whose last loss is below a share of the first."""
    found = {}
    for index, gamma in enumerate(data.gamma.values):
        used = np.flatnonzero(data.reached_at.values[index, :, 0] != -2)
        first, last = np.moveaxis(data.loss.values[index, used], -1, 0)
        found[float(gamma)] = rates.largest_stable(
            data.eta.values[used], last.T, level=level * np.nanmean(first, axis=0)
        )
    return found


def best_rates(data: xr.Dataset) -> dict[float, Rate]:
    """Return the rate of lowest last loss at every gamma, among those that have learnt anything."""
    found = {}
    for index, gamma in enumerate(data.gamma.values):
        used = np.flatnonzero(data.reached_at.values[index, :, 0] != -2)
        first, last = np.moveaxis(data.loss.values[index, used], -1, 0)
        found[float(gamma)] = rates.optimum(data.eta.values[used], last.T, level=np.nanmean(first, axis=0))
    return found


#: A run counts as stable online if it has taken a tenth off the initial loss.
STABLE = 0.9


def best(data: xr.Dataset) -> list[Verdict]:
    """The paper's claim: the powers of the best rate after a fixed number of online steps."""
    layers = int(data.attrs["layers"])
    name, found = f"best-rate-{layers}", best_rates(data)
    what = f"relu, {layers} layers, online: best rate as a power of gamma"
    basis = "theory.richness; band: the best rate is only as sharp as the valley of the loss"
    limits = online_edges(data, level=STABLE)
    return [
        judge(
            f"{name}-lazy",
            f"{what} in [1e-3, 1e-1]{unfitted(found, WIDE_LAZY)}",
            rate_slope(found, WIDE_LAZY),
            predicted=exponent(layers, "small"),
            tolerance=0.2,
            basis=basis,
        ),
        judge(
            f"{name}-rich",
            f"{what} in [10, 1e3]{unfitted(found, RICH)}",
            rate_slope(found, RICH),
            predicted=exponent(layers, "large"),
            tolerance=0.15,
            basis=basis,
        ),
        *_shares(layers, found, limits),
    ]


def _shares(layers: int, found: Mapping[float, Rate], limits: Mapping[float, Rate]) -> list[Verdict]:
    """Return whether eta* / eta_max is the same at all gammas of a regime: both have the same power."""
    rows = []
    for regime, window in (("lazy", SHARE_LAZY), ("rich", RICH)):
        best, most = in_window(found, window), in_window(limits, window)
        shares = np.array([best[g].seed_values for g in best]) / np.array([most[g].seed_values for g in best])
        known = bool(np.isfinite(shares).all())
        steps = [float(np.hypot(best[g].resolution, most[g].resolution)) for g in best]
        mean = _ratio(best, most)
        rows.append(
            judge(
                f"best-share-{layers}-{regime}",
                f"relu, {layers} layers, online: best over largest stable rate, {mean.value:.2f} "
                f"[{mean.low:.2f}, {mean.high:.2f}] on average, as a power of gamma "
                f"in [{window[0]:g}, {window[1]:g}]",
                paired.slope(np.array(list(best)), shares, resolutions=steps) if known else OPEN,
                predicted=0.0,
                tolerance=0.2,
                basis="both rates have one power; band: that of the best lazy rate",
            )
        )
    return rows


def _ratio(top: Mapping[float, Rate], bottom: Mapping[float, Rate]) -> Estimate:
    """Return the geometric mean over gammas of the ratio of two rates, one a seed, with its interval."""
    logs = np.log([top[gamma].seed_values for gamma in top])
    logs = logs - np.log([bottom[gamma].seed_values for gamma in top])
    if not np.isfinite(logs).all():
        return OPEN
    middle = fit.interval(logs.mean(axis=0))
    return Estimate(
        float(np.exp(middle.value)),
        middle.standard_error,
        float(np.exp(middle.low)),
        float(np.exp(middle.high)),
        middle.replicates,
    )
