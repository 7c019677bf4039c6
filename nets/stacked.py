"""Stacked tensors: the weights of many networks along a leading axis, and one forward pass of all of them."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call, vmap

Stacked = dict[str, Tensor]
Call = Callable[[nn.Module, Tensor], Any]


def like(values: Tensor, stacked: Tensor) -> Tensor:
    """Return one number a member (M,) in a shape that multiplies stacked tensors (M, ...)."""
    return values.reshape(-1, *[1] * (stacked.ndim - 1))


def forward(
    model: nn.Module,
    multipliers: Stacked,
    parameters: Mapping[str, Tensor],
    inputs: Tensor,
    call: Call | None = None,
    *,
    shared: bool = True,
) -> Any:
    """Return what `Ensemble.forward` does, from the tensors alone: a function that can be compiled."""
    scaled = {name: weight * like(multipliers[name], weight) for name, weight in parameters.items()}
    run = _Calling(model, call) if call is not None else model
    prefix = "model." if call is not None else ""

    def member(weights: Stacked, own: Tensor) -> Any:
        return functional_call(run, {prefix + name: weight for name, weight in weights.items()}, (own,))

    return vmap(member, in_dims=(0, None if shared else 0), randomness="error")(scaled, inputs)


class _Calling(nn.Module):
    """Call a model through a function, so that `functional_call` puts the weights in around it."""

    def __init__(self, model: nn.Module, call: Call) -> None:
        super().__init__()
        self.model = model
        self.call = call

    def forward(self, inputs: Tensor) -> Any:
        return self.call(self.model, inputs)
