"""A published claim: what it says, what theory predicts, how it is measured here, and what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

ClaimVerdict = Literal["reproduced", "deviates", "undecided", "not tried"]


@dataclass(frozen=True)
class Claim:
    """One checkable statement of a paper, or one of ours that goes beyond it.

    Attributes:
        id: short name, unique in its paper.
        paper: name of the paper's folder, with dashes.
        statement: the claim in one sentence.
        source: where it comes from: equation, figure, or our own derivation.
        predicted: the value or relation that theory gives.
        measured_by: the experiment that judges it.
        tolerance: the band of agreement, and why it is that wide.
        cost: seconds on two cores at smoke scale, roughly.
        checks: ids of the verdicts that decide it; every one must pass.
    """

    id: str
    paper: str
    statement: str
    source: str
    predicted: str
    measured_by: str
    tolerance: str
    cost: str
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """A claim with the verdict of its last stored measurement.

    `stale` says that another version of the code measured it, so that it should be measured again.
    """

    claim: Claim
    verdict: ClaimVerdict
    scale: str = ""
    stale: bool = False
    rows: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the claim and its verdict as one flat record."""
        return {
            **asdict(self.claim),
            "verdict": self.verdict,
            "scale": self.scale,
            "stale": self.stale,
            "rows": list(self.rows),
        }


def judge_claim(
    claim: Claim, verdicts: Sequence[Mapping[str, Any]]
) -> tuple[ClaimVerdict, tuple[Mapping[str, Any], ...]]:
    """Combine the verdicts of a claim's checks: the worst of them; not tried if one lacks."""
    known = {row["id"]: row for row in verdicts}
    rows = tuple(known[check] for check in claim.checks if check in known)
    outcomes = {row["verdict"] for row in rows}
    if "fail" in outcomes:
        return "deviates", rows
    if len(rows) < len(claim.checks):
        return "not tried", rows
    return ("undecided" if "undecided" in outcomes else "reproduced"), rows
