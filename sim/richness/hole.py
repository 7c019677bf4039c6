r"""Predict where the band of cross-entropy has its hole: catapults too slow to end within T steps.

Two wide layers at eta = alpha gamma, alpha small: log K falls by -log|1 - alpha^2 Delta^2| a step, slowly,
while the output runs through f' = f + kappa Delta(f), kappa = eta K / gamma^2, fast. With <Delta^2> the mean
over that one-dimensional map, the time of a catapult from kappa_0 = 2 eta / gamma^2 is, to leading order,

    alpha^2 T = integral of dkappa / (kappa <Delta^2>(kappa)),

from where the cycle around the minimiser is as narrow as the error up to kappa_0. The integral is a function
of kappa_0 alone; the hole's upper edge solves this for alpha.
"""

from functools import cache
from typing import Any

import numpy as np

from scalewright.sim.richness.march import checked
from scalewright.theory.richness.losses import RIGHT, loss_named

#: Values of kappa at which the map is averaged, from just above its stability to the largest; and its steps.
POINTS, LARGEST, SKIPPED, AVERAGED = 300, 1e9, 4000, 4000


def hole_top(gamma: Any, *, steps: int, error: float = 0.01) -> np.ndarray:
    """Return the rate above which a catapult of cross-entropy ends within T steps; nan without a hole.

    Args:
        gamma: positive numbers; the prediction is for gamma << 1 and T >> 1.
        steps, error: T and the error |f - 1| at which a run has converged.

    Cost: a tenth of a second, once for every error.

    Example:
        >>> (hole_top([1e-4], steps=6000) / 1e-4).round(2)
        array([0.11])
    """
    gammas = np.atleast_1d(checked("gamma", gamma))
    kappa, time = _times(error)
    alphas = np.geomspace(1e-6, 1 / float(RIGHT), 4000)
    found = np.full(gammas.shape, np.nan)
    for index, value in enumerate(gammas):
        start = 2 * alphas / value
        needed = np.interp(np.log(start), np.log(kappa), time, left=0.0, right=np.inf)
        slow = needed > alphas**2 * steps
        if slow.any():
            found[index] = alphas[min(int(np.flatnonzero(slow)[-1]) + 1, len(alphas) - 1)] * value
    return found


def mean_square_pull(kappa: np.ndarray) -> np.ndarray:
    """Return <Delta^2> over the map f' = f + kappa Delta(f) of cross-entropy at every kappa, settled."""
    right = float(RIGHT)
    f = np.full(kappa.shape, 0.9)
    total = np.zeros(kappa.shape)
    for step in range(SKIPPED + AVERAGED):
        pull = right - 0.5 * (1 + np.tanh(0.5 * f))
        f = f + kappa * pull
        if step >= SKIPPED:
            total += pull**2
    return total / AVERAGED


@cache
def _times(error: float) -> tuple[np.ndarray, np.ndarray]:
    """Return kappa and the integral up to it, in log(kappa - kappa_c): <Delta^2> vanishes at kappa_c."""
    edge = 2 / float(loss_named("cross-entropy").curvature_at(1))
    # Near kappa_c the cycle f = 1 +- kappa d / 2 has kappa = kappa_c + c d^2, c a third of logit'''(p_1).
    bend = 2 / 3 * sum(1 / p**3 for p in (float(RIGHT), 1 - float(RIGHT)))
    narrowest = bend * (2 * error / edge) ** 2
    above = np.geomspace(narrowest, LARGEST, POINTS)
    kappa = edge + above
    known = above > 1e-2 * edge  # closer to kappa_c the map settles too slowly to be averaged, and is known
    square = np.where(known, mean_square_pull(kappa), above / bend)
    integrand = above / (kappa * square)
    parts = np.diff(np.log(above)) * (integrand[1:] + integrand[:-1]) / 2
    return kappa, np.concatenate([[0.0], np.cumsum(parts)])
