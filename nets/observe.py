"""Watch what goes into and comes out of every module of a model, without changing the model."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from scalewright.nets.ensemble import Ensemble
from scalewright.nets.stacked import Stacked


@dataclass
class Record:
    """Tensors that went into and came out of one module, a list entry a call."""

    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)


@contextmanager
def observe(model: nn.Module, names: Sequence[str] | None = None) -> Iterator[dict[str, Record]]:
    """Record the first tensor that goes into, and the one that comes out of, every named submodule.

    Inside the context, `records[name].outputs[-1]` is the output of the last call. The hooks are removed on
    leaving, on errors too. Inside `torch.func.vmap` the records hold mapped tensors: return them from the
    mapped function, as `activations` does.

    Args:
        model: any module; `names`: which submodules (all but the model itself by default).

    Raises:
        ValueError: a name that is no submodule.
    """
    modules = {name: module for name, module in model.named_modules() if name}
    for name in names or ():
        if name not in modules:
            known = ", ".join(modules)
            raise ValueError(f"observe: names must be submodules of the model ({known}); given {name!r}")
    chosen = list(modules) if names is None else list(names)
    records = {name: Record() for name in chosen}
    with ExitStack() as hooks:
        for name in chosen:
            hooks.enter_context(modules[name].register_forward_hook(_recorder(records[name])))
        yield records


def weight_layers(model: nn.Module) -> list[str]:
    """Return the names of the submodules that hold parameters themselves, in the model's order."""
    return [name for name, module in model.named_modules() if name and list(module.parameters(recurse=False))]


def activations(
    ensemble: Ensemble,
    inputs: Tensor,
    names: Sequence[str] | None = None,
    parameters: Stacked | None = None,
    *,
    shared: bool = True,
) -> dict[str, Record]:
    """Return the records of every member, (M, P, ...), at `parameters` (the present weights by default).

    `inputs` are (P, ...), or where they are not `shared` each member's own (M, P, ...).
    """

    def call(model: nn.Module, batch: Tensor) -> dict[str, tuple[list[Tensor], list[Tensor]]]:
        with observe(model, names) as records:
            model(batch)
        return {name: (record.inputs, record.outputs) for name, record in records.items()}

    with torch.no_grad():
        weights = ensemble.parameters if parameters is None else parameters
        there = inputs.to(ensemble.device, ensemble.dtype if inputs.is_floating_point() else None)
        found = ensemble.forward(weights, there, call, shared=shared)
    return {name: Record(*lists) for name, lists in found.items()}


def feature_change(ensemble: Ensemble, inputs: Tensor, *, shared: bool = True) -> Tensor:
    r"""Return $\sqrt{\langle (h_t - h_0)^2 \rangle}$ for the output h of every weight layer (M, layers).

    The change is since initialisation, the mean over samples and units; the last layer's are the outputs.
    """
    layers = weight_layers(ensemble.model)
    now = activations(ensemble, inputs, layers, shared=shared)
    then = activations(ensemble, inputs, layers, ensemble.initial, shared=shared)
    changes = [
        (now[name].outputs[-1] - then[name].outputs[-1]).flatten(1).square().mean(1).sqrt() for name in layers
    ]
    return torch.stack(changes, dim=1)


def _recorder(record: Record) -> Any:
    def hook(_: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        record.inputs.extend(value for value in inputs[:1] if isinstance(value, Tensor))
        first = output[0] if isinstance(output, tuple) else output
        if isinstance(first, Tensor):
            record.outputs.append(first)

    return hook
