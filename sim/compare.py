"""Lay a prediction over measured networks: aligned, with the error against width and its fitted exponent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from scalewright.sim.fit import Slope, slope

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A bias of the ensemble mean is told from noise beyond this many standard errors.
DECIDED = 4.0


@dataclass(frozen=True)
class Comparison:
    """How far networks of finite width are from a prediction, for one quantity.

    Attributes:
        quantity: its name.
        widths: N of every group of networks.
        errors: for every width, |measured - predicted| of each network, the largest over the steps both have,
            divided by the prediction's largest value.
        bias: the same of the mean over networks (widths,).
        bias_error: its standard error at the step where it is largest (widths,).
        exponent: power of the width of the errors of single networks, with its 95 % interval; -1/2 is
        expected.
        bias_exponent: that of the bias, or None while undecided.
        status: "decided" if the bias exceeds 4 standard errors at every width, else "undecided".
    """

    quantity: str
    widths: tuple[int, ...]
    errors: tuple[np.ndarray, ...]
    bias: np.ndarray
    bias_error: np.ndarray
    exponent: Slope
    bias_exponent: float | None
    status: Literal["decided", "undecided"]


def compare(
    predicted: xr.Dataset, measured: Mapping[int, xr.Dataset], *, quantity: str = "loss"
) -> Comparison:
    """Align trajectories by name and step, and fit how their distance falls with the width.

    Args:
        predicted: a trajectory of `sim`, of one gamma.
        measured: width -> trajectory of `nets`, dimension `seed` with at least 2 networks; other dimensions
        must
            have one entry.
        quantity: a variable of both, such as "loss", "gauss_newton" or "outputs". Steps that were not
        measured
            (nan) are left out.

    Returns:
        A `Comparison`.

    Raises:
        ValueError: fewer than 2 widths, an unknown quantity, no common step, or networks that diverged.
    """
    if len(measured) < 2:
        raise ValueError(f"compare: measured must hold at least 2 widths; given {list(measured)}")
    if int(predicted.get("diverged_at", xr.DataArray(-1)).max()) >= 0:
        raise ValueError("compare: predicted must not have diverged; lower its learning rate")
    widths = tuple(sorted(measured))
    away = [aligned(predicted, measured[width], quantity) for width in widths]
    scale = float(np.nanmax(np.abs(predicted[quantity].values)))
    errors = tuple(np.abs(rows).reshape(len(rows), -1).max(axis=1) / scale for rows in away)
    bias, noise = np.array([_bias(rows) for rows in away]).T / scale
    decided = bool((bias > DECIDED * noise).all())
    exponent = slope(widths, errors)
    steps = np.log(widths)
    power = float(np.polyfit(steps, np.log(bias), 1)[0]) if decided else None
    return Comparison(
        quantity, widths, errors, bias, noise, exponent, power, "decided" if decided else "undecided"
    )


def aligned(predicted: xr.Dataset, measured: xr.Dataset, quantity: str) -> np.ndarray:
    """Return measured - predicted (seed, step, ...) at the steps that both have."""
    for name, data in (("predicted", predicted), ("measured", measured)):
        if quantity not in data:
            raise ValueError(
                f"compare: quantity must be a variable of both trajectories; {name} has no {quantity!r}"
            )
    found = measured[quantity].squeeze([d for d in measured[quantity].dims if d not in _KEPT], drop=True)
    other = predicted[quantity]
    if "gamma" in other.dims:
        raise ValueError("compare: predicted must be of one gamma; select it, as by .sel(gamma=2.0)")
    others = [dim for dim in other.dims if dim != "step"]
    found, other = xr.align(found, other, join="inner", exclude=others)
    rows = (found.transpose("seed", "step", ...) - other).transpose("seed", "step", ...).values
    told = np.isfinite(rows).reshape(len(rows), rows.shape[1], -1).all(axis=(0, 2))
    if not told.any():
        raise ValueError(
            f"compare: no step has {quantity!r} of every network; measure it at steps of the prediction, and "
            "leave out networks that diverged"
        )
    return rows[:, told]


_KEPT = ("seed", "step", "sample", "output")


def _bias(rows: np.ndarray) -> tuple[float, float]:
    """Return the largest mean over networks, and its standard error there."""
    mean = np.abs(rows.mean(axis=0)).ravel()
    error = (rows.std(axis=0, ddof=1) / np.sqrt(len(rows))).ravel()
    place = int(mean.argmax())
    return float(mean[place]), float(error[place])


def plot_errors(comparison: Comparison, ax: "Axes | None" = None, *, colour: str = "#0072B2") -> Any:
    """Draw the error of every network against the width, the fitted power, and 1/sqrt(N)."""
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(4.5, 3.6), layout="constrained").subplots()
    widths = np.array(comparison.widths, dtype=float)
    for width, errors in zip(widths, comparison.errors, strict=True):
        ax.plot(np.full(len(errors), width), errors, "o", color=colour, alpha=0.5, markersize=4)
    fit = comparison.exponent
    line = np.exp(fit.intercept) * widths**fit.value
    ax.plot(widths, line, color=colour, label=f"$N^{{{fit.value:.2f}}}$ [{fit.low:.2f}, {fit.high:.2f}]")
    ax.plot(widths, line[0] * (widths / widths[0]) ** -0.5, "--", color="0.5", label="$N^{-1/2}$")
    ax.set(xscale="log", yscale="log", xlabel="width N", ylabel=f"error of {comparison.quantity}, relative")
    ax.set_xticks(widths, [f"{n:g}" for n in widths])
    ax.minorticks_off()
    ax.legend(frameon=False)
    return ax
