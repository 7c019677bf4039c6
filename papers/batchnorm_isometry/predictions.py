"""What theory.isometry predicts of the experiments, as the numbers that they are held against."""

from math import log

import numpy as np

from scalewright.theory import isometry


def expected_change(spectrum: np.ndarray) -> float:
    """Return E phi(BN(W X)) - phi(X), an integral."""
    return isometry.expected_change(spectrum).value


def rate(width: int) -> float:
    """Return the slope of log mean phi near isometry, log(d / (d + 2))."""
    return log(float(isometry.rate(width)))


def bounds(gaps: np.ndarray, layers: float) -> np.ndarray:
    """Return phi_0 exp(-l / k) at every layer l, k = `layers`, for mean gaps (layers,)."""
    return np.array([bound.high for bound in isometry.theorem_1(gaps, layers)])


def profile(width: int, back: int) -> float:
    """Return the mean squared gradient `back` layers before an isotropic one of norm 1."""
    return float(isometry.gradient_profile(layers=back, d=width))


def growth_bounds(width: int, gaps: np.ndarray, *, root: bool = True) -> np.ndarray:
    """Return the deterministic bound on log |dX_l/dX_0| at every layer, for gaps (seeds, layers).

    `root=False` leaves out the term that grows as the square root of the depth: no bound any more.
    """
    changes = np.maximum(gaps[:, :1] - gaps, 0.0)
    depths = np.arange(gaps.shape[1]) if root else np.zeros(gaps.shape[1], dtype=int)
    return np.array(
        [
            [
                isometry.jacobian_bound(width, float(change), int(depth))
                for change, depth in zip(row, depths, strict=True)
            ]
            for row in changes
        ]
    )


def response(activation: str, gain: float) -> float:
    """Return the mean-field growth R(alpha) a layer."""
    return isometry.shaped_rate(float(gain), activation).value


def scheduled(activation: str, power: float, depth: int) -> float:
    """Return the sum of R(l^-p) over the layers after the first."""
    return isometry.total(power, depth, activation) - response(activation, 1.0)
