"""Measure the largest eigenvalues of the curvature of one network, or of many at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from scalewright.nets.curvature.eigenpairs import Eigenpairs, check_tolerance
from scalewright.nets.curvature.kernel import NTK
from scalewright.nets.curvature.lanczos import Which, top_eigenpairs
from scalewright.nets.curvature.operator import Operator
from scalewright.nets.curvature.operators import GaussNewton, Hessian, Residual
from scalewright.nets.curvature.problem import LossLike
from scalewright.nets.ensemble import Ensemble
from scalewright.nets.losses import Loss, resolve
from scalewright.nets.stacked import Stacked

Quantity: TypeAlias = Literal["sharpness", "raw_sharpness", "gauss_newton", "residual", "ntk"]

OPERATORS: Mapping[str, type[Hessian] | type[GaussNewton] | type[Residual] | type[NTK]] = {
    "sharpness": Hessian,
    "raw_sharpness": Hessian,
    "ntk": NTK,
    "gauss_newton": GaussNewton,
    "residual": Residual,
}


def sharpness(
    model: nn.Module | Ensemble,
    loss: LossLike,
    data: Any,
    *,
    k: int = 1,
    which: Which = "largest",
    raw: bool = False,
    metric: Mapping[str, Tensor] | None = None,
    parameters: Iterable[str] | None = None,
    chunk: int | None = None,
    dtype: torch.dtype | None = None,
    seed: int = 0,
    tolerance: float = 1e-3,
    budget: int = 200,
    basis: int = 80,
    certify: float | None = None,
) -> Eigenpairs:
    r"""Return the top eigenpairs of $\Lambda^{1/2} H \Lambda^{1/2}$ at the present weights.

    Lambda = diag(rate of each parameter / base rate): 1 for a plain module. The model is not changed. Its
    parameters with requires_grad=False are constants: not counted, not differentiated.

    Args:
        model: a module, called in the mode it is in, or an ensemble.
        loss: "mse" (1/(2P) sum of squares), "cross-entropy" (mean over samples), or for a module any
            function (outputs, targets) -> mean over the samples of a batch.
        data: an (inputs, targets) pair, the result of `data.load`, or an iterable of pairs.
        k, which, seed, tolerance, budget, basis, certify: as in `top_eigenpairs`.
        raw: the eigenvalues of H itself.
        metric, parameters, chunk, dtype: as in `Hessian`.

    Cost: about a gradient and a half a product, 10 to 50 products.

    >>> model, inputs = torch.nn.Linear(3, 1, bias=False), torch.eye(3)
    >>> found = sharpness(model, "mse", (inputs, torch.zeros(3, 1)))
    >>> round(float(found.values.max()), 4)  # of X^T X / P
    0.3333
    """
    operator = Hessian(
        model,
        loss,
        data,
        raw=raw,
        metric=metric,
        parameters=parameters,
        chunk=chunk,
        dtype=dtype,
    )
    return top_eigenpairs(
        operator,
        k,
        which=which,
        seed=seed,
        tolerance=tolerance,
        budget=budget,
        basis=basis,
        certify=certify,
    )


def measure(
    ensemble: Ensemble,
    data: Any,
    loss: str | Loss = "mse",
    quantities: Sequence[str] = ("sharpness", "gauss_newton", "residual", "ntk"),
    *,
    seed: int = 0,
    tolerance: float = 1e-3,
    budget: int = 200,
    metric: Stacked | None = None,
) -> dict[str, Eigenpairs]:
    """Return the largest eigenvalue of each quantity for every member, with residuals.

    For the squared loss Theta = P A A^T and G = A^T A have the same eigenvalues up to P; where both are
    asked for, the Gauss-Newton run starts from the vector that the kernel gives, and measures its residual.

    Args:
        ensemble: the networks, at their present weights.
        data, loss: as in `sharpness`.
        quantities: names of `OPERATORS`.
        seed, tolerance, budget: as in `top_eigenpairs`, for each quantity.
        metric: another Lambda than the ensemble's rates, such as an optimizer's `metric()`.

    Raises:
        ValueError: an unknown quantity.
    """
    for name in quantities:
        if name not in OPERATORS:
            known = ", ".join(OPERATORS)
            raise ValueError(f"measure: every quantity must be one of {known}; given {name!r}")
    if quantities:
        check_tolerance("measure", tolerance, ensemble.dtype)
    found: dict[str, Eigenpairs] = {}
    start: Tensor | None = None
    for name in (known for known in OPERATORS if known in quantities):
        operator: Operator = OPERATORS[name](ensemble, loss, data, raw=name == "raw_sharpness", metric=metric)
        found[name] = top_eigenpairs(
            operator,
            seed=seed,
            tolerance=tolerance,
            budget=budget,
            start=start if name == "gauss_newton" else None,
        )
        if isinstance(operator, NTK) and resolve(loss).name == "mse":
            start = _in_weights(operator, found[name])
        del operator  # its graph, before the next one is built
    return {name: found[name] for name in quantities}


def _in_weights(kernel: NTK, pairs: Eigenpairs) -> Tensor | None:
    """Return the top kernel vectors as vectors in weight space, or None where one of them vanishes."""
    vectors = kernel.pull(pairs.vectors[:, 0])
    norms = torch.linalg.vector_norm(vectors, dim=1)
    return vectors if bool((norms > 0).all() & norms.isfinite().all()) else None
