"""Say which toy is trained over the gamma-eta plane, by which optimizer, for how long."""

from dataclasses import dataclass
from typing import Literal

from scalewright.theory.richness import OPTIMIZERS, LossName, Model, loss_named

__all__ = ["Model", "Task"]

Kind = Literal["balanced", "unbalanced", "wide"]


@dataclass(frozen=True)
class Task:
    """A toy on one example, its loss and its optimizer.

    Attributes:
        layers: number of weight layers L >= 2.
        loss: "squared", "cross-entropy" (soft target, minimiser f = 1) or "logistic".
        optimizer: "sgd", "momentum", "sign" or "adam".
        model: "balanced", f = (c^L - 1)/gamma with c = 1 at the start; "unbalanced", f = (w_1 ... w_L -
            w_1(0) ... w_L(0))/gamma from the weights `start`; "wide", two wide linear layers with random
            weights, exact at every width (two variables).
        steps: number of steps T.
        error: a run has converged while |f - 1| <= error (logistic: while the pull is at most error).
        momentum: decay of the heavy ball.
        betas, eps: of Adam; eps = 0 keeps its steps free of the gradient's scale.
        start: weights of the unbalanced toy at the start, L of them.

    Raises:
        ValueError: a number out of range, an unknown choice, or a start that the model doesn't take.
    """

    layers: int = 2
    loss: LossName = "squared"
    optimizer: str = "sgd"
    model: Kind = "balanced"
    steps: int = 1000
    error: float = 0.01
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.99)
    eps: float = 0.0
    start: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        loss_named(self.loss)
        for name, value, accepted in (
            ("optimizer", self.optimizer, OPTIMIZERS),
            ("model", self.model, ("balanced", "unbalanced", "wide")),
        ):
            if value not in accepted:
                raise ValueError(
                    f"richness.Task: {name} must be one of {', '.join(accepted)}; given {value!r}"
                )
        for name, held, said in (
            ("layers", isinstance(self.layers, int) and self.layers >= 2, "an integer of at least 2"),
            ("steps", isinstance(self.steps, int) and self.steps >= 1, "an integer of at least 1"),
            ("error", 0 < self.error < 0.5, "a number between 0 and 1/2"),
            ("momentum", 0 <= self.momentum < 1, "a number in [0, 1)"),
            ("betas", all(0 <= beta < 1 for beta in self.betas), "two numbers in [0, 1)"),
            ("eps", self.eps >= 0, "a number >= 0"),
        ):
            if not held:
                raise ValueError(f"richness.Task: {name} must be {said}; given {getattr(self, name)!r}")
        self._check_model()

    def _check_model(self) -> None:
        if self.model == "wide" and (self.layers != 2 or self.optimizer not in ("sgd", "momentum")):
            raise ValueError(
                "richness.Task: model 'wide' is exact for layers=2 and optimizer 'sgd' or 'momentum'; given "
                f"layers={self.layers} and {self.optimizer!r}"
            )
        if len(self.start) != (self.layers if self.model == "unbalanced" else 0):
            raise ValueError(
                "richness.Task: start must be one weight a layer for model 'unbalanced', empty otherwise; "
                f"given {self.start} for {self.model!r} with {self.layers} layers"
            )

    @property
    def weights(self) -> tuple[float, ...]:
        """The numbers that are trained, at the start: c; w_1 ... w_L; or the wide network's two modes."""
        return {"balanced": (1.0,), "unbalanced": self.start, "wide": (1.0, 1.0)}[self.model]
