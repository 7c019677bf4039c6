"""The edge of stability of a live torch optimizer, and sharpness drawn against it."""

from fractions import Fraction
from typing import Any

import numpy as np
import torch
import xarray as xr

from scalewright.theory.stability import threshold

#: Variables of a trajectory that are drawn, with names and colours that are told apart by everyone.
_DRAWN = {
    "sharpness": ("sharpness $S$", "#0072B2"),
    "gauss_newton": ("Gauss-Newton part", "#D55E00"),
    "residual": ("residual part", "#009E73"),
    "directional_sharpness": ("along the gradient", "#CC79A7"),
}


def edge_of_stability(optimizer: torch.optim.Optimizer) -> float:
    r"""Return the sharpness at which a torch optimizer becomes unstable on a quadratic.

    $2/\eta$ for SGD, $2(1+\mu)/((1-\tau)\eta)$ with momentum, $2(1+\mu)/((1+2\mu)\eta)$ with Nesterov's, and
    $(2+2\beta_1)/((1-\beta_1)\eta)$ of the preconditioned Hessian for Adam and AdamW; $\eta$ is the rate of
    the first group, as in `preconditioner`. Weight decay is left out.

    Raises:
        TypeError: another optimizer. ValueError: a rate that is not positive.
    """
    group = optimizer.param_groups[0]
    rate = float(group["lr"])
    if not rate > 0:
        raise ValueError(f"edge_of_stability: the rate must be positive; given {rate!r}")
    if isinstance(optimizer, torch.optim.Adam | torch.optim.AdamW):
        return float(threshold("adam", momentum=_exact(group["betas"][0]))) / rate
    if not isinstance(optimizer, torch.optim.SGD):
        kind = type(optimizer).__name__
        raise TypeError(f"edge_of_stability: optimizer must be torch's SGD, Adam or AdamW; given {kind}")
    momentum, damping = _exact(group["momentum"]), _exact(group["dampening"])
    if group["nesterov"]:
        return float(threshold("nesterov", momentum=momentum)) / rate
    if not momentum:
        return 2 / rate
    return float(threshold("heavy-ball", momentum=momentum, dampening=damping)) / rate


def _exact(number: float) -> Fraction:
    return Fraction(str(float(number)))


def plot_sharpness(trajectory: xr.Dataset, ax: Any = None, *, edge: float | None = None) -> Any:
    """Draw the eigenvalues of a trajectory against the step, with their error bounds and the edge.

    Args:
        trajectory: with "step" and some of sharpness, gauss_newton, residual, directional_sharpness, from
            `SharpnessTracker.trajectory` or `nets.train`. Over further dimensions the median is drawn, with
            the range that holds the middle 80 %.
        ax: matplotlib axes; a new figure without global state if None.
        edge: sharpness at which training becomes unstable, drawn dashed; from `edge_of_stability`.

    Returns:
        The axes; `ax.figure.savefig(...)` writes them.

    Raises:
        ValueError: a trajectory with nothing to draw.
    """
    names = [name for name in _DRAWN if name in trajectory and "step" in trajectory[name].dims]
    if not names:
        raise ValueError(
            f"plot_sharpness: trajectory must have one of {', '.join(_DRAWN)} over step; given none"
        )
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.0, 3.6), layout="constrained").subplots()
    for name in names:
        _curve(ax, trajectory, name)
    if edge is not None:
        ax.axhline(edge, color="black", linestyle="--", linewidth=1, label="edge of stability")
    ax.set_xlabel("step")
    ax.set_ylabel("eigenvalue")
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax


def _curve(ax: Any, trajectory: xr.Dataset, name: str) -> None:
    label, colour = _DRAWN[name]
    rows = trajectory[name].transpose(..., "step").values.reshape(-1, trajectory.sizes["step"])
    keep = np.isfinite(rows).any(axis=0)
    steps = trajectory["step"].values[keep]
    low, middle, high = np.nanquantile(rows[:, keep], (0.1, 0.5, 0.9), axis=0)
    if len(rows) == 1 and f"{name}_error" in trajectory:
        bound = trajectory[f"{name}_error"].transpose(..., "step").values.reshape(-1)[keep]
        low, high = middle - bound, middle + bound
    width = 2.6 if name == "sharpness" else 1.2  # G is close to H: one must be seen beneath the other
    ax.plot(steps, middle, color=colour, label=label, linewidth=width, marker="o", markersize=1.2 * width)
    ax.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0)
