"""`scalewright reproduce PAPER`: measure a paper's claims afresh and store the verdicts."""

from typing import Annotated

import typer

from scalewright.commands import runs
from scalewright.frontdoor import (
    FAIL,
    PASS,
    UNDECIDED,
    one_sentence,
    output_folder,
    progress_bar,
    show,
    to_json,
)

NAME = "reproduce"


def command(
    paper: Annotated[str, typer.Argument(help="Paper, such as super-consistency.")],
    scale: runs.Scale = "smoke",
    device: runs.Device = "auto",
    json: runs.Json = False,
    out: runs.Out = None,
    force: runs.Force = False,
    resume: runs.Resume = False,
) -> None:
    """Run every experiment of a paper, judge each claim, store the result and write a report."""
    with one_sentence("Finished stages are kept: run again with --out FOLDER --resume to go on."):
        from scalewright.papers.reproduction import catalogue_of, check_scale, reproduce

        check_scale(paper, scale)
        used = runs.check_device(device)
        folder = output_folder(f"{NAME}-{paper}", out, force=force, resume=resume)
        with progress_bar(paper) as stage:
            found = reproduce(paper, scale, device=used, folder=folder, progress=stage)
            figures = catalogue_of(paper).draw_all(found.trajectories, scale)
        from scalewright.papers.provenance import command_line
        from scalewright.report.paper import page

        provenance = {"command": command_line(), **found.provenance}
        path = runs.write_report(
            folder, page(found, figures, provenance), found.verdicts, figures, provenance
        )
        if json:
            show(
                to_json(
                    {
                        "claims": [finding.to_json() for finding in found.findings],
                        "report": str(path),
                        **provenance,
                    }
                )
            )
        else:
            from scalewright.report.tables import print_verdicts

            print_verdicts(found.verdicts, title=paper)
            for finding in found.findings:
                show(f"{finding.claim.id}: {finding.verdict}")
            show(f"Stored: {found.stored}\nReport: {path}")
        outcomes = {finding.verdict for finding in found.findings}
    raise typer.Exit(FAIL if "deviates" in outcomes else UNDECIDED if outcomes - {"reproduced"} else PASS)
