"""Read the largest stable and the best learning rate off a grid of runs, with interval and status."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scalewright.sim import fit
from scalewright.sim.fit import Estimate, Slope

Status = Literal["interior", "at the lower edge", "at the upper edge", "no stable rate"]
Level = float | Sequence[float] | np.ndarray

ADVICE: dict[Status, str] = {
    "interior": "the grid holds it",
    "at the lower edge": "censored: it lies at the grid's lowest rate or below; extend the grid downwards",
    "at the upper edge": "censored: it lies at the grid's highest rate or above; extend the grid upwards",
    "no stable rate": "no rate of the grid is good for every seed's run; start the grid lower, "
    "train longer, or raise the level",
}


#: Losses within this factor of the level are too close to it to tell slow runs from fast ones.
CLEAR = 1.5


@dataclass(frozen=True)
class Rate(Estimate):
    """A learning rate read off a grid: geometric mean over seeds, with Student's 95 % interval.

    `standard_error` is that of the logarithm. It holds the spread between seeds and the resolution of the
    grid, a uniform error within one step of it that all seeds may share: sqrt(s^2 / r + step^2 / 12).

    Attributes:
        status: whether the grid holds the rate. Otherwise it is censored, and `value` no more than the grid's
            edge; nan where there is no stable rate.
        seed_values: one rate a seed, nan for a seed without.
        censored: seeds whose rate ends the grid, or that have none.
        resolution: log of the grid's step around the rate; where a parabola found it between the rates, the
            step whose rounding would err by as much as the parabola.
    """

    status: Status = "interior"
    seed_values: tuple[float, ...] = ()
    censored: int = 0
    resolution: float = 0.0

    @property
    def message(self) -> str:
        """What the status says and what to do next."""
        return ADVICE[self.status]


def good(lrs: Sequence[float] | np.ndarray, losses: np.ndarray, *, level: Level = math.inf) -> np.ndarray:
    """Mark each seed's contiguous good interval from below.

    A run is good if its loss is finite and below the level. Close above the largest stable rate some runs
    are good by luck; counting them in moves the edge up, the more the finer the grid. The interval therefore
    starts at the lowest good rate (below, training is too slow for the level) and ends before the next bad
    one. Slow runs scatter around the level: where the first good ones and what lies between are within a
    factor 1.5 of it, on either side, the interval starts at the first that is clear of it. A run that
    diverged is never passed over.

    Args:
        lrs: learning rates (g,), increasing.
        losses: (r, g), a row a seed; inf or nan where the run diverged.
        level: what a good run stays below: a number, or one a seed (r,), such as the initial loss.

    Returns:
        Truth values (r, g).

    Raises:
        ValueError: shapes that do not fit, rates that are not positive and increasing, or a level of nan.

    Example:
        >>> good([1, 2, 4, 8], np.array([[0.9, 0.1, np.inf, 0.1]]), level=0.5)
        array([[False,  True, False, False]])
    """
    _, values = _checked("good", lrs, losses)
    limit = np.asarray(level, dtype=float)
    if limit.shape not in ((), (len(values),)) or np.isnan(limit).any():
        raise ValueError(
            f"rates.good: level must be a number or one for each of the {len(values)} seeds; given {level!r}"
        )
    fine = np.isfinite(values) & (np.nan_to_num(values, nan=np.inf) < limit.reshape(-1, 1))
    started = np.arange(fine.shape[1]) >= _start(fine, values, limit.reshape(-1, 1))[:, None]
    return fine & started & ~np.logical_or.accumulate(started & ~fine, axis=1)


def _start(fine: np.ndarray, values: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Return the index of the first rate of each seed's interval (r,), the number of rates for none."""
    starts = np.full(len(fine), fine.shape[1])
    clear, near = fine & (values < limit / CLEAR), np.isfinite(values) & (values < limit * CLEAR)
    for row in np.flatnonzero(fine.any(axis=1)):
        starts[row] = first = int(fine[row].argmax())
        later = int(clear[row].argmax()) if clear[row].any() else first
        if near[row, first:later].all():
            starts[row] = max(first, later)
    return starts


def largest_stable(lrs: Sequence[float] | np.ndarray, losses: np.ndarray, *, level: Level = math.inf) -> Rate:
    """Return where the contiguous good interval ends: between its last rate and the next, in the middle.

    Arguments, and what counts as good, are those of `good`. One seed gives the bracket as its interval and
    says nothing about the spread between seeds; `slope` refuses it.

    Returns:
        Censored "at the upper edge" if the interval of more than one seed in twenty ends the grid, "no stable
        rate" if more than one in twenty have none.

    Raises:
        ValueError: as `good`.

    Example:
        >>> found = largest_stable([1, 2, 4, 8], np.array([[0.2, 0.1, 0.1, np.inf]] * 3))
        >>> round(found.value, 3), found.status
        (5.657, 'interior')
    """
    rates, _ = _checked("largest_stable", lrs, losses)
    inside = good(lrs, losses, level=level)
    logs = np.log(rates)
    last = np.where(inside.any(axis=1), len(rates) - 1 - inside[:, ::-1].argmax(axis=1), -1)
    above = np.minimum(last + 1, len(rates) - 1)
    places = np.where(last < 0, np.nan, (logs[last] + logs[above]) / 2)
    steps = np.where(last < 0, 0.0, logs[above] - logs[last])
    return _rate(places, steps, lower=np.zeros_like(last, dtype=bool), upper=last == len(rates) - 1)


def optimum(
    lrs: Sequence[float] | np.ndarray, losses: np.ndarray, *, level: Level = math.inf, reach: int = 1
) -> Rate:
    """Return the rate of lowest loss within the good interval, by a local parabola of `fit.optimum`.

    Log loss is fitted by a parabola in log rate through the lowest point and `reach` neighbours on each
    side, one fit a seed. A valley is no parabola: by how much the vertex moves when one more neighbour on
    each side is fitted counts as the standard error of the interpolation, up to that of a whole step. Where
    the next rate is not good no parabola can be fitted: the lowest point itself is taken, with the grid's
    step as its resolution.

    Args:
        lrs, losses, level: as in `good`; losses positive where finite.
        reach: neighbours used on each side.

    Returns:
        Censored if the lowest point of more than one seed in twenty ends the grid, "no stable rate" if more
        than one in twenty have no good rate.

    Raises:
        ValueError: as `good`, fewer than 2 seeds or 3 rates, or a loss <= 0.

    Example:
        >>> grid = np.geomspace(0.1, 10, 9)
        >>> found = optimum(grid, np.exp(np.log(grid / 1.2) ** 2)[None].repeat(2, axis=0))
        >>> round(found.value, 6), found.status
        (1.2, 'interior')
    """
    rates, values = _checked("optimum", lrs, losses)
    if len(values) < 2 or len(rates) < 3:
        raise ValueError(
            f"rates.optimum: losses must be (r, g) with r >= 2 seeds and g >= 3 rates; given {values.shape}"
        )
    kept = np.where(good(lrs, losses, level=level), values, np.inf)
    some, logs = np.isfinite(kept).any(axis=1), np.log(rates)
    best = kept.argmin(axis=1)
    places, wider = np.full((2, len(kept)), np.nan)
    for row in np.flatnonzero(some):
        for found, near in ((places, reach), (wider, reach + 1)):
            found[row] = math.log(fit.optimum(rates, kept[[row, row]], reach=near).replicate_values[0])
    inner = np.clip(best, 1, len(rates) - 2)
    fitted = np.isfinite(kept[np.arange(len(kept))[:, None], inner[:, None] + [-1, 0, 1]]).all(axis=1)
    whole = (logs[inner + 1] - logs[inner - 1]) / 2
    moved = np.minimum(math.sqrt(12) * np.abs(np.nan_to_num(places - wider)), whole)
    steps = np.where(some, np.where(fitted, moved, whole), 0.0)
    return _rate(places, steps, lower=some & (best == 0), upper=some & (best == len(rates) - 1))


def slope(x: Sequence[float] | np.ndarray, found: Sequence[Rate]) -> Slope:
    """Fit log rate = intercept + slope * log x, each rate with its own standard error.

    Raises:
        ValueError: a rate that its grid does not hold, or of one seed; another number of rates than of x.

    Example:
        >>> pair = [Rate(k, 0.01, k, k, 5) for k in (1.0, 100.0)]
        >>> round(slope([1.0, 10.0], pair).value, 12)
        2.0
    """
    places = np.asarray(x, dtype=float)
    if places.shape != (len(found),) or len(found) < 2 or not (np.isfinite(places) & (places > 0)).all():
        raise ValueError(
            f"rates.slope: x must hold a positive number for each of 2 or more rates; given "
            f"{places.tolist()} for {len(found)} rates"
        )
    for place, rate in zip(places, found, strict=True):
        if rate.status != "interior":
            raise ValueError(
                f"rates.slope: every rate must be held by its grid; given one {rate.status!r} at x = "
                f"{place:g} ({rate.message})"
            )
        if rate.replicates < 2:
            raise ValueError(
                f"rates.slope: every rate must come from at least 2 seeds; given 1 at x = {place:g}"
            )
    return fit.line(
        places,
        np.log([rate.value for rate in found]),
        np.array([rate.standard_error for rate in found]),
        replicates=np.array([rate.replicates for rate in found]),
    )


def _rate(places: np.ndarray, steps: np.ndarray, *, lower: np.ndarray, upper: np.ndarray) -> Rate:
    """Average log rates over seeds, and say whether the grid holds them."""
    count, none = len(places), np.isnan(places)
    known, step = places[~none], float(np.mean(steps))
    seen = tuple(math.exp(place) for place in places)
    status: Status = "interior"
    for name, flags in (
        ("at the lower edge", lower),
        ("at the upper edge", upper),
        ("no stable rate", none),
    ):
        status = name if 20 * int(flags.sum()) > count else status  # type: ignore[assignment]
    censored = int((lower | upper | none).sum())
    if status == "no stable rate":
        return Rate(math.nan, math.nan, math.nan, math.nan, count, status, seen, censored, step)
    middle, spread = float(known.mean()), float(known.var(ddof=1)) if len(known) > 1 else 0.0
    error = math.sqrt(spread / len(known) + step**2 / 12)
    half = _student(len(known) - 1) * error if len(known) > 1 else step / 2
    low, high = math.exp(middle - half), math.exp(middle + half)
    return Rate(math.exp(middle), error, low, high, len(known), status, seen, censored, step)


def _student(freedom: int) -> float:
    """Two-sided 95 % quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + fit.CONFIDENCE / 2))


def _checked(
    function: str, lrs: Sequence[float] | np.ndarray, losses: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return grid and losses as arrays, or say in one sentence what is wrong."""
    rates, values = np.asarray(lrs, dtype=float), np.asarray(losses, dtype=float)
    if (
        values.ndim != 2
        or rates.ndim != 1
        or values.shape[1] != len(rates)
        or not values.size
        or len(rates) < 2
    ):
        raise ValueError(
            f"rates.{function}: losses must be (r, g) with a row a seed and a column a rate, g = len(lrs) >= "
            f"2; given lrs {rates.shape}, losses {values.shape}"
        )
    if not (np.isfinite(rates).all() and (rates > 0).all() and (np.diff(rates) > 0).all()):
        raise ValueError(
            f"rates.{function}: lrs must be positive, finite and increasing; given {rates.tolist()}"
        )
    return rates, values
