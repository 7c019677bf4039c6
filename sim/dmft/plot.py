"""Pictures of the limit: loss and sharpness along training, with measured networks as dots."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours that stay apart for every reader (Okabe and Ito).
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LABELS = {
    "loss": "loss",
    "gauss_newton": "sharpness, Gauss-Newton part",
    "ntk": "largest eigenvalue of the NTK",
}


def plot_trajectory(
    trajectory: xr.Dataset,
    quantity: str = "loss",
    ax: "Axes | None" = None,
    *,
    measured: Mapping[float, xr.Dataset] | None = None,
) -> Any:
    """Draw a quantity against the step, a line a gamma with its error as a band; networks as dots with bars.

    Args:
        trajectory: of `solve`, with or without a gamma dimension.
        quantity: "loss", "gauss_newton" or "ntk".
        ax: axes to draw on; new ones by default.
        measured: gamma -> trajectory of networks with dimension `seed`: mean and its standard error.
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(5, 3.8), layout="constrained").subplots()
    whole = (
        trajectory
        if "gamma" in trajectory.dims
        else trajectory.expand_dims(gamma=[trajectory.attrs["gamma"]])
    )
    for index, gamma in enumerate(whole.gamma.values):
        colour = PALETTE[index % len(PALETTE)]
        one = whole.sel(gamma=gamma)
        _line(ax, one, quantity, colour, f"$\\gamma$ = {gamma:g}")
        if measured is not None and float(gamma) in measured:
            _dots(ax, measured[float(gamma)], quantity, colour)
    ax.set(xlabel="step", ylabel=LABELS.get(quantity, quantity))
    if quantity == "loss":
        ax.set_yscale("log")
    if quantity == "gauss_newton":
        edge = 2 * (1 + trajectory.attrs["momentum"]) / trajectory.attrs["lr"]
        if edge < 3 * np.nanmax(whole[quantity]):
            ax.axhline(edge, color="0.5", linestyle=":", label="edge of stability")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return ax


def _line(ax: "Axes", one: xr.Dataset, quantity: str, colour: str, label: str) -> None:
    steps, value = one.step.values, one[quantity].values
    ax.plot(steps, value, color=colour, label=label)
    if f"{quantity}_error" in one:
        error = 2 * one[f"{quantity}_error"].values
        ax.fill_between(steps, value - error, value + error, color=colour, alpha=0.25, linewidth=0)


def _dots(ax: "Axes", networks: xr.Dataset, quantity: str, colour: str) -> None:
    if quantity not in networks:
        return
    kept = [d for d in networks[quantity].dims if d not in ("seed", "step")]
    rows = networks[quantity].squeeze(kept, drop=True).transpose("seed", "step")
    told = np.flatnonzero(np.isfinite(rows.values).all(axis=0))
    told = told[:: max(1, len(told) // 12)]
    some = rows.isel(step=told)
    error = some.std("seed", ddof=1) / np.sqrt(len(rows))
    ax.errorbar(some.step, some.mean("seed"), 2 * error, fmt="o", color=colour, markersize=4, capsize=2)
