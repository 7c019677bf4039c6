"""Full-batch optimizers of an ensemble: one step of all members, each with its own learning rate."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from scalewright.nets.ensemble import Ensemble, Stacked, like


class Optimizer(ABC):
    """A first-order optimizer whose update of weight w is `lr * metric * direction`.

    `absorb` takes in the gradient at the present weights; only then are `metric` and `directions` those of
    the update to come.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble = ensemble

    @abstractmethod
    def absorb(self, gradients: Stacked) -> None:
        """Take in the gradient at the present weights."""

    @abstractmethod
    def metric(self) -> Stacked:
        """Return Lambda: name -> rate of each weight over the base rate, (M,) or of the weights' shape."""

    @abstractmethod
    def directions(self) -> Stacked:
        """Return what the metric multiplies in the update."""

    def update(self, moving: Tensor) -> None:
        """Move the weights of the members where `moving` (M,) is true; the others keep their bytes."""
        ensemble, metric, directions = self.ensemble, self.metric(), self.directions()
        for name, weight in ensemble.parameters.items():
            rate = like(metric[name], weight) if metric[name].ndim == 1 else metric[name]
            step = like(ensemble.lr, weight) * rate * directions[name]
            if not bool(moving.all()):
                step = torch.where(like(moving.to(weight.device), weight), step, 0.0)
            weight.sub_(step)


class SGD(Optimizer):
    """Gradient descent: Lambda is the ensemble's rates, the direction the gradient."""

    def absorb(self, gradients: Stacked) -> None:
        """Keep the gradient."""
        self._gradients = gradients

    def metric(self) -> Stacked:
        """Return the rates (M,)."""
        return self.ensemble.rates

    def directions(self) -> Stacked:
        """Return the gradients."""
        return self._gradients


class Adam(Optimizer):
    r"""Adam: $\Lambda = \mathrm{rate} / (\sqrt{\hat v} + \epsilon)$, direction the average $\hat m$.

    With the base epsilon times the parametrization's power of epsilon, $\Lambda^{1/2} H \Lambda^{1/2}$ is the
    preconditioned Hessian $P^{-1/2} H P^{-1/2}$: the same in every gauge.
    Reference: Kingma and Ba 2015, algorithm 1.
    """

    def __init__(
        self, ensemble: Ensemble, *, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        super().__init__(ensemble)
        self.betas, self.eps, self.steps = betas, eps, 0
        self._first = {name: torch.zeros_like(weight) for name, weight in ensemble.parameters.items()}
        self._second = {name: torch.zeros_like(weight) for name, weight in ensemble.parameters.items()}

    def absorb(self, gradients: Stacked) -> None:
        """Update both moments."""
        self.steps += 1
        for name, gradient in gradients.items():
            self._first[name].lerp_(gradient, 1 - self.betas[0])
            self._second[name].mul_(self.betas[1]).addcmul_(gradient, gradient, value=1 - self.betas[1])

    def metric(self) -> Stacked:
        """Return rate / (sqrt(v) + eps) of the weights' shape, v bias-corrected."""
        correction = 1 - self.betas[1] ** self.steps
        return {
            name: like(self.ensemble.rates[name], second)
            / ((second / correction).sqrt() + self.eps * like(self.ensemble.epsilons[name], second))
            for name, second in self._second.items()
        }

    def directions(self) -> Stacked:
        """Return the bias-corrected first moments."""
        return {name: first / (1 - self.betas[0] ** self.steps) for name, first in self._first.items()}


def optimizer_of(ensemble: Ensemble) -> Optimizer:
    """Return the optimizer that the ensemble's parametrization is made for.

    Raises:
        ValueError: neither "sgd" nor "adam".
    """
    match ensemble.optimizer:
        case "sgd":
            return SGD(ensemble)
        case "adam":
            return Adam(ensemble)
    raise ValueError(f"train: the ensemble's optimizer must be 'sgd' or 'adam'; given {ensemble.optimizer!r}")
