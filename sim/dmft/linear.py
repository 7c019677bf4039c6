r"""The exact limit of deep linear networks: a causal march on pulls, one matrix a layer of steps x outputs.

A gradient step of a linear network sees the samples only through its pulls $\sum_\nu \Delta_{\nu
k}(s)\,x_\nu$, one for every step and output. Written in them, the fields of a layer close on matrices of size
m = (T+1) K, whatever the number of samples. The derivation is in docs/concepts/dmft.md.
"""

from functools import cache
from typing import Any

import numpy as np

from scalewright.sim.dmft.losses import LOSSES
from scalewright.sim.dmft.problem import Problem


def march(problem: Problem, gammas: np.ndarray) -> dict[str, Any]:
    r"""March the limit of deep linear networks through the steps, for a batch of gammas at once.

    Of each layer, with $C = \rho\rho\,A + c\,a Q$ and $E = \rho\rho\,F + c\,a G$ (entry by entry, both
    strictly causal): $g = S (r + E u)$ and $q = u + C g$ with $S = (1 - E C)^{-1}$, which is built row by
    row. No iteration, no damping, no inverse.

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

    def run(*arguments: Any) -> dict[str, Any]:
        return _March(*arguments, loss=loss, layers=layers).run()

    return jax.jit(jax.vmap(run, in_axes=(0, *[None] * 6)))


class _March:
    """One march as jax traces it: constants here, what moves in the state. Rows are (step, output)."""

    def __init__(
        self, gamma: Any, kernel: Any, targets: Any, a: Any, rho: Any, rates: Any, batches: Any, *, loss: str,
        layers: int,
    ) -> None:  # fmt: skip
        import jax.numpy as jnp

        self.gamma, self.kernel, self.targets = gamma, kernel, targets
        self.rho, self.rates, self.batches = rho, rates, batches
        self.loss, self.layers = LOSSES[loss], layers
        (self.samples, self.outputs), self.times = targets.shape, len(a)
        self.size = self.times * self.outputs
        self.past = jnp.repeat(a, self.outputs, axis=1)  # a(t, s) of column (s, k)
        self.kept = jnp.repeat(rho, self.outputs)
        self.readout = jnp.tile(jnp.eye(self.outputs), (1, self.times))  # a row of G^{L+1}

    def run(self) -> dict[str, Any]:
        import jax

        found = jax.lax.fori_loop(0, self.times, self.step, self.start())
        sent, passed = found.pop("sent"), found.pop("passed")
        return {
            **found,
            "source": tuple(part[:, : self.size] for part in sent),
            "transfer": tuple(part[:, self.size :] for part in sent),
            "forward": tuple(part[:, : self.size] for part in passed),
            "echo": tuple(part[:, self.size :] for part in passed),
        }

    def start(self) -> dict[str, Any]:
        """Return the state before the first step; `sent` and `passed` are g and q, written in (r | u)."""
        import jax.numpy as jnp

        empty, layers = jnp.zeros((self.size, self.size)), self.layers
        each = jnp.zeros((self.times, self.samples, self.outputs))
        return {
            "gradient": (*[empty] * layers, jnp.tile(self.readout, (self.times, 1))),
            "feature": (empty,) * (layers + 1),
            "sent": (jnp.hstack([empty, empty]),) * layers,
            "passed": (jnp.hstack([empty, jnp.eye(self.size)]),) * layers,
            "pulled": jnp.zeros((self.size, self.samples)),
            "outputs": each,
            "residuals": each,
        }

    def step(self, t: Any, state: dict[str, Any]) -> dict[str, Any]:
        now: dict[str, Any] = {
            name: list(part) if isinstance(part, tuple) else part for name, part in state.items()
        }
        self.go_forward(t, now, self.read_out(t, now, self.go_backward(t, now)))
        return {name: tuple(part) if isinstance(part, list) else part for name, part in now.items()}

    def go_backward(self, t: Any, now: dict[str, Any]) -> Any:
        """Fill g(t), which hears of earlier steps only; return the row that reads outputs off the pulls."""
        import jax.numpy as jnp

        answer, above = jnp.zeros((self.outputs, self.size)), self.readout
        for layer in range(self.layers, 0, -1):
            i = layer - 1
            e = self.heard(t, answer, layer, above)
            row = self.put(now, "sent", i, self.unit(t, 0) + e @ now["passed"][i], t)
            answer = row[:, self.size :]
            above = self.put(now, "gradient", i, self.congruent(row, now["sent"][i], i, now), t)
        return self.heard(t, answer, 0, above)

    def read_out(self, t: Any, now: dict[str, Any], row: Any) -> Any:
        """Write outputs, residuals and pulls; return the pulls' row of Q^0."""
        import jax
        import jax.numpy as jnp

        outputs = (row @ now["pulled"]).T / self.gamma
        residual, batch = self.loss.pull(outputs, self.targets, jnp), self.batches[t]
        now["outputs"] = now["outputs"].at[t].set(outputs)
        now["residuals"] = now["residuals"].at[t].set(residual)
        pull = residual[batch].T
        place = (t * self.outputs, 0)
        now["pulled"] = jax.lax.dynamic_update_slice(now["pulled"], pull @ self.kernel[batch], place)
        return pull @ now["pulled"][:, batch].T

    def go_forward(self, t: Any, now: dict[str, Any], row: Any) -> None:
        """Send the pulls of this step through the layers."""
        import jax.numpy as jnp

        seen = self.put(now, "feature", 0, row, t)
        answer = jnp.zeros((self.outputs, self.size))
        for layer in range(1, self.layers + 1):
            i = layer - 1
            c = self.heard(t, answer, i, seen)
            row = self.put(now, "passed", i, self.unit(t, 1) + c @ now["sent"][i], t)
            answer = row[:, : self.size]
            seen = self.put(now, "feature", layer, self.congruent(row, now["passed"][i], i, now), t)

    def heard(self, t: Any, answer: Any, layer: int, seen: Any) -> Any:
        """Return a row of C or E: what the initial weights answer, and what they learned."""
        learned = self.gamma * self.rates[layer] * self.past[t] * seen
        return self.rho[t] * self.kept * answer + learned

    def congruent(self, row: Any, known: Any, i: int, now: dict[str, Any]) -> Any:
        """Return the covariance of a row in (r | u) with the `known` rows, <r r> = G and <u u> = Q around."""
        import jax.numpy as jnp

        r, u = row[:, : self.size] * self.kept, row[:, self.size :] * self.kept
        spread = [(r @ now["gradient"][i + 1]) * self.kept, (u @ now["feature"][i]) * self.kept]
        return jnp.hstack(spread) @ known.T

    def unit(self, t: Any, which: int) -> Any:
        """Return the rows that are r(t), or u(t), itself."""
        import jax
        import jax.numpy as jnp

        zero = jnp.zeros((self.outputs, 2 * self.size))
        place = (0, which * self.size + t * self.outputs)
        return jax.lax.dynamic_update_slice(zero, jnp.eye(self.outputs), place)

    def put(self, now: dict[str, Any], name: str, index: int, row: Any, t: Any) -> Any:
        """Write the rows of step t, of a kernel its columns too; return the rows as they stand there."""
        import jax

        at = t * self.outputs
        filled = jax.lax.dynamic_update_slice(now[name][index], row, (at, 0))
        if name in ("gradient", "feature"):
            filled = jax.lax.dynamic_update_slice(filled, row.T, (0, at))
        now[name][index] = filled
        return jax.lax.dynamic_slice(filled, (at, 0), row.shape)
