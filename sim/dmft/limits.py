r"""Limits with a formula of their own, to test the marches against: lazy, whitened, weakly and ultra rich."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from scalewright.sim.dmft.activations import Activation, activation_of
from scalewright.sim.dmft.losses import loss_of
from scalewright.sim.dmft.problem import check_kernel, pose
from scalewright.sim.kernels import initial


def lazy(
    kernel: Any,
    targets: Any,
    *,
    hidden_layers: int,
    lr: float,
    steps: int,
    activation: str | Activation = "linear",
    loss: str = "mse",
    momentum: float = 0.0,
) -> np.ndarray:
    r"""Return the outputs (T+1, P, K) of gamma -> 0: gradient descent with the kernel of initialisation.

    $f(t) = \frac{\eta}{P} \sum_{s<t} a(t,s)\, \Theta\, \Delta(s)$; of the squared loss without momentum this
    is
    $f(t) = (1 - (1 - \eta\Theta/P)^t)\, y$.

    Source: Jacot et al., NeurIPS 2018 (arXiv 1806.07572), section 5, in discrete time.
    """
    name = activation_of(activation).name
    problem = pose(
        kernel, targets, hidden_layers=hidden_layers, activation=name, loss=loss, lr=lr, steps=steps,
        momentum=momentum,
    )  # fmt: skip
    tangent = initial(problem.kernel, hidden_layers=hidden_layers, activation=activation).ntk
    a, _ = problem.memory
    pull = loss_of(loss).pull
    f = np.zeros((problem.times, problem.samples, problem.outputs))
    moves = np.zeros_like(f)
    for t in range(problem.times):
        f[t] = np.tensordot(a[t, :t], moves[:t], axes=1)
        moves[t] = lr / problem.samples * tangent @ pull(f[t], problem.targets, np)
    return f


def whitened(targets: Any, *, gamma: float, times: Any) -> np.ndarray:
    r"""Return the outputs (T, P) of gradient flow with one linear hidden layer and K^x = 1, one output.

    All of f moves along y: $f = s\,\hat y$, $\dot s = \frac2P \sqrt{1 + \gamma^2 s^2}\,(|y| - s)$, in the
    time lr * steps of the loss $\frac{1}{2P}\sum(f-y)^2$.

    Source: Bordelon and Pehlevan (arXiv 2205.09653), section 4.1, with the factor 2 that the submission
    lacks.
    """
    from scipy.integrate import solve_ivp

    y, times = np.asarray(targets, dtype=float), np.asarray(times, dtype=float)
    size = float(np.linalg.norm(y))

    def speed(_: float, s: np.ndarray) -> np.ndarray:
        return 2 / len(y) * np.sqrt(1 + gamma**2 * s**2) * (size - s)

    found = solve_ivp(
        speed, (0.0, float(times.max())), [0.0], method="DOP853", t_eval=times, rtol=1e-11, atol=1e-13
    )
    return found.y[0][:, None] * y / size


def whitened_kernel(targets: Any, *, gamma: float) -> np.ndarray:
    r"""Return its feature kernel at the end, $H = 1 + (\sqrt{1+\gamma^2|y|^2} - 1)\,\hat y \hat y^\top$."""
    y = np.asarray(targets, dtype=float)
    square = float(y @ y)
    return np.eye(len(y)) + (np.sqrt(1 + gamma**2 * square) - 1) * np.outer(y, y) / square


@dataclass(frozen=True)
class Weak:
    """Equal-time kernels to order gamma^2: features (L+1, P, P), gradients (L+1,), ntk (P, P)."""

    features: np.ndarray
    gradients: np.ndarray
    ntk: np.ndarray


def weakly_rich(kernel: Any, drive: Any, *, gamma: float, hidden_layers: int) -> Weak:
    r"""Return the kernels of a deep linear network up to gamma^2, given $v = \int \Delta\,dt$, one output.

    $H^l = K + \gamma^2 (L+1) \frac{l(l+1)}{2} (Kv)(Kv)^\top$,
    $G^l = 1 + \gamma^2 (L+1) \frac{(L+1-l)(L+2-l)}{2} v^\top K v$ and
    $\Theta = (L+1) K + \gamma^2 \frac{L(L+1)^2(L+2)}{6} [K\,(v^\top K v) + (Kv)(Kv)^\top]$ under gradient
    flow.

    Args:
        drive: v (P,), the lazy residuals integrated over lr * steps / P.
    """
    k, v = check_kernel(kernel), np.asarray(drive, dtype=float)
    big, kv = hidden_layers, k @ v
    force = float(v @ kv)
    layer = np.arange(big + 1)
    grown = gamma**2 * (big + 1) * layer * (layer + 1) / 2
    features = k + grown[:, None, None] * np.outer(kv, kv)
    behind = np.arange(1, big + 2)
    gradients = 1 + gamma**2 * (big + 1) * (big + 1 - behind) * (big + 2 - behind) / 2 * force
    factor = gamma**2 * big * (big + 1) ** 2 * (big + 2) / 6
    return Weak(features, gradients, (big + 1) * k + factor * (k * force + np.outer(kv, kv)))


def ultra_rich_kernel(*, gamma: float, target: float, hidden_layers: int) -> float:
    r"""Return the final kernel of gamma -> inf, one sample with K^x = 1: $(L+1)(\gamma|y|)^{2L/(L+1)}$.

    It is that of the balanced scalar network of L + 1 weights, whose constant it shares.
    """
    layers = hidden_layers + 1
    return layers * (gamma * abs(target)) ** (2 * hidden_layers / layers)
