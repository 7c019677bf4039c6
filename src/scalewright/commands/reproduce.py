"""`scalewright reproduce PAPER`: measure a paper's claims afresh and store the verdicts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from scalewright.papers import Reproduction

NAME = "reproduce"

Scale = Annotated[
    str, typer.Option(help="smoke (minutes), standard (half an hour); some papers have full, for a GPU.")
]


def command(
    paper: Annotated[
        str,
        typer.Argument(
            help="Paper: super-consistency, batchnorm-isometry, large-learning-rates or feature-strength."
        ),
    ],
    scale: Scale = "smoke",
    device: runs.Device = "auto",
    workers: runs.Workers = None,
    json: runs.Json = False,
    out: runs.Out = None,
    force: runs.Force = False,
    resume: runs.Resume = False,
) -> None:
    """Run every experiment of a paper, judge each claim, store the result and write a report."""
    with one_sentence():
        from scalewright.papers.reproduction import check_scale

        check_scale(paper, scale)
        used = runs.check_device(device)
        count = runs.check_workers(workers, used)
        folder = output_folder(f"{NAME}-{paper}", out, force=force, resume=resume)
    with one_sentence(runs.how_to_go_on(folder)):
        found, provenance, path = _reproduction(paper, scale, used, count, folder)
        if json:
            rows = [finding.to_json() for finding in found.findings]
            show(to_json({"claims": rows, "report": str(path), **provenance}))
        else:
            from scalewright.report.tables import print_verdicts

            print_verdicts(found.verdicts, title=paper)
            for finding in found.findings:
                show(f"{finding.claim.id}: {finding.verdict}")
            show(f"Stored: {found.stored or 'nowhere, the package folder cannot be written'}\nReport: {path}")
        outcomes = {finding.verdict for finding in found.findings}
    raise typer.Exit(FAIL if "deviates" in outcomes else UNDECIDED if outcomes - {"reproduced"} else PASS)


def _reproduction(
    paper: str, scale: str, device: str, workers: int, folder: Path
) -> tuple["Reproduction", dict[str, str], Path]:
    """Run the experiments that are not in the folder yet, store the verdicts, and write the report."""
    from scalewright.papers.reproduction import catalogue_of, reproduce
    from scalewright.report import paper as report
    from scalewright.sim.provenance import command_line

    with progress_bar(paper) as stage:
        found = reproduce(paper, scale, device=device, folder=folder, progress=stage, workers=workers)
        figures = catalogue_of(paper).draw_all(found.trajectories, scale)
    provenance = {"command": command_line(), **found.provenance}
    page = report.page(found, figures, provenance)
    return found, provenance, runs.write_report(folder, page, found.verdicts, figures, provenance)
