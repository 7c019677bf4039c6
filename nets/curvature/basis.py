"""Hold the Lanczos vectors of all members: orthogonalise against them, combine them, in bounded memory."""

import numpy as np
import torch
from torch import Tensor

_SMALL = 2**18  # numbers in one vector of all members, below which vectors are allocated and used in chunks
_CHUNK = 8


class Basis:
    """Orthonormal vectors (M, count, size), allocated as they come: memory follows the steps taken."""

    def __init__(self, members: int, size: int, dtype: torch.dtype, device: torch.device) -> None:
        self._chunk = _CHUNK if members * size < _SMALL else 1
        self._shape = (members, self._chunk, size)
        self._dtype, self._device = dtype, device
        self._chunks: list[Tensor] = []
        self.count = 0

    def append(self, image: Tensor, norms: Tensor) -> Tensor:
        """Add image / norms (members with norm 0 or inf get a null vector) and return it, a view."""
        place = self.count % self._chunk
        if place == 0 and self.count // self._chunk == len(self._chunks):
            self._chunks.append(torch.empty(self._shape, dtype=self._dtype, device=self._device))
        row = self._chunks[self.count // self._chunk][:, place]
        usable = (norms > 0) & norms.isfinite()
        torch.mul(image, torch.where(usable, 1 / norms, 0.0)[:, None], out=row)
        if not bool(usable.all()):
            row[~usable] = 0
        self.count += 1
        return row

    def row(self, index: int) -> Tensor:
        """Return vector `index` of every member (M, size), a view."""
        return self._chunks[index // self._chunk][:, index % self._chunk]

    def _filled(self) -> list[Tensor]:
        return [
            chunk[:, : min(self._chunk, self.count - start * self._chunk)]
            for start, chunk in enumerate(self._chunks)
            if start * self._chunk < self.count
        ]

    def orthogonalise(self, image: Tensor, couplings: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Take from `image` = A q, q the last vector, its part in the basis, in place.

        Args:
            image: (M, size). couplings: what symmetry says of its overlap with the vectors just before q
                (M, c): the last norm, or after a restart the couplings of the vectors kept.

        Returns:
            The overlap alpha with q (M,); the norm of the rest (M,); and the largest overlap with the basis
            beside what symmetry says (M,), rounding where A is symmetric.
        """
        first = self.count - 1 - couplings.shape[1]
        for index in range(couplings.shape[1]):
            image.addcmul_(self.row(first + index), couplings[:, index, None], value=-1)
        last = self.row(self.count - 1)
        alphas = (last * image).sum(1) if image.shape[0] > 1 else torch.linalg.vecdot(last, image)
        image.addcmul_(last, alphas[:, None], value=-1)
        defect = self._remove(image)
        if couplings.shape[1] > 1:  # a restart takes out large parts: what they left is taken out again
            self._remove(image)
        return alphas, torch.linalg.vector_norm(image, dim=1), defect

    def _remove(self, image: Tensor) -> Tensor:
        largest = torch.zeros_like(image[:, 0])
        for chunk in self._filled():
            overlaps = torch.bmm(chunk, image[:, :, None])
            image[:, None].baddbmm_(overlaps.mT, chunk, alpha=-1)
            largest = torch.maximum(largest, overlaps[:, :, 0].abs().amax(1))
        return largest

    def rotate(self, coefficients: np.ndarray) -> None:
        """Replace the vectors by sum_j coefficients[m, i, j] q_j, in place, block of columns by block."""
        weights = torch.from_numpy(coefficients).to(self._chunks[0])
        kept, count = coefficients.shape[1], self.count
        columns = max(1, self._shape[2] // (2 * max(count, kept)))
        for start in range(0, self._shape[2], columns):
            part = slice(start, start + columns)
            block = torch.cat([chunk[:, :, part] for chunk in self._filled()], dim=1)
            turned = torch.bmm(weights, block)
            for index in range(kept):
                self.row(index)[:, part] = turned[:, index]
        self.count = kept
        del self._chunks[-(-kept // self._chunk) :]

    def vectors(self) -> Tensor:
        """Return the vectors (M, count, size), and forget them."""
        if self.count == 1:
            return self._chunks.pop()[:, :1].clone() if self._chunk > 1 else self._chunks.pop()
        shape = (self._shape[0], self.count, self._shape[2])
        found = torch.empty(shape, dtype=self._dtype, device=self._device)
        for index in reversed(range(self.count)):
            found[:, index] = self.row(index)
            if index % self._chunk == 0:
                self._chunks.pop()
        return found
