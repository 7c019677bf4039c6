r"""The limit of nonlinear networks: a causal march with sampled single-site fields.

Every draw is one neuron of each layer. Its fields are $h = u + C\,g$ and $z = r + D\,\phi(h)$, $g =
\phi'(h)\,z$, with u and r Gaussian of the kernels of the layer below and above, which are means over the
draws themselves. The responses in C and D are means of tangents along random signs. The derivation is in
docs/concepts/dmft.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from scalewright.sim.dmft.activations import Activation
from scalewright.sim.dmft.losses import LOSSES
from scalewright.sim.dmft.problem import Problem
from scalewright.sim.dmft.sampling import extend, normal, signs


@dataclass(frozen=True)
class Draws:
    """Random numbers of one replicate, lists over the hidden layers 1 ... L (a leading axis S is implied).

    Attributes:
        forward: normal numbers of u^l, (P,) at l = 1, whose u is static, else ((T+1) P,).
        backward: of r^l, ((T+1) P K,); at l = L the readout (K,).
        forward_signs, backward_signs: of the tangents, in the same shapes.
    """

    forward: tuple[np.ndarray, ...]
    backward: tuple[np.ndarray, ...]
    forward_signs: tuple[np.ndarray, ...]
    backward_signs: tuple[np.ndarray, ...]


def draw(problem: Problem, draws: int, seed: tuple[int, ...]) -> Draws:
    """Draw the random numbers of one replicate, the same for every gamma."""
    rng = np.random.default_rng(seed)
    p, k, n, layers = problem.samples, problem.outputs, problem.times * problem.samples, problem.hidden_layers
    forward_sizes = [p, *[n] * (layers - 1)]
    backward_sizes = [*[n * k] * (layers - 1), k]
    fields = _blocks(normal, rng, draws, forward_sizes, backward_sizes, joint=problem.residual is not None)
    probes = _blocks(signs, rng, draws, forward_sizes, backward_sizes, joint=problem.residual is not None)
    return Draws(*fields, *probes)


def _blocks(
    make: Callable[..., np.ndarray],
    rng: np.random.Generator,
    draws: int,
    forward: list[int],
    backward: list[int],
    *,
    joint: bool,
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Return numbers for the forward and backward fields of every layer, whitened together where they meet.

    The fields of a layer meet at its neurons; a residual stream brings those of all layers together.
    """
    sizes = [f + b for f, b in zip(forward, backward, strict=True)]
    if joint and draws >= 2 * (sum(sizes) + 1):
        layers = np.split(make(rng, draws, sum(sizes)), np.cumsum(sizes)[:-1], axis=1)
    else:
        layers = [make(rng, draws, size) for size in sizes]
    ahead = tuple(np.ascontiguousarray(x[:, :f]) for x, f in zip(layers, forward, strict=True))
    return ahead, tuple(np.ascontiguousarray(x[:, f:]) for x, f in zip(layers, forward, strict=True))


def march(problem: Problem, activation: Activation, gamma: float, draws: Draws) -> dict[str, Any]:
    """March one replicate; return outputs, feature, gradient, forward and backward, lists over the layers.

    Cost: about 8 L products of draws x (T+1) P K with P K rows a step, and L Cholesky factors of (T+1) P K.
    """
    import jax

    a, rho = problem.memory
    with jax.enable_x64(True):
        run = _compiled(problem.loss, activation, problem.residual is not None)
        root = np.linalg.cholesky(problem.kernel + 1e-12 * np.trace(problem.kernel) * np.eye(problem.samples))
        found = run(
            gamma, problem.kernel, root, problem.targets, a, rho, problem.layer_rates, problem.mask,
            problem.branch, draws.forward, draws.backward, draws.forward_signs, draws.backward_signs,
        )  # fmt: skip
        return {name: jax.tree.map(np.asarray, found[name]) for name in RECORDED}


RECORDED = ("outputs", "feature", "gradient", "forward", "backward")


@cache
def _compiled(loss: str, activation: Activation, skip: bool) -> Any:
    import jax

    def run(*arguments: Any) -> dict[str, Any]:
        return _March(*arguments, loss=loss, activation=activation, skip=float(skip)).run()

    return jax.jit(run)


class _March:
    """One march as jax traces it: constants here, everything that moves in the state."""

    def __init__(
        self, gamma: Any, kernel: Any, root: Any, targets: Any, a: Any, rho: Any, rates: Any, mask: Any,
        branch: Any, forward: Any, backward: Any, forward_signs: Any, backward_signs: Any, *, loss: str,
        activation: Activation, skip: float,
    ) -> None:  # fmt: skip
        import jax.numpy as jnp

        self.gamma, self.kernel, self.targets, self.a, self.rho = gamma, kernel, targets, a, rho
        self.rates, self.mask, self.branch, self.skip = rates, mask, branch, skip
        self.normal = {"u": forward, "r": backward}
        self.signs = {"u": forward_signs, "r": backward_signs}
        self.static = forward[0] @ root.T
        self.loss, self.phi = LOSSES[loss], activation
        (self.p, self.k), self.times = targets.shape, len(a)
        self.s, self.layers = forward[0].shape[0], len(forward)
        self.keep_p, self.keep_g = jnp.repeat(rho, self.p), jnp.repeat(rho, self.p * self.k)

    def run(self) -> dict[str, Any]:
        import jax

        return jax.lax.fori_loop(0, self.times, self.step, self.start())

    def start(self) -> dict[str, Any]:
        import jax.numpy as jnp

        n, m, s, layers = self.times * self.p, self.times * self.p * self.k, self.s, self.layers
        zeros = jnp.zeros
        return {
            "phi": (zeros((s, n)),) * layers,
            "g": (zeros((s, m)),) * layers,
            "phi_r": (zeros((s, n)),) * layers,
            "phi_u": (zeros((s, n)),) * layers,
            "g_r": (zeros((s, m)),) * layers,
            "g_u": (zeros((s, m)),) * layers,
            "root_u": (zeros((n, n)),) * (layers - 1),
            "root_r": (zeros((m, m)),) * (layers - 1),
            "feature": (zeros((n, n)),) * layers,
            "gradient": (zeros((m, m)),) * layers,
            "forward": (zeros((n, m)),) * (layers - 1),
            "backward": (zeros((m, n)),) * (layers - 1),
            "outputs": zeros((self.times, self.p, self.k)),
            "pulls": zeros((self.times, self.p, self.k)),
        }

    def step(self, t: Any, state: dict[str, Any]) -> dict[str, Any]:
        now: dict[str, Any] = {
            name: list(part) if isinstance(part, tuple) else part for name, part in state.items()
        }
        sites, answer = self.go_forward(t, now)
        self.read_out(t, now, answer)
        self.go_backward(t, now, sites)
        return {name: tuple(part) if isinstance(part, list) else part for name, part in now.items()}

    def go_forward(self, t: Any, now: dict[str, Any]) -> tuple[list[Any], Any]:
        """Advance h, phi and their tangents through the layers; return them, and dphi(h^L)/dr^L."""
        import jax.numpy as jnp

        zero = jnp.zeros((self.s, self.p))
        h, h_r, h_u, direct, sites = zero, zero, zero, zero, []
        for i in range(self.layers):
            b = self.branch if i else 1.0
            c, u = self.forward_row(t, now, i)
            h = self.skip * h + b * (u + now["g"][i] @ c.T)
            h_r = self.skip * h_r + b * (now["g_r"][i] @ c.T)
            h_u = self.skip * h_u + b * (now["g_u"][i] @ c.T)
            direct = self.skip * direct + (b * self.at_p(self.signs["u"][i], t) if i else 0.0)
            slope = self.phi.first(h, jnp)
            self.put(now, "phi", i, self.phi.value(h, jnp), t)
            self.put(now, "phi_r", i, slope * h_r, t)
            self.put(now, "phi_u", i, slope * (h_u + direct), t)
            self.put_kernel(now, "feature", i, self.at_p(now["phi"][i], t).T @ now["phi"][i] / self.s, t)
            response = (slope * h_r).T @ self.signs["r"][i] / self.s
            if i < self.layers - 1:
                response = jnp.where(self.before_g(t), response, 0.0)
                self.put(now, "forward", i, response.T, t)
            sites.append((h, h_r, h_u, direct, slope))
        return sites, response

    def forward_row(self, t: Any, now: dict[str, Any], i: int) -> tuple[Any, Any]:
        """Return C(t, .) of hidden layer i + 1 (P, (T+1) P K), and the field u(t) of its initial weights."""
        import jax.numpy as jnp

        scale = self.gamma * self.rates[i] * (self.branch if i else 1.0)
        if i:
            below = self.rows(now["feature"][i - 1], t, self.p)
        else:
            below = jnp.tile(self.kernel, (1, self.times))
        seen = below.reshape(self.p, self.times, self.p, 1) * now["pulls"] * self.a[t][:, None, None]
        c = scale * seen.reshape(self.p, -1)
        if not i:
            return c, self.rho[t] * self.static
        c = c + self.rho[t] * self.keep_g * self.rows(now["forward"][i - 1], t, self.p)
        covariance = self.rho[t] * self.keep_p * below
        now["root_u"][i - 1], new = extend(now["root_u"][i - 1], covariance, t * self.p)
        return c, self.normal["u"][i] @ new.T

    def read_out(self, t: Any, now: dict[str, Any], answer: Any) -> None:
        """Write outputs and pulls: f = <z phi(h)> / gamma, by Stein's lemma from the response."""
        import jax.numpy as jnp

        last = self.rows(now["feature"][-1], t, self.p).reshape(self.p, self.times, self.p)
        learned = jnp.einsum("psv,svk,s->pk", last, now["pulls"], self.a[t])
        f = self.rho[t] * answer / self.gamma + self.rates[-1] * learned
        now["outputs"] = now["outputs"].at[t].set(f)
        pull = self.mask[t][:, None] * self.loss.pull(f, self.targets, jnp)
        now["pulls"] = now["pulls"].at[t].set(pull)

    def go_backward(self, t: Any, now: dict[str, Any], sites: list[Any]) -> None:
        """Advance g and its tangents from the readout down."""
        import jax.numpy as jnp

        zero = jnp.zeros((self.s, self.p, self.k))
        g = g_r = g_u = g_direct = bend = zero
        instant = jnp.zeros((self.p, self.k))
        for i in range(self.layers - 1, -1, -1):
            h, h_r, h_u, direct, slope = (x[:, :, None] for x in sites[i])
            second = self.phi.second
            curve = second(h, jnp) if second is not None else jnp.zeros_like(h)
            top = i == self.layers - 1
            b = 1.0 if top else self.branch
            z, z_r, z_u = self.backward_field(t, now, i, instant)
            value = self.at_p(now["phi"][i], t)[:, :, None]
            z, z_r = z + instant * value, z_r + instant * slope * h_r
            z_u, z_direct = z_u + instant * slope * h_u, instant * slope * direct
            g = self.skip * g + b * slope * z
            g_r = self.skip * g_r + b * (curve * z * h_r + slope * z_r)
            g_u = self.skip * g_u + b * (curve * z * h_u + slope * z_u)
            g_direct = self.skip * g_direct + b * (curve * z * direct + slope * z_direct)
            bend = self.skip * bend + b * (curve * z + slope**2 * instant)
            self.put(now, "g", i, g.reshape(self.s, -1), t)
            self.put(now, "g_r", i, g_r.reshape(self.s, -1), t)
            self.put(now, "g_u", i, (g_u + g_direct).reshape(self.s, -1), t)
            self.put_kernel(now, "gradient", i, g.reshape(self.s, -1).T @ now["g"][i] / self.s, t)
            if i:
                response = g_u.reshape(self.s, -1).T @ self.signs["u"][i] / self.s
                self.put(now, "backward", i - 1, jnp.where(self.before_p(t), response, 0.0).T, t)
                response = self.instantaneous(bend)
                self.put_instant(now, i - 1, response, t)
                instant = self.rho[t] ** 2 * response

    def instantaneous(self, bend: Any) -> Any:
        """Return B(t, t) (P, K): u(t) bends phi' at once, and z(t) below hears of it with weight one."""
        return self.branch * bend.mean(axis=0)

    def backward_field(self, t: Any, now: dict[str, Any], i: int, instant: Any) -> tuple[Any, Any, Any]:
        """Return z(t) without its instantaneous response, and its two tangents, (S, P, K) each."""
        import jax.numpy as jnp

        shape = (self.s, self.p, self.k)
        if i == self.layers - 1:
            d = (self.gamma * self.rates[-1] * self.a[t][:, None, None] * now["pulls"]).reshape(-1, self.k)
            z = self.rho[t] * self.normal["r"][i] + now["phi"][i] @ d
            z_r = self.rho[t] * self.signs["r"][i] + now["phi_r"][i] @ d
            return tuple(jnp.broadcast_to(x[:, None, :], shape) for x in (z, z_r, now["phi_u"][i] @ d))  # type: ignore[return-value]
        pk = self.p * self.k
        above = self.rows(now["gradient"][i + 1], t, pk)
        shaped = above.reshape(pk, self.times, self.p, self.k)
        seen = jnp.einsum("asvk,svk,s->asv", shaped, now["pulls"], self.a[t]).reshape(pk, -1)
        d = self.gamma * self.rates[i + 1] * self.branch * seen
        past = jnp.where(self.before_p(t), self.rows(now["backward"][i], t, pk), 0.0)
        d = d + self.rho[t] * self.keep_p * past
        covariance = self.rho[t] * self.keep_g * above
        now["root_r"][i], new = extend(now["root_r"][i], covariance, t * pk)
        z = self.normal["r"][i] @ new.T + now["phi"][i] @ d.T
        z_r = self.at_g(self.signs["r"][i], t) + now["phi_r"][i] @ d.T
        return z.reshape(shape), z_r.reshape(shape), (now["phi_u"][i] @ d.T).reshape(shape)

    def at_p(self, fields: Any, t: Any) -> Any:
        import jax

        return jax.lax.dynamic_slice(fields, (0, t * self.p), (fields.shape[0], self.p))

    def at_g(self, fields: Any, t: Any) -> Any:
        import jax

        size = self.p * self.k
        return jax.lax.dynamic_slice(fields, (0, t * size), (fields.shape[0], size))

    def rows(self, matrix: Any, t: Any, size: int) -> Any:
        import jax

        return jax.lax.dynamic_slice(matrix, (t * size, 0), (size, matrix.shape[1]))

    def before_p(self, t: Any) -> Any:
        import jax.numpy as jnp

        return jnp.arange(self.times * self.p) < t * self.p

    def before_g(self, t: Any) -> Any:
        import jax.numpy as jnp

        return jnp.arange(self.times * self.p * self.k) < t * self.p * self.k

    def put(self, now: dict[str, Any], name: str, i: int, columns: Any, t: Any) -> None:
        """Write what belongs to step t: columns of the fields, rows of the responses (given transposed)."""
        import jax

        size = columns.shape[1]
        if name in ("forward", "backward"):
            now[name][i] = jax.lax.dynamic_update_slice(now[name][i], columns.T, (t * size, 0))
        else:
            now[name][i] = jax.lax.dynamic_update_slice(now[name][i], columns, (0, t * size))

    def put_kernel(self, now: dict[str, Any], name: str, i: int, row: Any, t: Any) -> None:
        import jax

        at = t * row.shape[0]
        filled = jax.lax.dynamic_update_slice(now[name][i], row, (at, 0))
        now[name][i] = jax.lax.dynamic_update_slice(filled, row.T, (0, at))

    def put_instant(self, now: dict[str, Any], i: int, instant: Any, t: Any) -> None:
        """Write B(t, t), diagonal in the samples, so that the recorded response holds it."""
        import jax
        import jax.numpy as jnp

        block = jnp.einsum("pk,pq->pkq", instant, jnp.eye(self.p)).reshape(-1, self.p)
        at = (t * self.p * self.k, t * self.p)
        now["backward"][i] = jax.lax.dynamic_update_slice(now["backward"][i], block, at)
