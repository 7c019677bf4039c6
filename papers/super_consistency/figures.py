"""The pictures of the super-consistency experiments, each from the trajectories it shows."""

from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.figures import (
    COLOURS,
    NAMES,
    PALETTE,
    band,
    canvas,
    log_numbers,
    log_widths,
    points_with_slope,
    shades,
)
from scalewright.papers.super_consistency import verdicts
from scalewright.papers.super_consistency.settings import ASYMPTOTIC, linear_network
from scalewright.sim.linear import exponents


def plot_agreement(data: xr.Dataset, limit: xr.Dataset) -> Any:
    """Loss, S, G and R of trained networks (dots) on their predictions (lines), and the limit."""
    name = data.attrs["parametrization"]
    figure, axes = canvas(2, rows=2, height=3.1)
    for ax, (quantity, label) in zip(axes.flat, AGREEMENT_LABELS.items(), strict=True):
        for colour, width in zip(shades(data.sizes["width"]), data.width.values, strict=True):
            _networks(ax, data[quantity].sel(width=width), colour, label=f"N = {int(width)}")
        _limit(ax, limit[quantity], name)
        ax.set(xlabel="gradient step", ylabel=label)
    _edge(axes[0, 1], data.attrs["lr"])
    axes[0, 0].legend(fontsize=7, frameon=False)
    figure.suptitle(f"{NAMES[name]}: networks (dots) on their predictions (lines), digits")
    return figure


AGREEMENT_LABELS = {
    "loss": "loss",
    "sharpness": "sharpness $S$",
    "gauss_newton": r"$\lambda_{\max}(G)$",
    "residual": r"$\lambda_{\max}(R)$",
}


def _networks(ax: Any, values: xr.DataArray, colour: Any, *, label: str) -> None:
    """Draw the networks of one width: prediction as a line a seed, measured points where there are any."""
    step = values.step.values
    measured, predicted = (
        values.sel(origin=origin).transpose("seed", "step").values for origin in ("measured", "predicted")
    )
    known = np.isfinite(predicted).all(axis=0)
    ax.plot(step[known], predicted[:, known].T, color=colour, linewidth=0.9)
    shown = np.isfinite(measured).all(axis=0)
    shown &= (step % 5 == 0) if shown.all() else True
    ax.plot(step[shown], measured[:, shown].T, "o", color=colour, ms=3.2)
    ax.plot([], [], "o-", color=colour, ms=3.2, linewidth=0.9, label=label)


def _limit(ax: Any, values: xr.DataArray, name: str) -> None:
    note = "N = ∞" if name == "mup" else "N = ∞ (one draw of the readout)"
    ax.plot(values.step, values.mean("seed"), "--", color="black", linewidth=1.3, label=note)


def _edge(ax: Any, lr: float) -> None:
    """Draw the edge of stability 2/eta, with its name on the line."""
    ax.axhline(2 / lr, color=PALETTE[3], linewidth=1, linestyle=":")
    place = {"transform": ax.get_yaxis_transform(), "va": "bottom", "fontsize": 8, "color": PALETTE[3]}
    ax.text(0.02, 2 / lr, r"edge of stability $2/\eta_0$", **place)
    low, high = ax.get_ylim()
    ax.set_ylim(low, max(high, 2 / lr + 0.08 * (2 / lr - low)))


def plot_slopes(drawn: dict[str, xr.Dataset], trained: dict[str, xr.Dataset]) -> Any:
    """Width dependence of S(T), |S(T)-S(0)| and lambda_max(R): draws with fits, networks as crosses."""
    figure, axes = canvas(3, height=3.9)
    labels = {"sharpness": "$S(T)$", "sharpening": "$|S(T) - S(0)|$", "residual": r"$\lambda_{\max}(R(T))$"}
    widths = next(iter(drawn.values())).width.values
    for ax, (what, label) in zip(axes.flat, labels.items(), strict=True):
        for name, data in drawn.items():
            _draws(ax, data, what)
            measured = verdicts.SLOPES[what][0](trained[name].sel(origin="measured")).transpose(
                "width", "seed"
            )
            ax.plot(measured.width, measured.values, "x", color="black", ms=4, markeredgewidth=0.7)
        log_widths(ax, widths)
        ax.set(xlabel="width N", ylabel=label)
        ax.legend(fontsize=7, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18))
    figure.suptitle(
        "Mean over initial draws (circles; hollow: below N = 256, not fitted) and trained networks (crosses)",
        fontsize=10,
    )
    return figure


def _draws(ax: Any, data: xr.Dataset, what: str) -> None:
    """Draw one parametrization's means over draws with the fitted line; hollow below the fitted range."""
    name = data.attrs["parametrization"]
    found = verdicts.slope_of(data, what)
    derived = exponents(linear_network(name))[what]
    label = f"{NAMES[name]}: slope {found.value:.3f} (derived {derived})"
    points_with_slope(ax, found, label=label, color=COLOURS[name])
    below = [w for w in data.width.values if w < ASYMPTOTIC]
    values = verdicts.SLOPES[what][0](data).transpose("width", "seed").sel(width=below).mean("seed")
    ax.plot(below, values, "o", mfc="none", color=COLOURS[name], ms=4)


def plot_transfer(swept: dict[str, xr.Dataset]) -> Any:
    """Loss against learning rate at every width, with the optima marked, for each parametrization."""
    figure, axes = canvas(len(swept) + 1, height=3.6)
    last = axes[0, -1]
    for ax, (name, data) in zip(axes.flat, swept.items(), strict=False):
        found = verdicts.transfer_slope(data)
        _sweep(ax, data)
        ax.set(xlabel=r"learning rate $\eta_0$", ylabel="loss, last 10 steps", title=NAMES[name])
        label = f"{NAMES[name]}: slope {found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
        points_with_slope(last, found, label=label, color=COLOURS[name])
    log_widths(last, next(iter(swept.values())).width.values)
    last.set(xlabel="width N", ylabel="optimal learning rate", title="optimum against width")
    last.legend(fontsize=7, frameon=False)
    return figure


def _sweep(ax: Any, data: xr.Dataset) -> None:
    colours = shades(data.sizes["width"])
    for colour, width, best in zip(colours, data.width.values, verdicts.optima(data), strict=True):
        at = data.sel(width=width)
        height = np.exp(np.log(at.loss.isel(step=slice(-verdicts.AVERAGED, None))).mean("step", skipna=False))
        band(
            ax,
            at["rate"].values,
            height.transpose("seed", "lr").values,
            color=colour,
            label=f"N = {int(width)}",
        )
        ax.axvline(best.value, color=colour, linewidth=1, linestyle=":")
    log_numbers(ax, "x")
    log_numbers(ax, "y")
    ax.legend(fontsize=7, frameon=False)


def plot_consistency(followed: dict[str, xr.Dataset]) -> Any:
    """Sharpness of the ReLU network along training, a curve a width."""
    figure, axes = canvas(len(followed), height=3.4)
    for ax, (name, data) in zip(axes.flat, followed.items(), strict=True):
        for colour, width in zip(shades(data.sizes["width"]), data.width.values, strict=True):
            values = data.sharpness.sel(width=width).transpose("seed", "step").values
            band(ax, data.step.values, values, color=colour, marker="o", ms=3, label=f"N = {int(width)}")
        ax.set(xlabel="gradient step", ylabel="sharpness $S$", title=NAMES.get(name, name))
        ax.set_ylim(bottom=0)
        _edge(ax, data.attrs["lr"])
        ax.legend(fontsize=7, frameon=False)
    figure.suptitle("ReLU networks on the digits: median over seeds, band: the middle 80 %", fontsize=10)
    return figure


def plot_spectra(data: xr.Dataset) -> Any:
    """Top eigenvalues of H, G, R and the NTK of the ReLU network along training, a curve a width."""
    labels = AGREEMENT_LABELS | {"ntk": r"$\lambda_{\max}(\Theta)$"}
    figure, axes = canvas(2, rows=2, height=3.0)
    for ax, quantity in zip(axes.flat, ("sharpness", "gauss_newton", "residual", "ntk"), strict=True):
        for colour, width in zip(shades(data.sizes["width"]), data.width.values, strict=True):
            values = data[quantity].sel(width=width).transpose("seed", "step").values
            band(ax, data.step.values, values, color=colour, marker="o", ms=3, label=f"N = {int(width)}")
        ax.set(xlabel="gradient step", ylabel=labels[quantity])
        ax.set_ylim(bottom=0)
    axes[0, 0].legend(fontsize=7, frameon=False)
    figure.suptitle(
        f"{NAMES[data.attrs['parametrization']]}: spectra of ReLU networks on the digits", fontsize=10
    )
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
        ("$|S(80) - S(0)|$", r"$\lambda_{\max}(R)$ at step 5", "spread of $S(80)$ over draws"),
        strict=True,
    ):
        log_widths(ax, next(iter(toys.values())).width.values)
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
            xlabel=r"learning rate $\eta_0$", ylabel="loss after 60 steps (geometric mean)", title=NAMES[name]
        )
        log_numbers(ax, "x")
        ax.set_yscale("log")
        ax.legend(fontsize=7, frameon=False)
    return figure
