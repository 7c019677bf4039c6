"""The pictures of the networks: rates against width, coordinate checks, logits, accuracy, transformers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scalewright import nets
from scalewright.papers.figures import PALETTE, canvas, log_numbers, log_widths, shades
from scalewright.papers.large_learning_rates import coordinates, edge_verdicts, gpt_verdicts
from scalewright.papers.large_learning_rates.coordinates import Check
from scalewright.papers.large_learning_rates.edge_verdicts import Rates
from scalewright.papers.large_learning_rates.experiments import GROWTH, LOSSES
from scalewright.papers.large_learning_rates.readings import last_hidden
from scalewright.sim import fit
from scalewright.sim.verdict import Verdict

Runs = Mapping[str, xr.Dataset]


def plot_rates(runs: Runs) -> Any:
    """Draw largest stable (dots) and best (crosses) rates against width, a panel a family; theory's power
    dashed."""
    groups = {"SP, deep": "deep-", "SP, two layers": "two-", "muP, deep": "mup-"}
    figure, axes = canvas(len(groups), height=3.6)
    for ax, (title, start) in zip(axes.flat, groups.items(), strict=True):
        family = [data for name, data in runs.items() if name.startswith(start)]
        for colour, data in zip(PALETTE, family, strict=False):
            loss = LOSSES[data.attrs["loss"]]
            _rates(ax, edge_verdicts.stable_rates(data), "o", colour, f"{loss}: largest stable")
            _rates(ax, edge_verdicts.best_rates(data), "x", colour, f"{loss}: best")
            _law(ax, data, colour)
        ax.set(xlabel="width", ylabel="learning rate", title=title)
        log_widths(ax, family[0].width.values)
        _legend(ax, fontsize=6.5)
    return figure


def plot_batches(runs: Sequence[xr.Dataset]) -> Any:
    """Draw largest stable rates against width at several batch sizes, a panel a loss."""
    losses = list(dict.fromkeys(data.attrs["loss"] for data in runs))
    figure, axes = canvas(len(losses), height=3.6)
    for ax, loss in zip(axes.flat, losses, strict=True):
        chosen = [data for data in runs if data.attrs["loss"] == loss]
        for colour, data in zip(PALETTE, chosen, strict=False):
            whole = ", all samples" if data.attrs["batch"] == data.attrs["samples"] else ""
            label = f"batch {data.attrs['batch']}{whole}"
            _rates(ax, edge_verdicts.stable_rates(data), "o", colour, label)
            _law(ax, data, colour)
        ax.set(xlabel="width", ylabel="largest stable rate", title=f"SP, deep, {LOSSES[loss]}")
        log_widths(ax, chosen[0].width.values)
        _legend(ax)
    return figure


def plot_curves(runs: Sequence[xr.Dataset]) -> Any:
    """Draw training loss against the rate over its predicted power, a curve a width: curves lie together."""
    figure, axes = canvas(len(runs), height=3.4)
    for ax, data in zip(axes.flat, runs, strict=True):
        power = edge_verdicts.predicted_power(data)
        for colour, width in zip(shades(data.sizes["width"]), data.width.values, strict=True):
            losses, rates = _losses(data, width), data.rate.sel(width=width).transpose("seed", "lr").values
            for seed, (row, grid) in enumerate(zip(losses, rates, strict=True)):
                label = {} if seed else {"label": f"n = {width}"}
                ax.plot(grid / float(width) ** power, row, ".-", ms=3, lw=0.7, color=colour, **label)
        scaled = f"rate times $n^{{{-power:g}}}$" if power else "rate"
        ax.set(xlabel=scaled, ylabel="training loss", title=data.attrs["setting"])
        log_numbers(ax, "x")
        log_numbers(ax, "y")
        ax.legend(fontsize=7, frameon=False)
    return figure


def _losses(data: xr.Dataset, width: int) -> np.ndarray:
    """Return the losses of one width (seed, lr), nan where a run diverged."""
    at = data.sel(width=width)
    diverged = at.diverged_at.transpose("seed", "lr").values >= 0
    return np.where(diverged, np.nan, at.loss.transpose("seed", "lr").values)


def plot_checks(checks: Mapping[str, Check], runs: Runs) -> Any:
    """Draw the measured powers of effective and propagating updates by layer beside the predicted ones."""
    figure, axes = canvas(2, rows=-(-len(checks) // 2), height=3.8)
    for ax, (name, check) in zip(axes.flat, checks.items(), strict=True):
        found = coordinates.of(runs[name], check, step=1)
        nets.plot_slopes(found, step=found.steps[0], ax=ax)
        ax.set_title(check.label)
    return figure


def plot_growth(checks: Mapping[str, Check], runs: Runs) -> Any:
    """Draw logits, activations and gradients against width for several powers of the rate."""
    figure, axes = canvas(3, height=3.6)
    for colour, (name, check) in zip(PALETTE, checks.items(), strict=False):
        data, found = runs[name], coordinates.of(runs[name], check, step=1)
        first, last = found.steps[0], found.steps[-1]
        hidden = last_hidden(int(data.attrs["layers"]))
        stays = 0.0 if name in GROWTH else None  # below the window theory lets both grow
        gradients = found.values(hidden, "gradient", step=last)
        drawn = (
            (found.values("readout.weight", "total", step=first), found.predicted["readout.weight"].total),
            (found.values(hidden, "activation", step=last), stays),
            ({width: row * width**0.5 for width, row in gradients.items()}, stays),
        )
        for ax, (sizes, power) in zip(axes.flat, drawn, strict=True):
            _sizes(ax, sizes, colour, f"c = {check.power}", power)
    for ax, title, label in (
        (axes[0, 0], "change of the logits, first step", "root mean square"),
        (axes[0, 1], "activations, last hidden layer", "root mean square"),
        (axes[0, 2], "gradients, last hidden layer", r"root mean square times $n^{1/2}$"),
    ):
        ax.set(xlabel="width", ylabel=label, title=title)
        log_widths(ax, data.width.values)
        ax.legend(fontsize=7, frameon=False)
    low, high = axes[0, 1].get_ylim()
    axes[0, 1].set_ylim(min(low, 0.5), max(high, 2.0))
    return figure


def plot_align(checks: Mapping[str, Check], runs: Runs) -> Any:
    """Draw effective updates and the logits of networks whose layers all have their own largest rate."""
    figure, axes = canvas(len(checks), height=3.6)
    for ax, (name, check) in zip(axes.flat, checks.items(), strict=True):
        found = coordinates.of(runs[name], check, step=1)
        step, layers = found.steps[0], int(runs[name].attrs["layers"])
        for colour, layer, part in zip(
            PALETTE,
            ("input.weight", last_hidden(layers), "readout.weight", "readout.weight"),
            ("effective", "effective", "effective", "propagating"),
            strict=False,
        ):
            label = f"{layer.removesuffix('.weight')}, {part}"
            power = getattr(found.predicted[layer], part)
            if check.many is not None and part == "propagating":
                power = 0.0  # theory.profile counts a fixed number of outputs
            _sizes(ax, found.values(layer, part, step=step), colour, label, power)
        ax.set(xlabel="width", ylabel="update, root mean square", title=check.label)
        log_widths(ax, found.data.width.values)
        ax.legend(fontsize=6.5, frameon=False)
    return figure


def plot_accuracy(runs: Runs) -> Any:
    """Draw held-out accuracy at the best rate, and by how much networks overrate themselves there."""
    figure, axes = canvas(2, height=3.6)
    names = ("deep-cross-entropy", "deep-mse", "mup-cross-entropy", "mup-mse")
    for name, style in zip(names, ("o-", "o--", "s-", "s--"), strict=True):
        data = runs[name]
        colour = PALETTE[0] if name.startswith("deep") else PALETTE[1]
        widths, label = data.width.values, data.attrs["setting"]
        _means(axes[0, 0], widths, edge_verdicts.best_accuracy(data), style, colour, label)
        if data.attrs["loss"] == "cross-entropy":
            _means(axes[0, 1], widths, edge_verdicts.overconfidence(data), style, colour, label)
    axes[0, 1].axhline(0, color="grey", lw=0.6)
    axes[0, 0].set(xlabel="width", ylabel="held-out accuracy", title="at the best rate")
    axes[0, 1].set(xlabel="width", ylabel="confidence - accuracy", title="at the best rate, held out")
    for ax in axes.flat:
        ax.set_xscale("log", base=2)
        ax.set_xticks(widths, [str(int(width)) for width in widths])
        ax.xaxis.minorticks_off()
        ax.legend(fontsize=7, frameon=False, handlelength=4)
    return figure


def plot_transformers(runs: Sequence[xr.Dataset]) -> Any:
    """Draw the loss of transformers against the rate, a curve a width, the best rate marked."""
    figure, axes = canvas(len(runs), height=3.6)
    for ax, data in zip(axes.flat, runs, strict=True):
        best = gpt_verdicts.best_rates(data)
        for colour, width, rate in zip(shades(data.sizes["width"]), data.width.values, best, strict=True):
            losses, rates = _losses(data, width), data.rate.sel(width=width).values
            ax.plot(rates, losses.mean(axis=0), "o-", ms=3, color=colour, label=f"n = {width}")
            if rate.status == "interior":
                ax.axvline(rate.value, color=colour, lw=1, linestyle=":")
        title = f"{gpt_verdicts.NAMES[data.attrs['optimizer']]}, {data.attrs['gains']} gains"
        ax.set(xlabel="learning rate", ylabel="held-out loss", title=title)
        means = np.array([_losses(data, width).mean(axis=0) for width in data.width.values])
        low, high = float(np.nanmin(means)), float(np.nanmax(means))
        ax.set_ylim(low - 0.05 * (high - low), min(high + 0.05 * (high - low), low + 1.5))
        log_numbers(ax, "x")
        ax.legend(fontsize=7, frameon=False)
    return figure


def plot_exponents(rows: Sequence[Verdict]) -> Any:
    """Draw every measured power of the width with its interval beside the predicted one and its band."""
    chosen = [row for row in rows if "scales as n^" in row.statement and row.expected == "hold"]
    figure, axes = canvas(1, height=0.5 + 0.22 * max(4, len(chosen)))
    figure.set_figwidth(8.5)
    ax, places = axes[0, 0], np.arange(len(chosen))[::-1]
    colours = {"pass": PALETTE[2], "undecided": PALETTE[4], "fail": PALETTE[1]}
    for place, row in zip(places, chosen, strict=True):
        ax.plot(
            [row.predicted - row.tolerance, row.predicted + row.tolerance],
            [place] * 2,
            lw=7,
            color="0.88",
            zorder=0,
        )
        ax.plot(row.predicted, place, "|", ms=9, mew=1.6, color="black")
        if not np.isfinite(row.measured):
            ax.text(row.predicted + row.tolerance, place, "  no number", va="center", fontsize=7, color="0.4")
        else:
            bar = [[row.measured - row.low], [row.high - row.measured]]
            ax.errorbar(row.measured, place, xerr=bar, fmt="o", ms=4, capsize=2, color=colours[row.verdict])
    ax.set_yticks(places, [row.id for row in chosen], fontsize=7)
    for name, colour in colours.items():
        ax.plot([], [], "o", ms=4, color=colour, label=name)
    ax.plot([], [], "|", ms=9, mew=1.6, color="black", label="predicted, band")
    ax.set(xlabel="power of the width", ylabel="check", xlim=(-2.0, 1.2), ylim=(-1, len(chosen)))
    _legend(ax)
    return figure


def _legend(ax: Any, *, fontsize: float = 7) -> None:
    """Add a legend that can be read where it lies over bars."""
    ax.legend(fontsize=fontsize, framealpha=0.85, edgecolor="none", loc="best")


def _rates(ax: Any, found: Sequence[Rates], marker: str, colour: Any, label: str) -> None:
    """Draw the rates that their grids hold, geometric means over seeds with 95 % intervals."""
    held = [one for one in found if len(one.values) > 1 and not one.censored]
    logs = [fit.interval(np.log(one.values)) for one in held]
    values = np.exp([(log.value, log.low, log.high) for log in logs])
    if not held:
        ax.plot([], [], marker, ms=5, color=colour, label=f"{label}: not in the grids")
    else:
        bars = [values[:, 0] - values[:, 1], values[:, 2] - values[:, 0]]
        widths = [one.width for one in held]
        ax.errorbar(widths, values[:, 0], yerr=bars, fmt=marker, ms=5, capsize=2, color=colour, label=label)


def _law(ax: Any, data: xr.Dataset, colour: Any) -> None:
    """Draw theory's power through the largest stable rates, where grids hold any, and what the grids span."""
    spans = data.rate.transpose("width", ...).values.reshape(data.sizes["width"], -1)
    ax.vlines(data.width.values, np.nanmin(spans, 1), np.nanmax(spans, 1), color=colour, lw=5, alpha=0.1)
    held = [one for one in edge_verdicts.stable_rates(data) if not one.censored]
    if held:
        x, power = data.width.values.astype(float), edge_verdicts.predicted_power(data)
        logs = np.mean([np.log(one.values).mean() - power * np.log(one.width) for one in held])
        ax.plot(x, np.exp(logs) * x**power, "--", lw=1, color=colour)


def _sizes(ax: Any, rows: Mapping[int, np.ndarray], colour: Any, label: str, power: float | None) -> None:
    """Draw geometric means over seeds with their standard errors; dashed: the predicted power."""
    x = np.array(list(rows), dtype=float)
    logs = [np.log(row) for row in rows.values()]
    middle = np.exp([log.mean() for log in logs])
    error = np.array([log.std(ddof=1) / np.sqrt(len(log)) if len(log) > 1 else 0.0 for log in logs])
    ax.errorbar(x, middle, yerr=1.96 * error * middle, fmt="o", ms=4, capsize=2, color=colour, label=label)
    if power is not None:
        ax.plot(x, middle[-1] * (x / x[-1]) ** power, "--", lw=1, color=colour)


def _means(ax: Any, x: np.ndarray, rows: Sequence[np.ndarray], style: str, colour: Any, label: str) -> None:
    middle = np.array([row.mean() for row in rows])
    error = np.array([row.std(ddof=1) / np.sqrt(len(row)) if len(row) > 1 else 0.0 for row in rows])
    ax.errorbar(x, middle, yerr=1.96 * error, fmt=style, ms=4, capsize=2, color=colour, label=label)
