r"""The curvature of a loss as linear operators, by automatic differentiation.

Every operator acts on one vector a member, and is rescaled by Lambda = diag(rate of each parameter / base
rate), so that its eigenvalues are the same in every gauge; `raw=True` leaves Lambda out. The model is a
module or an ensemble. With one batch the graph of the first derivative is kept while the operator lives, is
used again by every product, and is freed with it.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from scalewright.nets.curvature.module import problem_of
from scalewright.nets.curvature.operator import Operator
from scalewright.nets.curvature.problem import LossLike, Outputs, derivative, rescaling
from scalewright.nets.ensemble import Ensemble


@dataclass(frozen=True)
class Graph:
    """What is recorded of one batch: outputs, and tensors whose derivative in `along` gives products."""

    outputs: Outputs | None
    of: tuple[Tensor, ...]
    along: tuple[Tensor, ...] = ()


class Curvature(Operator):
    """What the operators of one loss share: batches, leaves, the square root of Lambda, flat vectors."""

    def __init__(
        self,
        model: nn.Module | Ensemble,
        loss: LossLike | None,
        data: Any,
        *,
        raw: bool = False,
        metric: Mapping[str, Tensor] | None = None,
        parameters: Iterable[str] | None = None,
        chunk: int | None = None,
        keep_graph: bool | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Check the problem, and record the graph of the first derivative at the present parameters.

        Args:
            model: a module, which is called in the mode it is in and not changed, or an ensemble.
            loss: "mse", "cross-entropy", a `Loss`, or for a module any function (outputs, targets) -> mean
                loss over the samples of a batch.
            data: an (inputs, targets) pair, the result of `data.load`, or an iterable of pairs. Batches
                count by their samples.
            raw: leave Lambda out (Lambda = 1).
            metric: another diagonal Lambda, name -> a tensor that multiplies the parameter (an optimizer's
                preconditioner); the default is the rates of the parametrization, 1 for a plain module.
            parameters: names or patterns of the parameters to differentiate; the others are constants.
            chunk: largest number of samples computed at once.
            keep_graph: keep the recorded graphs; the default keeps the one of a single batch. Without it
                memory is bounded by one chunk, and a product costs about twice as much.
            dtype: of the products of a module: float32 or float64; that of the weights if None (float32
                for bfloat16 and float16 weights).

        Raises:
            TypeError, ValueError: one sentence that says what cannot be used.
        """
        given = loss if loss is not None else "mse"
        problem = problem_of(model, given, data, parameters=parameters, chunk=chunk, dtype=dtype)
        self.model, self.problem = model, problem
        self.members, self.dtype, self.device = problem.members, problem.dtype, problem.device
        self.size = self.parameters = problem.size
        self._along = tuple(problem.leaves.values())
        self._root = rescaling(problem, raw=raw, metric=metric)
        self.rescaled = self._root is not None
        self._kept = len(problem.batches) == 1 if keep_graph is None else keep_graph
        self._graphs: list[Graph] = []
        if self._kept:
            with problem.context():
                self._graphs = [self._record(index) for index in range(len(problem.batches))]

    @abstractmethod
    def _record(self, index: int) -> Graph:
        """Record the graph of the first derivative on one batch."""

    def _graph(self, index: int) -> Graph:
        return self._graphs[index] if self._kept else self._record(index)

    def _split(self, flat: Tensor) -> list[Tensor]:
        """Return Lambda^1/2 v as tensors in the shapes of the leaves."""
        parts = flat.split([leaf.numel() // self.members for leaf in self._along], dim=1)
        return self._rescale([p.reshape(leaf.shape) for p, leaf in zip(parts, self._along, strict=True)])

    def _flat(self, tensors: Iterable[Tensor]) -> Tensor:
        """Return Lambda^1/2 times tensors in the shapes of the leaves as flat vectors (M, size)."""
        parts = [tensor.reshape(self.members, -1) for tensor in self._rescale(list(tensors))]
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

    def _rescale(self, tensors: list[Tensor]) -> list[Tensor]:
        if self._root is None:
            return tensors
        return [tensor * root for tensor, root in zip(tensors, self._root, strict=True)]

    def _total(self, images: Iterable[Sequence[Tensor]]) -> Tensor:
        """Return the flat sum over batches of share * image."""
        total: list[Tensor] | None = None
        for batch, image in zip(self.problem.batches, images, strict=True):
            if len(self.problem.batches) > 1:
                image = [tensor * batch.share for tensor in image]
            total = list(image) if total is None else [t.add_(i) for t, i in zip(total, image, strict=True)]
        assert total is not None
        return self._flat(total)


class _SecondDerivative(Curvature):
    """Second derivative in the parameters of a scalar for each member, by double backward."""

    def _scalar(self, index: int) -> Tensor:
        raise NotImplementedError

    def _record(self, index: int) -> Graph:
        scalar = self._scalar(index)
        if not scalar.requires_grad:
            raise ValueError(
                "the loss must depend on the chosen parameters by differentiable operations; given one that "
                "does not"
            )
        gradient = torch.autograd.grad(scalar.sum(), self._along, create_graph=True, materialize_grads=True)
        return Graph(None, gradient)

    def product(self, vectors: Tensor) -> Tensor:
        """Return Lambda^1/2 A Lambda^1/2 v. Cost: a gradient and a half, two and a half without the graph."""
        parts = self._split(vectors)
        with self.problem.context():
            return self._total(
                derivative(self._graph(index).of, self._along, parts, keep=self._kept)
                for index in range(len(self.problem.batches))
            )


@final
class Hessian(_SecondDerivative):
    r"""$\Lambda^{1/2} H \Lambda^{1/2}$, $H = \partial^2 L / \partial w^2$ in the trained weights w.

    >>> data = torch.eye(3), torch.tensor([0, 1, 0])
    >>> hessian = Hessian(torch.nn.Linear(3, 2), "cross-entropy", data)
    >>> hessian.product(torch.ones(1, hessian.size)).shape
    torch.Size([1, 8])
    """

    def _scalar(self, index: int) -> Tensor:
        return self.problem.losses(self.problem.outputs(index), index)

    def gradient(self) -> Tensor:
        r"""Return $\Lambda^{1/2} \partial L / \partial w$ (M, size). Cost: a gradient."""
        with self.problem.context():
            gradients = (self._graph(index).of for index in range(len(self.problem.batches)))
            return self._total([part.detach().clone() for part in found] for found in gradients)


@final
class Residual(_SecondDerivative):
    r"""$\Lambda^{1/2} R \Lambda^{1/2}$, $R = H - G = \sum (\partial L/\partial f) \partial^2 f$.

    Computed as it is written here, with the derivative of the loss held fixed, not as a difference.
    """

    def _scalar(self, index: int) -> Tensor:
        outputs = self.problem.outputs(index)
        weights = self.problem.pull_loss(outputs, index)
        terms = [
            (tensor * weight).reshape(self.members, -1).sum(1)
            for tensor, weight in zip(outputs.tensors, weights, strict=True)
        ]
        return torch.stack(terms).sum(0)


class Jacobian(Curvature):
    """Products with J = df/dw and its transpose, batch by batch."""

    def _record(self, index: int) -> Graph:
        outputs = self.problem.outputs(index)
        # The derivative of u -> J^T u is J^T itself: its transpose product with v is J v.
        dual = tuple(torch.zeros_like(tensor).requires_grad_() for tensor in outputs.tensors)
        reached = [(t, d) for t, d in zip(outputs.tensors, dual, strict=True) if t.requires_grad]
        if not reached:
            return Graph(outputs, tuple(torch.zeros_like(leaf) for leaf in self._along), dual)
        tensors, weights = zip(*reached, strict=True)
        pullback = torch.autograd.grad(
            tensors, self._along, grad_outputs=weights, create_graph=True, materialize_grads=True
        )
        return Graph(outputs, pullback, dual)

    def _push(self, graph: Graph, parts: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return derivative(graph.of, graph.along, parts, keep=True)

    def _pull(self, graph: Graph, cotangents: Sequence[Tensor]) -> tuple[Tensor, ...]:
        assert graph.outputs is not None
        return derivative(graph.outputs.tensors, self._along, cotangents, keep=self._kept)


class Sandwich(Jacobian):
    r"""$\Lambda^{1/2} J^T B J \Lambda^{1/2}$ with a symmetric B that acts on the outputs of one batch."""

    @abstractmethod
    def _bend(self, graph: Graph, index: int, tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return B times tangents of the outputs, for the mean over this batch."""

    def product(self, vectors: Tensor) -> Tensor:
        """Return Lambda^1/2 J^T B J Lambda^1/2 v. Cost: a gradient, two without the graph."""
        parts = self._split(vectors)
        with self.problem.context():
            return self._total(self._image(index, parts) for index in range(len(self.problem.batches)))

    def _image(self, index: int, parts: Sequence[Tensor]) -> Sequence[Tensor]:
        graph = self._graph(index)
        return self._pull(graph, self._bend(graph, index, self._push(graph, parts)))


@final
class GaussNewton(Sandwich):
    r"""$\Lambda^{1/2} G \Lambda^{1/2}$, $G = J^T (\partial^2 L/\partial f^2) J$; squared: $J^T J / P$.

    Positive semi-definite where the loss is convex in the outputs: any number of outputs, any such loss.
    """

    def _bend(self, graph: Graph, index: int, tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        assert graph.outputs is not None
        return self.problem.bend_loss(graph.outputs, index, tangents)
