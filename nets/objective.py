"""The loss of an ensemble on one batch of data: its outputs, its value and its gradient."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scalewright.nets.data import TensorData, as_data
from scalewright.nets.ensemble import Ensemble, Stacked
from scalewright.nets.losses import Loss, check_classes, resolve


@dataclass(frozen=True)
class Objective:
    """A loss of an ensemble over one batch.

    `offset` (M, P, K) is the outputs at initialisation where they are subtracted, None otherwise.
    """

    ensemble: Ensemble
    data: TensorData
    loss: Loss
    offset: Tensor | None

    @classmethod
    def of(cls, ensemble: Ensemble, loss: str | Loss, data: Any) -> "Objective":
        """Check the loss against the data, and move the data to the ensemble's device and dtype.

        Raises:
            TypeError: integer inputs to a model that takes none.
            ValueError: an unknown loss, targets that are none of this loss, outputs of another shape, class
                indices out of range.
        """
        chosen = resolve(loss)
        batch = as_data(data).to(ensemble.dtype, ensemble.device)
        chosen.check(batch.targets, len(batch.inputs))
        with torch.no_grad():
            one = _one_sample(ensemble, batch.inputs[:1])
            offset = ensemble.forward(ensemble.initial, batch.inputs) if ensemble.centred else None
        wanted = (1, batch.targets.shape[1]) if batch.targets.ndim == 2 else (1, one.shape[-1])
        if tuple(one.shape[1:]) != wanted:
            raise ValueError(
                f"the model's outputs for one sample must have the shape {wanted} of the targets; "
                f"given {tuple(one.shape[1:])}"
            )
        if batch.targets.ndim == 1:
            check_classes(batch.targets, one.shape[-1])
        return cls(ensemble, batch, chosen, offset)

    def outputs(self, parameters: Stacked) -> Tensor:
        """Return the outputs (M, P, K)."""
        outputs = self.ensemble.forward(parameters, self.data.inputs)
        return outputs if self.offset is None else outputs - self.offset

    def losses(self, parameters: Stacked) -> Tensor:
        """Return the loss of every member (M,)."""
        return self.loss.value(self.outputs(parameters), self.data.targets)

    def gradient(self) -> tuple[Tensor, Stacked]:
        """Return the losses (M,) and the stacked gradients at the ensemble's parameters.

        The losses of different members share no parameter, so the gradient of their sum is each one's own.
        """
        leaves = self.ensemble.leaves()
        losses = self.losses(leaves)
        gradients = torch.autograd.grad(losses.sum(), list(leaves.values()), materialize_grads=True)
        return losses.detach(), dict(zip(leaves, gradients, strict=True))


def _one_sample(ensemble: Ensemble, inputs: Tensor) -> Tensor:
    try:
        outputs: Tensor = ensemble.forward(ensemble.initial, inputs)
    except RuntimeError as error:
        if inputs.is_floating_point():
            raise
        raise TypeError(
            f"data: inputs must be real numbers for this model; given {inputs.dtype}: convert them, "
            "as by inputs.astype(float)"
        ) from error
    return outputs
