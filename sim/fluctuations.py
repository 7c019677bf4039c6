r"""Fluctuations at finite width, to leading order: N times the variance over seeds, and the 1/N shift.

Two-layer linear networks close on the Gram matrix M of their weights at every width (`sim.linear`), and M(0)
is
$1 + W/\sqrt N$ with W Gaussian. So outputs are a smooth function of N^(-1/2) W, and their variance and shift
are its first and second derivatives. The linearised limit reaches the same numbers from the other side: noise
of independent neurons, fed back by the residuals. Derivations: docs/concepts/dmft.md.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from scalewright.sim.dmft.activations import Activation, activation_of
from scalewright.sim.dmft.problem import Problem, pose

#: Leading order fails where lr times the sharpness comes this close to 2: fluctuations feed themselves there.
EDGE = 0.9
NODES = 100


@dataclass(frozen=True)
class Fluctuations:
    """N times variances over initialisations, to leading order in 1/N.

    Attributes:
        outputs: f at infinite width (T+1, P, K).
        output_variance: N Var f (T+1, P, K).
        kernel_variance: N Var of the tangent kernel, mean over outputs (T+1, P, P).
        shift: N (E f - f at infinite width) (T+1, P, K).
        status: "leading order", or "near the edge" where it does not apply.
        message: one sentence.
    """

    outputs: np.ndarray
    output_variance: np.ndarray
    kernel_variance: np.ndarray
    shift: np.ndarray
    status: Literal["leading order", "near the edge"]
    message: str


def _pose(kernel: Any, targets: Any, lr: float, steps: int) -> tuple[Problem, np.ndarray]:
    """Return the checked problem and a root X of its kernel, (P, R)."""
    problem = pose(kernel, targets, hidden_layers=1, activation="linear", loss="mse", lr=lr, steps=steps)
    values, vectors = np.linalg.eigh(problem.kernel)
    kept = values > 1e-12 * values[-1]
    return problem, vectors[:, kept] * np.sqrt(values[kept])


@cache
def _map(steps: int, centred: bool) -> Any:
    """Return the exact map M(0) -> outputs (T+1, P, K), tangent kernels (T+1, P, P), at any width."""
    import jax
    import jax.numpy as jnp

    def run(gram: Any, root: Any, targets: Any, gamma: Any, lr: Any) -> tuple[Any, Any]:
        (samples, rank), outputs = root.shape, targets.shape[1]
        start = root @ gram[:rank, rank:] / gamma if centred else 0.0

        def step(m: Any, _: Any) -> tuple[Any, tuple[Any, Any]]:
            f = root @ m[:rank, rank:] / gamma - start
            pull = lr * gamma / samples * root.T @ (targets - f)
            turn = jnp.eye(rank + outputs).at[:rank, rank:].set(pull).at[rank:, :rank].set(pull.T)
            inner = m[:rank, :rank] + jnp.trace(m[rank:, rank:]) / outputs * jnp.eye(rank)
            return turn @ m @ turn.T, (f, root @ inner @ root.T)

        return jax.lax.scan(step, gram, None, length=steps + 1)[1]

    return run


def two_layer(
    kernel: Any, targets: Any, *, gamma: float, lr: float, steps: int, centred: bool = True
) -> Fluctuations:
    r"""Return the fluctuations of a two-layer linear network by derivatives of its exact map.

    N Cov M_ij M_kl = d_ik d_jl + d_il d_jk at the start, so with g over its independent directions
    $N\,\mathrm{Var} f = \sum_g (\partial_g f)^2$ and $N (E f - f_\infty) = \frac12 \sum_g \partial_g^2 f$.

    Args:
        kernel: K^x (P, P).
        targets: (P,) or (P, K).
        gamma, lr, steps: as in `dmft.solve`, squared loss.
        centred: whether the initial outputs are subtracted.

    Cost: (R + K)^2 / 2 times that of the map, R the rank of the kernel.

    >>> found = two_layer([[1.0]], [1.0], gamma=0.3, lr=0.1, steps=2, centred=False)
    >>> bool(abs(found.output_variance[0, 0, 0] - 1 / 0.3**2) < 1e-9)
    True

    Source: Bordelon and Pehlevan (arXiv 2304.03408), section 4, here from the finite-width map instead.
    """
    import jax

    problem, root = _pose(kernel, targets, lr, steps)
    size = root.shape[1] + problem.outputs
    with jax.enable_x64(True):
        run = _map(steps, centred)

        def along(direction: Any, by: Any) -> Any:
            return run(np.eye(size) + by * direction, root, problem.targets, gamma, lr)

        def derivatives(direction: Any) -> Any:
            first = lambda by: jax.jvp(lambda x: along(direction, x), (by,), (1.0,))[1]  # noqa: E731
            return jax.jvp(first, (0.0,), (1.0,))

        slopes, bends = jax.jit(jax.vmap(derivatives))(_directions(size))
        outputs, kernels = (
            np.asarray(x) for x in jax.jit(run)(np.eye(size), root, problem.targets, gamma, lr)
        )
    variance, kernel_variance = ((np.asarray(x) ** 2).sum(axis=0) for x in slopes)
    return _judged(problem, outputs, kernels, variance, kernel_variance, np.asarray(bends[0]).sum(axis=0) / 2)


def _judged(
    problem: Problem, outputs: np.ndarray, kernels: np.ndarray, variance: np.ndarray, kernel: np.ndarray,
    shift: np.ndarray,
) -> Fluctuations:  # fmt: skip
    top = float(np.linalg.eigvalsh(kernels)[:, -1].max()) / problem.samples
    if problem.lr * top < 2 * EDGE:
        said = "variances to leading order in 1/N, exact as N grows"
        return Fluctuations(outputs, variance, kernel, shift, "leading order", said)
    said = (
        f"lr times the sharpness reaches {problem.lr * top:.3g}, near the edge of stability 2: fluctuations "
        "feed themselves there, and N Var grows with N; lower lr"
    )
    return Fluctuations(outputs, variance, kernel, shift, "near the edge", said)


def _directions(size: int) -> np.ndarray:
    """Return the independent directions of sqrt(N) (M(0) - 1), each with unit normal weight."""
    found = []
    for i in range(size):
        for j in range(i + 1):
            direction = np.zeros((size, size))
            direction[i, j] = direction[j, i] = np.sqrt(2.0) if i == j else 1.0
            found.append(direction)
    return np.stack(found)


def simulate(
    kernel: Any, targets: Any, *, gamma: float, lr: float, steps: int, width: int, draws: int, seed: int = 0,
    centred: bool = True, chunk: int = 10_000,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Return mean, variance and the standard error of the variance of outputs (T+1, P, K) at a width.

    Every network is drawn by its Gram matrix (Bartlett), so that the width costs nothing and the map is
    exact.
    """
    import jax

    problem, root = _pose(kernel, targets, lr, steps)
    size, rng = root.shape[1] + problem.outputs, np.random.default_rng(seed)
    sums: list[Any] = [0.0] * 4
    limit = two_layer_outputs(problem, root, gamma, centred)
    with jax.enable_x64(True):
        run = jax.jit(jax.vmap(_map(steps, centred), in_axes=(0, None, None, None, None)))
        for first in range(0, draws, chunk):
            grams = _wishart(rng, min(chunk, draws - first), width, size)
            away = np.asarray(run(grams, root, problem.targets, gamma, lr)[0]) - limit
            sums = [total + (away**power).sum(axis=0) for power, total in enumerate(sums, start=1)]
    one, two, three, four = (total / draws for total in sums)
    variance = two - one**2
    fourth = four - 4 * one * three + 6 * one**2 * two - 3 * one**4
    return limit + one, variance, np.sqrt(np.maximum(fourth - variance**2, 0) / draws)


def two_layer_outputs(problem: Problem, root: np.ndarray, gamma: float, centred: bool) -> np.ndarray:
    """Return the outputs at infinite width, where M(0) = 1."""
    import jax

    with jax.enable_x64(True):
        gram = np.eye(root.shape[1] + problem.outputs)
        found = _map(problem.steps, centred)(gram, root, problem.targets, gamma, problem.lr)
        return np.asarray(found[0])


def _wishart(rng: np.random.Generator, draws: int, width: int, size: int) -> np.ndarray:
    if width < size:
        z = rng.standard_normal((draws, size, width))
        return z @ z.transpose(0, 2, 1) / width
    triangle = np.tril(rng.standard_normal((draws, size, size)), -1)
    place = np.arange(size)
    triangle[:, place, place] = np.sqrt(rng.chisquare(float(width) - place, (draws, size)))
    return triangle @ triangle.transpose(0, 2, 1) / width


def linearised(
    kernel: Any, targets: Any, *, gamma: float, lr: float, steps: int, centred: bool = True
) -> np.ndarray:
    r"""Return N Var f (T+1, P) of a two-layer linear network, one output, from the linearised limit.

    At given residuals neurons are independent, so $\xi = \sqrt N (f - \langle f \rangle)$ has the covariance
    $\gamma^{-2} [\langle zz\rangle\langle hh\rangle + \langle zh\rangle\langle hz\rangle]$; the residuals
    feed it back,
    $\delta f = \xi - R\,\delta f$ with $R = \partial\langle f\rangle/\partial\Delta$ strictly causal, and
    $N\,\mathrm{Cov} f = (1 + R)^{-1}\, \mathrm{Cov}\,\xi\, (1 + R)^{-\top}$.

    Source: Bordelon and Pehlevan (arXiv 2304.03408), eq. 9, in discrete time.
    """
    import jax

    problem, root = _pose(kernel, targets, lr, steps)
    if problem.outputs != 1:
        raise ValueError(f"fluctuations.linearised: targets must have one output; given {problem.outputs}")
    (samples, rank), times = root.shape, problem.times
    with jax.enable_x64(True):
        outputs = two_layer_outputs(problem, root, gamma, centred)[..., 0]
        forced = _forced(steps, samples, rank)
        fields = forced(problem.targets[:, 0] - outputs, root, gamma, lr)
        h, z = (np.asarray(x) for x in fields)  # derivatives of h (T+1, P, R+1), z (T+1, R+1) in (u, r)

        def mean(residuals: Any) -> Any:
            into_h, into_z = forced(residuals, root, gamma, lr)
            return jax.numpy.einsum("tpi,ti->tp", into_h, into_z) / gamma

        fed = np.asarray(jax.jacfwd(mean)(problem.targets[:, 0] - outputs)).reshape(times * samples, -1)
    flat_h = h.reshape(-1, rank + 1)
    flat_z = np.repeat(z, samples, axis=0)
    noise = (flat_z @ flat_z.T) * (flat_h @ flat_h.T) + (flat_z @ flat_h.T) * (flat_h @ flat_z.T)
    if centred:  # the noise of the initial outputs is taken off at every step
        start = np.tile(np.eye(times * samples)[:samples], (times, 1))
        off = np.eye(times * samples) - start
        noise = off @ noise @ off.T
    answer = np.linalg.inv(np.eye(times * samples) + fed)
    return np.diag(answer @ noise @ answer.T).reshape(times, samples) / gamma**2


@cache
def _forced(steps: int, samples: int, rank: int) -> Any:
    """Return the fields of a neuron at given residuals, as linear maps of its initial (u, r)."""
    import jax
    import jax.numpy as jnp

    def run(residuals: Any, root: Any, gamma: Any, lr: Any) -> tuple[Any, Any]:
        weights = jnp.eye(rank, rank + 1)  # the neuron's input weights in the basis of the kernel
        readout = jnp.eye(rank + 1)[rank]
        rate = lr * gamma / samples

        def step(state: Any, delta: Any) -> Any:
            w, z = state
            moved = (w + rate * jnp.outer(root.T @ delta, z), z + rate * (root @ w).T @ delta)
            return moved, (root @ w, z)

        return jax.lax.scan(step, (weights, readout), residuals)[1]

    return run


def initial_features(
    hidden_layers: int, *, activation: str | Activation = "linear", size: float = 1.0, gain: float = 1.0
) -> np.ndarray:
    r"""Return N Cov(Phi^l, Phi^l') over initialisations of one sample's feature kernels (L, L).

    $N V_l = \mathrm{Var}\,\phi(h)^2 + \chi_l^2\, N V_{l-1}$ with $\chi =
    \partial\langle\phi^2\rangle/\partial\Phi$, and
    layers above pass on what is below times their chi: 2 min(l, l') for linear, 5 min(l, l') for sqrt(2)
    ReLU.

    Args:
        hidden_layers: L.
        activation: phi, multiplied by `gain`.
        size: K^x of the sample.

    Source: Bordelon and Pehlevan (arXiv 2304.03408), section 3.1.
    """
    if hidden_layers < 1:
        raise ValueError(
            f"fluctuations.initial_features: hidden_layers must be at least 1; given {hidden_layers}"
        )
    chosen, below = activation_of(activation), float(size)
    nodes, weights = np.polynomial.hermite_e.hermegauss(2 * NODES)
    weights = weights / weights.sum()
    covariance = np.zeros((hidden_layers, hidden_layers))
    for layer in range(hidden_layers):
        square = (gain * chosen.value(np.sqrt(below) * nodes, np)) ** 2
        above = float(weights @ square)
        chi = float(weights @ (square * (nodes**2 - 1))) / (2 * below)
        covariance[layer, :layer] = covariance[:layer, layer] = chi * covariance[layer - 1, :layer]
        passed = chi**2 * covariance[layer - 1, layer - 1] if layer else 0.0
        covariance[layer, layer] = float(weights @ square**2) - above**2 + passed
        below = above
    return covariance
