r"""The isometry gap of a batch, and the exact identity for one layer of batch normalization.

X holds features in its d rows and samples in its n columns. With G the smaller of X X^T and X^T X, m = min(d,
n):

$$\phi(X)=-\log\frac{\det(G)^{1/m}}{\operatorname{tr}(G)/m}\ge0,$$

0 iff G is a multiple of the identity, infinite iff X has not full rank. Batch normalization here is
BN(X) = diag(X X^T)^{-1/2} X: rows of length 1, no eps, gain or bias; the mean is subtracted only on request.

Reference: Meterez, Joudaki, Orabona, Immer, Rätsch and Daneshmand, arXiv:2310.02012, equations 3 to 5.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


def gap(x: Any, *, degenerate: Literal["raise", "inf"] = "raise") -> Any:
    """Return phi(X) for X of shape (..., d, n); a float for one matrix.

    Args:
        x: real numbers, at least 1 x 1. The scale doesn't matter.
        degenerate: what to do where X has not full rank, by singular values up to eps max(d, n) times the
            largest: "raise" says so with the rank; "inf" returns infinity there.

    Raises:
        ValueError: rank-deficient (phi is infinite), empty, or not finite. Cost: one singular value
            decomposition.

    >>> round(gap([[2.0, 0.0], [0.0, 1.0]]), 6)
    0.223144
    """
    x = matrix(x, "gap")
    singular = np.linalg.svd(x, compute_uv=False)
    ranks = _ranks(singular, x.shape[-2:])
    if degenerate == "raise" and (ranks < singular.shape[-1]).any():
        raise ValueError(
            f"gap: the isometry gap is infinite, since x has rank {int(ranks.min())} and not "
            f"{singular.shape[-1]} = min(d, n); remove dependent samples, or ask for degenerate='inf'"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = singular**2 / (singular**2).mean(axis=-1, keepdims=True)
        found = np.where(ranks < singular.shape[-1], np.inf, np.maximum(-np.log(squares).mean(axis=-1), 0.0))
    return float(found) if found.ndim == 0 else found


def _ranks(singular: Array, shape: tuple[int, ...]) -> Any:
    floor = np.finfo(np.float64).eps * max(shape) * singular[..., :1]
    return (singular > floor).sum(axis=-1)


def spectrum(x: Any) -> Array:
    """Return the d eigenvalues of X X^T, scaled to sum to d, in descending order; (..., d) for (..., d, n).

    This is all of X that a Haar-distributed weight matrix leaves visible; n < d gives d - n zeros.
    """
    x = matrix(x, "spectrum")
    singular = np.linalg.svd(x, compute_uv=False) ** 2
    if not (singular.sum(axis=-1) > 0).all():
        raise ValueError("spectrum: x must not be zero; every entry is")
    zeros = np.zeros((*singular.shape[:-1], x.shape[-2] - singular.shape[-1]))
    return np.concatenate([singular, zeros], axis=-1) * x.shape[-2] / singular.sum(axis=-1, keepdims=True)


def normalize(x: Any, *, mean_reduction: bool = False) -> Array:
    """Return BN(X): every row of (..., d, n) divided by its length, its mean subtracted first on request.

    Raises ValueError for a row of zeros, or, with mean_reduction, one that is constant.
    """
    x = matrix(x, "normalize")
    if mean_reduction:
        x = x - x.mean(axis=-1, keepdims=True)
    lengths = np.linalg.norm(x, axis=-1, keepdims=True)
    if not (lengths > 0).all():
        feature = int(np.argwhere(lengths[..., 0] == 0)[0][-1])
        kind = "constant over the batch" if mean_reduction else "zero over the batch"
        raise ValueError(f"normalize: row {feature} of x is {kind}; it has no direction")
    return x / lengths


@dataclass(frozen=True)
class Step:
    """One layer X -> BN(W X): phi before and after, log q_j of every row, and how far the identity is off.

    `identity_error` = |after - before - mean_j log q_j|: rounding only.
    """

    before: float
    after: float
    log_squares: Array

    @property
    def change(self) -> float:
        """Predicted change of phi: the mean of log q_j, never positive."""
        return float(self.log_squares.mean())

    @property
    def identity_error(self) -> float:
        """Distance of the measured change of phi from the predicted one."""
        return abs(self.after - self.before - self.change)


def one_step(x: Any, weight: Any) -> Step:
    r"""Return both sides of the exact identity for one layer of orthogonal weights.

    $$\phi(BN(WX))=\phi(X)+\frac1d\sum_j\log q_j,\qquad
    q_j=\frac{d\,\lVert(WX)_j\rVert^2}{\lVert X\rVert_F^2},$$

    for every orthogonal W and every X with independent rows (d <= n): W leaves the singular values, BN
    divides the determinant by prod q_j^(1/2) and resets the trace to d. The q_j have mean 1, so phi never
    grows.

    Raises:
        ValueError: W is not orthogonal or of another size, X has dependent rows.
    """
    x, weight = matrix(x, "one_step"), matrix(weight, "one_step")
    d = x.shape[-2]
    if weight.shape != (d, d) or x.ndim != 2:
        raise ValueError(f"one_step: weight must be {d} x {d} for x of shape {x.shape}; given {weight.shape}")
    off = np.abs(weight @ weight.T - np.eye(d)).max()
    if off > 1e-10 * d:
        raise ValueError(
            f"one_step: weight must be orthogonal; the largest entry of W W^T - 1 is {off:.1e}; take the Q "
            "of a QR decomposition"
        )
    if x.shape[1] < d:
        raise ValueError(
            f"one_step: the identity needs independent rows, d <= n; given d = {d} rows of rank at most n = "
            f"{x.shape[1]}, for which det(X X^T) = 0"
        )
    moved = weight @ x
    squares = d * (moved**2).sum(axis=1) / (x**2).sum()
    return Step(gap(x), gap(normalize(moved)), np.log(squares))


def matrix(x: Any, function: str) -> Array:
    """Return x as a float64 array of shape (..., d, n), or say what is wrong with it."""
    found = np.asarray(x, dtype=np.float64)
    if found.ndim < 2 or min(found.shape[-2:]) < 1:
        raise ValueError(
            f"{function}: x must have shape (..., d, n) with d features and n samples, both at least 1; "
            f"given shape {found.shape}"
        )
    if not np.isfinite(found).all():
        raise ValueError(f"{function}: x must be finite; it holds inf or nan")
    return found
