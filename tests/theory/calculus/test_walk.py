"""The rules of the calculus against small numpy networks, which know nothing of exponents."""

from fractions import Fraction

import numpy as np
import pytest

from scalewright.theory import Alignment, Parametrization, mlp, named, profile

WIDTHS = (128, 256, 512)
SEEDS = range(16)


def predicted(p: Parametrization) -> dict[str, float]:
    """Return the exponents of the effective updates and of the readout's propagating update."""
    rows = {row.name: row for row in profile(p)["width"].later}
    found = {name: float(row.effective) for name, row in rows.items()}
    return found | {"propagating": float(rows["readout"].propagating)}


def updates(p: Parametrization, width: int, seed: int, steps: int = 3, rate: float = 0.1) -> dict[str, float]:
    """Train a tanh network; return the root mean squares of (W_t - W_0) x_t and of W_0 (x_t - x_0)."""
    rng = np.random.default_rng(seed)
    numbers = list(p.in_gauge("no-multipliers").at(width=width, inputs=8).values())
    shapes = [(width, 8), (width, width), (1, width)]
    weights = [rng.normal(size=shape) * n.init_std for n, shape in zip(numbers, shapes, strict=True)]
    x, y = rng.normal(size=(8, 16)), rng.choice([-3.0, 3.0], size=(1, 16))  # large: the residual is steady
    start, first = [w.copy() for w in weights], forward(weights, x)
    for _ in range(steps):
        for w, gradient, n in zip(weights, gradients(weights, x, y), numbers, strict=True):
            w -= rate * n.lr * (np.sign(gradient) if p.optimizer == "adam" else gradient)
    now = forward(weights, x)
    moved = [rms((w - s) @ h) for w, s, h in zip(weights, start, now, strict=True)]
    return dict(zip(("input", "hidden.0", "readout"), moved, strict=True)) | {
        "propagating": rms(start[2] @ (now[2] - first[2]))
    }


def rms(x: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(x**2)))


def forward(weights: list[np.ndarray], x: np.ndarray) -> list[np.ndarray]:
    """Return what each layer takes."""
    layers = [x]
    for w in weights[:-1]:
        layers.append(np.tanh(w @ layers[-1]))
    return layers


def gradients(weights: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Return the gradients of the squared loss."""
    layers = forward(weights, x)
    back = (weights[-1] @ layers[-1] - y) / y.shape[1]
    found = [back @ layers[-1].T]
    for index in (1, 0):
        back = (weights[index + 1].T @ back) * (1 - layers[index + 1] ** 2)
        found.append(back @ layers[index].T)
    return found[::-1]


def slopes(p: Parametrization) -> dict[str, tuple[float, float]]:
    """Return the mean over seeds of each log-log slope in the width, and its standard error."""
    found: dict[str, list[float]] = {}
    for seed in SEEDS:
        runs = [updates(p, width, seed) for width in WIDTHS]
        for name in runs[0]:
            slope = np.polyfit(np.log(WIDTHS), [np.log(run[name]) for run in runs], 1)[0]
            found.setdefault(name, []).append(float(slope))
    return {name: (float(np.mean(v)), float(np.std(v, ddof=1) / len(v) ** 0.5)) for name, v in found.items()}


@pytest.mark.parametrize(
    ("name", "optimizer", "other"),
    [
        ("mup", "sgd", "sp"),
        ("sp", "sgd", "mup"),
        ("ntp", "sgd", "mup"),
        ("mup", "adam", "sp"),
        ("sp", "adam", "mup"),
    ],
)
def test_oracle_update_sizes_of_trained_networks(name: str, optimizer: str, other: str) -> None:
    """Independent: numpy training. Every slope lies within 3 standard errors of the predicted exponent."""
    architecture = mlp(3, activation="tanh", loss="squared")
    wanted, found = (
        predicted(named(architecture, name, optimizer)),
        slopes(named(architecture, name, optimizer)),
    )
    wrong = predicted(named(architecture, other, optimizer))
    assert set(wanted) == set(found)
    assert all(error < 0.12 for _, error in found.values())
    misses = {key: abs(slope - wanted[key]) / error for key, (slope, error) in found.items()}
    assert max(misses.values()) < 3, misses
    # Control: the other parametrization's exponents are missed by far.
    assert max(abs(slope - wrong[key]) / error for key, (slope, error) in found.items()) > 5


@pytest.mark.parametrize("kappa", [Fraction(0), Fraction(1, 2), Fraction(1)])
def test_oracle_alignment_of_narrow_maps(kappa: Fraction) -> None:
    """W_0 dx with dx = W_0^T g, for fan-out n^kappa: measured against max(1/2, 1 - kappa/2).

    At kappa = 1 the own row and the others add up to sizes of the same order: the exponent is 1/2 there.
    """
    ratios = []
    for width in (256, 1024, 4096):
        rng = np.random.default_rng(width)
        w = rng.normal(size=(4 * round(width ** float(kappa) / 4) or 4, width))
        change = w.T @ rng.normal(size=(w.shape[0], 8))
        ratios.append(np.log(rms(w @ change) / rms(change)))
    slope = np.polyfit(np.log([256, 1024, 4096]), ratios, 1)[0]
    expected = Alignment().propagating(Fraction(1), kappa)
    assert slope == pytest.approx(float(expected), abs=0.05)
    # Control: aligned or independent throughout would both be wrong for kappa = 1/2.
    assert kappa != Fraction(1, 2) or expected not in (Fraction(1, 2), Fraction(1))
