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
    """Draw the mean over the first axis with the range from the smallest to the largest seed."""
    keep = np.isfinite(values).all(axis=0)
    ax.plot(x[keep], values[:, keep].mean(axis=0), **style)
    ax.fill_between(
        x[keep],
        values[:, keep].min(axis=0),
        values[:, keep].max(axis=0),
        color=style.get("color"),
        alpha=0.18,
        linewidth=0,
    )


def points_with_slope(ax: Any, found: Slope, *, label: str, **style: Any) -> None:
    """Draw the fitted points with 95 % bars, and the fitted line."""
    x, centres = np.array(found.x), np.exp(found.centres)
    low, high = (np.exp(np.array(found.centres) + sign * 1.96 * np.array(found.errors)) for sign in (-1, 1))
    ax.errorbar(
        x, centres, yerr=[centres - low, high - centres], fmt="o", ms=4, capsize=2, label=label, **style
    )
    ax.plot(x, np.exp(found.intercept) * x**found.value, linewidth=1, **style)


def log_axes(ax: Any, *, x: Sequence[float] | None = None, base: int = 2) -> None:
    """Make both axes logarithmic, widths in powers of two."""
    ax.set_xscale("log", base=base)
    ax.set_yscale("log")
    if x is not None:
        ax.set_xticks(list(x), [str(int(v)) for v in x])
        ax.minorticks_off()
