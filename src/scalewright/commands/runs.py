"""What the commands that train share: their options, the output folder, and what they write there."""

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalewright.frontdoor import to_json, write_text
from scalewright.sim.files import write_bytes

if TYPE_CHECKING:
    from scalewright.report import Page
    from scalewright.sim.verdict import Verdict

Scale = Annotated[str, typer.Option(help="smoke (minutes) or standard (half an hour).")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Json = Annotated[bool, typer.Option("--json", help="Print only JSON.")]
Out = Annotated[
    Path | None, typer.Option(help="Write to this new folder instead of the next reports/NAME-001.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing report folder.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on in an existing folder where a run was stopped.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Experiments that run at once, each in a process with one thread; by default one a core, at "
        "most 4, and 1 on a GPU."
    ),
]

PNG_DPI = 160
#: Workers beyond these are for who asks for them: each needs a gigabyte or more.
MOST_WORKERS = 4


def check_device(device: str) -> str:
    """Return the device that will be used; ValueError with one sentence if there is none."""
    from scalewright.nets.device import resolve

    return str(resolve(device))


def check_workers(workers: int | None, device: str) -> int:
    """Return how many experiments run at once on a device; ValueError with one sentence if it is below 1."""
    if workers is None:
        return min(_cores(), MOST_WORKERS) if device == "cpu" else 1
    if workers < 1:
        raise ValueError(f"--workers must be at least 1; given {workers}")
    return workers


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def how_to_go_on(folder: Path) -> str:
    """Say how a stopped run is continued."""
    return f"Finished stages are kept: run again with --out {folder} --resume to go on."


def integers(text: str | None) -> tuple[int, ...] | None:
    """Read a list such as 64,128,256; ValueError with one sentence if it is none."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"a list of widths must be integers with commas between; given {text!r}") from None


def write_report(
    folder: Path,
    page: "Page",
    verdicts: Sequence["Verdict"],
    figures: Mapping[str, Any],
    record: Mapping[str, Any],
) -> Path:
    """Write index.html, verdicts.json and each figure as PNG; return the page's path."""
    from scalewright.report import render

    write_text(folder / "verdicts.json", to_json({"verdicts": [row.to_json() for row in verdicts], **record}))
    pictures = folder / "figures"
    pictures.mkdir(exist_ok=True)
    for name, figure in figures.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=PNG_DPI, bbox_inches="tight")
        write_bytes(pictures / f"{name}.png", buffer.getvalue())
    return write_text(folder / "index.html", render(page))


def summary(verdicts: Sequence["Verdict"]) -> str:
    """Say in one sentence how many rows pass, fail and are undecided."""
    counts = {kind: sum(row.verdict == kind for row in verdicts) for kind in ("pass", "fail", "undecided")}
    controls = sum(row.expected == "break" for row in verdicts)
    return (
        f"{counts['pass']} of {len(verdicts)} checks pass, {counts['fail']} fail, {counts['undecided']} "
        f"are undecided; "
        f"{controls} of them are controls, whose prediction must be missed."
    )
