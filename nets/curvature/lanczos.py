"""Find extreme eigenpairs of many symmetric operators in step, by Lanczos with thick restarts."""

from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from scalewright.nets.curvature.basis import Basis
from scalewright.nets.curvature.certificate import CONFIDENCE, Christoffel, certified, smallest_overlap
from scalewright.nets.curvature.eigenpairs import Eigenpairs, check_tolerance, smallest_tolerance, status_of
from scalewright.nets.curvature.operator import Operator
from scalewright.nets.curvature.projection import Projection
from scalewright.nets.curvature.start import given_start, random_start

Which: TypeAlias = Literal["largest", "smallest"]


def top_eigenpairs(
    operator: Operator,
    k: int = 1,
    *,
    which: Which = "largest",
    seed: int = 0,
    tolerance: float = 1e-3,
    budget: int = 200,
    basis: int = 80,
    certify: float | None = None,
    start: Tensor | None = None,
) -> Eigenpairs:
    r"""Return the k largest (or smallest) algebraic eigenvalues and their vectors for every member.

    Lanczos with full reorthogonalisation and thick restart, stopped for each member at the residual
    $\beta_j |s_j| \le \mathrm{tolerance}\,|\theta|$. The residual of a Ritz pair is known without a further
    product: A V = V T + beta q e^T. What says that the eigenvalue is the largest is the random start, and
    `certified_to` says within what.

    Args:
        operator: symmetric; acts on (M, size).
        k: how many; at most `operator.size`.
        which: "largest" or "smallest" algebraic eigenvalues.
        seed: of the start vector, which is the same for all members.
        tolerance: on the relative residual, at least 100 times the rounding of the operator's dtype; the
            error of a value is about its square over the gap.
        budget: largest number of products.
        basis: largest number of vectors held, at least k + 2; a full basis is restarted from its best ones.
        certify: go on until `certified_to` of the first pair is at most this. The bound of Kuczynski and
            Wozniakowski (`products_needed`) says before the run how many products suffice.
        start: start vectors (M, size) instead of random ones; then nothing is certified.

    Returns:
        Eigenpairs; a member that is not converged says so in `converged`, and `status` says what to do.

    Raises:
        TypeError: an operator of another dtype than float32 or float64.
        ValueError: an argument out of range, a start of another shape or zero, an operator that turns out
            not to be symmetric.

    Cost: one product a step; `basis` + 3 vectors a member in memory, fewer where fewer steps are taken.
    Reference: Golub and Van Loan, Matrix Computations, 4th ed., section 10.3; Wu and Simon, SIAM J. Matrix
    Anal. Appl. 22, 602 (2000), for the restart.
    """
    _check(operator, k, which, tolerance, budget, basis, certify)
    run = Lanczos(
        operator if which == "largest" else -operator, k, tolerance=tolerance, certify=certify, basis=basis
    )
    run.begin(
        random_start(operator, seed) if start is None else given_start(operator, start), certain=start is None
    )
    for _ in range(budget):
        if not run.step():
            break
    pairs = run.finish(budget)
    return pairs if which == "largest" else pairs.negated()


class Lanczos:
    """The state of a run: basis, projected problems, certificates, and which members still run."""

    def __init__(
        self,
        operator: Operator,
        k: int,
        *,
        tolerance: float,
        certify: float | None,
        basis: int,
        keep: int = 0,
    ) -> None:
        """Prepare a run for k pairs; `keep` Ritz vectors in all are left in `space`, converged or not."""
        self.keep = max(k, min(keep, operator.size))
        self.operator, self.k, self.tolerance, self.certify = operator, k, tolerance, certify
        self.limit = min(basis, operator.size)
        members = operator.members
        self.basis = Basis(members, operator.size, operator.dtype, operator.device)
        self.projection, self.kernel = Projection(members), Christoffel(members)
        self.rounding = smallest_tolerance(operator.dtype)
        self.overlap = smallest_overlap(operator.size, CONFIDENCE, self.rounding)
        self.running = np.ones(members, dtype=bool)
        self.scale, self.bottom = np.zeros(members), np.full(members, np.inf)
        self.values = np.full((members, k), np.nan)
        self.estimates = np.full((members, k), np.nan)
        self.space, self.space_values = torch.empty(0), np.zeros((members, self.keep))
        self._found: dict[int, np.ndarray] = {}
        self.products = self.steps = 0
        self._image: Tensor | None = None
        self._norms: Tensor | None = None

    def begin(self, start: Tensor, *, certain: bool) -> None:
        """Set the unit start vectors (M, size); `certain` where they are random."""
        self.certain = certain
        self._image = start.clone()
        self._norms = torch.linalg.vector_norm(start, dim=1)

    def step(self) -> bool:
        """Spend one product on all members that run; return whether one still does."""
        assert self._image is not None
        assert self._norms is not None
        if self.basis.count == self.limit < self.operator.size:
            self._restart()
        vector = self.basis.append(self._image, self._norms)
        self._image = None
        image = self.operator.product(vector)
        if image.data_ptr() == vector.data_ptr():  # an operator that returns what it was given
            image = image.clone()
        couplings = torch.from_numpy(self.projection.couplings()).to(image)
        alphas, norms, defects = self.basis.orthogonalise(image, couplings)
        found = torch.stack([alphas, norms, defects]).cpu().numpy().astype(float)
        self._extend(*found)
        self.products += 1
        self._stop()
        # A member that stopped gets null vectors: they cost its share of a product and change nothing.
        mask = torch.from_numpy(self.running).to(norms.device)
        self._image, self._norms = image, torch.where(mask, norms, 0.0)
        return bool(self.running.any())

    def _extend(self, alphas: np.ndarray, norms: np.ndarray, defects: np.ndarray) -> None:
        finite = np.isfinite(alphas) & np.isfinite(norms)
        self.running &= finite  # an operator that is not finite stops here with nothing found
        self.scale = np.fmax(self.scale, np.where(finite, np.abs(alphas) + norms, 0.0))
        self._check_symmetry(np.where(self.running, defects, 0.0))
        alphas, norms = np.where(finite, alphas, 0.0), np.where(finite, norms, 0.0)
        self.projection.extend(alphas, norms)
        self.kernel.extend(alphas, norms)
        self.steps += 1

    def _check_symmetry(self, defects: np.ndarray) -> None:
        allowed = float(torch.finfo(self.operator.dtype).eps) ** 0.5
        if bool((defects > allowed * self.scale).any()):
            worst = float((defects / np.maximum(self.scale, np.finfo(float).tiny)).max())
            raise ValueError(
                "operator must be symmetric, and the same at every product; given one whose products miss "
                f"symmetry by {worst:.1g} of its norm, where rounding allows {allowed:.1g}: a layer of a "
                "model may lack a right second derivative"
            )

    def _due(self) -> bool:
        """Whether to solve the projected problems now: always while they are small beside a product."""
        return len(self.running) * self.projection.count**3 < 3e6 or self.projection.count % 4 == 0

    def _stop(self, *, last: bool = False) -> None:
        """Stop the members that meet what is asked for or whose basis is exhausted; all of them at `last`."""
        beta = self.projection.betas
        exhausted = beta <= self.rounding * self.scale
        full = self.projection.count == self.operator.size
        everyone = last or full or self._due()
        members = np.flatnonzero(self.running if everyone else self.running & exhausted)
        if not len(members):
            return
        values, vectors = self.projection.solve(members)
        k = min(self.k, values.shape[1])
        self.bottom[members] = np.minimum(self.bottom[members], values[:, -1])
        self.values[members, :k] = values[:, :k]
        estimates = beta[members, None] * np.abs(vectors[:, -1, :k])
        self.estimates[members, :k] = estimates
        self.scale[members] = np.maximum(self.scale[members], np.abs(values).max(1))
        floor = self.rounding * self.scale[members, None]
        enough = (estimates <= np.maximum(self.tolerance * np.abs(values[:, :k]), floor)).all(1)
        enough &= self.projection.count >= self.k
        if self.certify is not None and self.certain:
            enough &= self._certified(members)
        done = enough | exhausted[members] | last | full
        for place in np.flatnonzero(done):
            self._found[int(members[place])] = vectors[place, :, : self.keep].T
            self.space_values[members[place], : values.shape[1]] = values[place, : self.keep]
        self.running[members[done]] = False
        self.kernel.stop(members[done])

    def _certified(self, members: np.ndarray) -> np.ndarray:
        """Whether the top pair of each of `members` is certified as asked."""
        assert self.certify is not None
        span = self.values[:, 0] - self.bottom
        point = self.values[:, 0] + np.maximum(self.certify * span - self.rounding * self.scale, 0)
        over = self.kernel.log(point[:, None])[:, 0] > -2 * np.log(max(self.overlap, 1e-300))
        return np.asarray((over & (point > self.values[:, 0]))[members])

    def _restart(self) -> None:
        """Keep the best Ritz vectors of every running member, and the pairs found of the others."""
        running = np.flatnonzero(self.running)
        values, vectors = self.projection.solve(running)
        kept = max(self.keep, min(self.k + (self.limit - self.k) * 2 // 5, self.limit - 2))
        members = len(self.running)
        weights = np.zeros((members, kept, self.limit))
        held, couplings = np.zeros((members, kept)), np.zeros((members, kept))
        weights[running] = vectors[:, :, :kept].transpose(0, 2, 1)
        held[running] = values[:, :kept]
        couplings[running] = self.projection.betas[running, None] * vectors[:, -1, :kept]
        for member, found in self._found.items():
            weights[member, : len(found), : found.shape[1]] = found
            self._found[member] = np.eye(len(found), kept)
        self.basis.rotate(weights)
        self.projection.restart(held, couplings)
        self.kernel.restart(held, couplings)

    def finish(self, budget: int) -> Eigenpairs:
        """Return what was found."""
        self._stop(last=True)
        self._image = self._norms = None
        weights = np.zeros((len(self.running), self.keep, self.basis.count))
        for member, found in self._found.items():
            weights[member, : len(found), : found.shape[1]] = found
        self.basis.rotate(weights)
        self.space = self.basis.vectors()
        vectors = self.space[:, : self.k]
        present = np.isfinite(self.values)
        size = np.abs(self.values)
        with np.errstate(invalid="ignore", divide="ignore"):
            residuals = np.where(self.estimates == 0, 0.0, self.estimates / size)
        residuals = np.where(present, residuals, np.nan)
        floor = self.rounding * self.scale
        met = self.estimates <= np.maximum(self.tolerance * np.nan_to_num(size), floor[:, None])
        converged = present & met
        proof = self._certificates()
        status = status_of(
            converged,
            residuals,
            proof,
            matvecs=self.products,
            tolerance=self.tolerance,
            certify=self.certify,
            budget=budget,
            rounding=self.rounding,
        )
        return Eigenpairs(self.values, residuals, vectors, self.products, converged, proof, floor, status)

    def _certificates(self) -> np.ndarray:
        if not self.certain:
            return np.full_like(self.values, np.nan)
        if self.steps >= self.operator.size:
            return np.where(np.isfinite(self.values), self.rounding, np.nan)
        values = np.where(np.isfinite(self.values), self.values, 0.0)
        bottom = np.where(np.isfinite(self.bottom), self.bottom, 0.0)
        proof = certified(self.kernel, values, bottom, self.overlap, self.rounding * self.scale)
        return np.where(np.isfinite(self.values), proof, np.nan)


def _check(
    operator: Operator,
    k: int,
    which: str,
    tolerance: float,
    budget: int,
    basis: int,
    certify: float | None,
) -> None:
    if operator.device.type == "meta":
        raise ValueError("top_eigenpairs: a model on the meta device has no values: materialise it first")
    if not 1 <= k <= operator.size:
        raise ValueError(
            f"top_eigenpairs: k must be between 1 and the dimension {operator.size}; given {k!r}"
        )
    if which not in ("largest", "smallest"):
        raise ValueError(f"top_eigenpairs: which must be 'largest' or 'smallest'; given {which!r}")
    check_tolerance("top_eigenpairs", tolerance, operator.dtype)
    if budget < k:
        raise ValueError(f"top_eigenpairs: budget must be at least k = {k} products; given {budget!r}")
    if basis < min(k + 2, operator.size):
        raise ValueError(f"top_eigenpairs: basis must be at least k + 2 = {k + 2} vectors; given {basis!r}")
    if certify is not None and not certify > 0:
        raise ValueError(f"top_eigenpairs: certify must be positive; given {certify!r}")
