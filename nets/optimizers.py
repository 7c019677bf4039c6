"""Optimizers of an ensemble: one step of all members, each with its own learning rate."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from scalewright.nets.ensemble import Ensemble
from scalewright.nets.stacked import Stacked, like


@dataclass(frozen=True)
class Settings:
    """The numbers of an optimizer beside its learning rate; each optimizer reads its own.

    Attributes:
        momentum: decay mu of heavy-ball momentum.
        betas: decays of Adam's two moments.
        eps: Adam's base epsilon; the parametrization's power multiplies it.
        weight_decay: AdamW's base decay, times the learning rate; the parametrization's power multiplies it.

    Raises:
        ValueError: a decay outside [0, 1), a negative epsilon or weight decay.
    """

    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        shares = {"momentum": self.momentum, "betas[0]": self.betas[0], "betas[1]": self.betas[1]}
        for name, value in shares.items():
            if not 0 <= value < 1:
                raise ValueError(f"Settings: {name} must lie in [0, 1); given {value!r}")
        for name, value in (("eps", self.eps), ("weight_decay", self.weight_decay)):
            if not 0 <= value < float("inf"):
                raise ValueError(f"Settings: {name} must be non-negative and finite; given {value!r}")


class Optimizer(ABC):
    """A first-order optimizer whose update of weight w is `lr * metric * direction`, after any decay.

    `absorb` takes in the gradient at the present weights; only then are `metric` and `directions` those of
    the update to come.
    """

    name: ClassVar[str]

    def __init__(self, ensemble: Ensemble, settings: Settings) -> None:
        self.ensemble, self.settings = ensemble, settings

    @abstractmethod
    def absorb(self, gradients: Stacked) -> None:
        """Take in the gradient at the present weights."""

    def metric(self) -> Stacked:
        """Return Lambda: name -> rate of each weight over the base rate, (M,) or of the weights' shape."""
        return self.ensemble.rates

    @abstractmethod
    def directions(self) -> Stacked:
        """Return what the metric multiplies in the update."""

    def decay(self, name: str) -> Tensor | None:
        """Return by which share of itself the weight shrinks over lr (M,); None where it does not."""
        return None

    def update(self, moving: Tensor) -> None:
        """Move the weights of the members where `moving` (M,) is true; the others keep their bytes."""
        ensemble, metric, directions = self.ensemble, self.metric(), self.directions()
        moving = moving.to(ensemble.device)
        everyone = ensemble.device.type == "cpu" and bool(moving.all())  # on a GPU the answer would wait
        for name, weight in ensemble.parameters.items():
            rate, decay = metric[name], self.decay(name)
            rate = like(ensemble.lr * rate, weight) if rate.ndim == 1 else like(ensemble.lr, weight) * rate
            target = weight if everyone else weight.clone()
            if decay is not None:
                target.mul_(1 - like(ensemble.lr * decay, weight))
            target.addcmul_(directions[name], rate, value=-1)
            if not everyone:
                torch.where(like(moving, weight), target, weight, out=weight)


class SGD(Optimizer):
    """Gradient descent: Lambda is the ensemble's rates, the direction the gradient."""

    name = "sgd"

    def absorb(self, gradients: Stacked) -> None:
        """Keep the gradient."""
        self._gradients = gradients

    def directions(self) -> Stacked:
        """Return the gradients."""
        return self._gradients


class Momentum(Optimizer):
    r"""Heavy-ball momentum: the direction is $m_t = \mu m_{t-1} + g_t$, as in torch without dampening."""

    name = "momentum"

    def __init__(self, ensemble: Ensemble, settings: Settings) -> None:
        super().__init__(ensemble, settings)
        self._velocity = {name: torch.zeros_like(weight) for name, weight in ensemble.parameters.items()}

    def absorb(self, gradients: Stacked) -> None:
        """Add the gradient to the velocity."""
        for name, gradient in gradients.items():
            self._velocity[name].mul_(self.settings.momentum).add_(gradient)

    def directions(self) -> Stacked:
        """Return the velocity."""
        return self._velocity


class Sign(Optimizer):
    """Sign descent: the direction is the sign of each entry of the gradient."""

    name = "sign"

    def absorb(self, gradients: Stacked) -> None:
        """Keep the signs."""
        self._signs = {name: gradient.sign() for name, gradient in gradients.items()}

    def directions(self) -> Stacked:
        """Return the signs."""
        return self._signs


class Adam(Optimizer):
    r"""Adam: $\Lambda = \mathrm{rate} / (\sqrt{\hat v} + \epsilon)$, direction the average $\hat m$.

    With the base epsilon times the parametrization's power of epsilon, $\Lambda^{1/2} H \Lambda^{1/2}$ is the
    preconditioned Hessian $P^{-1/2} H P^{-1/2}$: the same in every gauge.
    Reference: Kingma and Ba 2015, algorithm 1.
    """

    name = "adam"

    def __init__(self, ensemble: Ensemble, settings: Settings) -> None:
        super().__init__(ensemble, settings)
        self.steps = 0
        self._first = {name: torch.zeros_like(weight) for name, weight in ensemble.parameters.items()}
        self._second = {name: torch.zeros_like(weight) for name, weight in ensemble.parameters.items()}

    def absorb(self, gradients: Stacked) -> None:
        """Update both moments."""
        self.steps += 1
        first, second = self.settings.betas
        for name, gradient in gradients.items():
            self._first[name].lerp_(gradient, 1 - first)
            self._second[name].mul_(second).addcmul_(gradient, gradient, value=1 - second)

    def metric(self) -> Stacked:
        """Return rate / (sqrt(v) + eps) of the weights' shape, v bias-corrected."""
        correction = 1 - self.settings.betas[1] ** self.steps
        return {
            name: like(self.ensemble.rates[name], second)
            / ((second / correction).sqrt() + self.settings.eps * like(self.ensemble.epsilons[name], second))
            for name, second in self._second.items()
        }

    def directions(self) -> Stacked:
        """Return the bias-corrected first moments."""
        correction = 1 - self.settings.betas[0] ** self.steps
        return {name: first / correction for name, first in self._first.items()}


class AdamW(Adam):
    r"""Adam with decoupled decay: before the step $w \leftarrow (1 - \eta \lambda) w$ at its own rate.

    Reference: Loshchilov and Hutter 2019, algorithm 2, as in torch.
    """

    name = "adamw"

    def decay(self, name: str) -> Tensor | None:
        """Return rate times weight decay (M,)."""
        return self.settings.weight_decay * self.ensemble.decays[name] * self.ensemble.rates[name]


OPTIMIZERS: dict[str, type[Optimizer]] = {kind.name: kind for kind in (SGD, Momentum, Sign, Adam, AdamW)}


def optimizer_of(ensemble: Ensemble, settings: Settings | None = None) -> Optimizer:
    """Return the optimizer that the ensemble's parametrization is made for.

    Raises:
        ValueError: none of "sgd", "momentum", "sign", "adam" and "adamw".
    """
    if ensemble.optimizer not in OPTIMIZERS:
        known = ", ".join(map(repr, OPTIMIZERS))
        raise ValueError(
            f"train: the ensemble's optimizer must be one of {known}; given {ensemble.optimizer!r}"
        )
    return OPTIMIZERS[ensemble.optimizer](ensemble, settings or Settings())
