"""The losses, with the derivatives in the outputs that Gauss-Newton products need."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor


class Loss(ABC):
    """A loss of outputs (M, P, K) for M members, convex in the outputs.

    Targets are shared by the members: (P, K), or class indices (P,) for cross-entropy; or each member has its
    own, with the leading axis of members. Outputs may have more axes than one before the last, such as the
    positions of a text: then class indices have them too, and P stands for their product.
    """

    name: ClassVar[str]

    @abstractmethod
    def value(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each member (M,)."""

    @abstractmethod
    def gradient(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the derivative in the outputs (M, P, K)."""

    @abstractmethod
    def curvature(self, outputs: Tensor, targets: Tensor, vectors: Tensor) -> Tensor:
        """Return the Hessian in the outputs times `vectors` (M, P, K)."""

    @abstractmethod
    def check(self, targets: Tensor, samples: int) -> None:
        """Raise ValueError if `targets` are none of this loss."""


class SquaredLoss(Loss):
    r"""$\frac{1}{2P} \sum_{p,k} (f_{pk} - y_{pk})^2$ (torch's MSELoss is 2/K times that)."""

    name = "mse"

    def value(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each member (M,)."""
        return (outputs - targets).square().flatten(1).sum(1) / (2 * _samples(outputs))

    def gradient(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return (f - y) / P."""
        return (outputs - targets) / _samples(outputs)

    def curvature(self, outputs: Tensor, targets: Tensor, vectors: Tensor) -> Tensor:
        """Return vectors / P."""
        return vectors / _samples(outputs)

    def check(self, targets: Tensor, samples: int) -> None:
        """Targets are real numbers (P, K)."""
        if targets.ndim != 2 or len(targets) != samples or not targets.is_floating_point():
            raise ValueError(
                f"loss 'mse' needs real targets of shape ({samples}, outputs); "
                f"given {targets.dtype} of shape {tuple(targets.shape)}"
            )


class CrossEntropy(Loss):
    r"""$-\frac{1}{P} \sum_{p,k} y_{pk} \log \mathrm{softmax}(f_p)_k$, the mean over samples.

    Targets: class indices (P,), or probabilities (P, K) whose rows add up to 1.
    """

    name = "cross-entropy"

    def value(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each member (M,)."""
        logarithms = torch.log_softmax(outputs, dim=-1)
        return -(self._probabilities(outputs, targets) * logarithms).flatten(1).sum(1) / _samples(outputs)

    def gradient(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return (softmax(f) - y) / P."""
        return (outputs.softmax(-1) - self._probabilities(outputs, targets)) / _samples(outputs)

    def curvature(self, outputs: Tensor, targets: Tensor, vectors: Tensor) -> Tensor:
        """Return (diag(p) - p p^T) vectors / P with p = softmax(f)."""
        softmax = outputs.softmax(-1)
        return softmax * (vectors - (softmax * vectors).sum(-1, keepdim=True)) / _samples(outputs)

    def check(self, targets: Tensor, samples: int) -> None:
        """Targets are class indices, or rows of probabilities."""
        if targets.ndim >= 1 and len(targets) == samples and not targets.is_floating_point():
            return
        rows = targets.ndim == 2 and len(targets) == samples and targets.is_floating_point()
        if not rows or bool(((targets.sum(-1) - 1).abs() > 1e-4).any()) or bool((targets < 0).any()):
            raise ValueError(
                f"loss 'cross-entropy' needs class indices of shape ({samples},) or probabilities of shape "
                f"({samples}, outputs) whose rows add up to 1 (data.load(..., targets='one-hot')); "
                f"given {targets.dtype} of shape {tuple(targets.shape)}"
            )

    @staticmethod
    def _probabilities(outputs: Tensor, targets: Tensor) -> Tensor:
        if targets.is_floating_point():
            return targets
        return torch.nn.functional.one_hot(targets.long(), outputs.shape[-1]).to(outputs.dtype)


LOSSES: dict[str, Loss] = {loss.name: loss for loss in (SquaredLoss(), CrossEntropy())}


def resolve(loss: str | Loss) -> Loss:
    """Return the loss of that name ("mse", "cross-entropy"); a `Loss` passes through.

    Raises:
        ValueError: an unknown name.
    """
    if isinstance(loss, Loss):
        return loss
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(map(repr, LOSSES))}; given {loss!r}")
    return LOSSES[loss]


def _samples(outputs: Tensor) -> int:
    return outputs[0, ..., 0].numel()


def check_classes(targets: Tensor, classes: int) -> None:
    """Raise ValueError unless every class index is one of the model's outputs."""
    wrong = targets[(targets < 0) | (targets >= classes)]
    if len(wrong):
        raise ValueError(
            f"data: class indices must lie between 0 and {classes - 1}, the model's last output; "
            f"given {int(wrong[0])}"
        )
