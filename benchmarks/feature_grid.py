"""Time the 21 x 49 grid of feature-learning strengths and rates in one call, against one network a time.

Run `python benchmarks/feature_grid.py`: MLPs of three layers over the grid of arXiv:2410.04642, gamma from
1e-5 to 1e5 and eta from 1e-12 to 1e12, two a decade; it prints the ratio and writes
`results/feature_grid.json` with the environment beside it. With OMP_NUM_THREADS=1 both arms use one thread;
`results/feature_grid_2_threads.json` is with two.

Both arms train the same networks on the same samples, full batches, for the same number of steps, and in both
a network that diverges is stopped, at the same step. The grid is one call of `nets.plane.train`; the rival
is the loop that torch users write: a module and its parameters a network, centred by its outputs at the
start, which are computed once. It is timed on every eighth network, in the order of the grid, times eight:
the share of networks that diverge early is that of the whole. Nothing is compiled.

The floor is 6 x weights x samples for every step that a network really takes, over the rate of a 2048 x 2048
product of its type on the same threads in the same run.
"""

import argparse
import copy
import time
from functools import partial
from typing import Any

import numpy as np
import torch
from measuring import best, environment, write

from scalewright import nets, theory
from scalewright.nets import plane
from scalewright.nets.precision import precision_of

LAYERS, EVERY, DIVERGENCE = 3, 8, 1e6


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--block", type=int, default=256)
    parser.add_argument("--name", default="feature_grid")
    given = parser.parse_args()
    digits = nets.data.load("digits", samples=given.samples, device="cpu")
    pair = (digits.inputs.numpy(), digits.targets.numpy())
    grid = measured_grid(pair, given)
    loop = measured_loop(pair, given)
    rates = {kind: product_rate(kind) for kind in ("float32", "float64")}
    weights = given.width * (64 + given.width * (LAYERS - 2) + 10)
    floor = sum(6 * weights * given.samples * taken / rates[kind] for kind, taken in grid["steps"].items())
    report = {
        "networks": 21 * 49,
        "layers": LAYERS,
        "width": given.width,
        "batch": given.samples,
        "steps": given.steps,
        "block": given.block,
        "grid_s": grid["seconds"],
        "loop_s": loop["seconds"],
        "loop_timed_networks": loop["timed"],
        "loop_over_grid": loop["seconds"] / grid["seconds"],
        "diverged": {"grid": grid["diverged"], "loop_of_those_timed": loop["diverged"]},
        "steps_taken": grid["steps"],
        "largest_difference_of_losses": difference(grid["losses"], loop["losses"]),
        "gflops": {kind: rate / 1e9 for kind, rate in rates.items()},
        "floor_s": floor,
        "share_of_floor": floor / grid["seconds"],
        "environment": environment(),
    }
    print(
        f"{report['networks']} networks of width {given.width}, batch {given.samples}, {given.steps} steps: "
        f"the loop takes {report['loop_over_grid']:.1f} times the grid's {grid['seconds']:.1f} s; the floor "
        f"of floating-point operations is {report['share_of_floor']:.0%} of it"
    )
    write(given.name, report)


def axes() -> tuple[np.ndarray, np.ndarray]:
    """Return the paper's gammas and etas, 21 and 49."""
    return np.logspace(-5, 5, 21), np.logspace(-12, 12, 49)


def network(width: int) -> tuple[Any, Any]:
    """Return the builder and the parametrization of the networks."""
    rule = theory.named(theory.mlp(LAYERS, loss="squared"), "mup", "sgd")
    return partial(nets.models.mlp, LAYERS), rule


def measured_grid(pair: tuple[np.ndarray, np.ndarray], given: Any) -> dict[str, Any]:
    """Train the grid in one call, and say how long it took and how many steps were really made."""
    gammas, etas = axes()
    build, rule = network(given.width)
    cells = plane.Cells.between(gammas.tolist(), etas.tolist(), (0,))
    start = time.perf_counter()
    found = plane.train(
        build,
        rule,
        cells,
        pair,
        width=given.width,
        inputs=64,
        outputs=10,
        steps=given.steps,
        divergence=DIVERGENCE,
        block=given.block,
        device="cpu",
    )
    seconds = time.perf_counter() - start
    at = found.diverged_at.values[..., 0]
    made = np.where(at < 0, given.steps, at) + 1
    double = np.array([precision_of(gamma) == "float64" for gamma in gammas])
    return {
        "seconds": seconds,
        "diverged": int((at >= 0).sum()),
        "steps": {"float64": int(made[double].sum()), "float32": int(made[~double].sum())},
        "losses": found.loss.values[..., 0],
    }


def measured_loop(pair: tuple[np.ndarray, np.ndarray], given: Any) -> dict[str, Any]:
    """Train every eighth network by itself, and scale the time to all of them."""
    gammas, etas = axes()
    places = [(i, j) for i in range(len(gammas)) for j in range(len(etas))][::EVERY]
    build, rule = network(given.width)
    made = {
        gamma: nets.Ensemble.stack(
            build, rule, [nets.Member(0, 1.0, gamma)], width=given.width, inputs=64, outputs=10, device="cpu"
        )
        for gamma in gammas
    }
    losses, diverged = np.full((len(gammas), len(etas)), np.nan), 0
    start = time.perf_counter()
    for i, j in places:
        loss, ended = alone(made[gammas[i]], gammas[i], etas[j], pair, given)
        losses[i, j] = loss
        diverged += ended
    seconds = (time.perf_counter() - start) * len(gammas) * len(etas) / len(places)
    return {"seconds": seconds, "timed": len(places), "diverged": diverged, "losses": losses}


def alone(
    ensemble: nets.Ensemble, gamma: float, eta: float, pair: tuple[np.ndarray, np.ndarray], given: Any
) -> tuple[float, bool]:
    """Train one network as a plain torch module, multipliers in its weights: last loss, if it diverged."""
    dtype = getattr(torch, precision_of(gamma))
    inputs, targets = (torch.from_numpy(part).to(dtype) for part in pair)
    module = copy.deepcopy(ensemble.model).to(dtype)
    scales = {name: float(values[0]) for name, values in ensemble.multipliers.items()}
    with torch.no_grad():
        for name, weight in module.named_parameters():
            weight.copy_(ensemble.initial[name][0] * scales[name])
        offset = module(inputs)
    first = None
    for step in range(given.steps + 1):
        loss = (module(inputs) - offset - targets).square().sum() / (2 * len(inputs))
        last = float(loss.detach())
        first = last if first is None else first
        if not last <= DIVERGENCE * first:
            return last, True
        if step < given.steps:
            loss.backward()
            with torch.no_grad():
                for name, weight in module.named_parameters():
                    weight -= eta * given.width * scales[name] ** 2 * weight.grad
                    weight.grad = None
    return last, False


def difference(grid: np.ndarray, loop: np.ndarray) -> float:
    """Return the largest relative difference of the losses of those that both trained to a finite end."""
    both = np.isfinite(grid) & np.isfinite(loop) & (grid < 1e3)
    return float(np.max(np.abs(grid[both] - loop[both]) / loop[both]))


def product_rate(kind: str) -> float:
    """Return floating-point operations a second of a 2048 x 2048 product."""
    square = torch.randn(2048, 2048, dtype=getattr(torch, kind))
    return 2 * 2048**3 / (1e-3 * best({"product": lambda: square @ square}, rounds=8)["product"])


if __name__ == "__main__":
    main()
