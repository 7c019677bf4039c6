r"""The curvature of an ensemble's loss as linear operators, by automatic differentiation.

Every operator acts on one vector a member, and is rescaled by Lambda = diag(rate of each parameter / base
rate), so that its eigenvalues are the same in every gauge; `raw=True` leaves Lambda out. The graph of the
first derivative is kept while the operator lives, is used again by every product, and is freed with it.
"""

from abc import ABC, abstractmethod
from typing import Any, final

import torch
from torch import Tensor

from scalewright.nets.ensemble import Ensemble, Stacked, like
from scalewright.nets.losses import Loss
from scalewright.nets.objective import Objective


class Operator(ABC):
    """A symmetric linear operator for each member: (M, size) -> (M, size).

    Attributes:
        members: M. size: length of a vector. dtype, device: of the vectors.
    """

    members: int
    size: int
    dtype: torch.dtype
    device: torch.device

    @abstractmethod
    def product(self, vectors: Tensor) -> Tensor:
        """Return A v for every member's v (M, size)."""


class _Curvature(Operator):
    """What the operators of one objective share: leaves, the square root of Lambda, flat vectors."""

    def __init__(
        self,
        ensemble: Ensemble,
        loss: str | Loss | None,
        data: Any,
        *,
        raw: bool = False,
        metric: Stacked | None = None,
    ) -> None:
        """Build the graph of the first derivative at the ensemble's present parameters.

        Args:
            ensemble: the networks.
            loss: "mse", "cross-entropy" or a `Loss`.
            data: an (inputs, targets) pair or the result of `data.load`.
            raw: leave Lambda out (Lambda = 1).
            metric: another diagonal Lambda, name -> a tensor that multiplies the stacked parameter
                (an optimizer's preconditioner); the default is the ensemble's rates.
        """
        self._objective = Objective.of(ensemble, loss if loss is not None else "mse", data)
        self._leaves = ensemble.leaves()
        self.members, self.dtype, self.device = ensemble.members, ensemble.dtype, ensemble.device
        self.size = self.parameters = ensemble.size
        chosen = ensemble.rates if metric is None else metric
        self._root = None if raw else {name: chosen[name].sqrt() for name in self._leaves}
        self._build()

    @abstractmethod
    def _build(self) -> None:
        """Record the graph of the first derivative."""

    def _split(self, flat: Tensor) -> list[Tensor]:
        """Return Lambda^1/2 v as tensors in the shapes of the parameters."""
        shapes = [leaf.shape for leaf in self._leaves.values()]
        parts = flat.split([shape[1:].numel() for shape in shapes], dim=1)
        tensors = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        return self._rescale(tensors)

    def _flat(self, tensors: Any) -> Tensor:
        """Return Lambda^1/2 times tensors in the shapes of the parameters as flat vectors."""
        return torch.cat([tensor.flatten(1) for tensor in self._rescale(list(tensors))], dim=1)

    def _rescale(self, tensors: list[Tensor]) -> list[Tensor]:
        if self._root is None:
            return tensors
        roots = self._root.values()
        return [t * (like(r, t) if r.ndim == 1 else r) for t, r in zip(tensors, roots, strict=True)]

    def _derivative(self, of: Any, along: Any, weights: Any) -> tuple[Tensor, ...]:
        """Return d<of, weights>/d(along), keeping the graph; zero where `of` does not depend on `along`."""
        pairs = [(value, weight) for value, weight in zip(of, weights, strict=True) if value.requires_grad]
        if not pairs:
            return tuple(torch.zeros_like(tensor) for tensor in along)
        values, cotangents = zip(*pairs, strict=True)
        return torch.autograd.grad(
            values, tuple(along), grad_outputs=cotangents, retain_graph=True, materialize_grads=True
        )


class _SecondDerivative(_Curvature):
    """Second derivative in the parameters of a scalar for each member, by double backward."""

    def _scalar(self) -> Tensor:
        raise NotImplementedError

    def _build(self) -> None:
        leaves = tuple(self._leaves.values())
        self._gradient = torch.autograd.grad(
            self._scalar().sum(), leaves, create_graph=True, materialize_grads=True
        )

    def product(self, vectors: Tensor) -> Tensor:
        """Return Lambda^1/2 A Lambda^1/2 v. Cost: about two gradients."""
        return self._flat(self._derivative(self._gradient, self._leaves.values(), self._split(vectors)))


@final
class Hessian(_SecondDerivative):
    r"""$\Lambda^{1/2} H \Lambda^{1/2}$, $H = \partial^2 L / \partial w^2$ in the trained weights w."""

    def _scalar(self) -> Tensor:
        return self._objective.losses(self._leaves)


@final
class Residual(_SecondDerivative):
    r"""$\Lambda^{1/2} R \Lambda^{1/2}$, $R = H - G = \sum (\partial L/\partial f) \partial^2 f$.

    Computed as it is written here, with the derivative of the loss held fixed, not as a difference.
    """

    def _scalar(self) -> Tensor:
        objective = self._objective
        outputs = objective.outputs(self._leaves)
        return (outputs * objective.loss.gradient(outputs, objective.data.targets).detach()).sum((1, 2))


class _Jacobian(_Curvature):
    """Products with J = df/dw and its transpose, the graphs of both kept."""

    def _build(self) -> None:
        self._outputs = self._objective.outputs(self._leaves)
        # The derivative of u -> J^T u is J^T itself: its transpose product with v is J v.
        self._dual = torch.zeros_like(self._outputs).requires_grad_()
        leaves = tuple(self._leaves.values())
        self._pullback = torch.autograd.grad(
            self._outputs, leaves, grad_outputs=self._dual, create_graph=True, materialize_grads=True
        )

    def push(self, vectors: Tensor) -> Tensor:
        """Return J Lambda^1/2 v (M, P, K) for v (M, parameters)."""
        return self._derivative(self._pullback, (self._dual,), self._split(vectors))[0]

    def pull(self, outputs: Tensor) -> Tensor:
        """Return Lambda^1/2 J^T u (M, parameters) for u (M, P, K)."""
        return self._flat(self._derivative((self._outputs,), self._leaves.values(), (outputs,)))


@final
class GaussNewton(_Jacobian):
    r"""$\Lambda^{1/2} G \Lambda^{1/2}$, $G = J^T (\partial^2 L/\partial f^2) J$; squared: $J^T J / P$."""

    def product(self, vectors: Tensor) -> Tensor:
        """Return Lambda^1/2 G Lambda^1/2 v. Cost: about one gradient."""
        objective = self._objective
        tangents = self.push(vectors)
        return self.pull(objective.loss.curvature(self._outputs.detach(), objective.data.targets, tangents))


@final
class NTK(_Jacobian):
    r"""$\Theta = J \Lambda J^T$, the neural tangent kernel on vectors of length P K (sample first)."""

    def _build(self) -> None:
        super()._build()
        self.outputs_shape = self._outputs.shape
        self.size = self._outputs[0].numel()

    def product(self, vectors: Tensor) -> Tensor:
        """Return J Lambda J^T u. Cost: about one gradient."""
        return self.push(self.pull(vectors.reshape(self.outputs_shape))).flatten(1)
