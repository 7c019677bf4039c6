"""Time the gamma-eta grid of the toys: 100 000 runs of 10 000 steps, against loops of numpy.

Rivals, on a fiftieth of the steps and scaled to all of them: numpy over all cells at once, numpy over blocks
of 1024 cells, which stay in the processor's cache, and a plain loop of Python over a hundred of the runs.
None stops early. `march` leaves a block when all its runs are at rest; on the second grid none is, so that
both do the same work. Outputs are compared. Compilation is listed apart. Set OMP_NUM_THREADS=1.

    python benchmarks/richness_grid.py
"""

import time
from collections.abc import Callable
from typing import Any

import measuring
import numpy as np

from scalewright.sim import richness
from scalewright.sim.richness import Task
from scalewright.sim.richness.march import BLOCK, CONFIRM

GAMMAS, ETAS, STEPS = 250, 400, 10_000
LAYERS = 3
RIGHT = np.e / (1 + np.e)


def squared(f: Any) -> tuple[Any, Any]:
    """Return loss and pull."""
    return 0.5 * (f - 1) ** 2, 1 - f


def entropy(f: Any) -> tuple[Any, Any]:
    """Return loss (up to a constant) and pull, from one exponential."""
    small = np.exp(-np.abs(f))
    share = small / (1 + small)
    return np.maximum(f, 0) + np.log1p(small) - RIGHT * f, RIGHT - np.where(f > 0, 1 - share, share)


LOSSES: dict[str, Callable[[Any], tuple[Any, Any]]] = {"squared": squared, "cross-entropy": entropy}
#: Share of the steps that the rivals run; their times are scaled by it.
SAMPLE = 50


def grid(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return gammas and etas: of the whole portrait, or inside the band, where no run comes to rest early."""
    gammas = np.geomspace(1e-5, 1e5, GAMMAS)[:, None]
    if name == "portrait":
        return gammas, np.geomspace(1e-13, 1e6, ETAS)[None]
    # A thousandth of eta_crit: every run still moves after 10 000 steps, or has just arrived.
    edge = 2 / LAYERS * gammas**2 / (1 + gammas) ** (2 - 2 / LAYERS)
    return gammas, edge * np.geomspace(2e-4, 1e-3, ETAS)[None]


def loop(loss: str, gammas: np.ndarray, etas: np.ndarray, steps: int) -> np.ndarray:
    """Train all cells by numpy, and follow what `march` does: loss, its peak and rises, error, divergence."""
    gammas, etas = (a.ravel() for a in np.broadcast_arrays(gammas, etas))
    weight, output = np.ones(gammas.shape), np.zeros(gammas.shape)
    settled, gone = np.ones(gammas.shape, dtype=int), np.full(gammas.shape, -1)
    rose, rates = np.zeros(gammas.shape, dtype=bool), etas / gammas
    before, pull = LOSSES[loss](output)
    peak = before
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps):
            weight = weight + rates * pull * weight ** (LAYERS - 1)
            output = (weight**LAYERS - 1) / gammas
            value, pull = LOSSES[loss](output)
            away = np.abs(output - 1) > 0.01
            rose |= away & (value > before * (1 + 1e-12))
            settled[away] = step + 2
            gone[(gone < 0) & ~(np.abs(weight) < 1e8)] = step + 1
            peak, before = np.maximum(peak, value), value
    return output


def blocks(loss: str, gammas: np.ndarray, etas: np.ndarray, steps: int) -> np.ndarray:
    """Train the cells by numpy, a block of the size of `march` after the other."""
    gammas, etas = (a.ravel() for a in np.broadcast_arrays(gammas, etas))
    parts = [slice(at, at + BLOCK) for at in range(0, len(gammas), BLOCK)]
    return np.concatenate([loop(loss, gammas[part], etas[part], steps) for part in parts])


def single(loss: str, gammas: np.ndarray, etas: np.ndarray, steps: int) -> np.ndarray:
    """Train a hundred cells by plain Python numbers."""
    import math

    gammas, etas = (a.ravel()[:: GAMMAS * ETAS // 100] for a in np.broadcast_arrays(gammas, etas))
    found = []
    for gamma, eta in zip(gammas.tolist(), etas.tolist(), strict=True):
        weight, output = 1.0, 0.0
        for _ in range(steps):
            pull = 1 - output if loss == "squared" else RIGHT - 0.5 * (1 + math.tanh(0.5 * output))
            weight += eta / gamma * pull * weight ** (LAYERS - 1)
            if not abs(weight) < 1e8:
                break
            output = (weight**LAYERS - 1) / gamma
        found.append(output)
    return np.array(found)


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return processor seconds and the result."""
    start = time.process_time()
    found = run()
    return time.process_time() - start, found


def row(loss: Any, name: str) -> dict[str, Any]:
    """Time one loss on one grid."""
    gammas, etas = grid(name)
    task = Task(LAYERS, loss, steps=STEPS)
    first, _ = timed(lambda: richness.march(task, gammas[:1, :1], etas[:1, :1]))
    ours, ends = timed(lambda: richness.march(task, gammas, etas))
    few = STEPS // SAMPLE
    whole, _ = timed(lambda: loop(loss, gammas, etas, few))
    cached, told = timed(lambda: blocks(loss, gammas, etas, few))
    plain, _ = timed(lambda: single(loss, gammas, etas, few))
    check = richness.march(Task(LAYERS, loss, steps=few - CONFIRM), gammas, etas).output.ravel()
    both = np.isfinite(check) & np.isfinite(told) & (np.abs(told) < 1e3)
    cells = GAMMAS * ETAS
    return {
        "loss": loss,
        "grid": name,
        "runs": cells,
        "steps": STEPS,
        "ours (s)": ours,
        "ours, first call with compilation (s)": first,
        "ours, ns a run and step": 1e9 * ours / cells / STEPS,
        "numpy, whole arrays (s)": whole * SAMPLE,
        "numpy, blocks (s)": cached * SAMPLE,
        "Python, a run at a time (s)": plain * SAMPLE * cells / 100,
        "faster than numpy, whole arrays": whole * SAMPLE / ours,
        "faster than numpy, blocks": cached * SAMPLE / ours,
        "share of converged runs": float((ends.settled_at <= STEPS).mean()),
        "median difference of outputs": float(np.median(np.abs(check - told)[both])),
    }


def main() -> None:
    """Print a line a case, and write results/richness_grid.json."""
    rows = []
    for loss in LOSSES:
        for name in ("portrait", "all moving"):
            found = row(loss, name)
            rows.append(found)
            print(
                f"{loss:<14} {name:<11} {found['ours (s)']:6.1f} s, "
                f"{found['ours, ns a run and step']:5.1f} ns a run and step; numpy whole "
                f"{found['numpy, whole arrays (s)']:6.0f} s, blocks {found['numpy, blocks (s)']:6.0f} s: "
                f"{found['faster than numpy, blocks']:.0f} times faster"
            )
    slowest = max(found["ours (s)"] for found in rows)
    conclusion = (
        f"{GAMMAS * ETAS} runs of {STEPS} steps take at most {slowest:.0f} s of one core, at least "
        f"{min(found['faster than numpy, blocks'] for found in rows):.1f} times less than blocked numpy."
    )
    print(conclusion)
    environment = measuring.environment("jax", "numpy")
    measuring.write("richness_grid", {"rows": rows, "conclusion": conclusion, "environment": environment})


if __name__ == "__main__":
    main()
