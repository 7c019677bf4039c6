"""Operators with eigenvalues that are known, shared by the tests of algorithms."""

import numpy as np
import pytest
import torch

from scalewright.nets.curvature.operator import Operator


class Known(Operator):
    """Symmetric matrices with given eigenvalues (M, size) in a random basis."""

    def __init__(self, spectra, dtype=torch.float64, seed=0):
        spectra = torch.as_tensor(np.atleast_2d(spectra))
        self.members, self.size = spectra.shape
        self.dtype, self.device = dtype, torch.device("cpu")
        generator = torch.Generator().manual_seed(seed)
        random = torch.randn(self.members, self.size, self.size, dtype=torch.float64, generator=generator)
        self.basis = torch.linalg.qr(random)[0]
        self.matrices = (self.basis @ torch.diag_embed(spectra) @ self.basis.mT).to(dtype)

    def product(self, vectors):
        return torch.bmm(self.matrices, vectors[:, :, None])[:, :, 0]


class Diagonal(Operator):
    """Diagonal matrices (M, size). A random start sees a diagonal as it sees any basis."""

    def __init__(self, spectra, dtype=torch.float64):
        self.diagonal = torch.as_tensor(np.atleast_2d(spectra)).to(dtype)
        self.members, self.size = self.diagonal.shape
        self.dtype, self.device = dtype, torch.device("cpu")

    def product(self, vectors):
        return self.diagonal * vectors


@pytest.fixture(scope="session")
def known():
    """Return the class of operators with known eigenvalues in a random basis."""
    return Known


@pytest.fixture(scope="session")
def diagonal():
    """Return the class of diagonal operators."""
    return Diagonal
