"""Call a module with other weights, and leave it as it was, whatever it shares inside."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call


def call_with(
    model: nn.Module,
    tensors: Mapping[str, Tensor],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """Return the outputs of `model` with the named parameters and buffers replaced.

    A tensor that the model holds in several places is replaced in all of them. torch's own way of doing
    this swaps a submodule that is registered twice two times, and leaves the replacement in the model.

    Args:
        tensors: by the names of `named_parameters()` and `named_buffers()`.
    """
    names = {id(tensor): name for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    placed = {}
    for path, module in model.named_modules():  # each submodule once
        held = (
            *module.named_parameters(recurse=False, remove_duplicate=False),
            *module.named_buffers(recurse=False, remove_duplicate=False),
        )
        for own, tensor in held:
            if (name := names[id(tensor)]) in tensors:
                placed[f"{path}.{own}" if path else own] = tensors[name]
    return functional_call(model, placed, args, kwargs, tie_weights=False)
