"""What the figures of all papers share: a colour-blind palette, axes with units, bands over seeds."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scalewright.sim.fit import Slope

#: Wong's eight colours (Nature Methods 8, 441, 2011), told apart with every common colour vision.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
NAMES = {"mup": "muP", "ntp": "NTP", "sp": "SP"}
COLOURS = {"mup": PALETTE[0], "ntp": PALETTE[1], "sp": PALETTE[2]}


def canvas(columns: int, *, rows: int = 1, height: float = 3.3) -> tuple[Any, np.ndarray]:
    """Return a figure without global state and its axes (rows, columns)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.1 * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25, linewidth=0.6)
    return figure, axes


def shades(count: int) -> list[Any]:
    """Return colours for an ordered family such as widths, dark for the largest."""
    import matplotlib

    return [matplotlib.colormaps["viridis"](x) for x in np.linspace(0.85, 0.05, count)]


def band(ax: Any, x: np.ndarray, values: np.ndarray, **style: Any) -> None:
    """Draw the median over the first axis (seeds) with the range that holds the middle 80 % of them.

    Rows that are nan throughout were not run and are left out; columns where a run diverged are not drawn.
    """
    values = values[np.isfinite(values).any(axis=1)]
    keep = np.isfinite(values).all(axis=0)
    low, middle, high = np.quantile(values[:, keep], (0.1, 0.5, 0.9), axis=0)
    ax.plot(x[keep], middle, **style)
    ax.fill_between(x[keep], low, high, color=style.get("color"), alpha=0.18, linewidth=0)


def points_with_slope(ax: Any, found: Slope, *, label: str, **style: Any) -> None:
    """Draw the fitted points with 95 % bars, and the fitted line."""
    x, centres = np.array(found.x), np.exp(found.centres)
    low, high = (np.exp(np.array(found.centres) + sign * 1.96 * np.array(found.errors)) for sign in (-1, 1))
    ax.errorbar(
        x, centres, yerr=[centres - low, high - centres], fmt="o", ms=4, capsize=2, label=label, **style
    )
    ax.plot(x, np.exp(found.intercept) * x**found.value, linewidth=1, **style)


def log_widths(ax: Any, widths: Sequence[float]) -> None:
    """Make both axes logarithmic, with at most five widths as ticks and readable numbers beside."""
    ax.set_xscale("log", base=2)
    shown = list(widths)[:: max(1, -(-len(widths) // 5))]
    ax.set_xticks(shown, [str(int(w)) for w in shown])
    ax.xaxis.minorticks_off()
    log_numbers(ax, "y")


def log_numbers(ax: Any, which: str) -> None:
    """Make an axis logarithmic; ticks at 1, 2 and 5 where it spans few decades, else one a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xscale if which == "x" else ax.set_yscale)("log")
    low, high = sorted(axis.get_data_interval())
    axis.set_minor_formatter(NullFormatter())
    if low > 0 and np.log10(high / low) < 1.6:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
