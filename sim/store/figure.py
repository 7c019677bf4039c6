"""Draw a sweep: how runs end, along one axis of the grid, a line for each value of another."""

from typing import Any

import numpy as np
import xarray as xr

#: Okabe and Ito's colours, which colour-blind readers tell apart.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000")
MARKS = "osD^vPX"


def plot_end(data: xr.Dataset, ax: Any = None, *, x: str = "", hue: str = "", variable: str = "loss") -> Any:
    """Draw the last recorded value against `x`, a line for each value of `hue`, and return the axes.

    Lines are medians over all other axes, bands reach from the least to the largest run. Where runs diverged
    or are missing, a cross at the upper edge says so, and the median is that of the others.

    Args:
        data: a trajectory over a grid. ax: matplotlib axes, new ones by default.
        x: an axis of numbers: "lr" by default, else the longest.
        hue: another: "width" by default, else the next; "seed" is never taken unasked.
        variable: one that has no dimension beside the grid's and the recorded point.

    Raises:
        ValueError: an axis or a variable that the trajectory doesn't have.
    """
    from matplotlib import pyplot

    axes = [str(dim) for dim in data["diverged_at"].dims]
    x, hue = _axes(data, axes, x, hue)
    if variable not in data or set(data[variable].dims) - {*axes, "step", "time"}:
        raise ValueError(f"plot_end: variable must be a number for each run; given {variable!r}")
    ax = pyplot.subplots(figsize=(6, 4), layout="constrained")[1] if ax is None else ax
    point = "time" if "time" in data.dims else "step"
    end = data[variable].isel({point: -1}).load()
    for index in range(data.sizes[hue] if hue else 1):
        part = end.isel({hue: index}) if hue else end
        _line(ax, part, x, index, f"{hue} {_short(data[hue].values[index])}" if hue else None)
    ax.set_xscale("log" if _spread(data[x].values) else "linear")
    ax.set_yscale("log" if float(end.where(np.isfinite(end)).min()) > 0 else "linear")
    last = data[point].values[-1]
    ax.set(xlabel=_name(x), ylabel=f"{_name(variable)} at {point} {last:g}")
    if bool(end.isnull().any()):
        ax.plot([], [], "x", color="#777777", markersize=4, label="runs diverged")
    if hue or bool(end.isnull().any()):
        ax.legend(frameon=False, fontsize="small", ncols=2 if hue and data.sizes[hue] > 4 else 1)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _axes(data: xr.Dataset, axes: list[str], x: str, hue: str) -> tuple[str, str]:
    """Return the axes to draw: those that are given, else the usual ones."""
    for name in filter(None, (x, hue)):
        if name not in axes:
            raise ValueError(f"plot_end: axes must be of {', '.join(axes)}; given {name!r}")
    numbers = [axis for axis in axes if np.issubdtype(data[axis].dtype, np.number)]
    usual = sorted(numbers, key=lambda axis: (axis == "lr", data.sizes[axis]), reverse=True)
    x = x or next((axis for axis in usual if axis != hue), "")
    if x not in numbers:
        raise ValueError(
            f"plot_end: x must be an axis of numbers ({', '.join(numbers) or 'none'}); given {x!r}"
        )
    rest = [axis for axis in axes if axis not in (x, "seed") and data.sizes[axis] > 1]
    return x, hue or ("width" if "width" in rest else rest[0] if rest else "")


def _line(ax: Any, part: xr.DataArray, x: str, index: int, label: str | None) -> None:
    colour, values = COLOURS[index % len(COLOURS)], part.transpose(x, ...).values.reshape(part.sizes[x], -1)
    ends = [row[np.isfinite(row)] for row in values]
    there = [place for place, row in enumerate(ends) if len(row)]
    xs, rows = part[x].values[there], [ends[place] for place in there]
    mark = MARKS[index // len(COLOURS) % len(MARKS)]
    ax.plot(xs, [np.median(row) for row in rows], mark + "-", color=colour, markersize=3.5, label=label)
    ax.fill_between(
        xs, [r.min() for r in rows], [r.max() for r in rows], color=colour, alpha=0.15, linewidth=0
    )
    lost = [place for place, row in enumerate(ends) if len(row) < values.shape[1]]
    height = 1.02 + 0.025 * index
    ax.plot(
        part[x].values[lost],
        [height] * len(lost),
        "x",
        color=colour,
        markersize=4,
        clip_on=False,
        transform=ax.get_xaxis_transform(),
    )


def _spread(values: np.ndarray) -> bool:
    """Whether values are better told apart by their ratios."""
    return bool((values > 0).all() and values.max() / values.min() > 5)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float | np.floating) else str(value)


def _name(axis: str) -> str:
    return {"lr": "learning rate", "loss": "loss"}.get(axis, axis.replace("_", " "))
