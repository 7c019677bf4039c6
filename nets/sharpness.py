"""Measure the largest eigenvalues of the curvature of one network, or of many at once."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from scalewright.nets.ensemble import Ensemble, Stacked
from scalewright.nets.lanczos import Eigenpairs, check_tolerance, top_eigenpairs
from scalewright.nets.losses import Loss, resolve
from scalewright.nets.operators import NTK, GaussNewton, Hessian, Operator, Residual

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
    loss: str | Loss,
    data: Any,
    *,
    k: int = 1,
    raw: bool = False,
    seed: int = 0,
    tolerance: float = 1e-3,
    budget: int = 200,
) -> Eigenpairs:
    r"""Return the top eigenpairs of $\Lambda^{1/2} H \Lambda^{1/2}$ at the present weights.

    Lambda = diag(rate of each parameter / base rate): 1 for a plain module. The model is not changed. Its
    parameters with requires_grad=False are constants: not counted, not differentiated.

    Args:
        model: a module (an ensemble of one), or an ensemble.
        loss: "mse" (1/(2P) sum of squares) or "cross-entropy" (mean over samples).
        data: an (inputs, targets) pair or the result of `data.load`.
        k, seed, tolerance, budget: as in `top_eigenpairs`, which takes float32 and float64 only.
        raw: the eigenvalues of H itself.

    Cost: about two gradients a product, 10 to 50 products.

    >>> # sharpness(network, "mse", load("digits", samples=256)).values
    """
    ensemble = model if isinstance(model, Ensemble) else Ensemble.single(model)
    check_tolerance("sharpness", tolerance, ensemble.dtype)
    operator = Hessian(ensemble, loss, data, raw=raw)
    return top_eigenpairs(operator, k, seed=seed, tolerance=tolerance, budget=budget)


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
    vectors = kernel.pull(pairs.vectors[:, 0].reshape(kernel.outputs_shape))
    norms = torch.linalg.vector_norm(vectors, dim=1)
    return vectors if bool((norms > 0).all() & norms.isfinite().all()) else None
