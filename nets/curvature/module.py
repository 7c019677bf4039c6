"""The loss of one torch module as a function of its parameters, without changing the module."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.utils._pytree import tree_flatten, tree_unflatten

from scalewright.nets.curvature import guard
from scalewright.nets.curvature.batches import Batch, read_batches
from scalewright.nets.curvature.loss_function import check_named, loss_function
from scalewright.nets.curvature.problem import EnsembleProblem, LossLike, Outputs, Problem, choose
from scalewright.nets.ensemble import Ensemble
from scalewright.nets.functional import call_with
from scalewright.nets.losses import resolve
from scalewright.nets.parametrize import Parametrized


class ModuleProblem(Problem):
    r"""The loss of a module as $\sum_b \frac{P_b}{P} \ell_b$: the mean over samples, whatever the batches.

    The module is called with copies of its buffers and with leaves that share its weights' memory (float32
    copies of bfloat16 or float16 weights), in the mode it is in. It is not changed.
    """

    stacked = False
    members = 1

    def __init__(
        self,
        model: nn.Module,
        loss: LossLike,
        data: Any,
        *,
        parameters: Iterable[str] | None = None,
        chunk: int | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self._model = guard.original(model)
        self._guard = guard.Guard(self._model)
        wrapped = self._model if isinstance(self._model, Parametrized) else None
        inner = self._model if wrapped is None else wrapped.model
        self._prefix = "" if wrapped is None else "model."
        named = dict(inner.named_parameters())
        trained = _trained(named)
        self.device = next(iter(trained.values())).device
        self.dtype = _arithmetic(trained, dtype)
        guard.check_finite(named)
        chosen = set(choose(trained, parameters))
        self._fixed = {n: w.detach().to(self.dtype) for n, w in named.items() if n not in chosen}
        self.leaves = {
            name: weight.detach().to(self.dtype).requires_grad_()
            for name, weight in trained.items()
            if name in chosen
        }
        rates = {name: 1.0 if wrapped is None else wrapped.numbers[name].lr for name in self.leaves}
        self.scales = {name: leaf.new_full((), rates[name]).detach() for name, leaf in self.leaves.items()}
        with guard.same_random_state():
            self.batches = read_batches(data, self.dtype, self.device, chunk=chunk)
        self._check_chunks(chunk)
        self._value = loss_function(loss)
        self._check_calls(loss)

    def context(self) -> AbstractContextManager[Any]:
        """Return the context in which the model is called and products are taken."""
        return self._guard.context()

    def outputs(self, index: int) -> Outputs:
        """Return the outputs on batch `index`: the real tensors among them, in torch's tree order."""
        weights = {self._prefix + name: w for name, w in (self._fixed | self.leaves).items()}
        buffers = {
            name: (buffer.to(self.dtype, copy=True) if buffer.is_floating_point() else buffer.clone())
            for name, buffer in self._model.named_buffers()
        }
        args, kwargs = _arguments(self.batches[index].inputs)
        return _outputs(call_with(self._model, weights | buffers, args, kwargs))

    def losses(self, outputs: Outputs, index: int) -> Tensor:
        """Return the mean loss over batch `index` (1,)."""
        return self._value(outputs.rebuild(outputs.tensors), self.batches[index].targets).reshape(1)

    def _check_chunks(self, chunk: int | None) -> None:
        name = guard.couples_samples(self._model)
        if chunk is not None and name is not None:
            raise ValueError(
                f"chunk computes a batch in parts, and {name!r} in training mode mixes its samples: leave "
                "chunk out, or call model.eval()"
            )

    def _check_calls(self, loss: LossLike) -> None:
        """Call the model twice on the first batch: its outputs, its loss, and whether it is random."""
        with torch.no_grad(), guard.same_random_state():
            first = self._first_call(self.batches[0])
            second = self.outputs(0)
            guard.check_deterministic(self._model, first.tensors, second.tensors)
            outputs, targets = first.rebuild(first.tensors), self.batches[0].targets
            if not callable(loss):
                check_named(resolve(loss), outputs, targets)
            guard.check_loss(self._value(outputs, targets))

    def _first_call(self, batch: Batch) -> Outputs:
        try:
            return self.outputs(0)
        except RuntimeError as error:
            inputs = batch.inputs
            if not isinstance(inputs, Tensor) or inputs.is_floating_point():
                raise
            raise TypeError(
                f"data: inputs must be real numbers for this model; given {inputs.dtype}: convert them, "
                "as by inputs.astype(float)"
            ) from error


def problem_of(
    model: nn.Module | Ensemble,
    loss: LossLike,
    data: Any,
    *,
    parameters: Iterable[str] | None = None,
    chunk: int | None = None,
    dtype: torch.dtype | None = None,
) -> Problem:
    """Return the problem of a module or an ensemble.

    Raises:
        TypeError: neither of the two, or another dtype asked for an ensemble.
    """
    if isinstance(model, Ensemble):
        if dtype not in (None, model.dtype):
            raise TypeError(f"dtype of an ensemble is its own, {model.dtype}; given {dtype}")
        return EnsembleProblem(model, loss, data, parameters=parameters, chunk=chunk)
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module or an Ensemble; given {type(model).__name__}")
    return ModuleProblem(model, loss, data, parameters=parameters, chunk=chunk, dtype=dtype)


def _trained(named: dict[str, nn.Parameter]) -> dict[str, nn.Parameter]:
    if not named:
        raise ValueError("model must have parameters; given one without any")
    trained = {name: weight for name, weight in named.items() if weight.requires_grad}
    if not trained:
        raise ValueError("model must have a parameter with requires_grad=True; given none")
    for name, weight in named.items():
        if isinstance(weight, UninitializedParameter):
            raise ValueError(
                f"parameters must have values; given {name!r} of a lazy module: call it once first"
            )
    places = {weight.device for weight in named.values()}
    if len(places) > 1:
        raise ValueError(f"parameters must be on one device; given {', '.join(sorted(map(str, places)))}")
    return trained


def _arithmetic(trained: dict[str, nn.Parameter], dtype: torch.dtype | None) -> torch.dtype:
    """Return the dtype of the products: float64 if a weight is, float32 otherwise, unless asked for."""
    wide = any(weight.dtype == torch.float64 for weight in trained.values())
    if dtype is None:
        return torch.float64 if wide else torch.float32
    if dtype not in (torch.float32, torch.float64):
        raise TypeError(f"dtype must be torch.float32 or torch.float64; given {dtype}")
    return dtype


def _arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(inputs, dict):
        return (), inputs
    return (tuple(inputs), {}) if isinstance(inputs, tuple | list) else ((inputs,), {})


def _outputs(found: Any) -> Outputs:
    leaves, spec = tree_flatten(found)
    real = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.is_floating_point()]
    if not real:
        raise TypeError(f"the model must return real tensors; given {type(found).__name__}")

    def rebuild(tensors: Sequence[Tensor]) -> Any:
        filled = list(leaves)
        for place, tensor in zip(real, tensors, strict=True):
            filled[place] = tensor
        return tree_unflatten(filled, spec)

    return Outputs(tuple(leaves[i] for i in real), rebuild)
