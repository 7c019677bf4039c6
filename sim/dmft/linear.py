r"""The exact limit of deep linear networks: a causal march on pulls, one matrix a layer of steps x outputs.

A gradient step of a linear network sees the samples only through its pulls $\sum_\nu \Delta_{\nu
k}(s)\,x_\nu$, one
for every step and output. Written in them, the fields of a layer close on matrices of size m = (T+1) K,
whatever
the number of samples. The derivation is in docs/concepts/dmft.md.
"""

from functools import cache
from typing import Any

import numpy as np

from scalewright.sim.dmft.losses import LOSSES
from scalewright.sim.dmft.problem import Problem


def march(problem: Problem, gammas: np.ndarray) -> dict[str, Any]:
    r"""March the limit of deep linear networks through the steps, for a batch of gammas at once.

    Of each layer, with $C = \rho\rho\,A + c\,a Q$ and $E = \rho\rho\,F + c\,a G$ (entry by entry, both
    strictly
    causal): $g = S (r + E u)$ and $q = u + C g$ with $S = (1 - E C)^{-1}$, which is built row by row. No
    iteration, no damping, no inverse.

    Returns:
        Per gamma (leading axis) `outputs` (T+1, P, K) and `residuals` Delta (T+1, P, K); `pulled` (m, P), the
        input kernel summed over each pull; and per layer, (m, m) with rows (step, output), m = (T+1) K:
        `gradient` G^1 ... G^{L+1} = <g g>, `feature` Q^0 ... Q^L = <q q> of the pulls q, `source` S = dg/dr,
        `transfer` F = dg/du, `forward` dq/dr, `echo` dq/du.

    Cost: 12 L products of K rows with an m x m matrix a step; memory 6 L m^2 numbers a gamma.
    """
    import jax

    with jax.enable_x64(True):
        run = compiled(problem.loss, problem.hidden_layers)
        found = run(np.asarray(gammas, dtype=float), *arguments(problem))
        return {name: jax.tree.map(np.asarray, value) for name, value in found.items()}


def arguments(problem: Problem) -> tuple[np.ndarray, ...]:
    """Return what the compiled march takes besides gamma."""
    return (problem.kernel, problem.targets, *problem.memory, problem.layer_rates, problem.batches)


@cache
def compiled(loss: str, layers: int) -> Any:
    """Return the jitted march, vectorised over gamma; jax compiles it anew for new shapes."""
    import jax

    def run(gamma: Any, *rest: Any) -> dict[str, Any]:
        return _march(gamma, *rest, loss=loss, layers=layers)

    return jax.jit(jax.vmap(run, in_axes=(0, *[None] * 6)))


def _march(
    gamma: Any,
    kernel: Any,
    targets: Any,
    a: Any,
    rho: Any,
    rates: Any,
    batches: Any,
    *,
    loss: str,
    layers: int,
) -> dict[str, Any]:
    import jax
    import jax.numpy as jnp

    (samples, outputs), times = targets.shape, len(a)
    m = times * outputs
    past = jnp.repeat(a, outputs, axis=1)  # a(t, s) of column (s, k)
    kept = jnp.repeat(rho, outputs)
    readout = jnp.tile(jnp.eye(outputs), (times, times))  # G^{L+1}: the readout's own kernel

    def congruent(row: Any, matrix: Any, middle: Any) -> Any:
        """Return row (rho rho middle) matrix^T, up to the rows of `matrix` that are known."""
        return ((row * kept) @ middle * kept) @ matrix.T

    def step(t: Any, state: dict[str, Any]) -> dict[str, Any]:
        at = t * outputs
        now: dict[str, Any] = {
            name: list(part) if isinstance(part, tuple) else part for name, part in state.items()
        }
        unit = jax.lax.dynamic_update_slice(jnp.zeros((outputs, m)), jnp.eye(outputs), (0, at))

        def rows(matrix: Any) -> Any:
            return jax.lax.dynamic_slice(matrix, (at, 0), (outputs, matrix.shape[1]))

        def put(name: str, layer: int, row: Any, symmetric: bool = False) -> None:
            filled = jax.lax.dynamic_update_slice(now[name][layer], row, (at, 0))
            now[name][layer] = jax.lax.dynamic_update_slice(filled, row.T, (0, at)) if symmetric else filled

        def heard(answer: Any, layer: int, seen: Any) -> Any:
            """Return a row of C or E: what the initial weights answer, and what was learned."""
            return rho[t] * kept * answer + gamma * rates[layer] * past[t] * seen

        answer, above = jnp.zeros((outputs, m)), jnp.tile(jnp.eye(outputs), (1, times))
        for layer in range(layers, 0, -1):  # backward: g(t) hears of earlier steps only
            e = heard(answer, layer, above)
            put("source", layer - 1, unit + e @ now["forward"][layer - 1])
            put("transfer", layer - 1, e @ now["echo"][layer - 1])
            s, f = rows(now["source"][layer - 1]), rows(now["transfer"][layer - 1])
            row = congruent(s, now["source"][layer - 1], now["gradient"][layer])
            row = row + congruent(f, now["transfer"][layer - 1], now["feature"][layer - 1])
            put("gradient", layer - 1, row, symmetric=True)
            answer, above = f, row
        outputs_now = (heard(answer, 0, above) @ now["pulled"]).T / gamma
        residual = LOSSES[loss].pull(outputs_now, targets, jnp)
        batch = batches[t]
        now["outputs"] = now["outputs"].at[t].set(outputs_now)
        now["residuals"] = now["residuals"].at[t].set(residual)
        pull = residual[batch].T
        now["pulled"] = jax.lax.dynamic_update_slice(now["pulled"], pull @ kernel[batch], (at, 0))
        put("feature", 0, pull @ now["pulled"][:, batch].T, symmetric=True)
        answer = jnp.zeros((outputs, m))
        for layer in range(1, layers + 1):  # forward: the pulls of this step through the layers
            c = heard(answer, layer - 1, rows(now["feature"][layer - 1]))
            put("forward", layer - 1, c @ now["source"][layer - 1])
            put("echo", layer - 1, unit + c @ now["transfer"][layer - 1])
            answer, b = rows(now["forward"][layer - 1]), rows(now["echo"][layer - 1])
            row = congruent(b, now["echo"][layer - 1], now["feature"][layer - 1])
            row = row + congruent(answer, now["forward"][layer - 1], now["gradient"][layer])
            put("feature", layer, row, symmetric=True)
        return {name: tuple(part) if isinstance(part, list) else part for name, part in now.items()}

    empty = jnp.zeros((m, m))
    start = {
        "gradient": (*[empty] * layers, readout),
        "feature": (empty,) * (layers + 1),
        "source": (empty,) * layers,
        "transfer": (empty,) * layers,
        "forward": (empty,) * layers,
        "echo": (jnp.eye(m),) * layers,
        "pulled": jnp.zeros((m, samples)),
        "outputs": jnp.zeros((times, samples, outputs)),
        "residuals": jnp.zeros((times, samples, outputs)),
    }
    return jax.lax.fori_loop(0, times, step, start)
