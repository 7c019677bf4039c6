"""The one call: pose the problem, choose the march, return the trajectory with its status."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from scalewright.sim.dmft import cost, exact, flow, sampled
from scalewright.sim.dmft.activations import Activation, activation_of
from scalewright.sim.dmft.problem import Problem, check_integer, check_positive, pose
from scalewright.sim.dmft.solution import Fields, Solution, Status, assemble, divergence

Kernels = Literal["two-time", "equal-time"]
Dynamics = Literal["descent", "flow"]


@dataclass(frozen=True)
class Options:
    """How to solve: what of the kernels to keep, the memory in bytes, and what sampling may spend."""

    two_time: bool
    memory: int
    samples: int
    replicates: int
    seed: int
    accuracy: float

    @property
    def draws(self) -> int:
        """Draws of one replicate."""
        return self.samples // self.replicates


def solve(
    *,
    kernel: Any,
    targets: Any,
    hidden_layers: int,
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
    weights
    N(0, 1), every learning rate $\eta \gamma^2 N$, outputs centred; loss the mean over samples (squared:
    $\frac1{2P}\sum (f - y)^2$). With `residual` $h^{l+1} = h^l + \beta_0 W^l \phi(h^l) / \sqrt{(L-1) N}$.

    Args:
        kernel: K^x = X X^T / D (P, P), of all samples, those in no batch (a test set) included.
        targets: (P, K) or (P,); classes for "cross-entropy", -1 and 1 for "logistic".
        hidden_layers: L.
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

    Source: Bordelon and Pehlevan, NeurIPS 2022 (arXiv 2205.09653), eqs. 1-12, in the exact discrete-time
    form of
    docs/concepts/dmft.md; residual networks: Bordelon et al., arXiv 2309.16620.
    """
    if kernels not in get_args(Kernels):
        raise ValueError(f"dmft.solve: kernels must be 'two-time' or 'equal-time'; given {kernels!r}")
    problem = pose(
        kernel, targets, hidden_layers=hidden_layers, activation=_name(activation), loss=loss, lr=lr,
        steps=steps, momentum=momentum, weight_decay=weight_decay, batches=batches, rates=rates,
        residual=residual,
    )  # fmt: skip
    chosen = activation_of(activation, hidden_layers=problem.hidden_layers)
    options = Options(
        kernels == "two-time", int(cost.GIB * check_positive("memory", memory)),
        check_integer("samples", samples, 1), check_integer("replicates", replicates, 2),
        check_integer("seed", seed, 0), check_positive("accuracy", accuracy),
    )  # fmt: skip
    gammas, batched = check_gamma(gamma), np.ndim(gamma) == 1
    exactly = chosen.name == "linear" and residual is None
    if dynamics == "flow":
        _check_flow(problem, batches, check_integer("refine", refine, 1))
        return _flow(problem, chosen, gammas, options, refine, batched=batched, exactly=exactly)
    if dynamics != "descent":
        raise ValueError(f"dmft.solve: dynamics must be 'descent' or 'flow'; given {dynamics!r}")
    if exactly:
        return _exact(problem, gammas, options, batched=batched)
    return _sampled(problem, chosen, gammas, options, batched=batched)


def _check_flow(problem: Problem, batches: Any, refine: int) -> None:
    if batches is not None or problem.momentum:
        raise ValueError(
            "dmft.solve: dynamics='flow' is that of the full batch without momentum; give neither "
            f"batches nor momentum; given momentum={problem.momentum:g}"
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


def _exact(problem: Problem, gammas: np.ndarray, options: Options, *, batched: bool) -> Solution:
    _reserve_exact(problem, len(gammas), options)
    found = exact.deep_linear(problem, gammas, two_time=options.two_time)
    return conclude(problem, gammas, found, "exact", "the causal march is exact to rounding", batched=batched)


def _sampled(
    problem: Problem, activation: Activation, gammas: np.ndarray, options: Options, *, batched: bool
) -> Solution:
    _reserve_sampled(problem, len(gammas), options)
    found = [_draw(problem, activation, float(gamma), options) for gamma in gammas]
    said = f"mean of {options.replicates} replicates of {options.draws} draws"
    solution = conclude(problem, gammas, found, "sampled", said, batched=batched)
    return judge(solution, problem, options, activation.caveat if problem.hidden_layers > 1 else "")


def _flow(
    problem: Problem,
    activation: Activation,
    gammas: np.ndarray,
    options: Options,
    refine: int,
    *,
    batched: bool,
    exactly: bool,
) -> Solution:
    """Extrapolate to vanishing learning rate, one gamma after the other."""
    finest = flow.refined(problem, refine * flow.LEVELS[-1])
    (_reserve_exact if exactly else _reserve_sampled)(finest, 1, options)

    def solver(gamma: float) -> Callable[[Problem], Fields]:
        if exactly:
            return lambda one: exact.deep_linear(one, np.array([gamma]), two_time=options.two_time)[0]
        return lambda one: _draw(one, activation, gamma, options)

    found = [flow.extrapolate(solver(float(gamma)), problem, refine=refine) for gamma in gammas]
    said = f"gradient flow, extrapolated from {', '.join(str(refine * n) for n in flow.LEVELS)} steps for one"
    solution = conclude(problem, gammas, found, "extrapolated", said, batched=batched)
    return judge(solution, problem, options, "")


def _draw(problem: Problem, activation: Activation, gamma: float, options: Options) -> Fields:
    return sampled.sample(
        problem, activation, gamma, draws=options.draws, replicates=options.replicates, seed=options.seed,
        two_time=options.two_time,
    )  # fmt: skip


def _reserve_exact(problem: Problem, gammas: int, options: Options) -> None:
    need = cost.kernel_bytes(problem, gammas=gammas, two_time=options.two_time, sampled=False)
    need += cost.march_bytes(problem, gammas=gammas)
    cost.check_memory(problem, need, options.memory, two_time=options.two_time)


def _reserve_sampled(problem: Problem, gammas: int, options: Options) -> None:
    if options.draws < 2:
        raise ValueError(
            f"dmft.solve: samples must be at least 2 a replicate; given samples={options.samples} for "
            f"replicates={options.replicates}"
        )
    need = gammas * cost.kernel_bytes(problem, gammas=1, two_time=options.two_time, sampled=True)
    need += cost.sampling_bytes(problem, options.draws, options.replicates, two_time=options.two_time)
    cost.check_memory(problem, need, options.memory, two_time=options.two_time)


def conclude(
    problem: Problem, gammas: np.ndarray, found: Sequence[Fields], status: Status, said: str, *, batched: bool
) -> Solution:
    """Return the solution with its trajectory; a run that diverged says so instead of what was done."""
    trajectory = assemble(problem, gammas, found, batched=batched, attrs={"method": said})
    trouble = divergence(problem, trajectory)
    errors = relative_errors(trajectory)
    return Solution(trajectory, status if trouble is None else "diverged", trouble or said, errors)


def relative_errors(trajectory: Any) -> dict[str, float]:
    """Return |error| / |value| of outputs and of every kernel and layer, the largest over gammas."""
    found: dict[str, float] = {}
    for name in ("outputs", "feature_kernel", "gradient_kernel"):
        values = trajectory[name]
        errors = trajectory.get(f"{name}_error")
        for layer in [None] if name == "outputs" else trajectory.layer.values:
            key = name if layer is None else f"{name}[{layer}]"
            if errors is None:
                found[key] = 0.0
                continue
            part, away = (x if layer is None else x.sel(layer=layer) for x in (values, errors))
            found[key] = max(_ratio(a, v) for a, v in zip(_rows(away), _rows(part), strict=True))
    return found


def _rows(array: Any) -> np.ndarray:
    values = array.values
    return values.reshape(len(values), -1) if "gamma" in array.dims else values.reshape(1, -1)


def _ratio(error: np.ndarray, value: np.ndarray) -> float:
    finite = np.isfinite(value) & np.isfinite(error)
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.linalg.norm(value[finite]))
        return float(np.linalg.norm(error[finite])) / size if size > 0 else 0.0


def judge(solution: Solution, problem: Problem, options: Options, caveat: str) -> Solution:
    """Say whether the sampled kernels are as accurate as was asked, and what is cheaper."""
    if solution.status == "diverged":
        return solution
    kernels = {key: value for key, value in solution.standard_error.items() if key != "outputs"}
    name = max(kernels, key=lambda key: kernels[key])
    worst = kernels[name]
    said = f"{solution.message}; largest relative error {worst:.2g}, of {name}"
    status: Status = solution.status
    if worst > options.accuracy:
        status = "inaccurate"
        needed = int(np.ceil(options.samples * (worst / options.accuracy) ** 2 / 1000)) * 1000
        more = "a larger refine" if solution.status == "extrapolated" else f"about samples={needed}"
        said += f", above accuracy={options.accuracy:g}: take {more}"
    parts = [said, caveat, cost.advice(problem, options.samples)]
    message = "; ".join(part for part in parts if part)
    return Solution(solution.trajectory, status, message, solution.standard_error)
