"""Run a model with given weights, and keep what goes into and comes out of every layer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from scalewright.nets.coordinates.layers import Layer
from scalewright.nets.functional import call_with
from scalewright.nets.parametrize import Parametrized


@dataclass
class Calls:
    """What one layer saw in one pass: inputs and outputs, an entry a call, and the weights it used.

    `refused` says why it can't be measured, where it can't.
    """

    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    weight: Tensor | None = None
    bias: Tensor | None = None
    refused: str = ""


State = Mapping[str, Tensor]


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """Return parameters, sharing memory with the model's, and copies of its buffers, which a call may
    change."""
    weights: dict[str, Tensor] = {name: weight.detach() for name, weight in model.named_parameters()}
    return weights | {name: buffer.detach().clone() for name, buffer in model.named_buffers()}


def run(
    shell: nn.Module,
    layers: Sequence[Layer],
    state: State,
    inputs: tuple[Any, ...],
    *,
    given: Mapping[str, Sequence[Tensor]] | None = None,
    keep_graph: bool = False,
) -> tuple[Any, dict[str, Calls]]:
    """Call `shell` with the weights and buffers of `state`; return its outputs and every layer's calls.

    Args:
        given: what each layer shall read at each of its calls, in place of what arrives.
        keep_graph: keep the outputs as they are, for derivatives with respect to them.

    Cost: one forward pass, and the memory of every layer's inputs and outputs.
    """
    with _watched(shell, layers, given or {}, keep_graph) as calls:
        outputs = call_with(shell, dict(state), inputs)
    for found in calls.values():
        if not found.refused and not found.outputs:
            found.refused = "its forward is not called"
    return outputs, calls


@contextmanager
def _watched(
    shell: nn.Module, layers: Sequence[Layer], given: Mapping[str, Sequence[Tensor]], keep_graph: bool
) -> Iterator[dict[str, Calls]]:
    modules = dict((shell.model if isinstance(shell, Parametrized) else shell).named_modules())
    calls = {layer.row: Calls() for layer in layers}
    with ExitStack() as hooks:
        for layer in layers:
            module, found = modules[layer.module], calls[layer.row]
            before = _reader(found, given.get(layer.row))
            hooks.enter_context(module.register_forward_pre_hook(before, with_kwargs=True))
            hooks.enter_context(module.register_forward_hook(_writer(found, keep_graph)))
        yield calls


def _reader(found: Calls, given: Sequence[Tensor] | None) -> Any:
    def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs:
            found.refused = f"it is called by keyword ({', '.join(kwargs)}), and not with one tensor"
            return None
        if len(args) != 1 or not isinstance(args[0], Tensor):
            kinds = ", ".join(type(value).__name__ for value in args) or "nothing"
            found.refused = f"it is called with {kinds}, and not with one tensor"
            return None
        if given is not None and not found.refused:
            return (given[len(found.inputs)],), kwargs
        return None

    return hook


def _writer(found: Calls, keep_graph: bool) -> Any:
    def hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if found.refused:
            return None
        if not isinstance(output, Tensor):
            found.refused = f"it returns {type(output).__name__}, and not a tensor"
            return None
        # Copies: what follows may change the tensor in place, as a ReLU can.
        found.inputs.append(args[0].detach().clone())
        found.outputs.append(output if keep_graph else output.detach().clone())
        # Inside the call, these are the weights that it uses, any multiplier included.
        own = dict(module.named_parameters(recurse=False))
        found.weight, found.bias = (own[key].detach() if key in own else None for key in ("weight", "bias"))
        return output.clone() if keep_graph else None

    return hook


def finite(values: Sequence[Tensor]) -> bool:
    """Return whether all numbers are finite."""
    return all(_finite(value) for value in values if value.is_floating_point())


def _finite(value: Tensor) -> bool:
    """Read it off the norm, which takes a third of the time; only a huge finite one needs a second look."""
    norm = torch.linalg.vector_norm(value, dtype=torch.float64)
    return bool(norm.isfinite()) or bool(value.isfinite().all())
