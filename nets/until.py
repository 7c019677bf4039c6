"""Train many networks until each has learnt, diverged or run out of steps, and leaves the program."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scalewright.nets.ensemble import Ensemble
from scalewright.nets.feeds import Feed, as_feed
from scalewright.nets.losses import Loss, resolve
from scalewright.nets.objective import Objective
from scalewright.nets.optimizers import SGD, Optimizer, Settings, optimizer_of
from scalewright.nets.program import Program

Progress = Callable[[int, int], None]

#: Share of the networks in the program that must have ended before the others are packed anew, which costs
#: about two steps.
PACK = 0.125


@dataclass(frozen=True)
class Ended:
    """How each member of an ensemble ended.

    Attributes:
        steps: the recorded steps (points,).
        losses: on the feed's evaluation at these (M, points); nan from where a member has ended on.
        last: the last loss that was seen of each member (M,), not finite where it diverged to that.
        peak: the largest loss seen over the first, of each member (M,); a member catapulted if it learnt with
            a peak above 1. With a feed that draws batches it is of their losses.
        reached_at: first step at which the loss was below the level, -1 for never (M,).
        diverged_at: step at which a member diverged, -1 for the others (M,).
    """

    steps: np.ndarray
    losses: np.ndarray
    last: np.ndarray
    peak: np.ndarray
    reached_at: np.ndarray
    diverged_at: np.ndarray


def until(
    ensemble: Ensemble,
    data: Any,
    *,
    steps: int,
    level: float = 0.0,
    recorded: Sequence[int] = (),
    loss: str | Loss = "mse",
    divergence: float = 1e6,
    settings: Settings | None = None,
    compiled: bool = False,
    progress: Progress | None = None,
) -> Ended:
    """Train every member until it has reached the level, diverged, or made all steps.

    The weights of the ensemble move in place, each to where its member ended. Under plain gradient descent
    those that have ended leave the program, so that the others cost what they alone cost; under an optimizer
    with a state they stay in it unseen.

    Args:
        ensemble, data, loss, settings, compiled: as in `train`.
        steps: updates at most.
        level: a member has learnt when its loss is below this share of its first one. With a feed that draws
            batches the loss on the evaluation is held against it, at the recorded steps.
        recorded: steps at which losses are written down.
        divergence: a member diverges at the first step at which the loss of its batch is not finite or above
            this factor times the first one.
        progress: called as progress(done, steps) after every step.

    Raises:
        ValueError: a level outside [0, 1), or steps, data or a loss that can't be used.

    Cost: one gradient a step and running member.

    Example:
        >>> from functools import partial
        >>> from scalewright import nets, theory
        >>> rule = theory.named(theory.mlp(2, "linear", loss="squared"), "mup", "sgd")
        >>> nets_ = nets.Ensemble.of(
        ...     partial(nets.models.mlp, 2, activation="linear"),
        ...     rule,
        ...     width=16,
        ...     inputs=2,
        ...     outputs=1,
        ...     lrs=[0.3, 30.0],
        ...     device="cpu",
        ... )
        >>> eye = torch.eye(2, dtype=torch.float64)
        >>> found = until(nets_, (eye, eye[:, :1]), steps=300, level=0.1)
        >>> bool(found.reached_at[0] > 0), bool(found.diverged_at[1] > 0)
        (True, True)
    """
    if not 0 <= level < 1:
        raise ValueError(f"until: level must lie in [0, 1); given {level!r}")
    if steps < 0:
        raise ValueError(f"until: steps must be non-negative; given {steps!r}")
    if not divergence > 0:
        raise ValueError(f"until: divergence must be a positive number; given {divergence!r}")
    points = sorted({int(step) for step in recorded})
    if points and not 0 <= points[0] <= points[-1] <= steps:
        raise ValueError(f"until: recorded must lie between 0 and steps = {steps}; given {points}")
    run = _Until(ensemble, as_feed(data), points, level, divergence, settings, loss, compiled)
    for step in range(steps + 1):
        run.step(step, last=step == steps)
        if not len(run.members):
            break
        if progress is not None and step < steps:
            progress(step + 1, steps)
    return run.ended()


class _Until:
    """The members that still run, and what was written down of all."""

    def __init__(
        self,
        ensemble: Ensemble,
        feed: Feed,
        points: list[int],
        level: float,
        divergence: float,
        settings: Settings | None,
        loss: str | Loss,
        compiled: bool,
    ) -> None:
        self.ensemble, self.level, self.divergence, self.settings = ensemble, level, divergence, settings
        self.feed = feed.to(ensemble.dtype, ensemble.device)
        program = Program(ensemble.model, resolve(loss), compiled=compiled)
        everyone = Objective.of(ensemble, loss, self.feed.evaluation, program=program)
        self.members = np.arange(ensemble.members)  # those in the program, running or not yet packed away
        self.objective = everyone.select(torch.arange(ensemble.members))
        self.optimizer: Optimizer = optimizer_of(self.objective.ensemble, settings)
        self.points = {step: point for point, step in enumerate(points)}
        self.losses = np.full((ensemble.members, len(points)), np.nan)
        self.last = np.full(ensemble.members, np.nan)
        self.first = np.full(ensemble.members, np.nan)
        self.peak = np.ones(ensemble.members)
        self.reached_at = np.full(ensemble.members, -1, dtype=np.int64)
        self.diverged_at = np.full(ensemble.members, -1, dtype=np.int64)
        self.running = np.ones(ensemble.members, dtype=bool)

    def step(self, step: int, *, last: bool) -> None:
        """Take one gradient, see who has ended, and move the others."""
        here = self.objective
        if not self.feed.whole:
            drawn = self.feed.batch(step)
            here = here.on(drawn.select(torch.from_numpy(self.members).to(self.ensemble.device)))
        losses, gradients = here.gradient()
        self._see(step, losses)
        if last:
            self._keep(self.members[self.running[self.members]])
            return
        self._pack()
        if len(self.members):
            self.optimizer.absorb(self._of_those_left(gradients))
            everyone = torch.ones(len(self.members), dtype=torch.bool)
            self.optimizer.update(everyone)

    def ended(self) -> Ended:
        """Return what was written down."""
        self.ensemble.diverged_at = torch.from_numpy(self.diverged_at.copy())
        steps = np.array(list(self.points), dtype=np.int64)
        return Ended(steps, self.losses, self.last, self.peak, self.reached_at, self.diverged_at)

    def _see(self, step: int, losses: Tensor) -> None:
        """Mark the members that diverge or reach the level at this step, and keep their weights."""
        batch = losses.cpu().double().numpy()
        if step == 0:
            self.first[:] = batch
        known = self._evaluated(step, batch)
        running = self.running[self.members]
        with np.errstate(invalid="ignore"):
            bad = running & ~(batch <= self.divergence * self.first[self.members])
            done = running & ~bad & (known < self.level * self.first[self.members])
        if step in self.points:
            self.losses[self.members[running], self.points[step]] = known[running]
        highest = np.fmax(self.peak[self.members], batch / self.first[self.members])
        self.peak[self.members[running]] = highest[running]
        seen = np.where(np.isnan(known), batch, known)
        self.last[self.members[running]] = seen[running]
        self.diverged_at[self.members[bad]] = step
        self.reached_at[self.members[done]] = step
        self._keep(self.members[bad | done])
        self.running[self.members[bad | done]] = False

    def _evaluated(self, step: int, batch: np.ndarray) -> np.ndarray:
        """Return the losses on the evaluation: those of the batch, or nan where they are not looked at."""
        if self.feed.whole:
            return batch
        if step not in self.points:
            return np.full_like(batch, np.nan)
        with torch.no_grad():
            found = self.objective.losses(self.objective.ensemble.parameters)
        return found.cpu().double().numpy()

    def _keep(self, members: np.ndarray) -> None:
        """Write the weights of these members, of the program, into the ensemble."""
        if not len(members):
            return
        here = torch.from_numpy(np.searchsorted(self.members, members)).to(self.ensemble.device)
        there = torch.from_numpy(members).to(self.ensemble.device)
        for name, weight in self.objective.ensemble.parameters.items():
            self.ensemble.parameters[name][there] = weight[here]

    def _pack(self) -> None:
        """Drop those that have ended from the program, when they are enough to pay for it."""
        running = self.running[self.members]
        self._left = np.arange(len(self.members))
        if running.all() or (running.any() and (~running).mean() < PACK):
            return
        if running.any() and not isinstance(self.optimizer, SGD):
            return
        self._left = np.flatnonzero(running)
        self.members = self.members[running]
        if len(self.members):
            self.objective = self.objective.select(torch.from_numpy(self._left))
            self.optimizer = optimizer_of(self.objective.ensemble, self.settings)

    def _of_those_left(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        if all(len(gradient) == len(self._left) for gradient in gradients.values()):
            return gradients
        there = torch.from_numpy(self._left).to(self.ensemble.device)
        return {name: gradient[there] for name, gradient in gradients.items()}
