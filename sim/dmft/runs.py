"""A checked call, and the ways to answer it: exactly, by sampling, and extrapolated from one of these."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from scalewright.sim.dmft import cost, depth, exact, flow, residual, sampled
from scalewright.sim.dmft.accuracy import beyond_edge, judge, relative_errors
from scalewright.sim.dmft.activations import Activation
from scalewright.sim.dmft.extrapolation import LEVELS
from scalewright.sim.dmft.problem import Problem
from scalewright.sim.dmft.solution import Fields, Solution, Status, assemble, divergence


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


@dataclass(frozen=True)
class Run:
    """A checked call; `exact` if the network is linear."""

    problem: Problem
    activation: Activation
    gammas: np.ndarray
    options: Options
    batched: bool

    @property
    def exact(self) -> bool:
        """Whether nothing needs to be sampled."""
        return self.activation.name == "linear"

    def solver(self, gamma: float) -> Callable[[Problem], Fields]:
        """Return what solves a problem at one gamma."""
        options = self.options
        if self.exact and self.problem.residual is not None:
            return lambda one: residual.solve(one, gamma, two_time=options.two_time)
        if self.exact:
            return lambda one: exact.deep_linear(one, np.array([gamma]), two_time=options.two_time)[0]
        return lambda one: sampled.sample(
            one, self.activation, gamma, draws=options.draws, replicates=options.replicates,
            seed=options.seed, two_time=options.two_time,
        )  # fmt: skip

    def each(self, solve: Callable[[Callable[[Problem], Fields]], Fields]) -> list[Fields]:
        """Return the fields of one gamma after the other."""
        return [solve(self.solver(float(gamma))) for gamma in self.gammas]

    def conclude(self, found: Sequence[Fields], status: Status, said: str, *, refine: int = 1) -> Solution:
        """Return the solution with its trajectory; a run that diverged says so instead of what was done.

        Args:
            refine: steps that were marched for one of the problem, at the coarsest level.
        """
        trajectory = assemble(self.problem, self.gammas, found, batched=self.batched, attrs={"method": said})
        trouble = divergence(self.problem, trajectory)
        if trouble is not None:
            return Solution(trajectory, "diverged", trouble, relative_errors(trajectory))
        solution = Solution(trajectory, status, said, relative_errors(trajectory))
        if status == "exact":
            return solution
        caveat = self.activation.caveat if self.problem.hidden_layers > 1 else ""
        more = "a larger refine or more branches" if self.exact else None
        solution = judge(solution, self.options.accuracy, self.options.samples, caveat=caveat, more=more)
        if self.exact:
            return solution
        edge = beyond_edge(self.problem, trajectory, lr=self.problem.lr / refine)
        advice = cost.advice(self.problem, self.options.samples)
        message = "; ".join(part for part in (solution.message, edge, advice) if part)
        return Solution(
            trajectory, "inaccurate" if edge else solution.status, message, solution.standard_error
        )

    def reserve(self, problem: Problem, gammas: int) -> None:
        """Raise ValueError if the kernels of a problem would not fit, before anything is allocated."""
        two_time, options = self.options.two_time, self.options
        need = cost.kernel_bytes(problem, gammas=gammas, two_time=two_time, sampled=not self.exact)
        if not self.exact:
            need += cost.sampling_bytes(problem, options.draws, options.replicates, two_time=two_time)
        elif problem.residual is not None:
            need += residual.bytes_of(problem)
        else:
            need += cost.march_bytes(problem, gammas=gammas)
        cost.check_memory(problem, need, options.memory, two_time=two_time)


def descend(run: Run) -> Solution:
    """Solve gradient descent: linear networks exactly, all gammas at once, others by sampling."""
    run.reserve(run.problem, len(run.gammas))
    options = run.options
    if not run.exact:
        said = f"mean of {options.replicates} replicates of {options.draws} draws"
        return run.conclude(run.each(lambda solver: solver(run.problem)), "sampled", said)
    if run.problem.residual is None:
        found = exact.deep_linear(run.problem, run.gammas, two_time=options.two_time)
    else:
        found = run.each(lambda solver: solver(run.problem))
    return run.conclude(found, "exact", "the causal march is exact to rounding")


def follow(run: Run, refine: int) -> Solution:
    """Solve gradient flow by extrapolation to vanishing learning rate."""
    run.reserve(flow.refined(run.problem, refine * LEVELS[-1]), 1)
    found = run.each(lambda solver: flow.solve(solver, run.problem, refine=refine))
    levels = ", ".join(str(refine * n) for n in LEVELS)
    said = f"gradient flow, extrapolated from {levels} steps for one"
    return run.conclude(found, "extrapolated", said, refine=refine)


def deepen(run: Run) -> Solution:
    """Solve the joint limit of width and depth by extrapolation in the number of branches."""
    run.reserve(depth.deepened(run.problem, LEVELS[-1]), 1)
    found = run.each(lambda solver: depth.solve(solver, run.problem))
    levels = ", ".join(str((run.problem.hidden_layers - 1) * n) for n in LEVELS)
    return run.conclude(found, "extrapolated", f"infinite depth, extrapolated from {levels} branches")
