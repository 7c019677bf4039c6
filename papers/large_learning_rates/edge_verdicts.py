"""Judge the grids of rates: largest stable and best rates against width, and what the best is worth."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import xarray as xr

from scalewright.papers.large_learning_rates.edges import stable_below, wrongness
from scalewright.papers.large_learning_rates.onesided import beyond
from scalewright.papers.large_learning_rates.readings import difference
from scalewright.sim import fit, rates
from scalewright.sim.fit import Estimate, Slope
from scalewright.sim.rates import Rate
from scalewright.sim.verdict import Verdict, judge

#: Half width of the band around a predicted power of the largest stable or best rate.
BAND = 0.15
#: Rates on either side of the lowest loss through which a parabola is laid.
REACH = 2


@dataclass(frozen=True)
class Rates:
    """Learning rates read off the grids of one width, one a seed; `censored` says where a grid lacks one."""

    width: int
    values: np.ndarray
    censored: str = ""


def stable_rates(data: xr.Dataset) -> list[Rates]:
    """Return the largest stable rates of every width: not diverged, and under cross-entropy twice chance."""
    level = stable_below(int(data.attrs["classes"]))
    wrong = wrongness(data, _rows(data, "accuracy"), _diverged(data))
    return _read(data, wrong, lambda grid, row: rates.largest_stable(grid, row[None], level=level))


def best_rates(data: xr.Dataset) -> list[Rates]:
    """Return the rates of lowest training loss of every width, among those below the first unstable one.

    Valleys are as wide as a factor of 4 and the loss of a single run is noisy: parabolas through five rates.
    """
    losses = np.where(_diverged(data), np.inf, _rows(data, "loss"))
    return _read(data, losses, lambda grid, row: rates.optimum(grid, np.stack([row, row]), reach=REACH))


def _read(data: xr.Dataset, values: np.ndarray, reader: Callable[..., Rate]) -> list[Rates]:
    """Read each seed's own grid; seeds that a width did not train are left out."""
    found, grids = [], _rows(data, "rate")
    for width, lrs, rows in zip(data.width.values, grids, values, strict=True):
        read = [reader(*pair) for pair in zip(lrs, rows, strict=True) if np.isfinite(pair[0]).all()]
        said = next((rate for rate in read if rate.status != "interior"), None)
        kept = np.array([rate.seed_values[0] for rate in read if rate.status == "interior"])
        found.append(Rates(int(width), kept, "" if said is None else f"{said.status}: {said.message}"))
    return found


def _rows(data: xr.Dataset, name: str) -> np.ndarray:
    return np.asarray(data[name].transpose("width", "seed", "lr").values)


def _diverged(data: xr.Dataset) -> np.ndarray:
    return _rows(data, "diverged_at") >= 0


def same_rate(cross_entropy: xr.Dataset, squared: xr.Dataset) -> list[Verdict]:
    """At a rate that cross-entropy bears, the squared loss diverges on the same networks."""
    width, rate = int(squared.attrs["width"]), float(squared.attrs["rate"])
    return [
        judge(
            f"same-rate-{name}",
            f"SP, deep, width {width}, rate {rate:.2g}: share of the networks that diverge under {loss}",
            float((data.diverged_at >= 0).mean()),
            predicted=share,
            tolerance=0.0,
            basis="half of cross-entropy's largest rate at the narrowest width, moved by its power; "
            "theory.edges",
        )
        for name, loss, data, share in (
            ("cross-entropy", "cross-entropy", cross_entropy, 0.0),
            ("mse", "the squared loss", squared, 1.0),
        )
    ]


def predicted_power(data: xr.Dataset) -> float:
    """Return the power of the width along which the grids of a dataset move: that of theory."""
    return float(Fraction(data.attrs["power"]))


def power(found: list[Rates]) -> tuple[Slope | Estimate, str]:
    """Return the power of the width of rates; where a grid does not hold one, no number and the reason."""
    for one in found:
        if one.censored:
            nothing = Estimate(math.nan, math.nan, math.nan, math.nan)
            return nothing, f" (width {one.width}: {one.censored})"
    return fit.slope([one.width for one in found], [one.values for one in found]), ""


def edge(id: str, data: xr.Dataset, *, prefix: str = "edge-") -> list[Verdict]:
    """The largest stable rate falls with the predicted power of the width."""
    found, censored = power(stable_rates(data))
    return [
        judge(
            f"{prefix}{id}",
            f"{data.attrs['setting']}: the largest stable rate scales as n^{data.attrs['power']}{censored}",
            found,
            predicted=predicted_power(data),
            tolerance=BAND,
            basis="theory.edges; grids of sqrt(2), shifted from seed to seed",
        )
    ]


def optimum(id: str, data: xr.Dataset) -> list[Verdict]:
    """The best rate has the power of the width of the largest stable one."""
    found, censored = power(best_rates(data))
    predicted = predicted_power(data)
    return [
        judge(
            f"optimum-{id}",
            f"{data.attrs['setting']}: the rate of lowest training loss scales as n^{predicted:g}{censored}",
            found,
            predicted=predicted,
            tolerance=BAND,
            basis="at the edge, where there is one; parabola through five rates a seed",
        )
    ]


def batch_powers(runs: list[xr.Dataset]) -> list[Verdict]:
    """At a fixed number of steps the largest stable rate of the widest networks grows at most as B^1/2."""
    rows = []
    for loss in dict.fromkeys(data.attrs["loss"] for data in runs):
        wide, said = batch_power(runs, loss, -1)
        rows += [
            judge(
                f"batch-power-{loss}",
                f"SP, deep, {loss}, width {runs[0].width.values[-1]}: the largest stable rate scales with "
                f"the batch as B^p, 0 <= p <= 1/2{said}",
                wide,
                predicted=0.25,
                tolerance=0.25,
                basis="between no noise and noise that adds up over a fixed number of steps",
            ),
        ]
    return rows


def batch_power(runs: list[xr.Dataset], loss: str, place: int) -> tuple[Slope | Estimate, str]:
    """Return the power of the batch in the largest stable rates of one width; no number where one lacks."""
    chosen = [data for data in runs if data.attrs["loss"] == loss]
    found = [stable_rates(data)[place] for data in chosen]
    for data, one in zip(chosen, found, strict=True):
        if one.censored or len(one.values) < 2:
            nothing = Estimate(math.nan, math.nan, math.nan, math.nan)
            return nothing, f" (batch {data.attrs['batch']}: {one.censored or 'fewer than 2 seeds'})"
    return fit.slope([int(data.attrs["batch"]) for data in chosen], [one.values for one in found]), ""


def narrowing(runs: list[xr.Dataset]) -> list[Verdict]:
    """The batch matters less at wide networks: edges of small batches fall more slowly with the width."""
    loss, widths = runs[0].attrs["loss"], runs[0].width.values
    (narrow, first), (wide, last) = (batch_power(runs, loss, place) for place in (0, -1))
    return [
        beyond(
            f"narrowing-{loss}",
            f"SP, deep, {loss}: the power of the batch in the largest stable rate is the same at width "
            f"{widths[-1]} ({wide.value:.2f}) as at width {widths[0]} ({narrow.value:.2f}){first or last}",
            difference(wide, narrow),
            bound=0.0,
            side="below",
            basis="where it falls, edges of small batches fall more slowly with the width",
        )
    ]


def catapults(short: xr.Dataset, long: xr.Dataset) -> list[Verdict]:
    """Just below the edge of the squared loss all networks learn in the end, and not within a short run."""
    rows = []
    for data, end, expected in ((long, "", "hold"), (short, "-control", "break")):
        learnt = 1 - _rows(data.expand_dims("width"), "accuracy") < stable_below(int(data.attrs["classes"]))
        rows.append(
            judge(
                f"catapult-two-mse{end}",
                f"{data.attrs['setting']}, width {data.attrs['width']}, 0.6 to 0.9 of the largest rate that "
                f"doesn't diverge: share that has reached twice chance within {data.attrs['steps']} steps",
                float((learnt & ~_diverged(data.expand_dims("width"))).mean()),
                predicted=1.0,
                tolerance=0.0,
                expected=expected,  # type: ignore[arg-type]
                basis="a catapult ends: sim.uv, docs/concepts/controlled-divergence.md",
            )
        )
    return rows


def control(id: str, data: xr.Dataset, *, wrong: float) -> list[Verdict]:
    """The other loss's power must be missed."""
    found, censored = power(stable_rates(data))
    return [
        beyond(
            f"edge-{id}-control",
            f"{data.attrs['setting']}: the largest stable rate scales as n^{wrong:g}, the power of the other "
            f"loss{censored}",
            found,
            bound=wrong,
            tolerance=BAND,
            side="below",
            basis="the losses differ by n^1/2 or n: a grid that can't tell them is worth nothing",
        )
    ]


def best_accuracy(data: xr.Dataset) -> list[np.ndarray]:
    """Return the held-out accuracy at the rate of lowest training loss, one a seed, for every width."""
    return _at_best(data, data.test_accuracy)


def overconfidence(data: xr.Dataset) -> list[np.ndarray]:
    """Return mean largest probability minus accuracy, held out, at the rate of lowest training loss."""
    return _at_best(data, data.confidence - data.test_accuracy)


def _at_best(data: xr.Dataset, wanted: xr.DataArray) -> list[np.ndarray]:
    losses = np.where(_diverged(data), np.inf, _rows(data, "loss"))
    found = []
    for row, loss in zip(wanted.transpose("width", "seed", "lr").values, losses, strict=True):
        used = np.isfinite(loss).any(axis=1)
        best = np.nan_to_num(loss[used], nan=np.inf).argmin(axis=1)
        found.append(row[used][np.arange(len(best)), best])
    return found


def advantage(first: xr.Dataset, second: xr.Dataset) -> Estimate:
    """Return by how much the held-out accuracy of the first exceeds that of the second, at the widest."""
    above, below = best_accuracy(first)[-1], best_accuracy(second)[-1]
    count = min(len(above), len(below))
    return fit.interval(above[:count] - below[:count])
