"""Exact top eigenvalues of the NTK, of G, of R and of the full Hessian, from the closed state alone.

All are rescaled by the learning rates (Lambda^1/2 . Lambda^1/2), so that gradient descent at base rate eta is
stable where they are below 2 / eta.
"""

import numpy as np

from scalewright.sim.lanczos import TopEigenvalues, top_eigenvalues
from scalewright.sim.linear.coefficients import Coefficients
from scalewright.sim.linear.problem import Problem
from scalewright.sim.linear.state import State


def gauss_newton_top(state: State, problem: Problem, by: Coefficients) -> np.ndarray:
    """Largest eigenvalue of G, that of Sigma^1/2 (kernel_1 lambda_max(v) I + kernel_2 A) Sigma^1/2."""
    root = _root(problem.covariance)
    top_readout = np.linalg.eigvalsh(state.readout)[..., -1]
    middle = (
        by.kernel_1 * top_readout[..., None, None] * np.eye(problem.inputs) + by.kernel_2 * state.features
    )
    return np.linalg.eigvalsh(root @ middle @ root)[..., -1]


def gauss_newton_trace(state: State, problem: Problem, by: Coefficients) -> np.ndarray:
    """Trace of G: kernel_1 tr(v) tr(Sigma) + kernel_2 K tr(Sigma A)."""
    readout = np.trace(state.readout, axis1=-2, axis2=-1) * np.trace(problem.covariance)
    features = np.einsum("de,...ed->...", problem.covariance, state.features) * problem.outputs
    return by.kernel_1 * readout + by.kernel_2 * features


def residual_top(pull: np.ndarray, by: Coefficients) -> np.ndarray:
    """Largest eigenvalue of R = H - G: coupling * sigma_max(q), attained N times over."""
    return by.coupling * np.linalg.norm(pull, ord=2, axis=(-2, -1))


def sharpness(
    state: State,
    problem: Problem,
    by: Coefficients,
    *,
    width: float,
    maps: np.ndarray,
    tolerance: float = 1e-7,
) -> TopEigenvalues:
    """Largest eigenvalue of the full Hessian, by Lanczos on the lifted operator of (D+K)^2 unknowns.

    Write Z = [E; V] = sqrt(N) C U with C C^T = M and U having orthonormal rows. Directions dZ = Y U form an
    invariant subspace, on which the rescaled Hessian acts symmetrically:
        g   = Sigma (k1 Y_D C_V^T + k2 C_D Y_V^T),  k1 = sqrt(kernel_1), k2 = sqrt(kernel_2)
        Y_D -> k1 g   C_V + coupling q   Y_V
        Y_V -> k2 g^T C_D + coupling q^T Y_D
    Outside of it the Hessian is the residual part alone, whose top is never above (Weyl: H - R = G >= 0).
    Below N = D + K some of these directions do not exist; by the same inequality the top is still exact.

    Args:
        state: one network a member, leading axis B.
        maps: effective linear maps W (B, D, K).
        tolerance: relative residual of the Lanczos iteration.

    Cost: about 20 products of O((D+K)^2 max(D, K)) each, at any width.
    """
    inputs, outputs = problem.inputs, problem.outputs
    size, batch = inputs + outputs, len(maps)
    root = _root(state.gram(width, by.kappa))
    c_d, c_v = root[:, :inputs], root[:, inputs:]
    c_v_t = np.swapaxes(c_v, 1, 2)
    q = problem.pull(maps)
    q_t = np.swapaxes(q, 1, 2)
    k_1, k_2 = np.sqrt(by.kernel_1), np.sqrt(by.kernel_2)

    def apply(flat: np.ndarray) -> np.ndarray:
        y = flat.reshape(batch, size, size)
        y_d, y_v = y[:, :inputs], y[:, inputs:]
        g = problem.covariance @ (k_1 * (y_d @ c_v_t) + k_2 * (c_d @ np.swapaxes(y_v, 1, 2)))
        above = k_1 * (g @ c_v) + by.coupling * (q @ y_v)
        below = k_2 * (np.swapaxes(g, 1, 2) @ c_d) + by.coupling * (q_t @ y_d)
        return np.concatenate([above, below], axis=1).reshape(batch, -1)

    return top_eigenvalues(apply, batch=batch, size=size * size, tolerance=tolerance)


def _root(matrix: np.ndarray) -> np.ndarray:
    """Symmetric square root of positive semi-definite matrices (..., n, n)."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0.0, None))[..., None, :]) @ np.swapaxes(vectors, -1, -2)
