"""Measure where spectra settle and how fast gradients grow with fewer samples than features.

Chains X -> BN(WX), W orthogonal, of n samples and d features, with one tangent vector whose log-norm is
accumulated. The variance of the d eigenvalues of X X^T is compared with `stationary_variance`, a derived law,
and the growth with `orthogonal_rate`, derived too. Standard errors are those of 20 blocks of layers.

Run: python benchmarks/isometry_rates.py
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from scalewright.theory import isometry

RESULTS = Path(__file__).parent / "results" / "isometry_rates.json"
IMAGE = Path(__file__).parents[1] / "docs" / "images" / "isometry-rates.png"
SHARES = tuple(Fraction(i, 16) for i in (2, 4, 6, 8, 10, 12, 14, 15))
LAYERS = {32: 40_000, 64: 15_000, 128: 3_000}
BLOCKS, SKIPPED = 20, 10
"""Blocks of layers for the errors; as many widths d of layers are left out at the start."""


@dataclass(frozen=True)
class Row:
    """One chain: variance of the spectrum and rate, each measured with its standard error and predicted."""

    d: int
    n: int
    variance: float
    variance_error: float
    variance_predicted: float
    rate: float
    rate_error: float
    rate_predicted: float


def haar(d: int, rng: np.random.Generator) -> np.ndarray:
    """Return a Haar-distributed orthogonal matrix: Q of QR, the diagonal of R made positive."""
    q, r = np.linalg.qr(rng.normal(size=(d, d)))
    return q * np.sign(np.diag(r))


def blocks(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean of a series and its standard error from means of blocks."""
    means = np.array([block.mean() for block in np.array_split(np.array(values), BLOCKS)])
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(BLOCKS))


def chains(d: int, layers: int, seed: int = 0) -> list[Row]:
    """Run chains of several n through the same weights."""
    rng, sizes = np.random.default_rng(seed), [int(share * d) for share in SHARES]
    states = {n: isometry.normalize(rng.normal(size=(d, n))) for n in sizes}
    tangents = {n: rng.normal(size=(d, n)) for n in sizes}
    growth: dict[int, list[float]] = {n: [] for n in sizes}
    variance: dict[int, list[float]] = {n: [] for n in sizes}
    for layer in range(layers + SKIPPED * d):
        weight = haar(d, rng)
        for n in sizes:
            z, moved = weight @ states[n], weight @ tangents[n]
            lengths = np.linalg.norm(z, axis=1, keepdims=True)
            x = z / lengths
            moved = (moved - x * (x * moved).sum(axis=1, keepdims=True)) / lengths
            norm = np.linalg.norm(moved)
            states[n], tangents[n] = x, moved / norm
            if layer >= SKIPPED * d:
                growth[n].append(float(np.log(norm)))
                if layer % 10 == 0:
                    variance[n].append(float(((x.T @ x) ** 2).sum() / d - 1))
    return [row(d, n, variance[n], growth[n]) for n in sizes]


def row(d: int, n: int, variance: Sequence[float], growth: Sequence[float]) -> Row:
    """Return measured means beside their predictions."""
    from sympy import Rational

    predicted = float(isometry.stationary_variance(Rational(n, d)))
    return Row(d, n, *blocks(variance), predicted, *blocks(growth), isometry.orthogonal_rate(n, d))


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the variance of the spectrum, and the rate over that of mean field times 1 - rho."""
    from matplotlib.figure import Figure
    from sympy import Rational

    figure = Figure(figsize=(8.6, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    exact = [Rational(i, 100) for i in range(10, 100)]
    shares = np.array(exact, dtype=float)
    law = [float(isometry.stationary_variance(x)) for x in exact]
    left.plot(shares, law, color="0.3", lw=1, label="2(1-ρ) / (ρ(2-ρ)), derived")
    left.plot(shares, (1 - shares) / shares, color="0.6", lw=1, ls="--", label="isotropic, same rank")
    derived = [2 * float(x) * isometry.growth(x).value for x in exact]
    right.plot(shares, derived / (1 - shares), color="0.3", lw=1, label="derived, d = ∞")
    for d, colour in zip(LAYERS, ("#0072B2", "#D55E00", "#009E73"), strict=True):
        some = [r for r in rows if r.d == d]
        x = [r.n / r.d for r in some]
        # Rings of their own size: at most places the three lie on one point.
        shape = {"ms": {32: 9, 64: 6, 128: 3}[d], "mfc": "none"}
        style = {"fmt": "o", "color": colour, "label": f"measured, d = {d}", **shape}
        left.errorbar(x, [r.variance for r in some], [1.96 * r.variance_error for r in some], **style)
        scale = [(1 - r.n / r.d) * isometry.mean_field_rate(r.n) for r in some]
        y = [r.rate / s for r, s in zip(some, scale, strict=True)]
        bars = [1.96 * r.rate_error / s for r, s in zip(some, scale, strict=True)]
        right.errorbar(x, y, bars, **style)
    left.set(yscale="log", xlabel="ρ = n/d", ylabel="variance of the spectrum of X Xᵀ")
    right.set(xlabel="ρ = n/d", ylabel="rate / [(1-ρ) ½ log((n-1)/(n-2))]")
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25, linewidth=0.6)
        ax.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=160)


def main() -> None:
    """Print a line a chain, and write results/isometry_rates.json and docs/images/isometry-rates.png."""
    from scalewright.papers.provenance import environment

    rows = [found for d, layers in LAYERS.items() for found in chains(d, layers)]
    for r in rows:
        print(
            f"d {r.d:3} n {r.n:3}  variance {r.variance:7.4f} +- {r.variance_error:.4f} "
            f"({r.variance_predicted:7.4f})"
            f"  rate {r.rate:.5f} +- {r.rate_error:.5f} ({r.rate_predicted:.5f}, "
            f"{r.rate / r.rate_predicted:.3f})"
        )
    worst: dict[str, Any] = {
        "variance, largest relative deviation": max(abs(r.variance / r.variance_predicted - 1) for r in rows),
        "rate, largest relative deviation, n >= 8, rho <= 7/8": max(
            abs(r.rate / r.rate_predicted - 1) for r in rows if r.n >= 8 and r.n / r.d <= 0.875
        ),
    }
    print(worst)
    record = {"rows": [asdict(r) for r in rows], "worst": worst, "environment": environment()}
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    draw(rows, IMAGE)


if __name__ == "__main__":
    main()
