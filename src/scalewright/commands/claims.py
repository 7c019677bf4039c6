"""`scalewright claims`: every published claim and what was found of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from scalewright.frontdoor import FAIL, PASS, UNDECIDED, one_sentence, show, to_json

if TYPE_CHECKING:
    from scalewright.papers import Finding

NAME = "claims"


def command(
    paper: Annotated[str | None, typer.Option(help="Only this paper's claims.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """List the claims with their verdicts; stale ones were measured by another version of the code."""
    with one_sentence():
        from scalewright.papers import claims

        found = claims(paper)
        if json:
            show(to_json({"claims": [finding.to_json() for finding in found]}))
        else:
            _print(found)
        outcomes = {finding.verdict for finding in found}
    raise typer.Exit(FAIL if "deviates" in outcomes else UNDECIDED if outcomes - {"reproduced"} else PASS)


def _print(found: "list[Finding]") -> None:
    from rich.console import Console
    from rich.table import Table

    colours = {"reproduced": "green", "deviates": "red", "undecided": "yellow", "not tried": "dim"}
    grid = Table()
    for column in ("paper", "claim", "statement", "verdict", "scale"):
        grid.add_column(column, overflow="fold")
    for finding in found:
        note = " (stale)" if finding.stale else ""
        verdict = f"[{colours[finding.verdict]}]{finding.verdict}{note}[/]"
        grid.add_row(
            finding.claim.paper, finding.claim.id, finding.claim.statement, verdict, finding.scale or "-"
        )
    Console().print(grid)
