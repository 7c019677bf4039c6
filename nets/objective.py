"""The loss of an ensemble on one batch of data: its outputs, its value and its gradient."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from scalewright.nets.data import TensorData, as_data
from scalewright.nets.ensemble import Ensemble
from scalewright.nets.losses import Loss, check_classes, resolve
from scalewright.nets.program import Program
from scalewright.nets.stacked import Stacked


@dataclass(frozen=True)
class Objective:
    """A loss of an ensemble over one batch.

    `offset` (M, P, K) is the outputs at initialisation where they are subtracted, None otherwise; `program`
    computes the gradient.
    """

    ensemble: Ensemble
    data: TensorData
    loss: Loss
    offset: Tensor | None
    program: Program

    @classmethod
    def of(
        cls, ensemble: Ensemble, loss: str | Loss, data: Any, *, program: Program | None = None
    ) -> "Objective":
        """Check the loss against the data, and move the data to the ensemble's device and dtype.

        Raises:
            TypeError: integer inputs to a model that takes none.
            ValueError: an unknown loss, targets that are none of this loss, outputs of another shape, class
                indices out of range.
        """
        chosen = resolve(loss)
        batch = as_data(data).to(ensemble.dtype, ensemble.device)
        _check(ensemble, chosen, batch)
        used = Program(ensemble.model, chosen) if program is None else program
        return cls(ensemble, batch, chosen, _offset(ensemble, batch), used)

    def on(self, data: TensorData) -> "Objective":
        """Return the same objective on another batch of the same kind, which is not checked again."""
        return replace(self, data=data, offset=_offset(self.ensemble, data))

    def select(self, members: Tensor) -> "Objective":
        """Return the objective of some members, copies of them as `Ensemble.select` makes."""
        there = members.to(self.ensemble.device)
        offset = None if self.offset is None else self.offset[there]
        part = self.ensemble.select(members.tolist())
        return replace(self, ensemble=part, data=self.data.select(there), offset=offset)

    def outputs(self, parameters: Stacked) -> Tensor:
        """Return the outputs (M, P, K)."""
        outputs = self.ensemble.forward(parameters, self.data.inputs, shared=self.data.shared)
        return outputs if self.offset is None else outputs - self.offset

    def losses(self, parameters: Stacked) -> Tensor:
        """Return the loss of every member (M,)."""
        return self.loss.value(self.outputs(parameters), self.data.targets)

    def gradient(self, parameters: Stacked | None = None) -> tuple[Tensor, Stacked]:
        """Return the losses (M,) and the stacked gradients, at the ensemble's own parameters by default."""
        return self.program(
            self.ensemble.parameters if parameters is None else parameters,
            self.ensemble.multipliers,
            self.data.inputs,
            self.data.targets,
            self.offset,
            shared=self.data.shared,
        )


def _offset(ensemble: Ensemble, data: TensorData) -> Tensor | None:
    """Return the outputs at initialisation where the ensemble is centred."""
    if not ensemble.centred:
        return None
    with torch.no_grad():
        outputs: Tensor = ensemble.forward(ensemble.initial, data.inputs, shared=data.shared)
    return outputs


def _check(ensemble: Ensemble, loss: Loss, data: TensorData) -> None:
    """Raise unless the data are of this loss, and the model makes outputs of the targets' shape from them."""
    if not data.shared and len(data.inputs) != ensemble.members:
        raise ValueError(
            f"data that are not shared must have one entry a member, {ensemble.members}; "
            f"given {len(data.inputs)}"
        )
    targets = data.targets if data.shared else data.targets[0]
    loss.check(targets, data.samples)
    with torch.no_grad():
        one = _one_sample(ensemble, data.inputs[:1] if data.shared else data.inputs[0, :1])
    classes = not targets.is_floating_point()
    wanted = (1, *targets.shape[1:], *((one.shape[-1],) if classes else ()))
    if tuple(one.shape[1:]) != wanted:
        raise ValueError(
            f"the model's outputs for one sample must have the shape {wanted} of the targets; "
            f"given {tuple(one.shape[1:])}"
        )
    if classes:
        check_classes(data.targets, one.shape[-1])


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
