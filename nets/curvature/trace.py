"""Estimate the trace of an operator, with its standard error."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor

from scalewright.nets.curvature.operator import Operator

Method: TypeAlias = Literal["hutch++", "hutchinson"]


@dataclass(frozen=True)
class TraceEstimate:
    """Traces of M members.

    Attributes:
        values: (M,). errors: standard errors over the random vectors (M,); 0 where nothing was left to draw.
        products: spent. method: by which.
    """

    values: np.ndarray
    errors: np.ndarray
    products: int
    method: str


def trace(
    operator: Operator, *, products: int = 60, method: Method = "hutch++", seed: int = 0
) -> TraceEstimate:
    r"""Return $\mathrm{tr}\,A$ of every member with its standard error.

    "hutchinson": the mean of $z^T A z$ over random signs z. "hutch++": a third of the products finds a
    subspace Q that holds much of A, whose trace $\mathrm{tr}\,Q^T A Q$ is exact, and Hutchinson estimates
    the rest, $\mathrm{tr}\,(1-QQ^T) A (1-QQ^T)$: the error falls as 1/products instead of 1/sqrt(products)
    where A is positive semi-definite.

    Args:
        operator: symmetric.
        products: to spend, at least 2 ("hutchinson") or 6 ("hutch++"); at `size` products and above the trace
            is exact.
        method: "hutch++" or "hutchinson".
        seed: of the random vectors, the same for all members.

    Raises:
        ValueError: an unknown method, or too few products.

    Cost: `products`; in memory products / 3 vectors for "hutch++", 3 for "hutchinson".
    Reference: Hutchinson, Commun. Stat. Simul. 18, 1059 (1989); Meyer, Musco, Musco and Woodruff, SOSA 2021.
    """
    if method not in get_args(Method):
        raise ValueError(f"trace: method must be 'hutch++' or 'hutchinson'; given {method!r}")
    least = 6 if method == "hutch++" else 2
    if products < least:
        raise ValueError(f"trace: products must be at least {least} for {method!r}; given {products!r}")
    if products >= operator.size:
        return _exact(operator)
    generator = np.random.default_rng(seed)
    if method == "hutchinson":
        samples = _samples(operator, products, generator, None)
        return _estimate(np.zeros(operator.members), samples, products, method)
    third = products // 3
    basis = _sketch(operator, third, generator)
    inside = np.zeros(operator.members)
    for index in range(third):
        column = basis[:, :, index].contiguous()
        inside += _dot(column, operator.product(column))
    samples = _samples(operator, products - 2 * third, generator, basis)
    return _estimate(inside, samples, products, method)


def _exact(operator: Operator) -> TraceEstimate:
    total = np.zeros(operator.members)
    unit = torch.zeros(operator.members, operator.size, dtype=operator.dtype, device=operator.device)
    for index in range(operator.size):
        unit[:, index] = 1
        total += operator.product(unit)[:, index].double().cpu().numpy()
        unit[:, index] = 0
    return TraceEstimate(total, np.zeros(operator.members), operator.size, "exact")


def _sketch(operator: Operator, count: int, generator: np.random.Generator) -> Tensor:
    """Return an orthonormal basis of A times random signs (M, size, count)."""
    images = [operator.product(_signs(operator, generator)) for _ in range(count)]
    return torch.linalg.qr(torch.stack(images, dim=2))[0]


def _samples(
    operator: Operator, count: int, generator: np.random.Generator, basis: Tensor | None
) -> np.ndarray:
    """Return z^T A z (M, count) for random signs z, less their part in the basis where there is one."""
    found = []
    for _ in range(count):
        vector = _signs(operator, generator)
        if basis is not None:
            vector = vector - torch.bmm(basis, torch.bmm(basis.mT, vector[:, :, None]))[:, :, 0]
        found.append(_dot(vector, operator.product(vector)))
    return np.stack(found, axis=1)


def _estimate(inside: np.ndarray, samples: np.ndarray, products: int, method: str) -> TraceEstimate:
    errors = samples.std(axis=1, ddof=1) / np.sqrt(samples.shape[1])
    return TraceEstimate(inside + samples.mean(axis=1), errors, products, method)


def _signs(operator: Operator, generator: np.random.Generator) -> Tensor:
    drawn = torch.from_numpy(generator.integers(0, 2, operator.size) * 2.0 - 1.0)
    return drawn.to(operator.device, operator.dtype).expand(operator.members, operator.size)


def _dot(one: Tensor, two: Tensor) -> np.ndarray:
    return (one.double() * two.double()).sum(1).cpu().numpy()
