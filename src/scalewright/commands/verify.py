"""`scalewright verify`: derive, predict, measure and compare on the digits, with a report."""

from typing import Annotated

import typer

from scalewright.commands import runs
from scalewright.frontdoor import exit_status, one_sentence, output_folder, progress_bar, show, to_json

NAME = "verify"


def command(
    scale: runs.Scale = "smoke",
    device: runs.Device = "auto",
    data: Annotated[str | None, typer.Option(help="Data set: digits.")] = None,
    widths: Annotated[
        str | None, typer.Option(help="Widths of the ReLU network, such as 64,128,256.")
    ] = None,
    linear_widths: Annotated[str | None, typer.Option(help="Widths of the linear network.")] = None,
    rate: Annotated[
        float | None, typer.Option(help="Learning rate times initial sharpness; 0.8 by default.")
    ] = None,
    json: runs.Json = False,
    out: runs.Out = None,
    force: runs.Force = False,
    resume: runs.Resume = False,
) -> None:
    """Derive the scaling, predict the training, train networks on the digits, and say whether it held."""
    with one_sentence("Finished stages are kept: run again with --out FOLDER --resume to go on."):
        from scalewright.papers.super_consistency.settings import scale_of, with_choices

        choices = {
            "widths": runs.integers(widths),
            "linear_widths": runs.integers(linear_widths),
            "rate": rate,
        }
        sizes = with_choices(scale_of(scale), data_set=data, **choices)  # type: ignore[arg-type]
        used = runs.check_device(device)
        folder = output_folder(NAME, out, force=force, resume=resume)
        from scalewright.papers.provenance import command_line, environment
        from scalewright.papers.reproduction import version_of
        from scalewright.papers.stages import run_stages
        from scalewright.papers.super_consistency import catalogue

        key = {"scale": repr(sizes), "device": used, "code": version_of("super-consistency")}
        with progress_bar(NAME) as stage:
            found = run_stages(
                catalogue.chain(sizes, used),
                folder=folder,
                key=key,
                progress=stage,
            )
            limits = catalogue.limits(sizes)
        verdicts = catalogue.judge_chain(found)
        figures = catalogue.draw_chain(found, limits)
        provenance = {"command": command_line(), "scale": scale, **environment(used)}
        from scalewright.report.chain import page

        path = runs.write_report(
            folder, page(found, verdicts, figures, provenance), verdicts, figures, provenance
        )
        if json:
            show(
                to_json({"verdicts": [row.to_json() for row in verdicts], "report": str(path), **provenance})
            )
        else:
            from scalewright.report.tables import print_verdicts

            print_verdicts(verdicts, title="derive -> predict -> measure -> compare, on the digits")
            show(f"{runs.summary(verdicts)}\nReport: {path}")
        status = exit_status(row.verdict for row in verdicts)
    raise typer.Exit(status)
