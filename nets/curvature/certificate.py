r"""Say how far the largest eigenvalue can be above the one found: what a random start proves.

A unit start b drawn uniformly on the sphere of R^n has with the top eigenvector the overlap $\gamma$, and
$\gamma^2$ is Beta(1/2, (n-1)/2)-distributed: with 99 % it is at least $\delta^2 \approx 1.57\cdot10^{-4}/n$.
A run of Lanczos knows the first moments of the measure $\sum_i \gamma_i^2\,\delta_{\lambda_i}$. The largest
mass that any measure with these moments has at a point t is the Christoffel function

$$1/K(t), \qquad K(t) = \sum_{j=0}^{k} p_j(t)^2,$$

with the orthonormal polynomials $p_j$ of the tridiagonal matrix. So with 99 % no eigenvalue is where
$K(t) > 1/\delta^2$. This bound takes the spectrum into account that was seen; the one of Kuczynski and
Wozniakowski holds for the worst spectrum, before the run.
"""

import math
from dataclasses import dataclass, field

import numpy as np

CONFIDENCE = 0.99
_POINTS, _ROUNDS = 49, 3


def kuczynski_wozniakowski(products: int, size: int, confidence: float = CONFIDENCE) -> float:
    r"""Return the $\epsilon$ within which Lanczos finds the largest eigenvalue, whatever the spectrum.

    With probability at least `confidence` over the start,
    $\lambda_{max} - \theta \le \epsilon\,(\lambda_{max} - \lambda_{min})$, where
    $1.648 \sqrt{n} \exp(-(2k-1)\sqrt{\epsilon}) = 1 - \mathrm{confidence}$; at most 1.

    Args:
        products: k. size: n.

    Reference: Kuczynski and Wozniakowski, SIAM J. Matrix Anal. Appl. 13, 1094 (1992), theorem 4.2.

    >>> round(kuczynski_wozniakowski(22, 85_000), 3)
    0.063
    """
    if products < 1:
        return 1.0
    if products >= size:
        return 0.0
    exponent = math.log(1.648 * math.sqrt(size) / (1 - confidence))
    return min(1.0, (exponent / (2 * products - 1)) ** 2)


def products_needed(epsilon: float, size: int, confidence: float = CONFIDENCE) -> int:
    """Return the number of products after which the bound of Kuczynski and Wozniakowski is `epsilon`."""
    exponent = math.log(1.648 * math.sqrt(size) / (1 - confidence))
    return min(size, math.ceil((exponent / math.sqrt(epsilon) + 1) / 2))


def smallest_overlap(size: int, confidence: float = CONFIDENCE, rounding: float = 0.0) -> float:
    r"""Return $\delta$: a random unit vector has |overlap| >= delta with a fixed one, with `confidence`.

    `rounding`, in units of $1/\sqrt{n}$, is taken off for the arithmetic.
    """
    from scipy.special import betaincinv

    if size == 1:
        return 1.0
    exact = math.sqrt(float(betaincinv(0.5, (size - 1) / 2, 1 - confidence)))
    return max(exact - rounding / math.sqrt(size), 0.0)


@dataclass
class _Cycle:
    """What one cycle of Lanczos leaves: kept Ritz values and their couplings, then a tridiagonal part."""

    values: np.ndarray
    couplings: np.ndarray
    alphas: list[np.ndarray] = field(default_factory=list)
    betas: list[np.ndarray] = field(default_factory=list)


class Christoffel:
    """K(t) of every member, through restarts.

    Behind a restart an eigenvector's coordinates in the new basis follow from those in the old one, so that
    one recursion runs through all cycles; `stop` freezes a member.
    """

    def __init__(self, members: int) -> None:
        self._cycles = [_Cycle(np.zeros((members, 0)), np.zeros((members, 0)))]
        self._stops = np.full((members, 2), np.iinfo(np.int64).max)

    def extend(self, alphas: np.ndarray, betas: np.ndarray) -> None:
        """Add a step."""
        self._cycles[-1].alphas.append(alphas)
        self._cycles[-1].betas.append(betas)

    def restart(self, values: np.ndarray, couplings: np.ndarray) -> None:
        """Begin a cycle from kept Ritz pairs (M, r)."""
        self._cycles.append(_Cycle(values, couplings))

    def stop(self, members: np.ndarray) -> None:
        """Leave out what comes after this step for these members."""
        self._stops[members] = (len(self._cycles) - 1, len(self._cycles[-1].alphas))

    def log(self, points: np.ndarray) -> np.ndarray:
        """Return log K at `points` (M, G)."""
        total = np.zeros_like(points)
        with np.errstate(all="ignore"):
            for number, cycle in enumerate(self._cycles):
                here = self._stops[:, 0, None] >= number
                last = (self._stops[:, 0, None] == number) | (number == len(self._cycles) - 1)
                norm, end = _recursion(cycle, points, self._stops[:, 1, None], last)
                total = np.where(here, total + np.where(last, norm, end), total)
        return total


def _recursion(
    cycle: _Cycle, points: np.ndarray, stops: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithms of the sum of squares in this cycle, and of its last square."""
    gaps = points[:, None, :] - cycle.values[:, :, None]
    squares = cycle.couplings[:, :, None] ** 2
    pull = (squares / gaps).sum(1)
    norm = 1 + (squares / gaps**2).sum(1)
    before, now = np.zeros_like(points), np.ones_like(points)
    shift, beta_before = np.zeros_like(points), np.zeros((len(points), 1))
    for step, (alpha, beta) in enumerate(zip(cycle.alphas, cycle.betas, strict=True)):
        beta = np.maximum(beta, np.finfo(float).tiny ** 0.25)[:, None]
        after = ((points - alpha[:, None] - (pull if step == 0 else 0)) * now - beta_before * before) / beta
        running = ~last | (step < stops)
        before, now = np.where(running, now, before), np.where(running, after, now)
        norm = np.where(running, norm + now**2, norm)
        size = np.maximum(np.abs(now), 1.0)
        large = size > 1e50
        scale = np.where(large, size, 1.0)
        before, now, norm = before / scale, now / scale, norm / scale**2
        shift, beta_before = shift + np.log(scale), beta
    return np.log(norm) + 2 * shift, np.log(now**2) + 2 * shift


def upper_ends(kernel: Christoffel, values: np.ndarray, bottom: np.ndarray, overlap: float) -> np.ndarray:
    """Return for every pair (M, k) the point above which K > 1/overlap^2, up to the pair above it.

    Where no such point is below the pair above, the end is that of the pair above. Points are sought within
    a thousand times the range of the Ritz values, on logarithmic grids that are refined.
    """
    ends = np.empty_like(values)
    wide = np.maximum(values[:, 0] - bottom, np.finfo(float).tiny)
    limit = -2 * math.log(overlap) if overlap > 0 else math.inf
    rows = np.arange(len(values))
    for pair in range(values.shape[1]):
        reach = 1e3 * wide if pair == 0 else values[:, pair - 1] - values[:, pair]
        low, high = np.log(1e-14 * wide), np.log(np.maximum(reach, 2e-14 * wide))
        found = np.ones(len(values), dtype=bool)
        for turn in range(_ROUNDS):
            grid = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, _POINTS)
            over = kernel.log(values[:, pair, None] + np.exp(grid)) > limit
            if turn == 0:
                # One forbidden stretch: behind it, below a pair above, only what belongs to that pair.
                rises = over[:, 0] + (over[:, 1:] & ~over[:, :-1]).sum(1)
                found = (rises == 1) & (over[:, -1] | (pair > 0))
            first = np.where(found, over.argmax(1), _POINTS - 1)
            high, low = grid[rows, first], grid[rows, np.maximum(first - 1, 0)]
        above = ends[:, pair - 1] if pair else values[:, 0] + 1e3 * wide
        ends[:, pair] = np.where(found, values[:, pair] + np.exp(high), above)
    return ends


def certified(
    kernel: Christoffel, values: np.ndarray, bottom: np.ndarray, overlap: float, floor: np.ndarray
) -> np.ndarray:
    """Return (end - value) / (lambda_max - lambda_min), at most 1, for every pair (M, k).

    The range is not known; it is at least that of the Ritz values, and for the first pair at least up to
    the end. `floor` (M,), the rounding of the range, is added.
    """
    ends = upper_ends(kernel, values, bottom, overlap)
    span = np.maximum(values[:, :1], ends * (np.arange(values.shape[1]) == 0)) - bottom[:, None]
    span[:, 0] = ends[:, 0] - bottom
    with np.errstate(all="ignore"):
        shares = (ends - values + floor[:, None]) / span
    shares[(ends - values + floor[:, None]) == 0] = 0.0
    return np.clip(np.where(np.isnan(values), np.nan, shares), 0.0, 1.0)
