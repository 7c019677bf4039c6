"""Follow two-layer linear networks on one point through training, at any widths and rates at once."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from scalewright.sim.dataset import dataset
from scalewright.sim.uv.losses import Loss, Squared, check_loss
from scalewright.sim.uv.model import Factors, Gram, factors, initial, kernel, outputs, step
from scalewright.theory.parametrization import Parametrization


def trajectory(
    parametrization: Parametrization,
    *,
    widths: Sequence[int],
    lrs: Sequence[float],
    steps: int,
    loss: Loss | None = None,
    seeds: Sequence[int] = (0,),
    point: float = 1.0,
    warmup: int = 0,
    decay: float = 0.0,
) -> xr.Dataset:
    """Return outputs, kernel and loss of every network at every step, exact to rounding at any width.

    Args:
        parametrization: of `mlp(layers=2, activation="linear")` under sgd; its powers give every factor.
            `with_lr({"width": "-1/2"})` sets one rate n^-1/2 for both layers.
        widths: numbers n of hidden units.
        lrs: base rates.
        steps: number of updates T; entries 0 ... T are returned.
        loss: Squared() by default, or CrossEntropy(share).
        seeds: one independent initial draw each; the same draws at every rate.
        point: the input x.
        warmup: number of first steps over which the rate rises linearly to its value.
        decay: weight decay.

    Returns:
        A trajectory with dimensions (width, seed, lr, step): `outputs`, `ntk` (the tangent kernel, by rates)
        and `loss`; not finite where a run overflowed.

    Raises:
        ValueError: another network or optimizer, rates that are not positive, negative steps or warm-up.
        TypeError: a loss that is none of these.

    Cost: some twenty operations a step on arrays of widths x seeds x rates; independent of the width.

    >>> from scalewright.theory import mlp, named
    >>> rule = named(mlp(2, "linear"), "sp", "sgd").with_lr({"width": 0})
    >>> run = trajectory(rule, widths=[64, 10**6], lrs=[1e-7], steps=2)
    >>> run.outputs.shape
    (2, 1, 1, 3)
    """
    rates = check_rates(lrs)
    check_run(steps, warmup, decay, point)
    chosen = Squared() if loss is None else loss
    check_loss(chosen, "uv.trajectory")
    by = factors(parametrization, widths)
    wide = Factors(*(part[..., None] for part in vars(by).values()))
    start = initial(by, widths, seeds)
    state = Gram(*(np.repeat(part[..., None], len(rates), axis=-1) for part in vars(start).values()))
    states = descend(state, wide, chosen, rates, steps, point=point, warmup=warmup, decay=decay)
    shape = (len(widths), len(seeds), len(rates), steps + 1)
    record = {name: np.empty(shape) for name in ("outputs", "ntk", "loss")}
    with np.errstate(over="ignore", invalid="ignore"):
        for place, now in enumerate(states):
            record["outputs"][..., place] = outputs(now, wide, point)
            record["ntk"][..., place] = kernel(now, wide, point)
        record["loss"] = chosen.value(record["outputs"])
    coords = {"width": list(widths), "seed": list(seeds), "lr": rates, "step": np.arange(steps + 1)}
    attrs = {
        "parametrization": parametrization.name,
        "loss_kind": chosen.name,
        "point": point,
        "warmup": warmup,
        "decay": decay,
        "made_by": "sim.uv",
    }
    return dataset({k: (("width", "seed", "lr", "step"), v) for k, v in record.items()}, coords, attrs)


def descend(
    state: Gram,
    by: Factors,
    loss: Loss,
    lr: np.ndarray,
    steps: int,
    *,
    point: float,
    warmup: int = 0,
    decay: float = 0.0,
) -> Iterator[Gram]:
    """Yield the state before the first step and after every one."""
    yield state
    for done in range(steps):
        share = min(1.0, (done + 1) / warmup) if warmup else 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            state = step(state, by, loss, lr * share, point=point, decay=decay)
        yield state


def check_rates(lrs: Sequence[float]) -> np.ndarray:
    """Return the rates as an array; ValueError unless all are positive and finite."""
    found = np.asarray(lrs, dtype=float)
    if found.ndim != 1 or not len(found) or not (np.isfinite(found).all() and (found > 0).all()):
        raise ValueError(f"uv: lrs must be a list of positive finite numbers; given {lrs!r}")
    return found


def check_run(steps: int, warmup: int, decay: float, point: float) -> None:
    """Raise ValueError at numbers of steps, a decay or a point that mean nothing."""
    for name, value in (("steps", steps), ("warmup", warmup)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise ValueError(f"uv: {name} must be an integer of at least 0; given {value!r}")
    if not 0 <= decay < math.inf:
        raise ValueError(f"uv: decay must be at least 0 and finite; given {decay}")
    if not (math.isfinite(point) and point):
        raise ValueError(f"uv: point must be finite and not 0; given {point}")
