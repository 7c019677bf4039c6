"""What is differentiated: a loss as a function of the chosen parameters of all members, batch by batch."""

import fnmatch
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from scalewright.nets.curvature.batches import Batch, is_one_batch, read_batches
from scalewright.nets.ensemble import Ensemble
from scalewright.nets.losses import Loss
from scalewright.nets.objective import Objective
from scalewright.nets.stacked import Stacked, like

#: A name of `nets.losses`, a `Loss`, or a function (outputs, targets) -> mean loss over the samples.
LossLike: TypeAlias = str | Loss | Callable[[Any, Any], Tensor]


@dataclass(frozen=True)
class Outputs:
    """What a model returned: its real tensors, and how its own structure is made of such tensors."""

    tensors: tuple[Tensor, ...]
    rebuild: Callable[[Sequence[Tensor]], Any]

    def at(self, tensors: Sequence[Tensor]) -> "Outputs":
        """Return the same structure with other tensors."""
        return Outputs(tuple(tensors), self.rebuild)


class Problem(ABC):
    """A loss of M members as a function of `leaves`, the sum over batches of share * mean loss.

    Attributes:
        leaves: name -> tensor that records gradients; (M, *shape), or *shape where M = 1.
        scales: name -> Lambda, broadcastable to the leaf.
        stacked: whether the leaves have the leading axis of members.
        members, dtype, device: M, and where and how products are computed.
        batches: the data.
    """

    leaves: Stacked
    scales: Stacked
    stacked: bool
    members: int
    dtype: torch.dtype
    device: torch.device
    batches: list[Batch]

    @abstractmethod
    def outputs(self, index: int) -> Outputs:
        """Return the outputs on batch `index`, recording their graph."""

    @abstractmethod
    def losses(self, outputs: Outputs, index: int) -> Tensor:
        """Return the mean loss over batch `index` of every member (M,)."""

    def context(self) -> AbstractContextManager[Any]:
        """Return the context in which the model is called and products are taken."""
        return nullcontext()

    def pull_loss(self, outputs: Outputs, index: int) -> tuple[Tensor, ...]:
        """Return the derivative of the loss in the outputs, held fixed."""
        leaves = _leaves(outputs.tensors)
        loss = self.losses(outputs.at(leaves), index).sum()
        return torch.autograd.grad(loss, leaves, materialize_grads=True)

    def bend_loss(self, outputs: Outputs, index: int, tangents: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the second derivative of the loss in the outputs times `tangents`."""
        leaves = _leaves(outputs.tensors)
        loss = self.losses(outputs.at(leaves), index).sum()
        first = torch.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True)
        return derivative(first, leaves, tangents, keep=False)

    @property
    def size(self) -> int:
        """Number of chosen parameters of one member."""
        return sum(leaf.numel() for leaf in self.leaves.values()) // self.members


class EnsembleProblem(Problem):
    """The loss of an ensemble, differentiated for all members at once."""

    stacked = True

    def __init__(
        self,
        ensemble: Ensemble,
        loss: LossLike,
        data: Any,
        *,
        parameters: Iterable[str] | None = None,
        chunk: int | None = None,
    ) -> None:
        if not isinstance(loss, str | Loss):
            raise TypeError(
                "loss of an ensemble must be 'mse', 'cross-entropy' or a Loss; "
                f"given {type(loss).__name__}: a function of outputs and targets is taken for a single module"
            )
        self.members, self.dtype, self.device = ensemble.members, ensemble.dtype, ensemble.device
        self._ensemble = ensemble
        everything = ensemble.leaves()
        chosen = choose(everything, parameters)
        self._fixed = {name: leaf.detach() for name, leaf in everything.items() if name not in chosen}
        self.leaves = {name: everything[name] for name in chosen}
        self.scales = {name: like(ensemble.rates[name], leaf) for name, leaf in self.leaves.items()}
        if chunk is None and is_one_batch(data):  # the batch as training takes it
            self._objectives = [Objective.of(ensemble, loss, data)]
            inputs, targets = self._objectives[0].data.inputs, self._objectives[0].data.targets
            self.batches = [Batch(inputs, targets, len(inputs), 1.0)]
            return
        self.batches = read_batches(data, self.dtype, self.device, chunk=chunk)
        self._objectives = [Objective.of(ensemble, loss, (b.inputs, b.targets)) for b in self.batches]

    def outputs(self, index: int) -> Outputs:
        """Return the outputs (M, P, K) on batch `index`."""
        outputs = self._objectives[index].outputs({**self._fixed, **self.leaves})
        return Outputs((outputs,), lambda tensors: tensors[0])

    def losses(self, outputs: Outputs, index: int) -> Tensor:
        """Return the mean loss over batch `index` of every member (M,)."""
        objective = self._objectives[index]
        return objective.loss.value(outputs.tensors[0], objective.data.targets)

    def pull_loss(self, outputs: Outputs, index: int) -> tuple[Tensor, ...]:
        """Return the derivative of the loss in the outputs, held fixed."""
        objective = self._objectives[index]
        return (objective.loss.gradient(outputs.tensors[0], objective.data.targets).detach(),)

    def bend_loss(self, outputs: Outputs, index: int, tangents: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the second derivative of the loss in the outputs times `tangents`."""
        objective = self._objectives[index]
        fixed = outputs.tensors[0].detach()
        return (objective.loss.curvature(fixed, objective.data.targets, tangents[0]),)


def choose(names: Iterable[str], parameters: Iterable[str] | None) -> list[str]:
    """Return the names that `parameters` picks, in the model's order; all of them for None.

    Args:
        names: of the trained parameters. parameters: names, or patterns such as "blocks.*.attention.*".

    Raises:
        TypeError: one string in place of a list. ValueError: an entry that picks nothing.
    """
    known = list(names)
    if parameters is None:
        return known
    if isinstance(parameters, str):
        raise TypeError(f"parameters must be a list of names or patterns; given the string {parameters!r}")
    picked: set[str] = set()
    for pattern in parameters:
        found = fnmatch.filter(known, pattern)
        if not found:
            raise ValueError(
                f"parameters must name trained parameters ({', '.join(known[:8])}"
                f"{', ...' if len(known) > 8 else ''}); given {pattern!r}"
            )
        picked.update(found)
    if not picked:
        raise ValueError("parameters must pick at least one; given an empty list")
    return [name for name in known if name in picked]


def rescaling(problem: Problem, *, raw: bool, metric: Mapping[str, Tensor] | None) -> list[Tensor] | None:
    """Return Lambda^1/2 of every leaf, broadcastable to it; None where Lambda is 1.

    Raises:
        ValueError: a metric without one of the parameters.
    """
    if raw:
        return None
    if metric is None:
        scales = problem.scales
        if all(bool((scale == 1).all()) for scale in scales.values() if scale.device.type != "meta"):
            return None
        return [scale.sqrt() for scale in scales.values()]
    missing = [name for name in problem.leaves if name not in metric]
    if missing:
        raise ValueError(f"metric must have an entry for every parameter; given none for {missing[0]!r}")
    chosen = {name: metric[name].to(problem.device, problem.dtype) for name in problem.leaves}
    return [
        (like(scale, leaf) if problem.stacked and scale.ndim == 1 else scale).sqrt()
        for scale, leaf in zip(chosen.values(), problem.leaves.values(), strict=True)
    ]


def derivative(
    of: Sequence[Tensor], along: Sequence[Tensor], weights: Sequence[Tensor], *, keep: bool
) -> tuple[Tensor, ...]:
    """Return d<of, weights>/d(along), zero where nothing depends on it; `keep` the graph for another time."""
    pairs = [(value, weight) for value, weight in zip(of, weights, strict=True) if value.requires_grad]
    if not pairs:
        return tuple(torch.zeros_like(tensor) for tensor in along)
    values, cotangents = zip(*pairs, strict=True)
    return torch.autograd.grad(
        values, tuple(along), grad_outputs=cotangents, retain_graph=keep, materialize_grads=True
    )


def _leaves(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return tuple(tensor.detach().requires_grad_() for tensor in tensors)
