"""The quantities that can be measured by name, of one model at its present weights."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from scalewright.nets.curvature.eigenpairs import Eigenpairs
from scalewright.nets.curvature.kernel import NTK
from scalewright.nets.curvature.lanczos import top_eigenpairs
from scalewright.nets.curvature.operators import Curvature, GaussNewton, Hessian, Residual
from scalewright.nets.curvature.overlap import directional_sharpness
from scalewright.nets.curvature.trace import TraceEstimate, trace

#: Quantity -> (operator, name of the variable in the trajectory).
EIGENVALUES: Mapping[str, tuple[Callable[..., Curvature], str]] = {
    "hessian": (Hessian, "sharpness"),
    "gauss_newton": (GaussNewton, "gauss_newton"),
    "residual": (Residual, "residual"),
    "ntk": (NTK, "ntk"),
}
TRACES: Mapping[str, Callable[..., Curvature]] = {"trace": GaussNewton, "hessian_trace": Hessian}
QUANTITIES = (*EIGENVALUES, *TRACES, "directional_sharpness")


def check_quantities(caller: str, names: Sequence[str]) -> None:
    """Raise ValueError unless every name is a quantity."""
    for name in names:
        if name not in QUANTITIES:
            raise ValueError(
                f"{caller}: every quantity must be one of {', '.join(QUANTITIES)}; given {name!r}"
            )


def number_of(name: str, build: Callable[..., Curvature], *, probes: int, seed: int) -> TraceEstimate:
    """Return a trace with its standard error, or the curvature along the gradient (error 0).

    Args:
        name: one of `TRACES`, or "directional_sharpness". build: makes an operator of the kind it is given.
        probes: products of a trace. seed: of its random vectors.
    """
    if name in TRACES:
        operator = build(TRACES[name])
        return trace(operator, products=max(6, probes), seed=seed)
    operator = build(Hessian)
    assert isinstance(operator, Hessian)
    values = directional_sharpness(operator, operator.gradient())
    return TraceEstimate(values, np.zeros_like(values), 1, name)


def quantities(
    model: Any,
    loss: Any,
    data: Any,
    names: Sequence[str] = ("hessian",),
    *,
    k: int = 1,
    tolerance: float = 1e-3,
    budget: int = 200,
    certify: float | None = None,
    probes: int = 60,
    seed: int = 0,
    **options: Any,
) -> dict[str, Eigenpairs | TraceEstimate]:
    """Return every named quantity at the present weights.

    Args:
        model, loss, data, options: as in `Hessian`.
        names: of "hessian", "gauss_newton", "residual", "ntk" (the k largest eigenvalues), "trace" (of G),
            "hessian_trace", "directional_sharpness".
        k, tolerance, budget, certify: of the eigenvalues, as in `top_eigenpairs`.
        probes: products of a trace. seed: of every random vector.

    Raises:
        ValueError: an unknown name, and whatever the operators refuse.
    """
    check_quantities("quantities", names)

    def build(kind: Callable[..., Curvature]) -> Curvature:
        return kind(model, loss, data, **options)

    found: dict[str, Eigenpairs | TraceEstimate] = {}
    for name in names:
        if name in EIGENVALUES:
            found[name] = top_eigenpairs(
                build(EIGENVALUES[name][0]), k, seed=seed, tolerance=tolerance, budget=budget, certify=certify
            )
        else:
            found[name] = number_of(name, build, probes=probes, seed=seed)
    return found
