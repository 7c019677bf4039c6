"""Symmetric linear operators that act on one vector a member, and what can be built from them."""

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np
import torch
from torch import Tensor


class Operator(ABC):
    """A symmetric linear operator for each member: (M, size) -> (M, size).

    `a + b`, `a - b`, `-a`, `2.0 * a` are operators again: one product of each term a product.

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

    def __add__(self, other: "Operator") -> "Operator":
        return Combination(((1.0, self), (1.0, other)))

    def __sub__(self, other: "Operator") -> "Operator":
        return Combination(((1.0, self), (-1.0, other)))

    def __neg__(self) -> "Operator":
        return Combination(((-1.0, self),))

    def __mul__(self, factor: float) -> "Operator":
        return Combination(((float(factor), self),))

    __rmul__ = __mul__

    def dense(self) -> Tensor:
        """Return the matrices (M, size, size). Cost: `size` products, and size^2 numbers a member."""
        matrix = torch.empty(self.members, self.size, self.size, dtype=self.dtype, device=self.device)
        column = torch.zeros(self.members, self.size, dtype=self.dtype, device=self.device)
        for index in range(self.size):
            column[:, index] = 1
            matrix[:, :, index] = self.product(column)
            column[:, index] = 0
        return matrix

    def to_scipy(self, member: int = 0) -> Any:
        """Return one member as a `scipy.sparse.linalg.LinearOperator` on numpy arrays.

        A product computes every member, the others with a null vector: for scipy, build operators of one.

        Raises:
            ValueError: a member that is not there.
        """
        from scipy.sparse.linalg import LinearOperator

        if not 0 <= member < self.members:
            raise ValueError(f"to_scipy: member must lie between 0 and {self.members - 1}; given {member!r}")

        def product(vector: np.ndarray) -> np.ndarray:
            vectors = torch.zeros(self.members, self.size, dtype=self.dtype, device=self.device)
            vectors[member] = torch.from_numpy(np.asarray(vector, order="C").reshape(-1)).to(vectors)
            return self.product(vectors)[member].detach().cpu().numpy()

        kind = np.dtype(str(self.dtype).removeprefix("torch."))
        return LinearOperator((self.size, self.size), matvec=product, rmatvec=product, dtype=kind)


@final
class Combination(Operator):
    r"""$\sum_i c_i A_i$: a sum, difference or multiple of operators.

    Args:
        terms: pairs (c_i, A_i) of operators with the same members, size, dtype and device.

    Raises:
        TypeError: a term that is no `Operator`.
        ValueError: terms that do not act on the same vectors.

    Cost: one product of each term.
    """

    def __init__(self, terms: tuple[tuple[float, Operator], ...]) -> None:
        for _, operator in terms:
            if not isinstance(operator, Operator):
                raise TypeError(f"operators combine with operators; given {type(operator).__name__}")
        self.terms = terms
        first = terms[0][1]
        self.members, self.size = first.members, first.size
        self.dtype, self.device = first.dtype, first.device
        for _, operator in terms:
            if _acts_on(operator) != _acts_on(first):
                raise ValueError(
                    "operators combine where they act on the same vectors; given "
                    f"{_acts_on(first)} and {_acts_on(operator)}"
                )

    def product(self, vectors: Tensor) -> Tensor:
        """Return sum_i c_i A_i v."""
        images = (operator.product(vectors) * factor for factor, operator in self.terms)
        total = next(images)
        for image in images:
            total = total + image
        return total


def _acts_on(operator: Operator) -> str:
    shape = (operator.members, operator.size)
    return f"{shape} of {operator.dtype} on {operator.device}"
