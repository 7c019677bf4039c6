"""The sampled limit of nonlinear networks: how accurate it is, and when averaging real networks is cheaper.

Three parts, each printed and written to results/dmft_nonlinear_PART.json:
accuracy: every kernel's own standard error, and whether its distance from the mean of networks of widths 500,
    1000 and 2000 is within 3 standard errors of both: of networks b/sqrt(N seeds), b from their spread;
digits: the same against networks for images of digits;
cost: error of one kernel against processor time, for draws and for networks of width 1000 that are averaged.

    python benchmarks/dmft_nonlinear.py [accuracy] [digits] [cost]
"""

import sys
import time
from pathlib import Path
from typing import Any

import measuring
import numpy as np
from dmft_networks import Kernels, distance, train

from scalewright.sim import data, dmft, kernels
from scalewright.sim.dmft.plot import PALETTE

WIDTHS = {500: 16, 1000: 8, 2000: 4}


def problem(samples: int, gamma: float, layers: int, activation: str) -> dict[str, Any]:
    """Return inputs, targets and a rate that leaves room for sharpening."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((samples, 2 * samples))
    return _with_rate(inputs, np.sign(rng.standard_normal(samples)), gamma, layers, activation)


def _with_rate(
    inputs: np.ndarray, targets: np.ndarray, gamma: float, layers: int, activation: str
) -> dict[str, Any]:
    kernel = inputs @ inputs.T / inputs.shape[1]
    ntk = kernels.initial(kernel, hidden_layers=layers, activation=activation).ntk
    lr = 0.1 * 2 * len(targets) / float(np.linalg.eigvalsh(ntk)[-1]) / (1 + gamma)
    return {
        "inputs": inputs,
        "targets": targets,
        "lr": lr,
        "gamma": gamma,
        "layers": layers,
        "activation": activation,
    }


def solved(p: dict[str, Any], steps: int, **more: Any) -> dmft.Solution:
    """Solve a problem."""
    kernel = p["inputs"] @ p["inputs"].T / p["inputs"].shape[1]
    return dmft.solve(
        kernel=kernel, targets=p["targets"], hidden_layers=p["layers"], activation=p["activation"],
        gamma=p["gamma"], lr=p["lr"], steps=steps, **more,
    )  # fmt: skip


def networks(p: dict[str, Any], steps: int, width: int, seeds: range) -> list[Kernels]:
    """Train networks."""
    return [train(width=width, seed=seed, steps=steps, **p) for seed in seeds]


def _kernels(solution: dmft.Solution) -> list[np.ndarray]:
    """Return Phi^1 ... Phi^L, G^1 ... G^L of one output."""
    t = solution.trajectory
    gradients = t.gradient_kernel.values
    if gradients.ndim == 7:
        gradients = gradients[:, :, :, 0, :, :, 0]
    return [*t.feature_kernel.values[1:], *gradients[:-1]]


def accuracy_row(p: dict[str, Any], steps: int, samples: int, widths: dict[int, int]) -> dict[str, Any]:
    """Return the worst own error, and which kernels lie within 3 standard errors of networks."""
    found = solved(p, steps, samples=samples)
    mine = _kernels(found)
    layers = p["layers"]
    own = [found.standard_error[f"feature_kernel[{i}]"] for i in range(1, layers + 1)]
    own += [found.standard_error[f"gradient_kernel[{i}]"] for i in range(layers)]
    away: dict[int, list[float]] = {}
    spread: list[list[float]] = []  # N x variance of one network, of every kernel, relative to its square
    for width, seeds in widths.items():
        runs = networks(p, steps, width, range(seeds))
        found_each = [np.array([*r.features, *r.gradients]) for r in runs]
        means, variances = np.mean(found_each, axis=0), np.var(found_each, axis=0, ddof=1)
        away[width] = [distance(m, k) for m, k in zip(means, mine, strict=True)]
        spread.append([width * float(v.sum() / (k**2).sum()) for v, k in zip(variances, mine, strict=True)])
    b = np.sqrt(np.mean(spread, axis=0))
    noise = {n: np.sqrt(np.square(own) + b**2 / (n * seeds)) for n, seeds in widths.items()}
    ratios = {n: (np.array(away[n]) / noise[n]).tolist() for n in widths}
    inside = [max(ratios[n][i] for n in widths) <= 3 for i in range(len(own))]
    last = max(widths)
    return {
        "layers": layers, "activation": p["activation"], "gamma": p["gamma"], "samples": samples,
        "own errors": own, "distances": {str(n): v for n, v in away.items()}, "within": inside,
        "b": b.tolist(), "ratios": {str(n): v for n, v in ratios.items()},
        "part of the edge": float(p["lr"] * found.trajectory.gauss_newton.max() / 2),
        "status": found.status, "worst own error": max(own), "worst distance": max(away[last]),
    }  # fmt: skip


def accuracy() -> list[dict[str, Any]]:
    """Check tanh and softplus, two and three hidden layers, four gammas."""
    rows = []
    for activation in ("tanh", "softplus"):
        for layers in (2, 3):
            for gamma in (0.5, 1.0, 2.0, 4.0):
                row = accuracy_row(problem(4, gamma, layers, activation), 15, 32768, WIDTHS)
                rows.append(row)
                print(
                    f"{activation:8} L {layers} gamma {gamma}: {row['status']}, "
                    f"{row['part of the edge']:.2f} of the edge, "
                    f"worst own error {row['worst own error']:.4f}, "
                    f"worst distance {row['worst distance']:.4f}, of its error "
                    f"{max(max(v) for v in row['ratios'].values()):.2f}, within {sum(row['within'])} of "
                    f"{len(row['within'])}",
                    flush=True,
                )
    return rows


def digits() -> list[dict[str, Any]]:
    """Check images of digits: odd or even, tanh and linear; tanh also at a rate that reaches the edge."""
    rows = []
    cases = (
        (16, "tanh", 32768, 1), (16, "tanh", 32768, 2), (16, "tanh", 32768, 3), (64, "tanh", 16384, 1),
        (64, "linear", 16, 1),
    )  # fmt: skip
    for samples, activation, draws, faster in cases:
        images = data.load("digits", samples=samples)
        p = _with_rate(images.inputs, np.where(images.labels % 2, 1.0, -1.0), 2.0, 2, activation)
        p["lr"] *= faster
        found = solved(p, 25, samples=draws)
        runs = networks(p, 25, 2000, range(3))
        truth = [*np.mean([r.features for r in runs], axis=0), *np.mean([r.gradients for r in runs], axis=0)]
        mine = _kernels(found)
        if activation == "linear":
            truth = [*truth[:2], *(x[:, 0, :, 0] for x in truth[2:])]
            mine = [*mine[:2], *(x[:, 0, :, 0] for x in mine[2:])]
        outputs = np.mean([r.outputs for r in runs], axis=0)
        measured = ((outputs - p["targets"]) ** 2).mean(axis=1) / 2
        loss = float(np.abs(measured - found.trajectory.loss).max() / 0.5)
        row = {
            "samples": samples, "activation": activation, "lr": p["lr"], "loss error": loss,
            "part of the edge": float(p["lr"] * found.trajectory.gauss_newton.max() / 2),
            "status": found.status, "message": found.message,
            "kernel errors": [distance(m, t) for m, t in zip(mine, truth, strict=True)],
            "own errors": dict(found.standard_error),
        }  # fmt: skip
        rows.append(row)
        print(
            f"digits P {samples} {activation}: {row['part of the edge']:.2f} of the edge, {found.status}, "
            f"loss error {loss:.4f}, kernels {np.round(row['kernel errors'], 4)}",
            flush=True,
        )
    return rows


def cost() -> list[dict[str, Any]]:
    """Measure error of G^1 against processor time, draws and networks, for a small and a large P T."""
    rows: list[dict[str, Any]] = []
    for samples, steps, draws, truth_draws in ((4, 20, 2**13, 2**18), (10, 40, 2**12, 2**15)):
        p = problem(samples, 2.0, 2, "tanh")
        truth = _kernels(solved(p, steps, samples=truth_draws, replicates=16, seed=99, memory=16.0))
        solved(p, steps, samples=draws // 4)
        for count in (draws // 2, draws * 2, draws * 4):
            solved(p, steps, samples=count)  # compiles
            start = time.process_time()
            found = _kernels(solved(p, steps, samples=count))
            rows.append(_point("draws", samples, steps, count, time.process_time() - start, found, truth))
        start = time.process_time()
        runs = networks(p, steps, 1000, range(16))
        each = (time.process_time() - start) / len(runs)
        for seeds in (1, 4, 16):
            groups = [runs[i : i + seeds] for i in range(0, len(runs), seeds)]
            found_each = [
                [*np.mean([r.features for r in g], axis=0), *np.mean([r.gradients for r in g], axis=0)]
                for g in groups
            ]
            rows.append(_averaged(samples, steps, seeds, each * seeds, found_each, truth))
    _picture(rows)
    return rows


def _point(
    kind: str, samples: int, steps: int, size: int, seconds: float, found: Any, truth: Any
) -> dict[str, Any]:
    errors = [distance(f, t) for f, t in zip(found, truth, strict=True)]
    print(f"P {samples} T {steps}: {kind} {size}: {seconds:.2f} s, worst error {max(errors):.4f}", flush=True)
    return {"kind": kind, "P": samples, "T": steps, "size": size, "seconds": seconds, "error": max(errors)}


def _averaged(
    samples: int, steps: int, seeds: int, seconds: float, groups: Any, truth: Any
) -> dict[str, Any]:
    worst = [max(distance(f, t) for f, t in zip(found, truth, strict=True)) for found in groups]
    error = float(np.mean(worst))
    print(
        f"P {samples} T {steps}: networks {seeds} x 1000: {seconds:.2f} s, worst error {error:.4f}",
        flush=True,
    )
    return {"kind": "networks", "P": samples, "T": steps, "size": seeds, "seconds": seconds, "error": error}


def _picture(rows: list[dict[str, Any]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    cases = sorted({(row["P"], row["T"]) for row in rows})
    for ax, (samples, steps) in zip(figure.subplots(1, 2, sharey=True), cases, strict=True):
        for colour, (kind, label) in zip(
            PALETTE,
            (("draws", "sampled limit"), ("networks", "networks of width 1000, averaged")),
            strict=False,
        ):
            part = [r for r in rows if r["kind"] == kind and (r["P"], r["T"]) == (samples, steps)]
            x, y = [r["seconds"] for r in part], [r["error"] for r in part]
            ax.plot(x, y, "o-", color=colour, label=label)
            for row in part:
                ax.annotate(
                    f"{row['size']}",
                    (row["seconds"], row["error"]),
                    textcoords="offset points",
                    xytext=(4, 5),
                    fontsize=8,
                )
        ax.set(
            xscale="log", yscale="log", xlabel="processor time (s)", title=f"{samples} samples, {steps} steps"
        )
        ax.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("worst relative error of a kernel")
    figure.axes[0].legend(frameon=False)
    figure.savefig(Path(__file__).parents[1] / "docs" / "images" / "dmft-or-networks.png", dpi=150)


def main() -> None:
    """Run the parts that are named, all by default."""
    parts = {"accuracy": accuracy, "digits": digits, "cost": cost}
    chosen = [name for name in sys.argv[1:] if name in parts] or list(parts)
    for name in chosen:
        report = {name: parts[name](), "environment": measuring.environment("jax", "numpy")}
        measuring.write(f"dmft_nonlinear_{name}", report)


if __name__ == "__main__":
    main()
