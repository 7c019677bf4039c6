"""Draw a Weingarten table: how each class falls with the dimension, or its values at one dimension."""

from math import comb, prod
from typing import Any

import numpy as np
from sympy import lambdify

from scalewright.theory.haar.tables import Table, class_name

SIZES = 60


def plot_table(found: Table, ax: Any = None) -> Any:
    """Draw |Wg(mu)| n^(2k - parts) against n; return the axes.

    Each curve tends to a product of Catalan numbers, one for every part (dashed), so what is seen is how far
    n is from the limit. A table at one dimension is drawn as points |Wg|.
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.4, 4.2), layout="constrained").subplots()
    ax.spines[["top", "right"]].set_visible(False)
    return _curves(found, ax) if found.dimension.free_symbols else _points(found, ax)


def _curves(found: Table, ax: Any) -> Any:
    import matplotlib

    k, (symbol,) = found.degree // 2, found.dimension.free_symbols
    sizes = np.unique(np.geomspace(found.valid_from, 100 * found.valid_from, SIZES).round())
    if found.group == "symplectic":
        sizes = np.unique(2 * (sizes // 2))
    colours = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.9, len(found)))
    for colour, (mu, value) in zip(colours, found.items(), strict=True):
        heights = np.abs(lambdify(symbol, value, "numpy")(sizes)) * sizes ** (2 * k - len(mu))
        ax.plot(sizes, heights, ".-", ms=3, lw=1, color=colour, label=f"({class_name(mu)})")
        limit = prod(comb(2 * part - 2, part - 1) // part for part in mu)
        ax.axhline(limit, color=colour, lw=0.8, ls="--", alpha=0.6)
    ax.set(xscale="log", xlabel=f"dimension {symbol}", ylim=(0, None))
    ax.set_ylabel(rf"$|\mathrm{{Wg}}(\mu)|\;{symbol}^{{{2 * k}-\mathrm{{parts}}}}$")
    ax.set_title(f"{found.group} group, degree {found.degree}", loc="left")
    if len(found) <= 15:
        ax.legend(title="class", frameon=False, fontsize=8, ncols=1 + len(found) // 8)
    return ax


def _points(found: Table, ax: Any) -> Any:
    for sign, colour in ((1, "#0072B2"), (-1, "#D55E00")):
        places = [i for i, value in enumerate(found.entries.values()) if value * sign > 0]
        heights = [abs(float(value)) for value in found.entries.values() if value * sign > 0]
        ax.plot(places, heights, "o", color=colour, label="positive" if sign > 0 else "negative")
    names = [f"({class_name(mu)})" for mu in found]
    ax.set_xticks(range(len(found)), names, rotation=30, ha="right", fontsize=8)
    ax.set(yscale="log", ylabel=r"$|\mathrm{Wg}(\mu)|$", xlabel="class")
    ax.set_title(f"{found.group} group, degree {found.degree}, dimension {found.dimension}", loc="left")
    ax.legend(frameon=False)
    return ax
