"""Gradient descent of an ensemble on any feed, written down at the steps that are asked for."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from scalewright.nets.ensemble import Ensemble
from scalewright.nets.feeds import Feed
from scalewright.nets.losses import Loss, resolve
from scalewright.nets.objective import Objective
from scalewright.nets.optimizers import Optimizer, Settings, optimizer_of
from scalewright.nets.program import Program
from scalewright.nets.record import Precision, Recorder

Progress = Callable[[int, int], None]


class Descent:
    """A run of all members: where it stands, who diverged, and what was written down.

    A member diverges at the first step at which the loss of its batch is not finite or above `divergence`
    times the first one. It is frozen there: its weights keep their bytes, and the others don't notice.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        feed: Feed,
        *,
        steps: int,
        loss: str | Loss = "mse",
        recorded: Sequence[int] | None = None,
        observed: Sequence[int] = (),
        quantities: Sequence[str] = (),
        settings: Settings | None = None,
        program: Program | None = None,
        divergence: float = 1e6,
        precision: Precision | None = None,
    ) -> None:
        """Prepare a run of `steps` updates.

        Args:
            ensemble, feed: what is trained, and on what.
            recorded: steps at which losses are written down (all of 0 ... steps by default).
            observed: those of them at which `quantities` are measured.
            settings: of the optimizer. program: a compiled one, to be shared between runs.
            divergence: factor on the first loss. precision: of the eigenvalues.

        Raises:
            ValueError: an observed step that is not recorded, an unknown quantity, batches of another number
                of members; as `Objective.of`.
        """
        self.ensemble, self.steps, self.divergence = ensemble, steps, divergence
        self.feed = feed.to(ensemble.dtype, ensemble.device)
        _check_members(self.feed, ensemble.members)
        used = Program(ensemble.model, resolve(loss)) if program is None else program
        self.objective = Objective.of(ensemble, loss, self.feed.evaluation, program=used)
        self.optimizer: Optimizer = optimizer_of(ensemble, settings)
        self.recorded = list(range(steps + 1)) if recorded is None else list(recorded)
        self.observed = frozenset(observed)
        unseen = sorted(self.observed.difference(self.recorded))
        if unseen:
            raise ValueError(f"Descent: observed must be among the recorded steps; given {unseen[0]}")
        self.record = Recorder(ensemble.members, len(self.recorded), quantities, precision or Precision())
        self._points = {step: point for point, step in enumerate(self.recorded)}
        self._first: Tensor | None = None

    def run(self, progress: Progress | None = None) -> Recorder:
        """Train to the end and return what was written down; `progress(done, total)` follows every step."""
        ensemble = self.ensemble
        ensemble.diverged_at = torch.full((ensemble.members,), -1, dtype=torch.int64)
        for step in range(self.steps + 1):
            self._step(step)
            if step < self.steps:
                self.optimizer.update(ensemble.active)
                if progress is not None:
                    progress(step + 1, self.steps)
            if not bool(ensemble.active.any()):
                break
        return self.record

    def _step(self, step: int) -> None:
        """Take in the gradient of one step, mark who diverged, and write down what is asked for."""
        ensemble = self.ensemble
        here = self.objective if self.feed.whole else self.objective.on(self.feed.batch(step))
        losses, gradients = here.gradient()
        current = losses.cpu().double()
        self._first = current if self._first is None else self._first
        before = ensemble.active
        bad = before & ~(current.isfinite() & (current <= self.divergence * self._first))
        if step in self._points:
            self._note(step, current, before)
        ensemble.diverged_at[bad] = step
        self.optimizer.absorb(gradients)
        if step in self.observed:
            metric = self.optimizer.metric()
            self.record.observe(self._points[step], f"step {step}", self.objective, ensemble.active, metric)

    def _note(self, step: int, losses: Tensor, members: Tensor) -> None:
        point = self._points[step]
        if self.feed.whole:
            self.record.losses(point, losses, members)
            return
        with torch.no_grad():
            self.record.losses(point, self.objective.losses(self.ensemble.parameters), members)
        self.record.losses(point, losses, members, name="batch_loss")


def _check_members(feed: Feed, members: int) -> None:
    """Raise ValueError where the batches are those of another number of members."""
    if feed.whole:
        return
    batch = feed.batch(0)
    if not batch.shared and len(batch.inputs) != members:
        raise ValueError(
            f"data: a feed must have one seed a member, {members}; given {len(batch.inputs)} of them"
        )
