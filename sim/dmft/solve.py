"""The one call: pose the problem, choose the march, return the trajectory with its status."""

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from scalewright.sim.dmft import cost
from scalewright.sim.dmft.activations import Activation, activation_of
from scalewright.sim.dmft.problem import Problem, check_integer, check_positive, pose
from scalewright.sim.dmft.runs import Options, Run, deepen, descend, follow
from scalewright.sim.dmft.solution import Solution

Kernels = Literal["two-time", "equal-time"]
Dynamics = Literal["descent", "flow"]


def solve(
    *,
    kernel: Any,
    targets: Any,
    hidden_layers: float,
    lr: float,
    steps: int,
    activation: str | Activation = "linear",
    gamma: float | Sequence[float] = 1.0,
    loss: str = "mse",
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    batches: Any = None,
    rates: Sequence[float] | None = None,
    residual: float | None = None,
    branches: int = 8,
    dynamics: Dynamics = "descent",
    refine: int = 2,
    kernels: Kernels = "two-time",
    memory: float = 4.0,
    samples: int = 16384,
    replicates: int = 8,
    seed: int = 0,
    accuracy: float = 0.03,
) -> Solution:
    r"""Solve for a network of infinite width that learns features, trained by gradient descent.

    $h^1 = W^0 x / \sqrt D$, $h^{l+1} = W^l \phi(h^l) / \sqrt N$, $f = w \cdot \phi(h^L) / (\gamma N)$, all
    weights N(0, 1), every learning rate $\eta \gamma^2 N$, outputs centred; loss the mean over samples
    (squared: $\frac1{2P}\sum (f - y)^2$). With `residual` $h^{l+1} = h^l + \beta_0 W^l \phi(h^l) /
    \sqrt{(L-1) N}$.

    Args:
        kernel: K^x = X X^T / D (P, P), of all samples, those in no batch (a test set) included.
        targets: (P, K) or (P,); classes for "cross-entropy", -1 and 1 for "logistic".
        hidden_layers: L; `math.inf` with `residual` is the joint limit of width and depth, extrapolated from
            `branches`, 2 `branches` and 4 `branches` with its error, and shown at the layer times of the
            first.
        lr: base learning rate eta.
        steps: T; entries 0 ... T are returned, entry t before update t.
        activation: "linear", "tanh", "erf", "softplus", "gelu", "relu", or a `dmft.Activation`. Linear
        networks
            are solved exactly, others by sampling (one hidden layer by its exact map of every neuron).
        gamma: feature-learning strength; a list is solved at once and adds a dimension.
        loss: "mse", "cross-entropy" or "logistic".
        momentum, weight_decay: of torch's SGD; a step removes lr * weight_decay of every weight.
        batches: samples of every step (T+1, B), the last row only evaluated; None is the full batch.
        rates: learning rates of the L + 1 weight layers over the base rate, see `prefactors`.
        residual: beta_0; None for a network without skip connections.
        branches: see `hidden_layers`.
        dynamics: "descent", or "flow": vanishing learning rate at the times lr * step, extrapolated from
            marches with `refine`, 2 `refine` and 4 `refine` steps in place of one, with its error.
        refine: see `dynamics`.
        kernels: "two-time" keeps kernels at all pairs of steps, "equal-time" only at equal ones.
        memory: GiB that kernels may fill; more is refused before anything is allocated.
        samples, replicates: draws in all, and into how many independent runs they are divided.
        seed: of all draws; the same for every gamma.
        accuracy: relative standard error of every kernel above which the status is "inaccurate".

    Returns:
        A `Solution`: trajectory, status, message, standard_error.

    Raises:
        TypeError, ValueError: one sentence on what is accepted, what was given, and the fix.

    Cost: linear 12 L T (T K)^2 K + L (T P)^2 T K products; sampled 16 L T samples (T P K)(P K), and memory
    10 L samples T P K / replicates. See docs/how-to/dmft-or-wide-networks.md for when real networks are
    cheaper; the message says it too.

    >>> import numpy as np
    >>> found = solve(kernel=np.eye(2), targets=[1.0, -1.0], hidden_layers=1, gamma=2.0, lr=0.3, steps=40)
    >>> found.status, round(float(found.trajectory.loss[-1]), 6)
    ('exact', 0.0)

    Source: Bordelon and Pehlevan, NeurIPS 2022 (arXiv 2205.09653), eqs. 1-12, in the exact discrete-time form
    of docs/concepts/dmft.md; residual networks: Bordelon et al., arXiv 2309.16620.
    """
    if kernels not in get_args(Kernels):
        raise ValueError(f"dmft.solve: kernels must be 'two-time' or 'equal-time'; given {kernels!r}")
    problem = pose(
        kernel, targets, hidden_layers=_layers(hidden_layers, residual, branches),  # type: ignore[arg-type]
        activation=_name(activation), loss=loss, lr=lr, steps=steps, momentum=momentum,
        weight_decay=weight_decay, batches=batches, rates=rates, residual=residual,
    )  # fmt: skip
    chosen = activation_of(activation, hidden_layers=problem.hidden_layers)
    options = Options(
        kernels == "two-time", int(cost.GIB * check_positive("memory", memory)),
        check_integer("samples", samples, 1), check_integer("replicates", replicates, 2),
        check_integer("seed", seed, 0), check_positive("accuracy", accuracy),
    )  # fmt: skip
    if options.draws < 2:
        raise ValueError(
            f"dmft.solve: samples must be at least 2 a replicate; given samples={samples} for "
            f"replicates={replicates}"
        )
    gammas, batched = check_gamma(gamma), np.ndim(gamma) == 1
    run = Run(problem, chosen, gammas, options, batched)
    if dynamics == "flow":
        _check_flow(problem, batches, hidden_layers, check_integer("refine", refine, 1))
        return follow(run, refine)
    if dynamics != "descent":
        raise ValueError(f"dmft.solve: dynamics must be 'descent' or 'flow'; given {dynamics!r}")
    if hidden_layers == math.inf:
        return deepen(run)
    return descend(run)


def _layers(hidden_layers: float, residual: float | None, branches: int) -> float:
    """Return the hidden layers of the problem, of infinite depth those of its coarsest discretisation."""
    if hidden_layers != math.inf:
        return hidden_layers
    if residual is None:
        raise ValueError(
            "dmft.solve: hidden_layers=inf needs residual=beta_0: without skip connections infinite depth "
            "has no limit that learns"
        )
    return check_integer("branches", branches, 1) + 1


def _check_flow(problem: Problem, batches: Any, hidden_layers: float, refine: int) -> None:
    if hidden_layers == math.inf:
        raise ValueError(
            "dmft.solve: dynamics='flow' takes a finite number of hidden layers; given inf: take one such as "
            "17, whose distance from infinity falls as 1/L"
        )
    if batches is not None or problem.momentum:
        raise ValueError(
            "dmft.solve: dynamics='flow' is that of the full batch without momentum; give neither batches "
            f"nor momentum; given momentum={problem.momentum:g}"
        )


def _name(activation: Any) -> str:
    return activation.name if isinstance(activation, Activation) else str(activation)


def check_gamma(gamma: Any) -> np.ndarray:
    """Return the gammas as an array; ValueError unless all are positive and finite."""
    gammas = np.atleast_1d(np.asarray(gamma, dtype=float))
    if gammas.ndim != 1 or not len(gammas) or not (np.isfinite(gammas) & (gammas > 0)).all():
        raise ValueError(
            f"dmft.solve: gamma must be a positive number or a list of them; given {gamma!r}: the limit "
            "gamma -> 0 is dmft.limits.lazy"
        )
    return gammas
