"""Draws for the Monte-Carlo march: whitened normal numbers, random signs, and factors that grow with time."""

from typing import Any

import numpy as np

#: Added to the diagonal of every covariance, relative to its mean: below every error, above rounding.
JITTER = 1e-10


def normal(rng: np.random.Generator, draws: int, size: int) -> np.ndarray:
    """Return normal numbers (draws, size), whitened: a field made of them has its covariance exactly."""
    return whitened(rng.standard_normal((draws, size)))


def signs(rng: np.random.Generator, draws: int, size: int) -> np.ndarray:
    """Return random signs (draws, size), whitened: a tangent along them finds the mean response exactly.

    What is left to chance is how far the response of one draw is from the mean.
    """
    return whitened(rng.integers(0, 2, (draws, size), dtype=np.int8) * 2.0 - 1.0)


def whitened(numbers: np.ndarray) -> np.ndarray:
    """Return numbers (S, n) mapped linearly to sample mean 0 and sample covariance 1.

    With fewer than 2 n draws the map would deform their distribution, and they are returned as they are.

    Cost: 2 S n^2.
    """
    draws, size = numbers.shape
    if draws < 2 * (size + 1):
        return numbers
    from scipy.linalg import solve_triangular

    centred = numbers - numbers.mean(axis=0)
    factor = np.linalg.cholesky(centred.T @ centred / draws)
    return np.ascontiguousarray(solve_triangular(factor, centred.T, lower=True).T)


def extend(factor: Any, row: Any, at: Any) -> Any:
    """Write the rows of a Cholesky factor for new rows of its covariance; traced by jax.

    Args:
        factor: (n, n), lower triangular, filled up to row `at`, zero below.
        row: the covariance of the new entries with the old and with themselves (b, n), zero beyond.
        at: number of rows filled before.

    Returns:
        (factor with b more rows, the new rows (b, n)).
    """
    import jax
    import jax.numpy as jnp

    n, b = factor.shape[0], row.shape[0]
    known = jnp.arange(n) < at
    padded = factor + jnp.diag(jnp.where(known, 0.0, 1.0))
    left = jax.scipy.linalg.solve_triangular(padded, jnp.where(known, row, 0.0).T, lower=True).T
    block = jax.lax.dynamic_slice(row, (0, at), (b, b)) - left @ left.T
    scale = JITTER * jnp.trace(jax.lax.dynamic_slice(row, (0, at), (b, b))) / b
    corner = jnp.linalg.cholesky((block + block.T) / 2 + scale * jnp.eye(b))
    new = jax.lax.dynamic_update_slice(left, corner, (0, at))
    return jax.lax.dynamic_update_slice(factor, new, (at, 0)), new
