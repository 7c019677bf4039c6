"""What a trajectory shows of a march: kernels of the samples, responses, tangent kernel, its top value."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scalewright.sim.dmft.losses import LOSSES
from scalewright.sim.dmft.problem import Problem

#: Tangent kernels up to this size are diagonalised; of larger ones Lanczos finds the largest eigenvalue.
DENSE = 256


def sample_kernels(
    problem: Problem, gamma: float, found: dict[str, Any], *, two_time: bool
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    r"""Return the feature kernels and the forward responses of the samples of a deep linear network.

    With $h = u + C g$: $H^l = H^{l-1} + C U + U^\top C^\top + C G^l C^\top$, $U = \langle g u^\top
    \rangle = F Y^\top$,
    $Y = \langle h q^\top \rangle$, where initial weights carry their factor rho.

    Args:
        found: the march of one gamma.
        two_time: whether kernels hold all pairs of steps.

    Returns:
        (kernels, responses): H^0 ... H^L, of shape (T+1, P, T+1, P), or (T+1, P, P) at equal times, and
        A^0 = 0, A^1 ... A^L (T+1, P, T+1, K).

    Cost: L products of (T+1) P x m x (T+1) P, or x P at equal times.
    """
    a, rho = problem.memory
    p, k, times = problem.samples, problem.outputs, problem.times
    m, n = times * k, times * p
    held = np.repeat(rho, k)
    held, kept = held[:, None] * held, np.repeat(rho, p)[:, None] * held
    past = np.repeat(np.repeat(gamma * a, k, axis=1), p, axis=0)
    seen = np.tile(found["pulled"].T, (times, 1))  # Y^0, (n, m)
    answer = np.zeros((n, m))
    kernel = _initial_kernel(problem, two_time)
    kernels, answers = [kernel], [answer]
    for i, rate in enumerate(problem.layer_rates[:-1]):
        s, f = found["source"][i], found["transfer"][i]
        gradient, above = found["gradient"][i], found["gradient"][i + 1]
        c = kept * answer + rate * past * seen
        fresh = kept * seen  # <u q_u>
        kernel = _learned(c, f @ fresh.T + 0.5 * gradient @ c.T, p, two_time) + _spread(kernel, rho, two_time)
        mixed = f @ (held * found["feature"][i]) @ found["echo"][i].T
        mixed += s @ (held * above) @ found["forward"][i].T
        seen, answer = fresh @ found["echo"][i].T + c @ mixed, c @ s
        kernels.append(kernel)
        answers.append(answer)
    return kernels, [x.reshape(times, p, times, k) for x in answers]


def _initial_kernel(problem: Problem, two_time: bool) -> np.ndarray:
    p, times = problem.samples, problem.times
    if two_time:
        return np.broadcast_to(problem.kernel[None, :, None, :], (times, p, times, p)).copy()
    return np.broadcast_to(problem.kernel, (times, p, p)).copy()


def _spread(kernel: np.ndarray, rho: np.ndarray, two_time: bool) -> np.ndarray:
    """Return the covariance of u, the kernel below times the retention of the initial weights."""
    if (rho == 1).all():  # no decay, and no pass over the largest arrays there are
        return kernel
    if two_time:
        return kernel * np.multiply.outer(rho, rho)[:, None, :, None]
    return (rho**2)[:, None, None] * kernel


def _learned(c: np.ndarray, half: np.ndarray, p: int, two_time: bool) -> np.ndarray:
    """Return C X + X^T C^T, X = U + G C^T / 2, in the shape of a kernel."""
    times = len(c) // p
    if two_time:
        product = c @ half
        return (product + product.T).reshape(times, p, times, p)
    product = np.matmul(c.reshape(times, p, -1), half.reshape(len(half), times, p).transpose(1, 0, 2))
    return product + product.transpose(0, 2, 1)


def backward_responses(problem: Problem, found: dict[str, Any]) -> list[np.ndarray]:
    """Return B^0 ... B^L, B^l = dg^{l+1}/du^{l+1} (T+1, K, T+1, P), zero of the readout."""
    p, k, times = problem.samples, problem.outputs, problem.times
    pulls = np.zeros((times, p, k))
    for t, batch in enumerate(problem.batches):
        np.add.at(pulls[t], batch, found["residuals"][t, batch])
    shaped = [f.reshape(times, k, times, k) for f in found["transfer"]]
    return [np.einsum("ijsk,spk->ijsp", f, pulls) for f in shaped] + [np.zeros((times, k, times, p))]


def gradient_kernels(problem: Problem, found: dict[str, Any]) -> list[np.ndarray]:
    """Return G^1 ... G^{L+1} (T+1, K, T+1, K)."""
    times, k = problem.times, problem.outputs
    return [g.reshape(times, k, times, k) for g in found["gradient"]]


def tangent_kernels(
    features: Sequence[np.ndarray], gradients: Sequence[np.ndarray], weights: np.ndarray
) -> np.ndarray:
    r"""Return $\Theta = \sum_l w_l\, \Phi^l \otimes G^{l+1}$ at equal times, (T+1, P, K, P, K).

    Args:
        features: Phi^l(t, t) (T+1, P, P), one a weight layer.
        gradients: G^{l+1}(t, t), (T+1, K, K), or (T+1, P, K, P, K) where backward fields depend on the
        sample.
        weights: rate of each weight layer over the base rate, times its squared branch multiplier.
    """
    total: Any = 0.0
    for phi, g, weight in zip(features, gradients, weights, strict=True):
        wide = g[:, None, :, None, :] if g.ndim == 3 else g
        total = total + weight * phi[:, :, None, :, None] * wide
    return np.asarray(total)


def gauss_newton_top(loss: str, tangent: np.ndarray, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    r"""Return the largest eigenvalue of $G$ at every step (T+1,), that of $H_f^{1/2} \Theta H_f^{1/2} / P$.

    H_f is the Hessian of the loss in the outputs, the identity for the squared loss.
    """
    times, p, k = outputs.shape
    size = p * k
    if loss == "mse":
        weighted = tangent.reshape(times, size, size)
    else:
        values, vectors = np.linalg.eigh(LOSSES[loss].curvature(outputs, targets))
        root = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
        weighted = np.einsum("tpia,tpiqj,tqjb->tpaqb", root, tangent, root, optimize=True)
        weighted = weighted.reshape(times, size, size)
    return top(weighted) / p


def top(matrices: np.ndarray) -> np.ndarray:
    """Return the largest eigenvalue of each symmetric matrix (T, n, n); nan where it is not finite."""
    values = np.full(len(matrices), np.nan)
    finite = np.isfinite(matrices).all(axis=(1, 2))
    if finite.any():
        values[finite] = _top(matrices[finite])
    return values


def _top(matrices: np.ndarray) -> np.ndarray:
    size = matrices.shape[-1]
    if size <= DENSE:
        return np.linalg.eigvalsh(matrices)[:, -1]
    from scalewright.sim.lanczos import top_eigenvalues

    def apply(vectors: np.ndarray) -> np.ndarray:
        return np.einsum("tij,tj->ti", matrices, vectors)

    return top_eigenvalues(apply, batch=len(matrices), size=size).values
