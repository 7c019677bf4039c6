"""Draws of the ensembles, for Monte Carlo."""

import numpy as np
import pytest


def draw(ensemble: str, n: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return (count, n, n) matrices; Sp(n) in the order 1, -1, 2, -2, ... of its indices."""
    real = rng.normal(size=(count, n, n))
    if ensemble == "gaussian":
        return real / np.sqrt(n)
    if ensemble == "symplectic":
        return _symplectic(n, count, rng)
    if ensemble == "orthogonal":
        return _unitary_part(real)
    complex_ = (real + 1j * rng.normal(size=(count, n, n))) / np.sqrt(2)
    return complex_ / np.sqrt(n) if ensemble == "complex-gaussian" else _unitary_part(complex_)


def _unitary_part(z: np.ndarray) -> np.ndarray:
    """Return the Q of a QR decomposition whose R has a positive diagonal: Haar for Gaussian z."""
    q, r = np.linalg.qr(z)
    diagonal = np.diagonal(r, axis1=1, axis2=2)
    return q * (diagonal / np.abs(diagonal))[:, None, :]


def _symplectic(n: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Orthonormalise quaternionic columns: v and its partner J conj(v), pair by pair."""
    form = np.kron(np.eye(n // 2), [[0.0, 1.0], [-1.0, 0.0]])
    columns: list[np.ndarray] = []
    for _ in range(n // 2):
        v = rng.normal(size=(count, n)) + 1j * rng.normal(size=(count, n))
        for u in columns:
            v = v - (u.conj() * v).sum(axis=1, keepdims=True) * u
        v = v / np.linalg.norm(v, axis=1, keepdims=True)
        # S e_{-i} = S J^T e_i = J^T conj(S) e_i, as S commutes with the quaternionic structure.
        columns += [v, v.conj() @ form]
    return np.stack(columns, axis=2)


@pytest.fixture
def matrices():
    return draw
