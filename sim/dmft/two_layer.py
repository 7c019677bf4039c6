r"""The limit of one hidden layer: independent neurons, each a map of two lines, driven by the residuals.

$h_\mu \leftarrow h_\mu + c_0 \sum_\nu K^x_{\mu\nu}\Delta_\nu\, \phi'(h_\nu) z$ and
$z \leftarrow z + c_1 \sum_\nu \Delta_\nu\, \phi(h_\nu)$ are exact: one hidden layer has no responses. What is
left is the mean over the initial fields (u, r), P + K normal numbers, which scrambled Sobol points sample
well.
"""

from functools import cache
from typing import Any

import numpy as np

from scalewright.sim.dmft.activations import Activation
from scalewright.sim.dmft.losses import LOSSES
from scalewright.sim.dmft.problem import Problem


def draw(problem: Problem, draws: int, seed: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return initial fields u (S, P) of covariance K^x and r (S, K), from one scrambling of Sobol points.

    `draws` is rounded up to a power of 2. Scramblings with different seeds are independent, so that their
    spread is an honest error (Owen, SIAM J. Numer. Anal. 34, 1884, 1997).
    """
    from scipy.special import ndtri
    from scipy.stats import qmc

    values, vectors = np.linalg.eigh(problem.kernel)
    kept = values > 1e-13 * values[-1]
    size = int(kept.sum()) + problem.outputs
    points = qmc.Sobol(size, scramble=True, rng=np.random.default_rng(seed)).random_base2(
        int(np.ceil(np.log2(draws)))
    )
    normal = ndtri(np.clip(points, 1e-12, 1 - 1e-12))[:, ::-1]  # the first Sobol dimensions are the best
    u = normal[:, : size - problem.outputs] @ (vectors[:, kept] * np.sqrt(values[kept])).T
    return u, normal[:, size - problem.outputs :]


def march(
    problem: Problem, activation: Activation, gamma: float, draws: tuple[np.ndarray, np.ndarray]
) -> dict[str, Any]:
    """March one replicate; return outputs, feature and gradient as `montecarlo.march` does.

    Cost: draws x P x (P + K) a step, and one product of draws x (T+1) P K for the two-time kernels.
    """
    import jax

    with jax.enable_x64(True):
        found = _compiled(problem.loss, activation)(
            gamma, problem.kernel, problem.targets, problem.layer_rates, problem.mask, problem.momentum,
            problem.lr * problem.weight_decay, *draws,
        )  # fmt: skip
        return {name: jax.tree.map(np.asarray, value) for name, value in found.items()}


@cache
def _compiled(loss: str, activation: Activation) -> Any:
    import jax
    import jax.numpy as jnp

    pull_of = LOSSES[loss].pull

    def run(
        gamma: Any,
        kernel: Any,
        targets: Any,
        rates: Any,
        mask: Any,
        momentum: Any,
        decay: Any,
        u: Any,
        r: Any,
    ) -> dict[str, Any]:
        size = u.shape[0]

        def step(state: tuple[Any, ...], counts: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
            h, z, h_speed, z_speed = state
            phi = activation.value(h, jnp)
            g = activation.first(h, jnp)[:, :, None] * z[:, None, :]
            f = phi.T @ z / (size * gamma)
            pull = counts[:, None] * pull_of(f, targets, jnp)
            h_speed = momentum * h_speed - decay * h
            h_speed = h_speed + gamma * rates[0] * jnp.einsum("snk,nk->sn", g, pull) @ kernel
            z_speed = momentum * z_speed - decay * z + gamma * rates[1] * phi @ pull
            return (h + h_speed, z + z_speed, h_speed, z_speed), (f, phi, g)

        start = (u, r, jnp.zeros_like(u), jnp.zeros_like(r))
        _, (f, phi, g) = jax.lax.scan(step, start, mask)
        flat_phi = phi.transpose(1, 0, 2).reshape(size, -1)
        flat_g = g.transpose(1, 0, 2, 3).reshape(size, -1)
        return {
            "outputs": f,
            "feature": (flat_phi.T @ flat_phi / size,),
            "gradient": (flat_g.T @ flat_g / size,),
        }

    return jax.jit(run)
