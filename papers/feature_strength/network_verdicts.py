"""Judge curvature and edges of the networks: slopes in gamma, and the rival exponents that must be missed."""

import math
from collections.abc import Mapping
from functools import cache
from typing import Literal

import numpy as np
import xarray as xr

from scalewright.sim import fit, paired, rates
from scalewright.sim.fit import Estimate, Slope
from scalewright.sim.rates import Rate
from scalewright.sim.verdict import Verdict, judge
from scalewright.theory import richness

Window = tuple[float, float]
Regime = Literal["small", "large"]

#: Ranges of gamma in which powers are fitted: of the sharpness, of edges, and of best rates.
LAZY: Window = (1e-3, 1e-2)
CONVERGED_RICH: Window = (1e2, 1e4)
RICH: Window = (10, 1e3)
BEST_LAZY: Window = (1e-3, 1e-1)
#: Band of the sharpness in the rich regime, by kind of network; a ReLU network's minima differ by its seed.
RICH_BAND = {"linear": 0.02, "relu": 0.05, "residual": 0.05, "convnet": 0.05}
#: Band of the edge in the rich regime.
EDGE_BAND = 0.1
#: How a rival exponent is called in the id of a row.
RIVAL_IDS = {"3/L": "three", "2/(L+1)": "deeper", "1": "one"}


@cache
def exponent(layers: int, regime: Regime, optimizer: str = "sgd") -> float:
    """Return the power of gamma in the rate at one end of the plane, as theory derives it."""
    return float(richness.rate_power(layers, optimizer, regime=regime))


def rivals(layers: int) -> dict[str, float]:
    """Return the other exponents of the rate that have been asked for, by formula."""
    return {"3/L": 3 / layers, "2/(L+1)": 2 / (layers + 1), "1": 1.0}


def other_rivals(layers: int) -> dict[str, float]:
    """Return the rivals that are not 2/L itself, as 1 is with two layers."""
    return {rival: power for rival, power in rivals(layers).items() if power != 2 / layers}


def edge_rivals(layers: int) -> dict[str, float]:
    """Return those that the edge is held against: with four layers 2/5 is left to the sharpness."""
    return {rival: p for rival, p in other_rivals(layers).items() if layers < 4 or rival != "2/(L+1)"}


def within(gammas: np.ndarray, window: Window) -> np.ndarray:
    """Return which gammas lie in a window, its ends included to a rounding error."""
    return (gammas >= 0.999 * window[0]) & (gammas <= 1.001 * window[1])


def on_diagonal(data: xr.Dataset, name: str) -> np.ndarray:
    """Return a variable (gamma, seed) of a plane with one rate at every gamma."""
    places = np.arange(data.sizes["gamma"])
    return data[name].transpose("gamma", "eta", "seed").values[places, places]


def raw_sharpness(data: xr.Dataset) -> np.ndarray:
    """Return the sharpness in the unit of eta (gamma, seed): the edge of stability is 2 / eta."""
    return on_diagonal(data, "sharpness") / data.gamma.values[:, None] ** 2


def sharpness(data: xr.Dataset) -> list[Verdict]:
    """T8: the slope of the sharpness at convergence, and the rivals that it rejects."""
    layers, kind = int(data.attrs["layers"]), str(data.attrs["kind"])
    name, band = f"sharpness-{kind}-{layers}", RICH_BAND[kind]
    what = f"{kind}, {layers} layers: sharpness at convergence as a power of gamma"
    lazy, rich = (_sharpness_slope(data, window) for window in (LAZY, CONVERGED_RICH))
    theory = "the rate times the sharpness is free of gamma at both ends of the plane (theory.richness)"
    return [
        judge(
            f"{name}-lazy",
            f"{what} in [1e-3, 1e-2]",
            lazy,
            predicted=-exponent(layers, "small"),
            tolerance=0.01,
            basis=theory,
        ),
        judge(
            f"{name}-rich",
            f"{what} from 1e2 on",
            rich,
            predicted=-exponent(layers, "large"),
            tolerance=band,
            basis=theory,
        ),
        *rejected(name, f"{what} from 1e2 on", rich, other_rivals(layers), band, sign=-1),
    ]


def rejected(
    name: str, what: str, found: Estimate, against: Mapping[str, float], band: float, *, sign: int = 1
) -> list[Verdict]:
    """Return the rows that hold a slope against the rivals of 2/L."""
    return [
        judge(
            f"{name}-{RIVAL_IDS[rival]}-control",
            f"{what} is the rival {'-' if sign < 0 else ''}{rival}",
            found,
            predicted=sign * power,
            tolerance=band,
            expected="break",
            basis="an exponent that was asked for beside 2/L",
        )
        for rival, power in against.items()
    ]


def _sharpness_slope(data: xr.Dataset, window: Window) -> Estimate:
    inside = within(data.gamma.values, window)
    complete = (on_diagonal(data, "reached_at")[inside] >= 0).all(axis=0)
    if complete.sum() < 2:
        raise ValueError(
            f"sharpness of {data.attrs['kind']}, {data.attrs['layers']} layers: at least 2 seeds must "
            f"converge at every gamma of {window}; given {int(complete.sum())}"
        )
    return paired.slope(data.gamma.values[inside], raw_sharpness(data)[inside][:, complete])


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


#: What is known where nothing could be fitted: an interval without end decides nothing.
OPEN = Slope(math.nan, math.inf, -math.inf, math.inf)


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
        rows.append(
            judge(
                f"batch-shift-{regime}-control",
                f"relu, {layers} layers: the edge of batches of {most} is that of {least}, {regime} (ratio)",
                _ratio(in_window(found[most], window), in_window(found[least], window)),
                predicted=1.0,
                tolerance=0.25,
                expected="break",
                basis="a batch of fewer samples has a larger curvature of its own",
            )
        )
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
            f"{what} in [1e-3, 1e-1]{unfitted(found, BEST_LAZY)}",
            rate_slope(found, BEST_LAZY),
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
    for regime, window in (("lazy", LAZY), ("rich", RICH)):
        best, most = in_window(found, window), in_window(limits, window)
        shares = np.array([best[g].seed_values for g in best]) / np.array([most[g].seed_values for g in best])
        known = bool(np.isfinite(shares).all())
        steps = [float(np.hypot(best[g].resolution, most[g].resolution)) for g in best]
        mean = _ratio(best, most)
        rows.append(
            judge(
                f"best-share-{layers}-{regime}",
                f"relu, {layers} layers, online: best over largest stable rate, {mean.value:.2f} "
                f"[{mean.low:.2f}, {mean.high:.2f}] on average, as a power of gamma, {regime}",
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


def adam(data: xr.Dataset) -> list[Verdict]:
    """T14 on networks: the distance that Adam must move, so the least rate, as a power of gamma."""
    layers = int(data.attrs["layers"])
    distance = on_diagonal(data, "reached_at") * data.eta.values[:, None]
    rows = []
    for regime, window in (("lazy", LAZY), ("rich", CONVERGED_RICH)):
        inside = within(data.gamma.values, window)
        slope = paired.slope(data.gamma.values[inside], distance[inside])
        end: Regime = "small" if regime == "lazy" else "large"
        rows.append(
            judge(
                f"adam-{layers}-{regime}",
                f"linear, {layers} layers, Adam: rate times steps to half the loss as a power of gamma, "
                f"{regime}",
                slope,
                predicted=exponent(layers, end, "adam"),
                tolerance=0.05,
                basis="theory.richness: not in the paper",
            )
        )
        if regime == "rich":
            rows.append(
                judge(
                    f"adam-{layers}-sgd-control",
                    f"linear, {layers} layers, Adam: the same has the power of gradient descent, rich",
                    slope,
                    predicted=exponent(layers, end),
                    tolerance=0.05,
                    expected="break",
                    basis="Adam divides the gradient's size away",
                )
            )
    return rows


def centring(data: xr.Dataset) -> list[Verdict]:
    """T15: the error of float32 grows as 1/gamma; it is small at 1e-2 and large below."""
    errors = np.linalg.norm(data.outputs_error.values, axis=-1) / np.linalg.norm(data.outputs.values, axis=-1)
    gammas = data.gamma.values
    shown = within(gammas, BEST_LAZY)
    what = "relu, 3 layers, lazy: relative error of float32 after 50 steps"
    at = {gamma: errors[int(np.argmin(np.abs(gammas - gamma)))] for gamma in (1e-2, 1e-5)}
    return [
        judge(
            "centring",
            f"{what} as a power of gamma in [1e-3, 1e-1]",
            paired.slope(gammas[shown], errors[shown]),
            predicted=-1.0,
            tolerance=0.1,
            basis="outputs of size 1/gamma are subtracted; below 1e-3 steps of the weights, of size gamma, "
            "are rounded away as well",
        ),
        judge(
            "centring-limit",
            f"{what}, gamma = 1e-2",
            fit.interval(at[1e-2]),
            predicted=0.0,
            tolerance=1e-3,
            basis="where float32 is used: five hundred times the rounding error over gamma",
        ),
        judge(
            "centring-control",
            f"{what}, gamma = 1e-5",
            fit.interval(at[1e-5]),
            predicted=0.0,
            tolerance=1e-3,
            expected="break",
            basis="where float32 is refused",
        ),
    ]
