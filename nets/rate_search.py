"""Search the largest stable and the best learning rate of every width, on a grid that moves with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr

from scalewright.nets.ensemble import Ensemble
from scalewright.nets.optimizers import Settings
from scalewright.nets.parametrize import Build
from scalewright.nets.train import train
from scalewright.sim import rates
from scalewright.sim.dataset import dataset
from scalewright.sim.fit import Slope
from scalewright.sim.rates import Rate
from scalewright.theory.parametrization import Parametrization

Which = Literal["largest_stable", "best"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RateSearch:
    """What the grids gave, width by width.

    Attributes:
        trajectory: `loss` (width, seed, lr, step) at the start and the end, nan where a run diverged;
            `diverged_at` (width, seed, lr), -1 for those that didn't; the coordinate `rate` (width, lr).
        level: share of its initial loss below which a run must end to count as stable.
        largest_stable, best: a `sim.rates.Rate` a width, with interval and status; one that its grid does not
            hold is censored.
    """

    trajectory: xr.Dataset
    level: float
    largest_stable: tuple[Rate, ...]
    best: tuple[Rate, ...]

    @property
    def widths(self) -> list[int]:
        """The widths, in order."""
        return [int(width) for width in self.trajectory.width.values]

    def slope(self, which: Which = "largest_stable") -> Slope:
        """Return the power of the width in the rate, with its interval.

        Raises:
            ValueError: one width, one seed, or a rate that its grid does not hold.
        """
        if which not in ("largest_stable", "best"):
            raise ValueError(f"RateSearch.slope: which must be 'largest_stable' or 'best'; given {which!r}")
        if len(self.widths) < 2:
            raise ValueError("RateSearch.slope: a power needs two widths or more; one was searched")
        return rates.slope(self.widths, getattr(self, which))

    def to_markdown(self) -> str:
        """Return a table: a row a width, with both rates, their intervals and what their status says."""
        head = ["| width | largest stable | best | status |", "|---|---|---|---|"]
        rows = [
            f"| {width} | {_written(top)} | {_written(best)} | {top.status}; {best.status} |"
            for width, top, best in zip(self.widths, self.largest_stable, self.best, strict=True)
        ]
        return "\n".join([*head, *rows])

    def plot(self, predicted: float | None = None) -> Any:
        """Return a picture of both rates against the width; `predicted`: a power to draw beside them."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5, 3.8), layout="constrained")
        ax = figure.subplots()
        for name, colour, marker in (("largest_stable", "#0072b2", "o"), ("best", "#d55e00", "s")):
            _draw(ax, np.array(self.widths), getattr(self, name), name.replace("_", " "), colour, marker)
        if predicted is not None:
            first = next((r.value for r in self.largest_stable if r.status == "interior"), None)
            if first is not None:
                xs = np.array(self.widths, dtype=float)
                line = first * (xs / xs[0]) ** predicted
                ax.plot(xs, line, ":", color="#444444", label=f"predicted power {predicted:g}")
        ax.set(xscale="log", yscale="log", xlabel="width", ylabel="learning rate")
        ax.set_xticks(self.widths, [str(width) for width in self.widths], minor=False)
        ax.minorticks_off()
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
        return figure


def search_rates(
    build: Build,
    parametrization: Parametrization,
    data: Any,
    *,
    widths: Sequence[int],
    inputs: int,
    outputs: int,
    start: float,
    steps: int,
    power: float = 0.0,
    count: int = 9,
    factor: float = 2**0.5,
    seeds: Sequence[int] = range(3),
    level: float = 1.0,
    loss: str = "mse",
    settings: Settings | None = None,
    dtype: torch.dtype = torch.float32,
    device: str = "auto",
    progress: Progress | None = None,
) -> RateSearch:
    r"""Train every width at every rate of its grid and every seed; read off what is stable and what is best.

    The grid of width n holds `count` rates in steps of `factor` around $start\,(n/n_0)^{power}$, n_0 the
    first width. **A run is unstable** if its loss is not finite, is ever above 10^6 times its start, or does
    not end below `level` times its start. Under Adam, whose steps do not read how large a gradient is,
    nothing blows up at the edge of bounded features: look at `coordinate_check` there. Final losses are told
    apart down to eps^2 of the start, the rounding error of squared residuals.

    Args:
        build, parametrization, inputs, outputs: as in `Ensemble.of`; its rates multiply those of the grid.
        data, steps, loss, settings: as in `train`.
        widths: increasing.
        start: base rate in the middle of the first width's grid. power: with which grids move: a predicted
            one keeps them short, and another true one shows as a drift through them.
        progress: called as progress(done, all) after every width.

    Raises:
        ValueError: widths that don't increase, fewer than 3 rates or 2 seeds, a start, factor or level that
            can't be used.

    Cost: `steps` gradients of count x seeds networks a width, trained at once.

    Example:
        >>> from functools import partial
        >>> from scalewright import nets, theory
        >>> rule = theory.named(theory.mlp(2, "linear", loss="squared"), "mup", "sgd")
        >>> eye = torch.eye(2)
        >>> found = search_rates(
        ...     partial(nets.models.mlp, 2, activation="linear"), rule, (eye, eye[:, :1]),
        ...     widths=[16, 32], inputs=2, outputs=1, start=2.0, steps=30, device="cpu",
        ... )  # fmt: skip
        >>> [rate.status for rate in found.largest_stable]
        ['interior', 'interior']
    """
    _check(widths, start, count, factor, seeds, level)
    sizes = [int(width) for width in widths]
    steps_of_grid = factor ** (np.arange(count) - (count - 1) / 2)
    runs, grids = [], []
    for done, width in enumerate(sizes):
        grids.append(start * (width / sizes[0]) ** power * steps_of_grid)
        networks = Ensemble.of(
            build, parametrization, width=width, inputs=inputs, outputs=outputs, seeds=seeds,
            lrs=grids[-1].tolist(), dtype=dtype, device=device,
        )  # fmt: skip
        runs.append(train(networks, data, steps=steps, loss=loss, settings=settings, quantities=()))
        if progress is not None:
            progress(done + 1, len(sizes))
    trajectory = _joined(runs, sizes, list(seeds), np.array(grids), steps)
    starts = trajectory.loss.values[:, :, 0, 0]
    ends = np.maximum(trajectory.loss.values[..., -1], torch.finfo(dtype).eps ** 2 * starts[..., None])
    losses = np.where(trajectory.diverged_at >= 0, np.inf, ends)
    rows = list(zip(grids, losses, level * starts, strict=True))
    stable = tuple(rates.largest_stable(grid, found, level=limit) for grid, found, limit in rows)
    best = tuple(rates.optimum(grid, found, level=limit) for grid, found, limit in rows)
    return RateSearch(trajectory, level, stable, best)


def _joined(
    runs: Sequence[xr.Dataset], widths: list[int], seeds: list[int], grids: np.ndarray, steps: int
) -> xr.Dataset:
    """Return the first and last losses of all widths; `lr` counts the rates of a grid from below."""
    axes = ("seed", "lr")
    ends = [run.loss.transpose(*axes, "step").sel(step=[0, steps]).values for run in runs]
    diverged = [run.diverged_at.transpose(*axes).values for run in runs]
    found = dataset(
        {
            "loss": (("width", *axes, "step"), np.array(ends)),
            "diverged_at": (("width", *axes), np.array(diverged)),
        },
        {"width": widths, "seed": seeds, "lr": np.arange(grids.shape[1]), "step": [0, steps]},
        runs[0].attrs,
    )
    return found.assign_coords(rate=(("width", "lr"), grids))


def _written(rate: Rate) -> str:
    return f"{rate.value:.3g} [{rate.low:.3g}, {rate.high:.3g}]" if rate.status == "interior" else "-"


def _draw(ax: Any, widths: np.ndarray, found: Sequence[Rate], label: str, colour: str, marker: str) -> None:
    """Draw the rates that their grids hold with intervals, and censored ones hollow at the edge of theirs."""
    held = np.array([rate.status == "interior" for rate in found])
    values, low, high = (np.array([getattr(r, name) for r in found]) for name in ("value", "low", "high"))
    bars = [values[held] - low[held], high[held] - values[held]]
    ax.errorbar(widths[held], values[held], bars, fmt=f"{marker}-", color=colour, label=label, capsize=2)
    if (~held & np.isfinite(values)).any():
        ax.plot(widths[~held], values[~held], marker, mfc="none", color=colour, label=f"{label}, censored")


def _check(
    widths: Sequence[int], start: float, count: int, factor: float, seeds: Sequence[int], level: float
) -> None:
    sizes = list(widths)
    if not sizes or sorted(set(sizes)) != sizes or sizes[0] < 1:
        raise ValueError(f"search_rates: widths must be increasing and positive; given {sizes}")
    for name, value, fine, wanted in (
        ("start", start, np.isfinite(start) and start > 0, "a positive rate"),
        ("count", count, count >= 3, "at least 3"),
        ("factor", factor, np.isfinite(factor) and factor > 1, "above 1"),
        ("seeds", list(seeds), len(set(seeds)) == len(seeds) >= 2, "at least 2 different ones"),
        ("level", level, 0 < level <= 1, "in (0, 1]"),
    ):
        if not fine:
            raise ValueError(f"search_rates: {name} must be {wanted}; given {value!r}")
