"""The report page of a reproduced paper: a section a claim, its rows, then the pictures."""

from collections.abc import Mapping
from typing import Any

from scalewright.papers.reproduction import Reproduction, catalogue_of
from scalewright.report.page import Figure, Page, Section, Table, verdict_table
from scalewright.sim.verdict import Verdict


def page(found: Reproduction, figures: Mapping[str, Any], provenance: Mapping[str, str]) -> Page:
    """Return the page: the claims at a glance, each with its checks, then every picture."""
    rows = {row.id: row for row in found.verdicts}
    captions = catalogue_of(found.paper).CAPTIONS
    overview = Table(
        ("claim", "statement", "verdict"),
        tuple((f.claim.id, f.claim.statement, f.verdict) for f in found.findings),
        marks={(i, 2): _MARK[f.verdict] for i, f in enumerate(found.findings)},
    )
    details = tuple(
        Section(
            f"Claim {finding.claim.id}: {finding.verdict}",
            (
                finding.claim.statement,
                f"Source: {finding.claim.source}. Predicted: {finding.claim.predicted}. "
                f"Measured by: {finding.claim.measured_by}. Tolerance: {finding.claim.tolerance}.",
            ),
            (verdict_table(_rows(rows, finding.claim.checks)),),
        )
        for finding in found.findings
    )
    pictures = tuple(Figure(name, figure, captions[name]) for name, figure in figures.items())
    counted = {kind: sum(f.verdict == kind for f in found.findings) for kind in _MARK}
    return Page(
        f"Reproduction of {found.paper}",
        ", ".join(f"{count} {kind}" for kind, count in counted.items() if count)
        + f" of {len(found.findings)} claims.",
        (Section("Claims", (), (overview,)), *details, Section("Pictures", (), pictures)),
        tuple(provenance.items()),
    )


_MARK = {"reproduced": "pass", "deviates": "fail", "undecided": "undecided", "not tried": "undecided"}


def _rows(rows: Mapping[str, Verdict], checks: tuple[str, ...]) -> list[Verdict]:
    return [rows[check] for check in checks if check in rows]
