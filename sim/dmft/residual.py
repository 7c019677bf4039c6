r"""The exact limit of residual networks with linear branches: all layers are one site, marched together.

$h^{l+1} = h^l + b\,(u^{l+1} + C^{l+1} g^{l+1})$ and $g^l = g^{l+1} + b\,(r^l + E^l q^l)$, b = beta_0 / sqrt(L
- 1): a field of one layer carries the Gaussian sources u, r of all others, so responses run between all pairs
of layers. On the pulls (see `linear`) they are L x L blocks of m x m, m = (T+1) K, and the march is causal as
ever.
"""

from dataclasses import dataclass

import numpy as np

from scalewright.sim.dmft.exact import last_finite
from scalewright.sim.dmft.losses import LOSSES
from scalewright.sim.dmft.problem import Problem
from scalewright.sim.dmft.solution import Fields


def bytes_of(problem: Problem) -> int:
    """Return the bytes of the responses between all pairs of layers, of the march and what follows it."""
    m, n = problem.times * problem.outputs, problem.times * problem.samples
    return 8 * (6 * (problem.hidden_layers * m) ** 2 + 4 * n**2 + 2 * problem.hidden_layers * n * m)


@dataclass
class _State:
    """Fields by rows (step, output): derivatives in all sources (L, m, L, m), kernels (L + 1, m, m)."""

    q_u: np.ndarray
    q_r: np.ndarray
    g_u: np.ndarray
    g_r: np.ndarray
    feature: np.ndarray
    gradient: np.ndarray
    pulled: np.ndarray
    outputs: np.ndarray
    pulls: np.ndarray


class _March:
    def __init__(self, problem: Problem, gamma: float) -> None:
        self.problem, self.gamma = problem, gamma
        self.k, self.layers, times = problem.outputs, problem.hidden_layers, problem.times
        m = times * self.k
        a, rho = problem.memory
        self.past = np.repeat(np.repeat(a, self.k, axis=0), self.k, axis=1)
        self.kept = np.outer(np.repeat(rho, self.k), np.repeat(rho, self.k))
        #: Multiplier of what weight layer 0 ... L adds, and its rate times gamma times that.
        self.branch = np.array([1.0, *[problem.branch] * (self.layers - 1), 1.0])
        self.scale = gamma * problem.layer_rates * self.branch
        wide = (self.layers, m, self.layers, m)
        q_u, q_r, g_u, g_r = (np.zeros(wide) for _ in range(4))
        gradient = np.zeros((self.layers + 1, m, m))
        gradient[-1] = np.tile(np.eye(self.k), (times, times))
        shape = (times, problem.samples, self.k)
        feature, pulled = np.zeros((self.layers + 1, m, m)), np.zeros((m, problem.samples))
        self.state = _State(q_u, q_r, g_u, g_r, feature, gradient, pulled, np.zeros(shape), np.zeros(shape))

    def run(self) -> _State:
        with np.errstate(over="ignore", invalid="ignore"):
            for t in range(self.problem.times):
                rows = slice(t * self.k, (t + 1) * self.k)
                heard = self.backward(rows)
                self.read_out(t, rows, heard)
                self.forward(rows)
        return self.state

    def heard(self, rows: slice, answer: np.ndarray, weights: int, seen: np.ndarray) -> np.ndarray:
        """Return rows of C or E: what the initial weights of a layer answer, and what they learned."""
        return self.kept[rows] * answer + self.scale[weights] * self.past[rows] * seen

    def backward(self, rows: slice) -> np.ndarray:
        """Fill g(t) from the readout down; return the row that reads the outputs off the pulls."""
        s, eye = self.state, np.eye(self.k)
        in_u, in_r = np.zeros((2, self.k, *s.g_u.shape[2:]))
        answer = np.zeros((self.k, s.g_u.shape[1]))
        for i in range(self.layers - 1, -1, -1):
            e = self.heard(rows, answer, i + 1, s.gradient[i + 1][rows])
            b = self.branch[i + 1]
            in_u = in_u + b * np.tensordot(e, s.q_u[i], axes=1)
            in_r = in_r + b * np.tensordot(e, s.q_r[i], axes=1)
            in_r[:, i, rows] += b * eye
            s.g_u[i][rows], s.g_r[i][rows] = in_u, in_r
            self.fill(s.gradient, i, rows, in_u, in_r, s.g_u[i], s.g_r[i])
            answer = in_u[:, i]
        return self.heard(rows, answer, 0, s.gradient[0][rows])

    def read_out(self, t: int, rows: slice, heard: np.ndarray) -> None:
        s, problem = self.state, self.problem
        s.outputs[t] = (heard @ s.pulled).T / self.gamma
        residual = LOSSES[problem.loss].pull(s.outputs[t], problem.targets, np)
        s.pulls[t] = problem.mask[t][:, None] * residual
        s.pulled[rows] = s.pulls[t].T @ problem.kernel
        row = s.pulled[rows] @ s.pulls.transpose(1, 0, 2).reshape(problem.samples, -1)
        s.feature[0][rows], s.feature[0][:, rows] = row, row.T

    def forward(self, rows: slice) -> None:
        """Fill q(t), the pulls of this step in all layers."""
        s, eye = self.state, np.eye(self.k)
        in_u, in_r = np.zeros((2, self.k, *s.g_u.shape[2:]))
        answer = np.zeros((self.k, s.g_u.shape[1]))
        for i in range(self.layers):
            c = self.heard(rows, answer, i, s.feature[i][rows])
            b = self.branch[i]
            in_u = in_u + b * np.tensordot(c, s.g_u[i], axes=1)
            in_r = in_r + b * np.tensordot(c, s.g_r[i], axes=1)
            in_u[:, i, rows] += b * eye
            s.q_u[i][rows], s.q_r[i][rows] = in_u, in_r
            self.fill(s.feature, i + 1, rows, in_u, in_r, s.q_u[i], s.q_r[i])
            answer = in_r[:, i]

    def fill(
        self, kernels: np.ndarray, i: int, rows: slice, in_u: np.ndarray, in_r: np.ndarray, of_u: np.ndarray,
        of_r: np.ndarray,
    ) -> None:  # fmt: skip
        """Write the new row of a kernel: source u[j] has the covariance Q^j, r[j] that of G one layer up."""
        s = self.state
        row = np.einsum("kja,jab->kjb", in_u, self.kept * s.feature[:-1], optimize=True)
        total = np.tensordot(row, of_u, axes=([1, 2], [1, 2]))
        row = np.einsum("kja,jab->kjb", in_r, self.kept * s.gradient[1:], optimize=True)
        total += np.tensordot(row, of_r, axes=([1, 2], [1, 2]))
        kernels[i][rows], kernels[i][:, rows] = total, total.T


def solve(problem: Problem, gamma: float, *, two_time: bool) -> Fields:
    """Return the fields of a residual network with linear branches, exactly.

    Cost: 8 L^2 products of K rows with an m x m matrix a step, then L^2 products of (T+1) P x m x m.
    """
    march = _March(problem, gamma)
    state = march.run()
    last = last_finite(state.outputs)
    if last < problem.steps:
        _cut(state, last, problem)
    with np.errstate(over="ignore", invalid="ignore"):
        features, forward = _sample_kernels(march, state, two_time=two_time)
    times, k = problem.times, problem.outputs
    gradients = [g.reshape(times, k, times, k) for g in state.gradient]
    if not two_time:
        return Fields(state.outputs, features, [np.einsum("tktj->tkj", g) for g in gradients])
    transfer = [state.g_u[i, :, i].reshape(times, k, times, k) for i in range(problem.hidden_layers)]
    backward = [np.einsum("ijsk,spk->ijsp", f, state.pulls) for f in transfer]
    backward.append(np.zeros((times, k, times, problem.samples)))
    return Fields(state.outputs, features, gradients, forward, backward)


def _cut(state: _State, last: int, problem: Problem) -> None:
    """Blank what follows step `last`, where the march overflowed."""
    known = np.repeat(np.arange(problem.times) <= last, problem.outputs)
    pairs = known[:, None] & known
    state.outputs[last + 1 :], state.pulls[last + 1 :], state.pulled[~known] = np.nan, 0.0, 0.0
    for name in ("q_u", "q_r", "g_u", "g_r"):
        setattr(state, name, np.where(pairs[:, None, :], getattr(state, name), 0.0))
    state.feature = np.where(pairs, state.feature, 0.0)
    state.gradient = np.where(pairs, state.gradient, 0.0)


def _sample_kernels(march: _March, s: _State, *, two_time: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return H^0 ... H^L and A^0 ... A^L of the samples, layer by layer from the responses of the march."""
    problem, layers = march.problem, march.layers
    p, times, k = problem.samples, problem.times, problem.outputs
    n, m = times * p, times * k
    a, rho = problem.memory
    past = np.repeat(np.repeat(a, p, axis=0), k, axis=1)
    kept = np.outer(np.repeat(rho, p), np.repeat(rho, k))
    wide = np.outer(np.repeat(rho, p), np.repeat(rho, p))
    crossed = _gradient_gram(march, s)
    kernel = np.broadcast_to(problem.kernel[None, :, None], (times, p, times, p)).reshape(n, n).copy()
    stream, learned = np.zeros((n, n)), np.zeros((layers, n, m))  # h so far, and <h g^j> for all j
    kernels, answers, answer = [kernel], [np.zeros((n, m))], np.zeros((n, m))
    rows: list[np.ndarray] = []
    for i in range(layers):
        seen = np.einsum("xsp,spk->xsk", kernel.reshape(n, times, p), s.pulls).reshape(n, m)
        c = kept * answer + march.scale[i] * past * seen
        b, fresh = march.branch[i], kept * seen
        response = np.stack([s.g_u[j, :, i] for j in range(layers)])  # dg^j/du of this layer
        own = fresh @ response[i].T @ c.T
        field = wide * kernel + own + own.T + c @ crossed[i, i] @ c.T
        mixed = learned[i] @ c.T
        for j, row in enumerate(rows):
            mixed = mixed + march.branch[j] * row @ response[j] @ fresh.T
        stream = stream + b * (mixed + mixed.T) + b**2 * field
        learned = learned + b * (np.einsum("xa,jba->jxb", fresh, response) + np.einsum(
            "xa,jab->jxb", c, crossed[i]
        ))  # fmt: skip
        rows.append(c)
        kernel = stream
        answer = sum(
            (march.branch[j] * row @ s.g_r[j, :, i] for j, row in enumerate(rows)), start=np.zeros((n, m))
        )
        kernels.append(kernel)
        answers.append(answer)
    shaped = [x.reshape(times, p, times, p) for x in kernels]
    if not two_time:
        shaped = [np.einsum("tptq->tpq", x) for x in shaped]
    return shaped, [x.reshape(times, p, times, k) for x in answers]


def _gradient_gram(march: _March, s: _State) -> np.ndarray:
    """Return <g^i g^j> of all pairs of layers (L, L, m, m)."""
    layers, m = march.layers, s.g_u.shape[1]
    size = layers * m
    total = np.zeros((size, size))
    for of, kernels in ((s.g_u, s.feature[:-1]), (s.g_r, s.gradient[1:])):
        flat = of.reshape(size, layers, m)
        total += (
            np.einsum("xja,jab->xjb", flat, march.kept * kernels, optimize=True).reshape(size, size)
            @ flat.reshape(size, size).T
        )
    return total.reshape(layers, m, layers, m).transpose(0, 2, 1, 3)
