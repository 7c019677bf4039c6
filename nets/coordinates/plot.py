"""Pictures of a coordinate check: sizes against width, and their powers by layer beside the predicted
ones."""

from typing import TYPE_CHECKING, Any

import numpy as np

from scalewright.nets.coordinates.result import CoordinateCheck, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Wong's colours, told apart with every common colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
STYLES = {"effective": ("o", COLOURS[0]), "propagating": ("s", COLOURS[1]), "total": ("^", COLOURS[2])}


def plot_coordinates(
    check: CoordinateCheck, part: str = "effective", *, step: int | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw one part of every layer's update against width, with the fitted power; dashed: the predicted one.

    The predicted line goes through the measured size at the widest networks.
    """
    axes = _axes(ax)
    rows = [row for row in check.rows(step=step) if row.part == part]
    for index, row in enumerate(rows):
        colour = COLOURS[index % len(COLOURS)]
        x, centres = np.array(row.slope.x), np.exp(row.slope.centres)
        bars = 1.96 * np.array(row.slope.errors)
        spread = [centres * (1 - np.exp(-bars)), centres * (np.exp(bars) - 1)]
        label = f"{row.layer}: {row.slope.value:.2f}"
        axes.errorbar(x, centres, yerr=spread, fmt="o-", ms=4, lw=1, capsize=2, color=colour, label=label)
        if row.predicted is not None:
            axes.plot(x, centres[-1] * (x / x[-1]) ** row.predicted, "--", lw=1, color=colour)
    axes.set(xscale="log", yscale="log", xlabel="width", ylabel=f"{part} update, root mean square")
    widths = [int(width) for width in check.data.width.values]
    axes.set_xticks(widths, [str(width) for width in widths])
    axes.xaxis.minorticks_off()
    axes.legend(fontsize=7, frameon=False)
    return axes


def plot_slopes(check: CoordinateCheck, *, step: int | None = None, ax: "Axes | None" = None) -> "Axes":
    """Draw the powers of the width by layer with 95 % bars; a black dash where theory puts them."""
    axes = _axes(ax)
    rows = check.rows(step=step)
    layers = list(dict.fromkeys(row.layer for row in rows))
    for shift, part in zip((-0.2, 0.0, 0.2), STYLES, strict=True):
        chosen = [row for row in rows if row.part == part]
        _bars(axes, [layers.index(row.layer) + shift for row in chosen], chosen, part)
    if any(row.predicted is not None for row in rows):
        axes.plot([], [], "_", ms=12, mew=1.5, color="black", label="predicted")
    axes.axhline(0, color="grey", lw=0.6)
    axes.set_xticks(range(len(layers)), layers, rotation=30, ha="right", fontsize=8)
    axes.set(xlabel="layer", ylabel="power of the width")
    axes.legend(fontsize=7, frameon=False)
    return axes


def _bars(axes: Any, places: list[float], rows: list[Row], part: str) -> None:
    if not rows:
        return
    marker, colour = STYLES[part]
    values = np.array(
        [(r.slope.value, r.slope.value - r.slope.low, r.slope.high - r.slope.value) for r in rows]
    ).T
    axes.errorbar(
        places, values[0], yerr=values[1:], fmt=marker, ms=5, capsize=2, color=colour, label=f"{part} update"
    )
    known = [(x, row.predicted) for x, row in zip(places, rows, strict=True) if row.predicted is not None]
    if known:
        axes.plot(*zip(*known, strict=True), "_", ms=12, mew=1.5, color="black")


def _axes(ax: "Axes | None") -> "Axes":
    if ax is not None:
        return ax
    from matplotlib.figure import Figure

    axes = Figure(figsize=(6.4, 4.2), layout="constrained").subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    return axes
