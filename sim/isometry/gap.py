r"""How far a matrix is from an isometry: the gap, zero exactly where all singular values are equal."""

import numpy as np


def isometry_gap(matrices: np.ndarray, *, count: int | None = None) -> np.ndarray:
    r"""Return $\phi(X) = -\log\big[(\prod_k \lambda_k)^{1/m} / (\frac1m \sum_k \lambda_k)\big]$.

    $\lambda_k$ are the m = min(d, n) eigenvalues of the smaller Gram matrix, X X^T or X^T X: the logarithm of
    their arithmetic mean over their geometric mean. It is >= 0, 0 only where they are equal, blind to the
    scale of X, and infinite where X has not rank m (to rounding, see `ranks`).

    Args:
        matrices: X (..., d, n), in its last two axes.
        count: take the `count` largest eigenvalues in place of all m, for a matrix whose rank is known to be
            smaller, such as one with centred rows: n - 1.

    Raises:
        ValueError: no matrix, entries that are not finite, or a count outside 1 ... m.

    Cost: one singular value decomposition a matrix, without vectors.

    Example:
        >>> float(isometry_gap(np.diag([1.0, 1.0, 1.0])).round(3)), float(isometry_gap(np.ones((2, 2))))
        (0.0, inf)

    Reference: arXiv 2310.02012, equation 5.
    """
    values = _singular_values(matrices, count)
    full = np.asarray(_is_positive(values, np.shape(matrices)).all(-1))
    squares = np.where(full[..., None], values, 1.0) ** 2
    gap = np.log(squares.mean(-1)) - np.log(squares).mean(-1)
    return np.asarray(np.where(full, np.maximum(gap, 0.0), np.inf))


def ranks(matrices: np.ndarray) -> np.ndarray:
    """Return the rank of each matrix: singular values above max(d, n) times the rounding of the largest.

    Raises:
        ValueError: no matrix, or entries that are not finite.
    """
    values = _singular_values(matrices, None)
    return np.asarray(_is_positive(values, np.shape(matrices)).sum(-1))


def spectral_variance(matrices: np.ndarray) -> np.ndarray:
    r"""Return $\frac1d \sum_k (\lambda_k - 1)^2$ for the d eigenvalues of X X^T, scaled to mean 1.

    Zeros count where n < d; then it is at least (d - n) / n. No decomposition is made: the sum of squares of
    a Gram matrix is that of its eigenvalues.
    """
    array = np.asarray(matrices, dtype=float)
    width, samples = array.shape[-2:]
    turned = array.swapaxes(-1, -2)
    gram = array @ turned if width <= samples else turned @ array
    trace = np.trace(gram, axis1=-2, axis2=-1)
    return np.asarray(width * (gram**2).sum((-2, -1)) / trace**2 - 1)


def _is_positive(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    floor = max(shape[-2:]) * np.finfo(float).eps
    return np.asarray(values > floor * values[..., :1])


def _singular_values(matrices: np.ndarray, count: int | None) -> np.ndarray:
    array = np.asarray(matrices, dtype=float)
    if array.ndim < 2 or 0 in array.shape[-2:]:
        raise ValueError(
            f"isometry_gap: matrices must have shape (..., d, n) with d, n >= 1; given {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError("isometry_gap: matrices must be finite; given nan or inf")
    least = min(array.shape[-2:])
    if count is not None and not 1 <= count <= least:
        raise ValueError(f"isometry_gap: count must be between 1 and min(d, n) = {least}; given {count}")
    return np.linalg.svd(array, compute_uv=False)[..., : least if count is None else count]
