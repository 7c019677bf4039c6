"""The projected problems of Lanczos: one small symmetric matrix a member, grown in step."""

import numpy as np

_GROWTH = 32


class Projection:
    """Q^T A Q of every member: kept Ritz values with their couplings to the next vector, then tridiagonal."""

    def __init__(self, members: int) -> None:
        self.count = 0
        self.betas = np.zeros(members)
        self._kept = 0
        self._matrix = np.zeros((members, _GROWTH, _GROWTH))

    def couplings(self) -> np.ndarray:
        """Return what symmetry says of the overlaps of the next product with the vectors before (M, c)."""
        if self._kept and self.count == self._kept:
            return self._matrix[:, self._kept, : self._kept].copy()
        return self.betas[:, None][:, : min(self.count, 1)]

    def extend(self, alphas: np.ndarray, betas: np.ndarray) -> None:
        """Add the vector whose overlap with its own image is alpha, with beta the norm of what is left."""
        here = self.count
        self._matrix[:, here, here] = alphas
        if here and here != self._kept:
            self._matrix[:, here, here - 1] = self._matrix[:, here - 1, here] = self.betas
        self.count, self.betas = here + 1, betas
        if self.count == self._matrix.shape[1]:
            grown = np.zeros((len(betas), self.count + _GROWTH, self.count + _GROWTH))
            grown[:, : self.count, : self.count] = self._matrix
            self._matrix = grown

    def solve(self, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the Ritz values, descending (m, count), and the vectors in the basis (m, count, Ritz)."""
        matrix = self._matrix[members, : self.count, : self.count]
        values, vectors = np.linalg.eigh(matrix)
        return values[:, ::-1], vectors[:, :, ::-1]

    def restart(self, values: np.ndarray, couplings: np.ndarray) -> None:
        """Keep Ritz pairs (M, r) that couple to the next vector by `couplings` (M, r)."""
        kept = values.shape[1]
        self._matrix[:] = 0
        diagonal = np.arange(kept)
        self._matrix[:, diagonal, diagonal] = values
        self._matrix[:, kept, :kept] = self._matrix[:, :kept, kept] = couplings
        self._kept = self.count = kept
