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
    """Print a table a paper, its scale above."""
    from itertools import groupby

    from rich.console import Console
    from rich.table import Table

    console = Console()
    for (paper, scale), findings in groupby(found, lambda finding: (finding.claim.paper, finding.scale)):
        grid = Table(title=f"{paper}, {scale + ' scale' if scale else 'not tried'}", title_justify="left")
        grid.add_column("claim", no_wrap=True)
        grid.add_column("statement", overflow="fold")
        grid.add_column("verdict", no_wrap=True)
        for finding in findings:
            grid.add_row(finding.claim.id, finding.claim.statement, _verdict(finding))
        console.print(grid)


def _verdict(finding: "Finding") -> str:
    colours = {"reproduced": "green", "deviates": "red", "undecided": "yellow", "not tried": "dim"}
    note = " (stale)" if finding.stale else ""
    return f"[{colours[finding.verdict]}]{finding.verdict}{note}[/]"
