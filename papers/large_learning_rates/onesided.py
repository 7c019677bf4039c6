"""Judge claims with one direction: more than a bound, or less. The opposite finding fails."""

from dataclasses import replace
from typing import Literal

from scalewright.sim.fit import Estimate
from scalewright.sim.verdict import Verdict, judge

Side = Literal["above", "below"]


def beyond(
    id: str,
    statement: str,
    estimate: Estimate | float,
    *,
    bound: float,
    side: Side,
    tolerance: float = 0.0,
    basis: str = "",
) -> Verdict:
    """Return the row of a statement that must be missed on one side of `bound`, by more than the tolerance.

    *pass* if the 95 % interval lies wholly on that side, *fail* if wholly on the other or within the
    tolerance, *undecided* otherwise. `judge` alone would take either side for a miss.
    """
    row = judge(
        id,
        statement,
        estimate,
        predicted=bound,
        tolerance=tolerance,
        expected="break",
        basis=f"{basis}; {side}",
    )
    wrong = row.measured < bound if side == "above" else row.measured > bound
    return replace(row, verdict="fail") if row.verdict == "pass" and wrong else row
