"""The pictures of the super-consistency experiments, each from the trajectories it shows."""

import math
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.figures import (
    COLOURS,
    NAMES,
    PALETTE,
    band,
    canvas,
    log_axes,
    points_with_slope,
    shades,
)
from scalewright.papers.super_consistency import verdicts
from scalewright.papers.super_consistency.settings import linear_network
from scalewright.sim.linear import exponents


def plot_agreement(data: xr.Dataset, limit: xr.Dataset) -> Any:
    """Loss, S, G and R of trained networks (dots) over their predictions (lines), and the infinite-width limit."""
    shown = [
        ("loss", "loss"),
        ("sharpness", "sharpness $S$"),
        ("gauss_newton", "$\\lambda_{max}(G)$"),
        ("residual", "$\\lambda_{max}(R)$"),
    ]
    figure, axes = canvas(4)
    widths = data.width.values
    for ax, (name, label) in zip(axes.flat, shown, strict=True):
        for colour, width in zip(shades(len(widths)), widths, strict=True):
            at = data.sel(width=width)
            measured, predicted = (
                at[name].sel(origin=o).transpose("seed", "step").values for o in ("measured", "predicted")
            )
            seen = np.isfinite(measured).all(axis=0)
            ax.plot(data.step.values[seen], predicted[:, seen].T, color=colour, linewidth=0.9)
            every = seen & (data.step.values % (5 if name == "loss" else 1) == 0)
            ax.plot(data.step.values[every], measured[:, every].T, "o", color=colour, ms=3)
            ax.plot([], [], "o-", color=colour, ms=3, linewidth=0.9, label=f"N = {int(width)}")
        ax.plot(
            limit.step,
            limit[name].mean("seed"),
            "--",
            color="black",
            linewidth=1.3,
            label="N = ∞ (one draw)" if data.attrs["parametrization"] != "mup" else "N = ∞",
        )
        ax.set(xlabel="gradient step", ylabel=label)
    axes[0, 1].axhline(2 / data.attrs["lr"], color=PALETTE[3], linewidth=1, linestyle=":")
    axes[0, 1].text(0.02, 2 / data.attrs["lr"], "edge of stability $2/\\eta_0$", color=PALETTE[3], va="bottom", fontsize=8,
                    transform=axes[0, 1].get_yaxis_transform())  # fmt: skip
    axes[0, 0].legend(fontsize=7, frameon=False)
    figure.suptitle(
        f"{NAMES[data.attrs['parametrization']]}: networks (dots) on their predictions (lines), digits"
    )
    return figure


def plot_slopes(drawn: dict[str, xr.Dataset], trained: dict[str, xr.Dataset]) -> Any:
    """Width dependence of S(T), |S(T)-S(0)| and lambda_max(R): draws with fitted lines, trained networks as crosses."""
    figure, axes = canvas(3, height=3.6)
    labels = {"sharpness": "$S(T)$", "sharpening": "$|S(T) - S(0)|$", "residual": "$\\lambda_{max}(R(T))$"}
    for ax, (what, label) in zip(axes.flat, labels.items(), strict=True):
        for name, data in drawn.items():
            found = verdicts.slope_of(data, what)
            derived = exponents(linear_network(name))[what]
            points_with_slope(
                ax,
                found,
                label=f"{NAMES[name]}: slope {found.value:.3f} (derived {derived})",
                color=COLOURS[name],
            )
            below = [w for w in data.width.values if w < verdicts.ASYMPTOTIC]
            if below:
                values = (
                    verdicts.SLOPES[what][0](data).transpose("width", "seed").sel(width=below).mean("seed")
                )
                ax.plot(below, values, "o", mfc="none", color=COLOURS[name], ms=4)
            if name in trained:
                measured = verdicts.SLOPES[what][0](trained[name].sel(origin="measured")).transpose(
                    "width", "seed"
                )
                ax.plot(measured.width, measured.values, "x", color="black", ms=4, markeredgewidth=0.8)
        log_axes(ax, x=[w for w in next(iter(drawn.values())).width.values if math.isfinite(w)][::2])
        ax.set(xlabel="width N", ylabel=label)
        ax.legend(fontsize=7, frameon=False, loc="lower left")
        low, high = ax.get_ylim()
        ax.set_ylim(low / (high / low) ** 0.35, high)
    figure.suptitle(
        "Mean over initial draws (circles, hollow below N = 256: not fitted) and trained networks (crosses)"
    )
    return figure


def plot_transfer(swept: dict[str, xr.Dataset]) -> Any:
    """Loss against learning rate at every width, with the optima marked, for each parametrization."""
    figure, axes = canvas(len(swept) + 1, height=3.6)
    for ax, (name, data) in zip(axes.flat, swept.items(), strict=False):
        for colour, width, best in zip(
            shades(data.sizes["width"]), data.width.values, verdicts.optima(data), strict=True
        ):
            at = data.sel(width=width)
            final = np.exp(np.log(at.loss.isel(step=slice(-verdicts.AVERAGED, None))).mean("step"))
            height = final.transpose("seed", "lr").values
            band(
                ax,
                at["rate"].values,
                np.where(np.isfinite(height), height, np.nan),
                color=colour,
                label=f"N = {int(width)}",
            )
            ax.axvline(best.value, color=colour, linewidth=1, linestyle=":")
        ax.set(
            xlabel="learning rate $\\eta_0$" if name == "mup" else "learning rate",
            ylabel="loss, last 10 steps",
            title=NAMES[name],
        )
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.legend(fontsize=7, frameon=False)
    last = axes[0, -1]
    for name, data in swept.items():
        found = verdicts.transfer_slope(data)
        points_with_slope(
            last,
            found,
            label=f"{NAMES[name]}: slope {found.value:.2f} [{found.low:.2f}, {found.high:.2f}]",
            color=COLOURS[name],
        )
    log_axes(last, x=next(iter(swept.values())).width.values)
    last.set(xlabel="width N", ylabel="optimal learning rate", title="optimum against width")
    last.legend(fontsize=7, frameon=False)
    return figure


def plot_consistency(followed: dict[str, xr.Dataset]) -> Any:
    """Sharpness of the ReLU network along training, a curve a width."""
    figure, axes = canvas(len(followed), height=3.4)
    for ax, (name, data) in zip(axes.flat, followed.items(), strict=True):
        for colour, width in zip(shades(data.sizes["width"]), data.width.values, strict=True):
            values = data.sharpness.sel(width=width).transpose("seed", "step").values
            band(ax, data.step.values, values, color=colour, marker="o", ms=3, label=f"N = {int(width)}")
        edge = 2 / data.attrs["lr"]
        ax.axhline(edge, color=PALETTE[3], linewidth=1, linestyle=":", label="edge of stability $2/\\eta_0$")
        ax.set(xlabel="gradient step", ylabel="sharpness $S$", title=NAMES.get(name, name))
        ax.set_ylim(bottom=0)
        ax.legend(fontsize=7, frameon=False)
    figure.suptitle("ReLU network on the digits: mean over seeds, band from the least to the largest seed")
    return figure


def plot_fixed_rate(data: xr.Dataset) -> Any:
    """Loss of SP at one rate for all widths: networks (dots) on predictions (lines) until they diverge."""
    figure, axes = canvas(1, height=3.4)
    ax = axes[0, 0]
    start = float(data.loss.isel(step=0).max())
    for colour, width in zip(shades(data.sizes["width"]), data.width.values, strict=True):
        for origin, mark in (("predicted", "-"), ("measured", "o")):
            values = data.loss.sel(width=width, origin=origin).transpose("seed", "step").values
            values = np.where(values < 1e4 * start, values, np.nan)
            ax.plot(data.step, values.T, mark, color=colour, ms=2.5, linewidth=0.8)
        ax.plot([], [], "o-", color=colour, ms=2.5, linewidth=0.8, label=f"N = {int(width)}")
    ax.set(xlabel="gradient step", ylabel="loss", title="SP at one rate for every width")
    ax.set_yscale("log")
    ax.legend(fontsize=7, frameon=False)
    return figure


def plot_toy(toys: dict[str, xr.Dataset]) -> Any:
    """Whitened toy: |S(80)-S(0)|, lambda_max(R) and the spread of S(80) against width."""
    from scalewright.papers.super_consistency.toy_verdicts import spread_slope
    from scalewright.sim import fit

    figure, axes = canvas(3, height=3.4)
    for name, data in toys.items():
        moved = verdicts.sharpening(data).transpose("width", "seed").values
        residual = data.residual.isel(step=5).transpose("width", "seed").values
        fits = [
            fit.slope(data.width.values, moved, average="mean"),
            fit.slope(data.width.values, residual, average="mean"),
            spread_slope(data),
        ]
        for ax, found in zip(axes.flat, fits, strict=True):
            points_with_slope(ax, found, label=f"{NAMES[name]}: slope {found.value:.3f}", color=COLOURS[name])
    for ax, label in zip(
        axes.flat,
        ("$|S(80) - S(0)|$", "$\\lambda_{max}(R)$ at step 5", "spread of $S(80)$ over draws"),
        strict=True,
    ):
        log_axes(ax)
        ax.set(xlabel="width N", ylabel=label)
        ax.legend(fontsize=7, frameon=False)
    return figure


def plot_toy_transfer(toys: dict[str, xr.Dataset]) -> Any:
    """Graded toy: loss after 60 steps against learning rate at every width."""
    figure, axes = canvas(len(toys), height=3.4)
    for ax, (name, data) in zip(axes.flat, toys.items(), strict=True):
        for colour, width, best in zip(
            shades(data.sizes["width"]),
            data.width.values,
            verdicts.optima(data, averaged=1, reach=1),
            strict=True,
        ):
            final = data.loss.isel(step=-1).sel(width=width).transpose("seed", "lr").values
            shown = np.where(np.isfinite(final) & (final > 0), final, np.nan)
            centre = np.exp(np.nanmean(np.log(shown[:, np.isfinite(shown).all(axis=0)]), axis=0))
            ax.plot(
                data.lr.values[np.isfinite(shown).all(axis=0)],
                centre,
                color=colour,
                label=f"N = {int(width)}",
            )
            ax.axvline(best.value, color=colour, linewidth=0.8, linestyle=":")
        ax.set(
            xlabel="learning rate $\\eta_0$", ylabel="loss after 60 steps (geometric mean)", title=NAMES[name]
        )
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.legend(fontsize=7, frameon=False)
    return figure
