"""One function for the losses and gradients of all members, compiled where that pays."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from scalewright.nets.losses import Loss
from scalewright.nets.stacked import Stacked, forward

#: Shapes for which one process may compile anew before it stops with an error.
SHAPES = 4096


class Program:
    """Losses (M,) and stacked gradients as a function of tensors alone, for any ensemble of one model.

    A compiled program is translated once for every set of shapes that it meets, and reads its weights from
    its arguments: blocks of networks of one shape share it.
    """

    def __init__(self, model: nn.Module, loss: Loss, *, compiled: bool = False) -> None:
        """Prepare a program; `compiled` needs a C++ compiler on a CPU and Triton on a GPU."""
        self.model, self.loss, self.compiled = model, loss, compiled
        self._run = torch.compile(self._gradient, dynamic=False, fullgraph=True) if compiled else None

    def __call__(
        self,
        parameters: Stacked,
        multipliers: Stacked,
        inputs: Tensor,
        targets: Tensor,
        offset: Tensor | None = None,
        *,
        shared: bool = True,
    ) -> tuple[Tensor, Stacked]:
        """Return losses and gradients at `parameters`.

        Args:
            parameters, multipliers: name -> (M, *shape) and (M,).
            inputs, targets: of all members where they are `shared`, else with a leading axis of members.
            offset: outputs at initialisation (M, P, K), subtracted where they are given.

        Raises:
            ValueError: a program that can't be compiled here.
        """
        if self._run is None:
            return self._eager(parameters, multipliers, inputs, targets, offset, shared)
        try:
            with _many_shapes():
                return self._run(parameters, multipliers, inputs, targets, offset, shared)
        except Exception as error:
            if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise
            raise ValueError(
                f"compiled=True: the model can't be compiled here ({_reason(error)}); train it with "
                "compiled=False"
            ) from error

    def _losses(
        self,
        parameters: Stacked,
        multipliers: Stacked,
        inputs: Tensor,
        targets: Tensor,
        offset: Tensor | None,
        shared: bool,
    ) -> Tensor:
        outputs = forward(self.model, multipliers, parameters, inputs, shared=shared)
        return self.loss.value(outputs if offset is None else outputs - offset, targets)

    def _eager(self, parameters: Stacked, *rest: Any) -> tuple[Tensor, Stacked]:
        """The losses of different members share no parameter: the gradient of their sum is each one's own."""
        leaves = {name: weight.detach().requires_grad_() for name, weight in parameters.items()}
        losses = self._losses(leaves, *rest)
        gradients = torch.autograd.grad(losses.sum(), list(leaves.values()), materialize_grads=True)
        return losses.detach(), dict(zip(leaves, gradients, strict=True))

    def _gradient(self, parameters: Stacked, *rest: Any) -> tuple[Tensor, Stacked]:
        """The same in the form that the compiler takes."""

        def total(weights: Stacked) -> tuple[Tensor, Tensor]:
            losses = self._losses(weights, *rest)
            return losses.sum(), losses

        gradients, (_, losses) = torch.func.grad_and_value(total, has_aux=True)(parameters)
        return losses, gradients


def _reason(error: Exception) -> str:
    """Return the first line that says more than that a part of the compiler raised."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line and not line.endswith("raised:")), type(error).__name__)


def _many_shapes() -> AbstractContextManager[Any]:
    """Let the compiler translate all shapes that come: past its limit it runs slower code in silence."""
    config: Any = torch._dynamo.config
    limits = {"recompile_limit": SHAPES, "accumulated_recompile_limit": SHAPES}
    known = {name: value for name, value in limits.items() if hasattr(config, name)}
    return config.patch(known) if known else nullcontext()
