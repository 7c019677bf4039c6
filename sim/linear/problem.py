"""The regression problem that a linear network sees: its covariances and nothing else of the data."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Problem:
    """Sufficient statistics of squared-loss regression with a linear map f = X W, W (D, K).

    Loss = (1/2P) |X W - Y|^2 = floor + (1/2) tr[(W - W*)^T Sigma (W - W*)], with Sigma = X^T X / P,
    W* = Sigma^+ X^T Y / P the least-norm solution and floor = (1/2P) |X W* - Y|^2.

    Attributes:
        covariance: Sigma (D, D).
        solution: W* (D, K).
        floor: the least loss of any linear map.
        samples: P, which only enters the NTK (its spectrum is P times that of the Gauss-Newton matrix).
    """

    covariance: np.ndarray
    solution: np.ndarray
    floor: float = 0.0
    samples: int = 1

    def __post_init__(self) -> None:
        sigma, solution = self.covariance, self.solution
        if sigma.ndim != 2 or sigma.shape[0] != sigma.shape[1] or not np.allclose(sigma, sigma.T):
            raise ValueError(
                f"Problem: covariance must be a symmetric (D, D) array; given shape {sigma.shape}"
            )
        if not (np.isfinite(sigma).all() and np.isfinite(solution).all() and self.samples >= 1):
            raise ValueError("Problem: covariance and solution must be finite, and samples at least 1")
        if len(sigma) and np.linalg.eigvalsh(sigma)[0] < -1e-9 * max(1.0, float(np.abs(sigma).max())):
            raise ValueError(
                "Problem: covariance must be positive semi-definite; given one with a negative eigenvalue"
            )
        if solution.ndim != 2 or len(solution) != len(sigma):
            raise ValueError(f"Problem: solution must be ({len(sigma)}, K); given shape {solution.shape}")

    @classmethod
    def of(cls, inputs: np.ndarray, targets: np.ndarray) -> "Problem":
        """Build the problem from inputs X (P, D) and targets Y (P, K)."""
        inputs, targets = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
        if inputs.ndim != 2 or targets.ndim != 2 or len(inputs) != len(targets):
            raise ValueError(
                f"Problem.of: inputs (P, D) and targets (P, K) must have the same P; given "
                f"{inputs.shape}, {targets.shape}"
            )
        if not len(inputs) or not (np.isfinite(inputs).all() and np.isfinite(targets).all()):
            raise ValueError(
                "Problem.of: inputs and targets must hold at least one sample, all numbers finite"
            )
        solution = np.linalg.lstsq(inputs, targets, rcond=None)[0]
        misfit = inputs @ solution - targets
        samples = len(inputs)
        return cls(inputs.T @ inputs / samples, solution, float((misfit**2).sum() / (2 * samples)), samples)

    @property
    def inputs(self) -> int:
        """Input dimension D."""
        return len(self.covariance)

    @property
    def outputs(self) -> int:
        """Output dimension K."""
        return self.solution.shape[1]

    def pull(self, maps: np.ndarray) -> np.ndarray:
        """Return X^T (f - Y) / P = Sigma (W - W*), shape (..., D, K), for maps W of that shape."""
        return self.covariance @ (maps - self.solution)

    def loss(self, maps: np.ndarray) -> np.ndarray:
        """Return the squared loss of each map, shape (...)."""
        away = maps - self.solution
        return self.floor + 0.5 * (away * (self.covariance @ away)).sum(axis=(-2, -1))
