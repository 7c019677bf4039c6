"""The two-layer linear network on one point: its edges, the growth of its outputs, and its limits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from scalewright.papers.large_learning_rates.settings import Scale
from scalewright.sim import uv
from scalewright.sim.uv.brackets import Criterion
from scalewright.theory import mlp, named
from scalewright.theory.parametrization import Parametrization

Progress = Callable[[int, int], None] | None

#: Widths of the edges.
EDGE_WIDTHS = (64, 256, 1024, 4096, 2**14, 2**16, 2**18, 10**6)
#: Widths at which outputs have reached their powers: corrections go as n^-1/2, or as n^-(1 - c) at n^-c.
FAR_WIDTHS = tuple(10**k for k in range(9, 16))
#: Exponents c of the rates inside the window, and the one at which both losses are followed step by step.
WINDOW, NEAR = ("1/4", "1/2", "3/4"), "3/4"
#: Exponents below the edge of the squared loss, far enough for exponents to multiply.
BELOW = ("0", "1/4", "1/2")
#: Labels of the point under cross-entropy: 7 of 10 are positive.
MIXED = uv.CrossEntropy(0.7)
STEPS = 8


@dataclass(frozen=True)
class Case:
    """One kind of network whose edges are bracketed."""

    name: str
    loss: uv.Squared | uv.CrossEntropy = field(default_factory=uv.Squared)
    criterion: Criterion = "kernel"
    warmup: int | float = 0
    duration: float | None = None
    decay: float = 0.0
    widths: Sequence[int] = EDGE_WIDTHS
    rates: tuple[float, float] = (1e-8, 1e2)
    tolerance: float = 1e-3


#: Widths and rates of runs that last for a fixed time 20 / rate, whose cost is that time over the rate.
TIMED = {"widths": (512, 1024, 2048), "rates": (1.5e-3, 1.0), "tolerance": 0.01, "duration": 20.0}
EDGES = {
    "sp-squared": Case("sp"),
    "ntp-squared": Case("ntp"),
    "mup-squared": Case("mup"),
    # Outputs reach the bound of 100 at rates 200 / n, where narrower networks' weights move already.
    "sp-cross-entropy-outputs": Case("sp", MIXED, "peak", widths=EDGE_WIDTHS[2:]),
    "sp-cross-entropy-kernel": Case("sp", MIXED),
    "mup-cross-entropy-kernel": Case("mup", MIXED),
    "sp-squared-decay": Case("sp", decay=0.1),
    "sp-squared-warmup": Case("sp", criterion="outputs", warmup=50),
    "sp-squared-timed": Case("sp", criterion="outputs", **TIMED),  # type: ignore[arg-type]
    "sp-squared-timed-warmup": Case("sp", criterion="outputs", warmup=0.1, **TIMED),  # type: ignore[arg-type]
}


def rule(name: str, c: str | None = None) -> Parametrization:
    """Return the parametrization of the two-layer linear network; SP at the rate n^-c, by default n^0."""
    found = named(mlp(2, "linear"), name, "sgd")
    if name == "sp":
        return found.with_lr({"width": "0" if c is None else f"-{c}"})
    return found


def edges(scale: Scale, name: str, *, progress: Progress = None) -> xr.Dataset:
    """Bracket the largest stable rate at every width: (width, seed)."""
    case = EDGES[name]
    found = uv.edge(
        rule(case.name),
        widths=case.widths,
        seeds=range(scale.toy_seeds),
        rates=case.rates,
        duration=case.duration,
        loss=case.loss,
        criterion=case.criterion,
        tolerance=case.tolerance,
        warmup=case.warmup,
        decay=case.decay,
    )
    if progress:
        progress(1, 1)
    dims = ("width", "seed")
    return xr.Dataset(
        {"stable": (dims, found.low), "unstable": (dims, found.high), "status": (dims, found.status)},
        coords={"width": list(found.widths), "seed": list(found.seeds)},
        attrs={"case": name, "parametrization": case.name, "loss": case.loss.name},
    )


def growth(scale: Scale, c: str, loss: str, *, progress: Progress = None) -> xr.Dataset:
    """Follow SP at the rate n^-c for a few steps, at widths that are far out: (width, seed, lr, step)."""
    chosen = MIXED if loss == "cross-entropy" else uv.Squared()
    found = uv.trajectory(
        rule("sp", c),
        widths=FAR_WIDTHS,
        lrs=[0.5],
        steps=STEPS,
        seeds=range(16 * scale.toy_seeds),
        loss=chosen,
    )
    if progress:
        progress(1, 1)
    return found.assign_attrs(c=c)


def limits(scale: Scale, c: str, *, progress: Progress = None) -> xr.Dataset:
    """Follow the limit of infinite width under cross-entropy at the rate n^-c: (seed, lr, step)."""
    start = np.random.default_rng(0).standard_normal(scale.toy_seeds)
    rates = np.arange(0.5, 3.0, 0.01) if c == "0" else np.array([0.5])
    found = uv.wide(c, lrs=rates.tolist(), steps=200, loss=MIXED, start=start.tolist())
    if progress:
        progress(1, 1)
    return found
