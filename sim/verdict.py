"""Judge an estimate against a prediction: pass, fail or undecided, by one rule for every check."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from scalewright.sim.fit import Estimate

Expected = Literal["hold", "break"]
Outcome = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """One row of a report.

    The property is |quantity - predicted| <= tolerance. With [low, high] the 95 % interval of the quantity:
    expected "hold": *pass* if the interval lies inside predicted +- tolerance, *fail* if wholly outside;
    expected "break" (a control): *pass* if wholly outside, *fail* if inside; *undecided* otherwise, with the
    number of further seeds that would decide if the estimate stays where it is and its interval shrinks as
    1/sqrt(seeds) (None where no number would).
    """

    id: str
    statement: str
    measured: float
    low: float
    high: float
    predicted: float
    tolerance: float
    expected: Expected
    verdict: Outcome
    further_seeds: int | None = None
    basis: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain numbers and strings."""
        return asdict(self)


def judge(
    id: str,
    statement: str,
    estimate: Estimate | float,
    *,
    predicted: float,
    tolerance: float,
    expected: Expected = "hold",
    basis: str = "",
) -> Verdict:
    """Return the verdict on an estimate, or on a plain number known to rounding (its interval is itself).

    Args:
        id: short unique name of the check.
        statement: one sentence that says what was checked.
        estimate: value with its interval.
        predicted: what theory says.
        tolerance: half width of the band that counts as agreement, >= 0.
        expected: "break" for a control, whose prediction must be missed.
        basis: where prediction and tolerance come from.
    """
    if not tolerance >= 0:
        raise ValueError(f"judge: tolerance must be a number >= 0; given {tolerance} for {id!r}")
    if expected not in ("hold", "break"):
        raise ValueError(f"judge: expected must be 'hold' or 'break'; given {expected!r} for {id!r}")
    known = (
        estimate
        if isinstance(estimate, Estimate)
        else Estimate(float(estimate), 0.0, float(estimate), float(estimate))
    )
    inside = abs(known.low - predicted) <= tolerance and abs(known.high - predicted) <= tolerance
    outside = known.low > predicted + tolerance or known.high < predicted - tolerance
    outcome: Outcome = "undecided"
    if inside or outside:
        outcome = "pass" if inside == (expected == "hold") else "fail"
    further = _further(known, predicted, tolerance) if outcome == "undecided" else None
    return Verdict(
        id,
        statement,
        known.value,
        known.low,
        known.high,
        predicted,
        tolerance,
        expected,
        outcome,
        further,
        basis,
    )


def _further(estimate: Estimate, predicted: float, tolerance: float) -> int | None:
    """Seeds still needed for the half width to shrink to the distance from the nearer end of the band."""
    distance = abs(tolerance - abs(estimate.value - predicted))
    half = max(estimate.high - estimate.value, estimate.value - estimate.low)
    if not (distance > 0 and math.isfinite(half) and math.isfinite(distance)):
        return None
    return max(1, math.ceil(estimate.replicates * (half / distance) ** 2) - estimate.replicates)
