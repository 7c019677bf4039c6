"""Wide perceptrons in plain numpy that keep their two-time kernels, for the benchmarks of the limit."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

ACTIVATIONS = {
    "linear": (lambda h: h, np.ones_like),
    "tanh": (np.tanh, lambda h: 1 - np.tanh(h) ** 2),
    "softplus": (lambda h: np.logaddexp(0, h), expit),
}


@dataclass(frozen=True)
class Kernels:
    """Outputs (T+1, P) of one output, Phi^1 ... Phi^L and G^1 ... G^L, (L, T+1, P, T+1, P)."""

    outputs: np.ndarray
    features: np.ndarray
    gradients: np.ndarray


def train(
    inputs: np.ndarray, targets: np.ndarray, *, layers: int, activation: str, width: int, seed: int,
    gamma: float, lr: float, steps: int,
) -> Kernels:  # fmt: skip
    """Train f = w phi(h^L) / (gamma N), weights N(0, 1), squared loss, rate lr gamma^2 N, centred."""
    rng = np.random.default_rng(seed)
    (samples, dim), (phi, slope) = inputs.shape, ACTIVATIONS[activation]
    weights = [rng.standard_normal((width, dim))]
    weights += [rng.standard_normal((width, width)) for _ in range(layers - 1)]
    readout, scale = rng.standard_normal(width), np.sqrt(width)
    f, kept_phi, kept_g, start = [], [], [], 0.0
    for t in range(steps + 1):
        h = [inputs @ weights[0].T / np.sqrt(dim)]
        for w in weights[1:]:
            h.append(phi(h[-1]) @ w.T / scale)
        now = phi(h[-1]) @ readout / (gamma * width)
        start = now if t == 0 else start
        f.append(now - start)
        g = [slope(h[-1]) * readout]
        for layer in range(layers - 1, 0, -1):
            g.insert(0, slope(h[layer - 1]) * (g[0] @ weights[layer]) / scale)
        kept_phi.append([phi(x) for x in h])
        kept_g.append(g)
        push = lr * gamma / samples * (targets - f[-1])
        readout = readout + push @ phi(h[-1])
        for layer in range(1, layers):
            weights[layer] += (push[:, None] * g[layer]).T @ phi(h[layer - 1]) / scale
        weights[0] += (push[:, None] * g[0]).T @ inputs / np.sqrt(dim)
    return Kernels(np.array(f), _gram(kept_phi, width), _gram(kept_g, width))


def _gram(kept: list, width: int) -> np.ndarray:
    grams = []
    for fields in zip(*kept, strict=True):
        flat = np.concatenate(fields)
        times, samples = len(fields), len(fields[0])
        grams.append((flat @ flat.T / width).reshape(times, samples, times, samples))
    return np.array(grams)


def distance(found: np.ndarray, truth: np.ndarray) -> float:
    """Relative Frobenius distance."""
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))
