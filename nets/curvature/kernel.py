"""The neural tangent kernel as an operator on outputs, and as a matrix."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, final

import torch
from torch import Tensor

from scalewright.nets.curvature.operators import Jacobian

Form: TypeAlias = Literal["outputs", "samples"]


@final
class NTK(Jacobian):
    r"""$\Theta = J \Lambda J^T$, the neural tangent kernel.

    As "outputs", on vectors of length P K (sample first); as "samples", the mean over the outputs
    $\frac{1}{K} \sum_k J_k \Lambda J_k^T$, on vectors of length P.

    The model returns one tensor (P, ...), whose entries beside the first axis are the K outputs.
    """

    def __init__(self, *args: Any, form: Form = "outputs", **kwargs: Any) -> None:
        """Take the arguments of `Hessian`, and the form.

        Raises:
            ValueError: another form, or a model with several output tensors.
        """
        if form not in ("outputs", "samples"):
            raise ValueError(f"NTK: form must be 'outputs' or 'samples'; given {form!r}")
        super().__init__(*args, **kwargs)
        self.form = form
        with torch.no_grad(), self.problem.context():
            shapes = [self._output(index).shape for index in range(len(self.problem.batches))]
        lead = 1 if self.problem.stacked else 0
        self._samples = [shape[lead] for shape in shapes]
        self._outputs = shapes[0][lead + 1 :].numel()
        self._shapes = shapes
        self.size = sum(self._samples) * (self._outputs if form == "outputs" else 1)

    def _output(self, index: int) -> Tensor:
        tensors = self._graphs[index].outputs if self._kept else self.problem.outputs(index)
        assert tensors is not None
        if len(tensors.tensors) != 1:
            raise ValueError(
                f"NTK: the model must return one real tensor; given {len(tensors.tensors)}: wrap it in a "
                "module that returns the one you mean"
            )
        return tensors.tensors[0]

    def product(self, vectors: Tensor) -> Tensor:
        """Return Theta u. Cost: a gradient; K of them as "samples"; twice that without the graph."""
        if self.form == "outputs":
            return self._kernel(vectors)
        total = torch.zeros_like(vectors)
        for output in range(self._outputs):
            spread = vectors.new_zeros(*vectors.shape, self._outputs)
            spread[..., output] = vectors
            image = self._kernel(spread.flatten(1))
            total += image.reshape(spread.shape)[..., output]
        return total / self._outputs

    def pull(self, vectors: Tensor) -> Tensor:
        """Return Lambda^1/2 J^T u (M, parameters) for u (M, P K)."""
        with self.problem.context():
            return self._flat(self._pulled(vectors))

    def push(self, vectors: Tensor) -> Tensor:
        """Return J Lambda^1/2 v (M, P K) for v (M, parameters)."""
        with self.problem.context():
            return self._pushed(self._split(vectors))

    def _kernel(self, vectors: Tensor) -> Tensor:
        with self.problem.context():
            # Lambda as a whole: once its root on the way to the weights, once on the way back.
            return self._pushed(self._rescale(self._rescale(list(self._pulled(vectors)))))

    def _pulled(self, vectors: Tensor) -> Sequence[Tensor]:
        parts = vectors.split([samples * self._outputs for samples in self._samples], dim=1)
        total: list[Tensor] | None = None
        for index, part in enumerate(parts):
            image = self._pull(self._graph(index), (part.reshape(self._shapes[index]),))
            total = list(image) if total is None else [t + i for t, i in zip(total, image, strict=True)]
        assert total is not None
        return total

    def _pushed(self, parts: Sequence[Tensor]) -> Tensor:
        pieces = [
            self._push(self._graph(index), parts)[0].reshape(self.members, -1)
            for index in range(len(self.problem.batches))
        ]
        return torch.cat(pieces, dim=1)

    def dense(self) -> Tensor:
        """Return the kernel (M, size, size), from the rows of J Lambda^1/2.

        Cost: P K backward passes, and P K times the parameters in memory.
        """
        count = sum(self._samples) * self._outputs
        unit = torch.zeros(self.members, count, dtype=self.dtype, device=self.device)
        rows = []
        for index in range(count):
            unit[:, index] = 1
            rows.append(self.pull(unit))
            unit[:, index] = 0
        jacobian = torch.stack(rows, dim=1)
        if self.form == "outputs":
            return jacobian @ jacobian.mT
        by_output = jacobian.reshape(self.members, sum(self._samples), self._outputs, -1)
        return torch.einsum("mpkn,mqkn->mpq", by_output, by_output) / self._outputs
