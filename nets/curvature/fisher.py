"""The Fisher information in its three forms, as an operator."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, final, get_args

import torch
from torch import Tensor

from scalewright.nets.curvature.operators import Graph, Sandwich
from scalewright.nets.losses import CrossEntropy, Loss, SquaredLoss, resolve

Kind: TypeAlias = Literal["empirical", "type-1", "type-2"]


@final
class Fisher(Sandwich):
    r"""$\Lambda^{1/2} F \Lambda^{1/2}$, $F = \frac1P \sum_p J_p^T\,B_p\,J_p$, the mean over samples.

    With $\ell_p$ the loss of sample p as a negative log-likelihood of its outputs,

    - "empirical": $B_p = \nabla \ell_p \nabla \ell_p^T$ at the data's targets; any loss that is a mean over
      samples;
    - "type-1": the mean of $\nabla \ell_p \nabla \ell_p^T$ over `draws` targets drawn from the model: classes
      from the softmax for cross-entropy, N(f, 1) for the squared loss;
    - "type-2": $B_p = \mathrm{E}[\nabla^2 \ell_p]$, which for these two losses is the Gauss-Newton matrix.

    The expectation of "type-1" is "type-2". A sample is one entry of the first axis of the outputs.

    >>> data = torch.eye(3), torch.tensor([0, 1, 0])
    >>> fisher = Fisher(torch.nn.Linear(3, 2), "cross-entropy", data, kind="type-1", draws=10, seed=0)
    >>> fisher.product(torch.ones(1, fisher.size)).shape
    torch.Size([1, 8])
    """

    def __init__(
        self, *args: Any, kind: Kind = "empirical", draws: int = 1, seed: int = 0, **kwargs: Any
    ) -> None:
        """Take the arguments of `Hessian`, the kind, and how often targets are drawn.

        Raises:
            ValueError: another kind, fewer than one draw, or a loss without a likelihood for types 1 and 2.
        """
        if kind not in get_args(Kind):
            raise ValueError(
                f"Fisher: kind must be one of {', '.join(map(repr, get_args(Kind)))}; given {kind!r}"
            )
        if draws < 1:
            raise ValueError(f"Fisher: draws must be at least 1; given {draws!r}")
        super().__init__(*args, **kwargs)
        self.kind, self.draws = kind, draws
        self._loss = kwargs.get("loss", args[1] if len(args) > 1 else None)
        self._gradients = [self._output_gradients(index, seed) for index in range(len(self.problem.batches))]

    def _output_gradients(self, index: int, seed: int) -> list[tuple[Tensor, ...]]:
        """Return draws of the gradients of every sample's loss in its outputs."""
        if self.kind == "type-2":
            self._named()
            return []
        samples = self.problem.batches[index].samples
        with self.problem.context():
            outputs = self._graph(index).outputs
            assert outputs is not None
            if self.kind == "empirical":
                found = self.problem.pull_loss(outputs, index)
                return [tuple((samples * part).detach() for part in found)]
        generator = torch.Generator().manual_seed(seed * 1_000_003 + index)
        return [(self._drawn(outputs.tensors[0].detach(), generator),) for _ in range(self.draws)]

    def _named(self) -> SquaredLoss | CrossEntropy:
        loss = resolve(self._loss) if isinstance(self._loss, str | Loss) else None
        if not isinstance(loss, SquaredLoss | CrossEntropy):
            raise ValueError(
                f"Fisher: kind {self.kind!r} needs a likelihood, the loss 'mse' or 'cross-entropy'; "
                "given another: take kind='empirical'"
            )
        return loss

    def _drawn(self, outputs: Tensor, generator: torch.Generator) -> Tensor:
        """Return the gradient of each sample's loss at a target drawn from the model."""
        if isinstance(self._named(), SquaredLoss):
            noise = torch.randn(outputs.shape, generator=generator, dtype=torch.float64)
            return -noise.to(outputs)
        if outputs.ndim > (3 if self.problem.stacked else 2):
            raise ValueError("Fisher: kind 'type-1' needs outputs of shape (samples, classes); flatten them")
        softmax = outputs.softmax(-1)
        flat = softmax.reshape(-1, softmax.shape[-1]).double().cpu()
        labels = torch.multinomial(flat, 1, generator=generator).to(outputs.device)
        one_hot = torch.zeros_like(softmax.reshape(flat.shape)).scatter_(1, labels, 1.0)
        return softmax - one_hot.reshape(softmax.shape)

    def _bend(self, graph: Graph, index: int, tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        assert graph.outputs is not None
        if self.kind == "type-2":
            return self.problem.bend_loss(graph.outputs, index, tangents)
        samples = self.problem.batches[index].samples
        lead = 2 if self.problem.stacked else 1
        total = [torch.zeros_like(tangent) for tangent in tangents]
        for gradients in self._gradients[index]:
            parts = zip(gradients, tangents, strict=True)
            slopes = torch.stack([(g * t).flatten(lead).sum(-1) for g, t in parts]).sum(0)
            for place, gradient in enumerate(gradients):
                weights = slopes.reshape(*slopes.shape, *[1] * (gradient.ndim - lead))
                total[place] += gradient * weights / (samples * len(self._gradients[index]))
        return total
