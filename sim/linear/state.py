"""The closed state (A, v, m) of two-layer linear networks: its initial law and its exact step."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from scalewright.sim.linear.coefficients import Coefficients


@dataclass(frozen=True)
class State:
    """Blocks of the Gram matrix of one or many networks, leading axes shared.

    Attributes:
        features: A = E E^T / N, (..., D, D).
        readout: v = V V^T / N, (..., K, K).
        overlap: m = N^kappa E V^T / N, (..., D, K), of order one at every width.
    """

    features: np.ndarray
    readout: np.ndarray
    overlap: np.ndarray

    def __getitem__(self, index: Any) -> "State":
        return State(self.features[index], self.readout[index], self.overlap[index])

    def gram(self, width: float, kappa: Fraction) -> np.ndarray:
        """Return M = Z Z^T / N (..., D+K, D+K), Z = [E; V], restoring the scale of its off-diagonal block."""
        corner = self.overlap * (0.0 if math.isinf(width) and kappa > 0 else _power(width, -kappa))
        top = np.concatenate([self.features, corner], axis=-1)
        bottom = np.concatenate([np.swapaxes(corner, -1, -2), self.readout], axis=-1)
        return np.concatenate([top, bottom], axis=-2)


def initial(*, width: float, inputs: int, outputs: int, kappa: Fraction, seeds: Sequence[int]) -> State:
    """Draw initial states of networks with independent standard normal E and V, one a seed.

    For N >= D + K the Gram matrix is drawn by Bartlett's decomposition, M = T T^T / N with T lower
    triangular, T_ii^2 ~ chi^2(N - i) and T_ij ~ N(0, 1) below: the cost does not depend on N. Below that the
    product Z Z^T / N itself is formed. At N = infinity A = I, v = I, and m is standard normal for kappa = 1/2
    (central limit theorem), zero for kappa < 1/2.

    Raises:
        ValueError: a width below 1, or kappa > 1/2 at infinite width (the initial output has no limit).
    """
    if not width >= 1:
        raise ValueError(f"sim.linear: width must be at least 1 or math.inf; given {width}")
    if math.isinf(width):
        return _initial_at_infinity(inputs, outputs, kappa, seeds)
    size = inputs + outputs
    grams = np.stack([_wishart(int(width), size, np.random.default_rng([7, seed])) for seed in seeds])
    return from_gram(grams, inputs=inputs, width=width, kappa=kappa)


def from_gram(gram: np.ndarray, *, inputs: int, width: float, kappa: Fraction) -> State:
    """Split M (..., D+K, D+K) into its blocks, the off-diagonal one multiplied by N^kappa."""
    return State(
        gram[..., :inputs, :inputs],
        gram[..., inputs:, inputs:],
        gram[..., :inputs, inputs:] * _power(width, kappa),
    )


def from_weights(embedding: np.ndarray, readout: np.ndarray, *, kappa: Fraction) -> State:
    """Return the state of given unit-variance weights E (..., D, N) and V (..., K, N)."""
    stacked = np.concatenate([embedding, readout], axis=-2)
    width = stacked.shape[-1]
    gram = stacked @ np.swapaxes(stacked, -1, -2) / width
    return from_gram(gram, inputs=embedding.shape[-2], width=width, kappa=kappa)


def step(state: State, pull: np.ndarray, by: Coefficients) -> State:
    """Advance by one step of gradient descent, exactly, at any learning rate.

    Args:
        state: (A, v, m).
        pull: q = X^T (f - Y) / P, (..., D, K).
        by: the coefficients at this width and rate.
    """
    a, v, m, q = state.features, state.readout, state.overlap, pull
    qt, mt = np.swapaxes(q, -1, -2), np.swapaxes(m, -1, -2)
    qmt, qtm = q @ mt, qt @ m
    return State(
        a - by.feed_1 * (qmt + np.swapaxes(qmt, -1, -2)) + by.self_1 * (q @ v @ qt),
        v - by.feed_2 * (qtm + np.swapaxes(qtm, -1, -2)) + by.self_2 * (qt @ a @ q),
        m - by.drive_1 * (q @ v) - by.drive_2 * (a @ q) + by.cross * (qmt @ q),
    )


def velocity(state: State, pull: np.ndarray, by: Coefficients) -> State:
    """Time derivative of the state under gradient flow, a unit of time being one step of the base rate."""
    a, v, m, q = state.features, state.readout, state.overlap, pull
    qmt, qtm = q @ np.swapaxes(m, -1, -2), np.swapaxes(q, -1, -2) @ m
    return State(
        -by.feed_1 * (qmt + np.swapaxes(qmt, -1, -2)),
        -by.feed_2 * (qtm + np.swapaxes(qtm, -1, -2)),
        -by.drive_1 * (q @ v) - by.drive_2 * (a @ q),
    )


def _wishart(width: int, size: int, rng: np.random.Generator) -> np.ndarray:
    if width < size:
        z = rng.standard_normal((size, width))
        return z @ z.T / width
    triangle = np.tril(rng.standard_normal((size, size)), -1)
    triangle[np.diag_indices(size)] = np.sqrt(rng.chisquare(float(width) - np.arange(size)))
    return triangle @ triangle.T / width


def _initial_at_infinity(inputs: int, outputs: int, kappa: Fraction, seeds: Sequence[int]) -> State:
    if kappa > Fraction(1, 2):
        raise ValueError(
            f"sim.linear: the initial output grows as n^{kappa - Fraction(1, 2)}: no infinite-width limit"
        )
    count = len(seeds)
    overlap = np.zeros((count, inputs, outputs))
    if kappa == Fraction(1, 2):
        overlap = np.stack([np.random.default_rng([7, s]).standard_normal((inputs, outputs)) for s in seeds])
    return State(np.tile(np.eye(inputs), (count, 1, 1)), np.tile(np.eye(outputs), (count, 1, 1)), overlap)


def _power(width: float, exponent: Fraction) -> float:
    return 1.0 if exponent == 0 else float(width) ** float(exponent)
