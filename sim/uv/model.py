r"""The two-layer linear network on one point: $f = m\, x\, v \cdot u$ with u, v of n entries.

Gradient descent moves u and v within the plane that they span at first, so that their Gram matrix is all
there is: A = |u|^2, B = |v|^2 and C = u . v obey a closed map at any width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scalewright.sim.uv.losses import Loss
from scalewright.theory.parametrization import Parametrization


@dataclass(frozen=True)
class Factors:
    """What a parametrization gives at each width, as arrays that broadcast against the state.

    `multiplier` m of f = m x v . u; `std_u`, `std_v` of the initial entries; `rate_u`, `rate_v` by which the
    base rate is multiplied.
    """

    multiplier: np.ndarray
    std_u: np.ndarray
    std_v: np.ndarray
    rate_u: np.ndarray
    rate_v: np.ndarray


@dataclass(frozen=True)
class Gram:
    """The state: A = |u|^2, B = |v|^2, C = u . v of many networks, of one shape."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray


def factors(parametrization: Parametrization, widths: Sequence[int]) -> Factors:
    """Return the factors at every width, with a trailing axis for the seeds.

    Raises:
        ValueError: another network than two linear layers without biases, another optimizer than sgd, or
            widths that are not integers of at least 1.
    """
    _check(parametrization, widths)
    found = [parametrization.at(width=width, inputs=1, outputs=1, gamma=1) for width in widths]
    u, v = ([numbers[f"{name}.weight"] for numbers in found] for name in ("input", "readout"))
    columns = (
        [one.multiplier * two.multiplier for one, two in zip(u, v, strict=True)],
        [one.init_std for one in u],
        [two.init_std for two in v],
        [one.lr for one in u],
        [two.lr for two in v],
    )
    return Factors(*(np.array(column, dtype=float)[:, None] for column in columns))


def _check(parametrization: Parametrization, widths: Sequence[int]) -> None:
    graph = parametrization.architecture
    bent = [n.kind for n in graph.nodes if n.op == "activation" and n.kind != "linear"]
    if set(parametrization.entries) != {"input.weight", "readout.weight"} or bent:
        raise ValueError(
            "uv: parametrization must be that of two linear layers without biases, "
            f"mlp(layers=2, activation='linear'); given {', '.join(parametrization.entries)}"
            + (f" with {bent[0]}" if bent else "")
        )
    if parametrization.optimizer != "sgd":
        raise ValueError(
            "uv: the closed map is that of gradient descent, optimizer 'sgd'; given "
            f"{parametrization.optimizer!r}"
        )
    wrong = [n for n in widths if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1]
    if wrong or not len(widths):
        raise ValueError(
            f"uv: widths must be integers of at least 1; given {wrong[0] if wrong else list(widths)!r}"
        )


def initial(by: Factors, widths: Sequence[int], seeds: Sequence[int]) -> Gram:
    """Draw the Gram matrices of independent Gaussian u and v: (width, seed). The width costs nothing.

    |u|^2 is chi-squared with n degrees of freedom; of v, the part along u is normal, and the square of the
    rest is chi-squared with n - 1 (Bartlett's decomposition).
    """
    if not len(seeds) or any(
        isinstance(s, bool) or not isinstance(s, int | np.integer) or s < 0 for s in seeds
    ):
        raise ValueError(f"uv: seeds must be non-negative integers; given {list(seeds)}")
    u, along, across = np.empty((3, len(widths), len(seeds)))
    for row, width in enumerate(widths):
        for column, seed in enumerate(seeds):
            draw = np.random.default_rng([11, int(width), int(seed)])
            u[row, column] = draw.chisquare(width)
            along[row, column] = draw.standard_normal()
            across[row, column] = draw.chisquare(width - 1) if width > 1 else 0.0
    return Gram(by.std_u**2 * u, by.std_v**2 * (along**2 + across), by.std_u * by.std_v * np.sqrt(u) * along)


def from_weights(u: np.ndarray, v: np.ndarray) -> Gram:
    """Return the state of given weights u and v (..., n)."""
    return Gram((u * u).sum(-1), (v * v).sum(-1), (u * v).sum(-1))


def outputs(state: Gram, by: Factors, point: float) -> np.ndarray:
    """Return f = m x v . u."""
    return by.multiplier * point * state.c


def kernel(state: Gram, by: Factors, point: float) -> np.ndarray:
    r"""Return the tangent kernel $(m x)^2 (r_v |u|^2 + r_u |v|^2)$, r the rates over the base rate.

    One step of a small base rate eta changes f by -eta times it times the pull, in every gauge.
    """
    return (by.multiplier * point) ** 2 * (by.rate_v * state.a + by.rate_u * state.b)


def step(state: Gram, by: Factors, loss: Loss, lr: np.ndarray, *, point: float, decay: float = 0.0) -> Gram:
    r"""Advance by one step of gradient descent, exactly, at any rate.

    With $g = m x \chi$, $u' = \rho_u u - \eta_u g v$ and $v' = \rho_v v - \eta_v g u$, where
    $\rho = 1 - \eta\lambda$ is what the weight decay leaves; the new A, B and C are the products of these.

    Args:
        state: A, B and C.
        by: the factors of the parametrization.
        loss: whose pull $\chi$ at the present output.
        lr: base rates that broadcast against the state.
        point: x.
        decay: lambda of w <- w - rate (gradient + lambda w), as torch's SGD takes it.
    """
    pull = by.multiplier * point * loss.pull(outputs(state, by, point))
    keep_u, keep_v = 1 - lr * by.rate_u * decay, 1 - lr * by.rate_v * decay
    from_v, from_u = lr * by.rate_u * pull, lr * by.rate_v * pull
    a, b, c = state.a, state.b, state.c
    return Gram(
        keep_u**2 * a - 2 * keep_u * from_v * c + from_v**2 * b,
        keep_v**2 * b - 2 * keep_v * from_u * c + from_u**2 * a,
        keep_u * keep_v * c - keep_u * from_u * a - keep_v * from_v * b + from_u * from_v * c,
    )
