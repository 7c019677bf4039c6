"""Toys with exact dynamics: whitened data at every width, and learning-rate transfer."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from scalewright.papers.super_consistency import settings
from scalewright.sim import linear

Progress = Callable[[int, int], None] | None

WHITENED = linear.Problem(np.eye(4), np.array([[1.0], [0.0], [0.0], [0.0]]))
#: Covariance diag(2, 1, 1/2, 1/4); solution of norm 2 along Sigma^-1/2 (1, 1, 1, 1): all modes excited alike.
GRADED = linear.Problem(
    np.diag([2.0, 1.0, 0.5, 0.25]), 2 * np.sqrt([[0.5], [1.0], [2.0], [4.0]]) / np.sqrt(7.5)
)
TRANSFER_STEPS = 60
TRANSFER_RATES = np.geomspace(0.3, 6.0, 26)


def whitened(name: str, *, widths: Sequence[int], draws: int, progress: Progress = None) -> xr.Dataset:
    """Whitened data, four inputs, one output, eta_0 = 0.2, 80 steps: statistics over draws at every width."""
    rule = settings.linear_network(name)
    rows = []
    for done, width in enumerate(widths):
        rows.append(
            linear.trajectory(
                WHITENED,
                rule,
                width=width,
                lr=0.2,
                steps=80,
                seeds=range(draws),
                spectra_at=[0, 5, 20, 80],
                quantities=("sharpness", "gauss_newton", "residual", "ntk"),
            )
        )
        if progress:
            progress(done + 1, len(widths))
    joined = xr.concat(rows, dim="width", combine_attrs="drop_conflicts").assign_coords(width=list(widths))
    return joined.assign_attrs(parametrization=name)


def transfer(name: str, *, widths: Sequence[int], draws: int, progress: Progress = None) -> xr.Dataset:
    """Loss along 60 steps for every rate of a grid, graded spectrum: (width, seed, lr, step)."""
    rule = settings.linear_network(name)
    rows = []
    for done, width in enumerate(widths):
        runs = [
            linear.trajectory(
                GRADED, rule, width=width, lr=float(lr), steps=TRANSFER_STEPS, seeds=range(draws)
            )
            for lr in TRANSFER_RATES
        ]
        rows.append(
            xr.concat(runs, dim="lr", combine_attrs="drop_conflicts").assign_coords(lr=TRANSFER_RATES)
        )
        if progress:
            progress(done + 1, len(widths))
    joined = xr.concat(rows, dim="width", combine_attrs="drop_conflicts").assign_coords(width=list(widths))
    return joined.transpose("width", "seed", "lr", "step").assign_attrs(parametrization=name)
