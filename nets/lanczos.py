"""Find the top eigenpairs of many symmetric operators in step, by Lanczos, with their true residuals."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from scalewright.nets.operators import Operator

_CHUNK = 8  # basis vectors allocated at a time: memory follows the steps taken, not the budget


@dataclass(frozen=True)
class Eigenpairs:
    """Largest (algebraic) eigenvalues of the operators of M members.

    A residual certifies that *some* eigenvalue lies within residual * |value| of the value. That it is the
    largest rests on the random start. Equal eigenvalues count once, as one start vector sees one of them.

    Attributes:
        values: Rayleigh quotients (M, k), descending; nan where nothing could be found.
        residuals: |A v - theta v| / |theta| of unit vectors, from a product spent on it (M, k).
        vectors: unit eigenvectors (M, k, size).
        matvecs: products spent; a product serves all members at once.
        converged: residual <= tolerance, or at the rounding of the largest |eigenvalue| (M, k): then
            `status` counts it apart.
        status: one sentence: what was reached, and what to do where it is not enough.
    """

    values: np.ndarray
    residuals: np.ndarray
    vectors: Tensor
    matvecs: int
    converged: np.ndarray
    status: str


def top_eigenpairs(
    operator: Operator,
    k: int = 1,
    *,
    seed: int = 0,
    tolerance: float = 1e-3,
    budget: int = 200,
    start: Tensor | None = None,
) -> Eigenpairs:
    r"""Return the k largest algebraic eigenvalues and their vectors for every member.

    Lanczos with full reorthogonalisation, stopped for each member by the estimate
    $\beta_j |s_j| \le \mathrm{tolerance}\,|\theta|$; then k products measure the true residuals.

    Args:
        operator: symmetric; acts on (M, size).
        k: how many; at most `operator.size`.
        seed: of the start vector, which is the same for all members.
        tolerance: on the relative residual, at least 100 times the rounding of the operator's dtype; the
            error of a value is about its square over the gap.
        budget: largest number of products, the k last ones included.
        start: start vectors (M, size) instead of random ones.

    Returns:
        Eigenpairs; a member that is not converged says so in `converged`, and `status` says what to do.

    Raises:
        TypeError: an operator of another dtype than float32 or float64.
        ValueError: k, tolerance or budget out of range, a start of another shape or zero.

    Cost: one product a step, and steps + 3 vectors a member in memory.
    Reference: Golub and Van Loan, Matrix Computations, 4th ed., section 10.3.
    """
    _check(operator, k, tolerance, budget)
    vector = _start(operator, seed, start)
    basis = _Basis(operator)
    members = _Members(operator, k, tolerance)
    steps = min(budget - k, operator.size)
    for step in range(1, steps + 1):
        basis.append(vector)
        image, overlaps = basis.orthogonalise(operator.product(vector))
        norms = torch.linalg.vector_norm(image, dim=1)
        members.extend(overlaps.cpu().numpy().astype(float), norms.cpu().numpy().astype(float))
        members.stop(last=step == steps)
        if not members.running.any():
            break
        # A member that stopped gets null vectors: they cost its share of a product and change nothing.
        scale = torch.from_numpy(np.where(members.running, members.betas[-1], np.inf)).to(image)
        vector = image / scale[:, None]
    return _finish(operator, basis.combine(members.coefficients(step)), members, step, tolerance, budget)


class _Basis:
    """The Lanczos vectors (M, steps, size), in chunks that grow with the steps."""

    def __init__(self, operator: Operator) -> None:
        self._chunks: list[Tensor] = []
        self._count = 0
        self._shape = (operator.members, _CHUNK, operator.size)

    def append(self, vector: Tensor) -> None:
        if self._count % _CHUNK == 0:
            self._chunks.append(vector.new_empty(self._shape))
        self._chunks[-1][:, self._count % _CHUNK] = vector
        self._count += 1

    def _filled(self) -> list[Tensor]:
        used = self._count - _CHUNK * (len(self._chunks) - 1)
        return [*self._chunks[:-1], self._chunks[-1][:, :used]]

    def orthogonalise(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the image less its part in the basis, and its overlap with the last vector (M,).

        The last two vectors are taken out first, which in exact arithmetic is all; the pass over the whole
        basis then removes what rounding left.
        """
        alphas = torch.zeros_like(image[:, 0])
        for index in range(max(self._count - 2, 0), self._count):
            vector = self._chunks[index // _CHUNK][:, index % _CHUNK]
            alphas = (vector * image).sum(1)
            image = image - alphas[:, None] * vector
        for chunk in self._filled():
            overlaps = torch.bmm(chunk, image[:, :, None])
            image = torch.baddbmm(image[:, None], overlaps.mT, chunk, alpha=-1)[:, 0]
        return image, alphas

    def combine(self, coefficients: np.ndarray) -> Tensor:
        """Return sum_j coefficients[m, i, j] q_j as (M, k, size)."""
        weights = torch.from_numpy(coefficients).to(self._chunks[0])
        parts = weights.split(_CHUNK, dim=2)
        return sum(
            (torch.bmm(part, chunk) for part, chunk in zip(parts, self._filled(), strict=True)),
            start=weights.new_zeros(()),
        )


class _Members:
    """The projected problems: a tridiagonal matrix a member, grown in step, solved until each one stops."""

    def __init__(self, operator: Operator, k: int, tolerance: float) -> None:
        self.alphas: list[np.ndarray] = []
        self.betas: list[np.ndarray] = []
        self.k, self.tolerance = k, tolerance
        self.running = np.ones(operator.members, dtype=bool)
        self.scale = np.zeros(operator.members)
        self.rounding = smallest_tolerance(operator.dtype)
        self._found: dict[int, np.ndarray] = {}

    def extend(self, alphas: np.ndarray, betas: np.ndarray) -> None:
        self.alphas.append(alphas)
        self.betas.append(betas)
        finite = np.isfinite(alphas) & np.isfinite(betas)
        self.running &= finite  # an operator that is not finite stops here with nothing found
        self.scale = np.fmax(self.scale, np.where(finite, np.abs(alphas) + betas, 0.0))

    def stop(self, *, last: bool) -> None:
        """Stop the members that meet the tolerance or whose basis is exhausted, and all at the last step."""
        step = len(self.alphas)
        due = last or step <= 40 or step % 5 == 0
        beta = self.betas[-1]
        exhausted = beta <= self.rounding * self.scale
        members = np.flatnonzero(self.running if due else self.running & exhausted)
        if not len(members):
            return
        values, vectors = np.linalg.eigh(self._projected(members))
        top, coefficients = values[:, ::-1][:, : self.k], vectors[:, :, ::-1][:, :, : self.k]
        estimates = beta[members, None] * np.abs(coefficients[:, -1])
        floor = self.rounding * self.scale[members, None]
        met = (estimates <= np.maximum(self.tolerance * np.abs(top), floor)).all(1) & (step >= self.k)
        for member, enough, weights in zip(members, met, coefficients, strict=True):
            if enough or exhausted[member] or last:
                self.running[member] = False
                self._found[int(member)] = weights.T

    def coefficients(self, steps: int) -> np.ndarray:
        """Return the Ritz vectors in the basis (M, k, steps), zero where there are none."""
        weights = np.zeros((len(self.running), self.k, steps))
        for member, found in self._found.items():
            weights[member, : found.shape[0], : found.shape[1]] = found
        return weights

    def _projected(self, members: np.ndarray) -> np.ndarray:
        step = len(self.alphas)
        matrix = np.zeros((len(members), step, step))
        diagonal = np.arange(step)
        matrix[:, diagonal, diagonal] = np.stack(self.alphas, 1)[members]
        if step > 1:
            off = np.stack(self.betas[:-1], 1)[members]
            matrix[:, diagonal[1:], diagonal[:-1]] = off
            matrix[:, diagonal[:-1], diagonal[1:]] = off
        return matrix


def _finish(
    operator: Operator, vectors: Tensor, members: _Members, steps: int, tolerance: float, budget: int
) -> Eigenpairs:
    """Measure the residuals by one product a pair."""
    norms = torch.linalg.vector_norm(vectors, dim=2, keepdim=True)
    vectors = torch.where(norms > 0, vectors / norms.clamp_min(1e-30), 0)
    images = torch.stack([operator.product(vectors[:, i].contiguous()) for i in range(members.k)], dim=1)
    quotients = (vectors * images).sum(2)
    errors = (
        torch.linalg.vector_norm(images - quotients[:, :, None] * vectors, dim=2).cpu().numpy().astype(float)
    )
    found = norms[:, :, 0].cpu().numpy() > 0
    values = np.where(found, quotients.cpu().numpy().astype(float), np.nan)
    size = np.abs(values)
    residuals = np.where(found, errors / np.maximum(size, np.finfo(float).tiny), np.nan)
    residuals[errors == 0] = np.where(found[errors == 0], 0.0, np.nan)
    met = errors <= np.maximum(tolerance * np.nan_to_num(size), members.rounding * members.scale[:, None])
    converged = found & met
    matvecs = steps + members.k
    return Eigenpairs(
        values,
        residuals,
        vectors,
        matvecs,
        converged,
        _status(converged, residuals, matvecs, tolerance, budget, members.rounding),
    )


def _status(
    converged: np.ndarray,
    residuals: np.ndarray,
    matvecs: int,
    tolerance: float,
    budget: int,
    rounding: float,
) -> str:
    if converged.all():
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
    faults = []
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
    return f"not converged: {int((~converged).sum())} of {converged.size} pairs, " + "; ".join(faults)


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
            f"{caller}: eigenvalues need networks in float32 or float64; "
            f"given {dtype}: convert the module or ensemble first"
        )
    if not tolerance > 0:
        raise ValueError(f"{caller}: tolerance must be positive; given {tolerance!r}")
    if tolerance < (least := smallest_tolerance(dtype)):
        raise ValueError(f"{caller}: tolerance must be at least {least:.2g} in {dtype}; given {tolerance!r}")


def _start(operator: Operator, seed: int, start: Tensor | None) -> Tensor:
    shape = (operator.members, operator.size)
    if start is None:
        drawn = torch.from_numpy(np.random.default_rng(seed).standard_normal(operator.size))
        start = drawn.to(operator.device, operator.dtype).expand(shape)
    if tuple(start.shape) != shape:
        raise ValueError(f"top_eigenpairs: start must have the shape {shape}; given {tuple(start.shape)}")
    norms = torch.linalg.vector_norm(start, dim=1, keepdim=True)
    if not bool((norms > 0).all()):
        raise ValueError("top_eigenpairs: start must be non-zero for every member; given a zero vector")
    return start / norms


def _check(operator: Operator, k: int, tolerance: float, budget: int) -> None:
    if not 1 <= k <= operator.size:
        raise ValueError(
            f"top_eigenpairs: k must be between 1 and the dimension {operator.size}; given {k!r}"
        )
    check_tolerance("top_eigenpairs", tolerance, operator.dtype)
    if budget < 2 * k:
        raise ValueError(f"top_eigenpairs: budget must be at least 2 k = {2 * k} products; given {budget!r}")
