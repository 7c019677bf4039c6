"""Exponents: what is measured of a trained network, the slope over sizes, and the prediction beside it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from fractions import Fraction

import numpy as np
import torch

from measured.exceptions import EXCEPTIONS
from measured.tape import BILINEAR, Use, base, rms
from measured.training import Case, Run
from scalewright import theory

LOGITS = ("readout", "readout.shifted", "readout.multiplier", "decoder.output")
QUANTITIES = ("size", "gradient", "effective", "propagating", "change")


@dataclass(frozen=True)
class Measured:
    """One exponent: predicted, measured with its standard error, and the slope of the two largest sizes.

    `plateau` is the share of the predicted power in the mean square at the largest size, if a term smaller by
    N^-1/2 is all that stands beside it: near 1 where the sizes have settled, 0 if the predicted term isn't
    there. `exactly_zero` says whether every size was 0, for which the prediction is "-oo" and no slope.
    """

    case: str
    tensor: str
    quantity: str
    predicted: str
    slope: float
    error: float
    local: float
    local_error: float
    plateau: float
    plateau_error: float
    exactly_zero: bool

    @property
    def tolerance(self) -> float:
        """0.1; 0.15 for the propagating update of the logits and their change, of which it is a part."""
        return 0.15 if self.tensor in LOGITS and self.quantity in ("propagating", "change") else 0.1

    @property
    def exception(self) -> str:
        """Why the slope is known to miss the prediction, or nothing."""
        for (case, tensor, quantity), why in EXCEPTIONS.items():
            if (case, quantity) == (self.case, self.quantity) and fnmatch(self.tensor, tensor):
                return why
        return ""

    def misses(self, predicted: str | None = None) -> float:
        """Return the distance of the measured slope from the prediction, or from another one."""
        wanted = self.predicted if predicted is None else predicted
        if wanted == "-oo" or self.exactly_zero:
            return 0.0 if wanted == "-oo" and self.exactly_zero else math.inf
        return abs(self.slope - float(Fraction(wanted)))


def measure(case: Case, size: int, seed: int) -> dict[tuple[str, str], float]:
    """Train one network and return the rms of every quantity of every tensor."""
    run = Run.of(case, size, seed)
    first, loss = run.forward()
    gradients, arriving = run.gradients(first, loss)
    for t in range(1, case.steps + 1):
        run.update(gradients, t)
        last, loss = run.forward()
        gradients = run.gradients(last, loss)[0] if t < case.steps else {}
    with torch.no_grad():
        found = {(name, "size"): rms(use.y for use in uses) for name, uses in first.uses.items()}
        found |= {(name, "gradient"): rms(gs) for name, gs in arriving.items()}
        for name, uses in first.uses.items():
            found |= {(name, quantity): value for quantity, value in moved(run, uses, last.uses[name])}
    return found


def moved(run: Run, before: list[Use], after: list[Use]) -> Iterable[tuple[str, float]]:
    """Yield the change of a tensor, and the two parts of it where a weight makes it."""
    yield "change", rms(b.y - a.y for a, b in zip(before, after, strict=True))
    if not before[0].op:
        return
    product = BILINEAR[before[0].op]
    scale = [run.numbers[base(use.key)].multiplier for use in before]
    yield (
        "effective",
        rms(m * product(use.x, run.moved[use.key]) for m, use in zip(scale, after, strict=True)),
    )
    if before[0].x.is_floating_point():
        changes = zip(scale, before, after, strict=True)
        yield "propagating", rms(m * product(b.x - a.x, run.initial[a.key]) for m, a, b in changes)


def compare(case: Case) -> list[Measured]:
    """Measure all sizes and seeds of a case, and return every exponent that is predicted."""
    runs = [[measure(case, size, seed) for size in case.sizes] for seed in range(case.seeds)]
    predicted, rows = predictions(case, runs[0][0]), []
    for (tensor, quantity), value in predicted.items():
        values = np.array([[found[tensor, quantity] for found in run] for run in runs])
        rows.append(fitted(case, tensor, quantity, value, values))
    return rows


def predictions(
    case: Case, measured: Iterable[tuple[str, str]], given: theory.Parametrization | None = None
) -> dict[tuple[str, str], str]:
    """Return what `profile` says of what was measured, under the case's parametrization or another.

    The gradient is measured before any step, where the calculus has it at the first step.
    """
    part = theory.profile(given or case.given, loss=case.loss)[case.axis]
    found = {}
    for tensor, quantity in measured:
        value = getattr(part.row(tensor, step=1 if quantity == "gradient" else case.step), quantity)
        found |= {} if value is None else {(tensor, quantity): str(value)}
    return found


def fitted(case: Case, tensor: str, quantity: str, predicted: str, values: np.ndarray) -> Measured:
    """Fit log rms (a row a seed) against log size: mean and standard error of the seeds' slopes."""
    if not values.any():
        return Measured(case.name, tensor, quantity, predicted, *[math.nan, 0.0] * 3, True)
    x, y = np.log(np.array(case.sizes, float)), np.log(values)
    slopes = np.polyfit(x, y.T, 1)[0]
    local = (y[:, -1] - y[:, -2]) / (x[-1] - x[-2])
    power = 0.0 if predicted in ("-oo", "oo") else float(Fraction(predicted))
    shares = np.array([plateau(x, 2 * (row - power * x)) for row in y])
    found = [f(v) for v in (slopes, local, shares) for f in (mean, standard_error)]
    return Measured(case.name, tensor, quantity, predicted, *found, False)


def mean(values: np.ndarray) -> float:
    """Return the mean over seeds."""
    return float(values.mean())


def standard_error(values: np.ndarray) -> float:
    """Return the standard error of a mean over seeds."""
    return float(values.std(ddof=1) / math.sqrt(len(values)))


def plateau(x: np.ndarray, log_square: np.ndarray) -> float:
    """Fit exp(log_square) = b + a / N by relative least squares; return b's share at the largest N."""
    square, inverse = np.exp(log_square - log_square.max()), np.exp(x[0] - x)
    design = np.stack([np.ones_like(x), inverse], 1) / square[:, None]
    level, rest = np.linalg.lstsq(design, np.ones_like(x), rcond=None)[0]
    return float(level / (level + rest * inverse[-1]))


def line(row: Measured) -> str:
    """Return a row of the table."""
    measured = "exactly 0" if row.exactly_zero else f"{row.slope:6.2f} +- {row.error:.2f}"
    local = "" if row.exactly_zero else f"{row.local:6.2f} +- {row.local_error:.2f}"
    mark = "" if row.misses() <= row.tolerance else f"  misses: {row.exception or 'unexplained'}"
    name = f"{row.case:42} {row.tensor:32} {row.quantity:12}"
    return f"{name} {row.predicted:>5} {measured:>15} {local:>15}{mark}"
