r"""Measure the largest eigenvalue again after the operator has moved a little, from what was found before.

A step of Davidson's method: the start is the last eigenvector, moved on in the direction in which it moved
before; every further direction is the residual r, divided by the distance of the eigenvalue from the old
spectrum, $x = \sum_i y_i \frac{\langle y_i, r\rangle}{\theta-\mu_i} + \frac{1}{\theta}(r - \sum_i y_i \langle
y_i, r\rangle)$, with some old Ritz pairs $(\mu_i, y_i)$. These are brought up to date without a product: in
the directions just multiplied the operator is known, elsewhere the old values stand in. An old direction
whose value is near the top, where it may have overtaken, is multiplied as well.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from scalewright.nets.curvature.eigenpairs import Eigenpairs, smallest_tolerance, status_of
from scalewright.nets.curvature.operator import Operator

_LIMIT, _KEPT = 20, 6  # directions held, and combinations of them that are kept when there are as many
#: One remembered direction a measurement is multiplied as well, if its old value is this near the top, in
#: units of |theta|, or no further from it than the top has moved.
_RIVALS, _RIVAL = 1, 0.05
_FAR = 0.3  # of |theta|: where the top has moved further, the old spectrum is no guide any more
_NEAR = 0.05  # of |theta|: the smallest distance from an old value that is divided by


@dataclass(frozen=True)
class Memory:
    """What a measurement leaves for the next one.

    Attributes:
        track: the last top eigenvectors (M, size), at most three, oldest first, of one sign.
        space: Ritz vectors (M, p, size), orthonormal or zero; values: their Ritz values (M, p).
        certified_to, certified_age: certificate of the last cold start, and measurements since.
    """

    track: tuple[Tensor, ...]
    space: Tensor
    values: Tensor
    certified_to: np.ndarray
    certified_age: int = 0

    def predicted(self) -> Tensor:
        """Return the next eigenvector if it moves on as it did before (M, size)."""
        last = self.track[-1]
        if len(self.track) < 2:
            return last
        moved = last - self.track[-2]
        if len(self.track) < 3:
            return last + moved
        before = self.track[-2] - self.track[-3]
        size = (before * before).sum(1).clamp_min(torch.finfo(last.dtype).tiny)
        return last + ((moved * before).sum(1) / size).clamp(0, 1)[:, None] * moved

    def followed_by(self, vector: Tensor) -> tuple[Tensor, ...]:
        """Return the track with one more vector, its sign that of the last."""
        signs = torch.where((vector * self.track[-1]).sum(1) < 0, -1.0, 1.0).to(vector)
        return (*self.track[-2:], vector * signs[:, None])


def warm_eigenpair(
    operator: Operator,
    memory: Memory,
    *,
    tolerance: float = 1e-2,
    budget: int = 200,
    noise: float = 0.5,
    seed: int = 0,
) -> tuple[Eigenpairs, Memory]:
    r"""Return the largest eigenvalue of every member near the one remembered, and the new memory.

    Args:
        operator: at the present weights.
        memory: of the measurement before.
        tolerance: on the relative residual, which is computed from the product itself.
        budget: largest number of products.
        noise: size of a fresh random vector added to the start, as a multiple of `tolerance`. It gives a
            new top direction a component that grows from measurement to measurement; larger values find
            one earlier and cost products.
        seed: of that vector.

    Returns:
        Eigenpairs with the last cold start's certificate and its age, and the memory for the next time.

    Cost: one product a direction; in memory 2 directions each, and twice the remembered space.
    Reference: Davidson, J. Comput. Phys. 17, 87 (1975).
    """
    run = _Davidson(operator, memory, tolerance)
    start = memory.predicted()
    drawn = np.random.default_rng(seed).standard_normal(operator.size)
    fresh = torch.from_numpy(drawn / np.linalg.norm(drawn)).to(start)
    norms = torch.linalg.vector_norm(start, dim=1, keepdim=True).clamp_min(1e-30)
    direction = start / norms + noise * tolerance * fresh
    rival: Tensor | None = direction
    looked_at = 0
    while rival is not None:
        direction = rival
        while run.products < budget and run.expand(direction):
            direction = run.correction()
        merged = run.merged()
        looked_at += 1
        rival = run.rival(*merged) if run.products < budget and looked_at <= _RIVALS else None
    pairs = run.eigenpairs(budget)
    track = memory.followed_by(pairs.vectors[:, 0])
    return pairs, Memory(track, *merged[:2], memory.certified_to, pairs.certified_age)


class _Davidson:
    """Directions W with their products A W, and the best vector in them, for every member."""

    def __init__(self, operator: Operator, memory: Memory, tolerance: float) -> None:
        self.operator, self.memory, self.tolerance = operator, memory, tolerance
        members = operator.members
        self.rounding = smallest_tolerance(operator.dtype)
        self.directions: list[Tensor] = []
        self.images: list[Tensor] = []
        self.projected = np.zeros((members, 0, 0))
        self.values, self.errors = np.full(members, np.nan), np.full(members, np.nan)
        self.scale = np.zeros(members)  # of |A| at the present weights: the old values may be far above it
        self.running = np.ones(members, dtype=bool)
        self.products = 0
        self.vector = torch.zeros_like(memory.track[-1])
        self._residual = self.vector

    def expand(self, direction: Tensor) -> bool:
        """Multiply by one more direction and update the best vector; return whether a member still runs."""
        for _ in range(2):
            for known in self.directions:
                direction = direction - (known * direction).sum(1, keepdim=True) * known
        norms = torch.linalg.vector_norm(direction, dim=1, keepdim=True)
        mask = torch.from_numpy(self.running).to(norms.device)[:, None] & (norms > 0) & norms.isfinite()
        direction = torch.where(mask, direction / norms, 0.0)
        image = self.operator.product(direction)
        self.directions.append(direction)
        self.images.append(image)
        self.products += 1
        overlaps = [(known * image).sum(1) for known in self.directions]
        found = (
            torch.stack([*overlaps, torch.linalg.vector_norm(image, dim=1)], 1).cpu().numpy().astype(float)
        )
        self.scale = np.fmax(self.scale, np.where(np.isfinite(found[:, -1]), found[:, -1], 0.0))
        self._project(found[:, :-1])
        self._improve()
        return bool(self.running.any())

    def _project(self, overlaps: np.ndarray) -> None:
        self.running &= np.isfinite(overlaps).all(1)
        overlaps = np.where(np.isfinite(overlaps), overlaps, 0.0)
        count = len(self.directions)
        grown = np.zeros((len(overlaps), count, count))
        grown[:, :-1, :-1] = self.projected
        grown[:, -1, :] = grown[:, :, -1] = overlaps
        self.projected = grown

    def _improve(self) -> None:
        """Take the best combination of the directions, and its residual."""
        values, vectors = np.linalg.eigh(self.projected)
        best = torch.from_numpy(vectors[:, :, -1]).to(self.vector)
        vector, image = _combine(best, self.directions), _combine(best, self.images)
        theta = torch.from_numpy(values[:, -1]).to(vector)[:, None]
        residual = image - theta * vector
        errors = torch.linalg.vector_norm(residual, dim=1).cpu().numpy().astype(float)
        mask = torch.from_numpy(self.running).to(vector.device)[:, None]
        self.vector = torch.where(mask, vector, self.vector)
        self._residual = torch.where(mask, residual, 0.0)
        self.values = np.where(self.running, values[:, -1], self.values)
        self.errors = np.where(self.running, errors, self.errors)
        self.scale = np.maximum(self.scale, np.abs(values).max(1))
        self.running &= self.errors > self._allowed()
        if len(self.directions) == _LIMIT:
            self._collapse(vectors[:, :, -_KEPT:])

    def _allowed(self) -> np.ndarray:
        return np.maximum(self.tolerance * np.abs(np.nan_to_num(self.values)), self.rounding * self.scale)

    def _collapse(self, weights: np.ndarray) -> None:
        """Go on from the best combinations."""
        turns = [torch.from_numpy(weights[:, :, i].copy()).to(self.vector) for i in range(_KEPT)]
        self.directions, self.images = (
            [_combine(turn, old) for turn in turns] for old in (self.directions, self.images)
        )
        self.projected = weights.transpose(0, 2, 1) @ self.projected @ weights

    def correction(self) -> Tensor:
        """Return the residual divided by the distance from the old spectrum (M, size)."""
        space, old = self.memory.space, self.memory.values
        theta = torch.from_numpy(np.nan_to_num(self.values)).to(old)[:, None]
        scale = torch.from_numpy(self.scale).to(old)[:, None].clamp_min(torch.finfo(old.dtype).tiny)
        near = torch.maximum(theta.abs(), _NEAR * scale)
        parts = torch.bmm(space, self._residual[:, :, None])[:, :, 0]
        weights = parts / torch.maximum(theta - old, _NEAR * near) - parts / near
        guided = self._moved() < _FAR * np.abs(np.nan_to_num(self.values))
        weights = weights * torch.from_numpy(guided).to(old)[:, None]
        return self._residual / near + torch.bmm(space.mT, weights[:, :, None])[:, :, 0]

    def _moved(self) -> np.ndarray:
        """Return by how much the top has moved since the measurement remembered (M,)."""
        return np.abs(self.values - self.memory.values[:, 0].cpu().numpy())

    def rival(self, space: Tensor, values: Tensor, stale: np.ndarray) -> Tensor | None:
        """Return the remembered direction of each member that may have overtaken the top, None if none may.

        Args:
            space, values, stale: from `merged`.
        """
        found = values.cpu().numpy().astype(float)
        margin = np.maximum(_RIVAL * np.abs(self.values), self._moved())
        near = (stale > 0.5) & (found > (self.values - margin)[:, None])
        members = near.any(1) & np.isfinite(self.values)
        if not members.any():
            return None
        self.running = members
        chosen = torch.from_numpy(near.argmax(1)).to(space.device)
        return space[torch.arange(len(space), device=space.device), chosen]

    def merged(self) -> tuple[Tensor, Tensor, np.ndarray]:
        """Return the remembered space and its values, brought up to date with the directions.

        The third is the part of every vector in which the old values stand in (M, p).
        """
        space, old = self.memory.space, self.memory.values
        known, images = torch.stack(self.directions, 1), torch.stack(self.images, 1)
        rest = space
        for _ in range(2):
            rest = rest - torch.bmm(torch.bmm(rest, known.mT), known)
        sizes, turns = np.linalg.eigh(torch.bmm(rest, rest.mT).double().cpu().numpy())
        usable = sizes > 1e-3
        scaled = np.where(usable[:, None, :], turns / np.sqrt(np.where(usable, sizes, 1.0))[:, None, :], 0.0)
        rest = torch.bmm(torch.from_numpy(scaled.transpose(0, 2, 1).copy()).to(space), rest)
        shares = torch.bmm(rest, space.mT)
        corner = torch.bmm(shares * old[:, None, :], shares.mT).double().cpu().numpy()
        across = torch.bmm(images, rest.mT).double().cpu().numpy()
        whole = np.block([[self.projected, across], [across.transpose(0, 2, 1), corner]])
        empty = np.concatenate([(known.abs().amax(2) == 0).cpu().numpy(), ~usable], 1)
        whole = np.where(np.isfinite(whole), whole, 0.0)
        rows, places = np.nonzero(empty)
        whole[rows, places, places] = -1e3 * np.maximum(self.scale[rows], 1e-30)
        values, vectors = np.linalg.eigh(whole)
        values[values < -0.5e3 * np.maximum(self.scale, 1e-30)[:, None]] = 0.0  # of null vectors
        keep = space.shape[1]
        weights = torch.from_numpy(vectors[:, :, ::-1][:, :, :keep].transpose(0, 2, 1).copy()).to(space)
        count = known.shape[1]
        turned = torch.bmm(weights[:, :, :count], known) + torch.bmm(weights[:, :, count:], rest)
        stale = (weights[:, :, count:] ** 2).sum(2).cpu().numpy()
        return turned, torch.from_numpy(values[:, ::-1][:, :keep].copy()).to(space), stale

    def eigenpairs(self, budget: int) -> Eigenpairs:
        """Return the pair of every member with the certificate of the last cold start."""
        values, errors = self.values[:, None], self.errors[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            residuals = np.where(errors == 0, 0.0, errors / np.abs(values))
        residuals = np.where(np.isfinite(values), residuals, np.nan)
        converged = np.isfinite(values) & (errors <= self._allowed()[:, None])
        proof = self.memory.certified_to
        status = status_of(
            converged,
            residuals,
            proof,
            matvecs=self.products,
            tolerance=self.tolerance,
            certify=None,
            budget=budget,
            rounding=self.rounding,
        )
        floor = self.rounding * self.scale
        return Eigenpairs(
            values,
            residuals,
            self.vector[:, None],
            self.products,
            converged,
            proof,
            floor,
            status,
            self.memory.certified_age + 1,
        )


def _combine(weights: Tensor, vectors: list[Tensor]) -> Tensor:
    """Return sum_j weights[m, j] vectors[j] (M, size)."""
    total = vectors[0] * weights[:, 0, None]
    for index, vector in enumerate(vectors[1:], start=1):
        total.addcmul_(vector, weights[:, index, None])
    return total
