"""What a measurement of eigenvalues returns: values, residuals, certificates, and a status with advice."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Eigenpairs:
    r"""Extreme eigenvalues of the operators of M members.

    Two figures say how accurate a value is. `residuals` certify that *some* eigenvalue lies within
    residual * |value|, up to `rounding`. `certified_to` says how far the *largest* one can still be above.
    Equal eigenvalues count once, as one start vector sees one of them.

    Attributes:
        values: Ritz values (M, k), the most extreme first; nan where nothing could be found.
        residuals: |A v - theta v| / |theta| of unit vectors (M, k).
        vectors: unit eigenvectors (M, k, size).
        matvecs: products spent; a product serves all members at once.
        converged: residual <= tolerance, or at the rounding of the largest |eigenvalue| (M, k): then
            `status` counts it apart.
        certified_to: (M, k), relative to lambda_max - lambda_min: with 99 % over the random start no
            eigenvalue is further above the value, beside those that belong to the pairs before it (further
            below it, for the smallest). 1 says nothing; nan: the start was not random.
        certified_age: measurements since that random start; 0 is this one.
        rounding: what arithmetic can add to any bound, absolute (M,).
        status: one sentence: what was reached, and what to do where it is not enough.
    """

    values: np.ndarray
    residuals: np.ndarray
    vectors: Tensor
    matvecs: int
    converged: np.ndarray
    certified_to: np.ndarray
    rounding: np.ndarray
    status: str
    certified_age: int = 0

    @property
    def errors(self) -> np.ndarray:
        """Return the absolute bounds: residual * |value| + rounding (M, k)."""
        return self.residuals * np.abs(self.values) + self.rounding[:, None]

    def negated(self) -> "Eigenpairs":
        """Return the pairs of the operator with the other sign."""
        return replace(self, values=-self.values)


def smallest_tolerance(dtype: torch.dtype) -> float:
    """Return 100 times the rounding of float32 or float64, below which a residual says nothing."""
    return 100 * float(torch.finfo(dtype).eps)


def check_tolerance(caller: str, tolerance: float, dtype: torch.dtype) -> None:
    """Raise unless eigenvalues can be found in this dtype to this tolerance.

    Raises:
        TypeError: another dtype than float32 or float64.
        ValueError: a tolerance that is not positive, or below `smallest_tolerance`.
    """
    if dtype not in (torch.float32, torch.float64):
        raise TypeError(
            f"{caller}: eigenvalues need products in float32 or float64; "
            f"given {dtype}: convert the module or ensemble first"
        )
    if not tolerance > 0:
        raise ValueError(f"{caller}: tolerance must be positive; given {tolerance!r}")
    if tolerance < (least := smallest_tolerance(dtype)):
        raise ValueError(f"{caller}: tolerance must be at least {least:.2g} in {dtype}; given {tolerance!r}")


def status_of(
    converged: np.ndarray,
    residuals: np.ndarray,
    certified_to: np.ndarray,
    *,
    matvecs: int,
    tolerance: float,
    certify: float | None,
    budget: int,
    rounding: float,
) -> str:
    """Say what was reached, and what to do where it is not enough."""
    uncertified = certify is not None and not bool((certified_to[:, 0] <= certify).all())
    if converged.all() and not uncertified:
        above = int((residuals > tolerance).sum())
        but = (
            f" but {above} of {converged.size}, at the rounding {rounding:.1g} of the largest |eigenvalue|,"
            if above
            else ""
        )
        return f"converged: every residual{but} is within {tolerance:g} after {matvecs} products"
    absent = np.isnan(residuals)
    if absent.all():
        return "not converged: no pair could be found because the products are not finite: check the weights"
    faults = _faults(converged, residuals, matvecs, tolerance, budget)
    if uncertified and converged.all():
        return (
            f"not certified: the largest eigenvalue is certified to {np.nanmax(certified_to[:, 0]):.2g} of "
            f"the spectrum's range and {certify:g} was asked for after {matvecs} products: raise "
            f"budget={budget}"
        )
    return f"not converged: {int((~converged).sum())} of {converged.size} pairs, " + "; ".join(faults)


def _faults(
    converged: np.ndarray, residuals: np.ndarray, matvecs: int, tolerance: float, budget: int
) -> list[str]:
    faults = []
    absent = np.isnan(residuals)
    if len(slow := residuals[~converged & ~absent]):
        faults.append(
            f"the largest residual is {slow.max():.2g} and the tolerance {tolerance:g} "
            f"after {matvecs} products: raise budget={budget}, loosen the tolerance, or go on from the "
            "vectors found (start=pairs.vectors[:, 0])"
        )
    nothing = absent.all(1)
    if beyond := int(absent[~nothing].sum()):
        found = int((~absent[~nothing]).sum(1).min())
        faults.append(
            f"{beyond} are beyond the Krylov space of the start vector, which is exhausted (equal "
            f"eigenvalues count once): ask for k={found}, or start from another vector"
        )
    if nothing.any():
        faults.append(f"the products of {int(nothing.sum())} members are not finite: check the weights")
    return faults
