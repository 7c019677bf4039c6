"""Estimate the spectral density of an operator by stochastic Lanczos quadrature, with error bars."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from scalewright.nets.curvature.basis import Basis
from scalewright.nets.curvature.operator import Operator
from scalewright.nets.curvature.projection import Projection
from scalewright.nets.curvature.start import random_start


@dataclass(frozen=True)
class Density:
    r"""The spectral measure $\frac1n \sum_i \delta(\lambda-\lambda_i)$ of M members, by quadrature.

    Attributes:
        nodes, weights: (M, starts, steps): Ritz values and weights of every random start; the weights of a
            start add up to 1.
        size: n. products: spent.
    """

    nodes: np.ndarray
    weights: np.ndarray
    size: int
    products: int

    def mean(self, function: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        r"""Return $\frac1n \mathrm{tr} f(A)$ and its standard error over the starts, each (M,)."""
        return _over_starts((self.weights * function(self.nodes)).sum(-1))

    def on(self, grid: np.ndarray, *, width: float | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the density on `grid` (G,), smoothed by a Gaussian, and its standard error, each (M, G).

        Args:
            grid: eigenvalues. width: standard deviation of the Gaussian; 1 % of the range of nodes if None.
                Structure narrower than this, or than the distance of nodes, is not resolved.
        """
        span = float(self.nodes.max() - self.nodes.min())
        sigma = width if width is not None else max(0.01 * span, np.finfo(float).tiny)
        offsets = (np.asarray(grid)[:, None] - self.nodes[:, :, None, :]) / sigma
        bells = np.exp(-0.5 * offsets**2) / (sigma * np.sqrt(2 * np.pi))
        return _over_starts((self.weights[:, :, None, :] * bells).sum(-1))

    def share_above(self, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the share of eigenvalues above a threshold and its standard error, each (M,)."""
        return self.mean(lambda nodes: (nodes > threshold).astype(float))


def spectral_density(operator: Operator, *, steps: int = 40, starts: int = 8, seed: int = 0) -> Density:
    r"""Return the spectral density of every member by stochastic Lanczos quadrature.

    From each random start Lanczos gives a Gauss quadrature: the eigenvalues of its tridiagonal matrix with
    the squares of the first entries of its eigenvectors, exact for polynomials up to degree 2 steps - 1
    under that start's measure. The mean over starts is unbiased for traces of such polynomials.

    Args:
        operator: symmetric. steps: of Lanczos, at most the size. starts: at least 2, for the error bars.
        seed: of the first start; the others follow it.

    Raises:
        ValueError: numbers out of range, or products that are not finite.

    Cost: steps * starts products; steps + 1 vectors in memory.
    Reference: Ubaru, Chen and Saad, SIAM J. Matrix Anal. Appl. 38, 1075 (2017).
    """
    if steps < 1 or starts < 2:
        raise ValueError(
            "spectral_density: steps must be at least 1 and starts at least 2; "
            f"given {steps!r} and {starts!r}"
        )
    steps = min(steps, operator.size)
    runs = [_quadrature(operator, steps, seed + 7919 * index) for index in range(starts)]
    nodes, weights = (np.stack([run[part] for run in runs], axis=1) for part in (0, 1))
    return Density(nodes, weights, operator.size, steps * starts)


def plot_density(
    density: Density, ax: Any = None, *, member: int = 0, edge: float | None = None, points: int = 600
) -> Any:
    """Draw the spectral density of one member with its standard error, on a logarithmic axis.

    Args:
        density: from `spectral_density`. ax: matplotlib axes; a new figure without global state if None.
        edge: sharpness at which training becomes unstable, drawn dashed. points: of the grid.

    Returns:
        The axes.
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.0, 3.6), layout="constrained").subplots()
    nodes = density.nodes[member]
    span = float(nodes.max() - nodes.min()) or 1.0
    grid = np.linspace(nodes.min() - 0.05 * span, nodes.max() + 0.05 * span, points)
    values, errors = (part[member] for part in density.on(grid))
    floor = 0.3 / (density.size * span)
    ax.semilogy(grid, np.maximum(values, floor), color="#0072B2", linewidth=1.2, label="density")
    low, high = (np.maximum(values + sign * errors, floor) for sign in (-1, 1))
    ax.fill_between(grid, low, high, color="#0072B2", alpha=0.25, linewidth=0, label="standard error")
    top = float(np.median(nodes.max(axis=1)))
    ax.axvline(top, color="#D55E00", linewidth=1, label=f"largest, {top:.4g}")
    if edge is not None:
        ax.axvline(edge, color="black", linestyle="--", linewidth=1, label="edge of stability")
    ax.set_ylim(bottom=floor)
    ax.set_xlabel("eigenvalue")
    ax.set_ylabel("density")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    return ax


def _quadrature(operator: Operator, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights (M, steps) of one start."""
    basis = Basis(operator.members, operator.size, operator.dtype, operator.device)
    projection = Projection(operator.members)
    image = random_start(operator, seed)
    norms = torch.linalg.vector_norm(image, dim=1)
    rounding, scale = 100 * torch.finfo(operator.dtype).eps, torch.zeros_like(norms)
    for _ in range(steps):
        vector = basis.append(image, norms)
        image = operator.product(vector).clone()
        couplings = torch.from_numpy(projection.couplings()).to(image)
        alphas, norms, _ = basis.orthogonalise(image, couplings)
        scale = torch.maximum(scale, alphas.abs() + norms)
        norms = torch.where(norms > rounding * scale, norms, 0.0)  # an exhausted start goes on with nothing
        found = [part.cpu().numpy().astype(float) for part in (alphas, norms)]
        if not all(np.isfinite(part).all() for part in found):
            raise ValueError("spectral_density: the products must be finite; given nan or inf")
        projection.extend(*found)
    values, vectors = projection.solve(np.arange(operator.members))
    return values, vectors[:, 0, :] ** 2


def _over_starts(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard error over axis 1."""
    return samples.mean(1), samples.std(1, ddof=1) / np.sqrt(samples.shape[1])
