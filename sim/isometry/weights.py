"""Draw the weight matrices of a layer, for many networks at once: Haar on O(d), or Gaussian."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

Weights = Literal["orthogonal", "gaussian"]


def generators(seeds: Sequence[int]) -> list[np.random.Generator]:
    """Return one generator a seed; no global generator is read or moved."""
    return [np.random.default_rng(np.random.SeedSequence([int(seed), 0x150])) for seed in seeds]


def gaussian(generators: Sequence[np.random.Generator], rows: int, columns: int) -> np.ndarray:
    """Return independent N(0, 1) matrices, one a generator: (seeds, rows, columns)."""
    return np.stack([generator.standard_normal((rows, columns)) for generator in generators])


def orthogonal(generators: Sequence[np.random.Generator], size: int) -> np.ndarray:
    """Return independent Haar matrices of O(size), one a generator: (seeds, size, size).

    Q of a Gaussian matrix's QR decomposition is Haar once the diagonal of R is made positive; without that
    its law depends on the signs that the decomposition happens to choose.

    Example:
        >>> w = orthogonal(generators([0]), 4)[0]
        >>> bool(np.allclose(w @ w.T, np.eye(4)))
        True

    Reference: Mezzadri, Notices of the AMS 54, 592 (2007).
    """
    q, r = np.linalg.qr(gaussian(generators, size, size))
    signs = np.sign(np.diagonal(r, axis1=-2, axis2=-1))
    return np.asarray(q * signs[:, None, :])


def draw(kind: Weights, generators: Sequence[np.random.Generator], size: int) -> np.ndarray:
    """Return one weight matrix a generator: Haar, or N(0, 1/size) entries."""
    if kind == "orthogonal":
        return orthogonal(generators, size)
    return gaussian(generators, size, size) / np.sqrt(size)
