"""`scalewright verify`: derive, predict, measure and compare on the digits, with a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalewright.commands import runs
from scalewright.frontdoor import exit_status, one_sentence, output_folder, progress_bar, show, to_json

if TYPE_CHECKING:
    from scalewright.papers.super_consistency.settings import Scale
    from scalewright.sim.verdict import Verdict

NAME = "verify"


def command(
    scale: runs.Scale = "smoke",
    device: runs.Device = "auto",
    workers: runs.Workers = None,
    data: Annotated[str | None, typer.Option(help="Data set: digits or fashion-mnist.")] = None,
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
    with one_sentence():
        from scalewright.papers.super_consistency.settings import scale_of, with_choices

        choices = {
            "widths": runs.integers(widths),
            "linear_widths": runs.integers(linear_widths),
            "rate": rate,
        }
        sizes = with_choices(scale_of(scale), data_set=data, **choices)  # type: ignore[arg-type]
        used = runs.check_device(device)
        count = runs.check_workers(workers, used)
        folder = output_folder(NAME, out, force=force, resume=resume)
    with one_sentence(runs.how_to_go_on(folder)):
        verdicts, provenance, path = _chain(sizes, used, count, folder)
        if json:
            rows = [row.to_json() for row in verdicts]
            show(to_json({"verdicts": rows, "report": str(path), **provenance}))
        else:
            from scalewright.report.tables import print_verdicts

            print_verdicts(verdicts, title="derive -> predict -> measure -> compare, on the digits")
            show(f"{runs.summary(verdicts)}\nReport: {path}")
    raise typer.Exit(exit_status(row.verdict for row in verdicts))


def _chain(
    sizes: "Scale", device: str, workers: int, folder: Path
) -> tuple[list["Verdict"], dict[str, str], Path]:
    """Run the stages that are not in the folder yet, judge them all, and write the report."""
    from scalewright.papers.reproduction import version_of
    from scalewright.papers.running import run_stages
    from scalewright.papers.super_consistency import catalogue
    from scalewright.report import chain
    from scalewright.sim.provenance import command_line, environment

    key = {"scale": repr(sizes), "device": device, "code": version_of("super-consistency")}
    with progress_bar(NAME) as stage:
        stages = catalogue.chain(sizes, device)
        found = run_stages(stages, folder=folder, key=key, progress=stage, workers=workers)
        limits = catalogue.limits(sizes)
    verdicts, figures = catalogue.judge_chain(found), catalogue.draw_chain(found, limits)
    provenance = {"command": command_line(), "scale": sizes.name, **environment(device)}
    page = chain.page(found, verdicts, figures, provenance)
    return verdicts, provenance, runs.write_report(folder, page, verdicts, figures, provenance)
