"""The largest eigenvalue of many symmetric operators at once, by Lanczos with full reorthogonalisation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TopEigenvalues:
    """Largest eigenvalues of a batch of operators.

    Attributes:
        values: Ritz values (B,).
        residuals: |A u - theta u| for unit Ritz vectors (B,): some eigenvalue lies within it of the value.
        products: operator applications spent.
        converged: residual <= tolerance * |value| for every member (B,).
    """

    values: np.ndarray
    residuals: np.ndarray
    products: int
    converged: np.ndarray


def top_eigenvalues(
    apply: Callable[[np.ndarray], np.ndarray],
    *,
    batch: int,
    size: int,
    seed: int = 0,
    tolerance: float = 1e-7,
    budget: int = 300,
) -> TopEigenvalues:
    """Find the largest eigenvalue of each operator of a batch from one random start.

    Args:
        apply: (B, size) -> (B, size), symmetric for each member.
        tolerance: bound on the residual relative to |value|; the error of the value is of its square over
        the gap. budget: greatest number of products; a member that has not met the tolerance says so in
        `converged`.

    Cost: one application a step, and size * steps numbers a member for the basis.
    """
    budget = min(budget, size)
    start = np.random.default_rng(seed).standard_normal((batch, size))
    basis = np.empty((batch, min(CAPACITY, budget), size))
    basis[:, 0] = start / np.linalg.norm(start, axis=1, keepdims=True)
    projected = np.zeros((batch, budget, budget))
    for k in range(budget):
        image, overlaps = _orthogonalise(apply(basis[:, k]), basis[:, : k + 1])
        projected[:, : k + 1, k] = projected[:, k, : k + 1] = overlaps
        beta = np.linalg.norm(image, axis=1)
        last = k + 1 == budget
        if last or k % CHECK_EVERY == 0:
            values, residuals, done = _ritz(projected[:, : k + 1, : k + 1], beta, tolerance)
            if last or done.all():
                return TopEigenvalues(values, residuals, k + 1, done)
        # An exhausted Krylov space (beta = 0) has residual 0; dividing by 1 there leaves a null
        # vector behind.
        if k + 1 == basis.shape[1]:
            basis = np.concatenate([basis, np.empty((batch, min(k + 1, budget - k - 1), size))], axis=1)
        basis[:, k + 1] = image / np.where(beta > 0, beta, 1.0)[:, None]
    raise AssertionError("unreachable: the loop returns at its budget")


#: Steps between two looks at the Ritz values, which cost more than a step where the operators are small.
CHECK_EVERY = 3
#: Basis vectors for which there is room at first; the room doubles when it is used up.
CAPACITY = 24


def _orthogonalise(image: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take known directions (B, k, size) out of an image (B, size), twice; return it and the overlaps."""
    overlaps = np.zeros(known.shape[:2])
    for _ in range(2):
        found = (known @ image[:, :, None])[:, :, 0]
        image = image - (found[:, None, :] @ known)[:, 0]
        overlaps += found
    return image, overlaps


def _ritz(
    projected: np.ndarray, beta: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh(projected)
    top, residuals = values[:, -1], beta * np.abs(vectors[:, -1, -1])
    return top, residuals, residuals <= tolerance * np.maximum(np.abs(top), np.finfo(float).tiny)
