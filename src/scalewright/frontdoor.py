"""What every command shares: exit codes, one-sentence errors, output folders, JSON, progress."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from scalewright.sim.files import plain
from scalewright.sim.files import write_text as write_text

PASS, FAIL, BAD_INPUT, UNDECIDED, INTERRUPTED = 0, 1, 2, 3, 130


@contextmanager
def one_sentence(resume: str = "") -> Iterator[None]:
    """Turn errors of bad input into one sentence on stderr and exit status 2, Ctrl-C and a killed worker
    into status 130.

    Set SCALEWRIGHT_TRACEBACK=1 to see the traceback instead.
    """
    from scalewright.theory.errors import ScalingError

    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"scalewright: interrupted; no half-written file is left. {resume}".rstrip(), err=True)
        raise typer.Exit(INTERRUPTED) from None
    except ChildProcessError as error:
        typer.echo(f"scalewright: {_sentence(error)}. {resume}".rstrip(), err=True)
        raise typer.Exit(INTERRUPTED) from None
    except (ValueError, TypeError, LookupError, OSError, ArithmeticError, ScalingError) as error:
        if os.environ.get("SCALEWRIGHT_TRACEBACK"):
            raise
        typer.echo(f"scalewright: {_sentence(error)}", err=True)
        raise typer.Exit(BAD_INPUT) from None


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {_reason(error)}"
    text = error.args[0] if isinstance(error, LookupError) and error.args else error
    return " ".join(str(text).split())


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def output_folder(command: str, out: Path | None, *, force: bool = False, resume: bool = False) -> Path:
    """Create and return the folder a command writes to.

    Without `out` it is the next free `reports/COMMAND-NNN`. An explicit folder that exists is refused, unless
    `force` empties it or `resume` goes on in it; both take only a folder that a command made.
    """
    if resume and (out is None or force):
        raise ValueError(
            "--resume goes on in the folder of a stopped run: give it with --out, and without --force"
        )
    if out is None:
        return _next_numbered(Path("reports"), command)
    if out.exists():
        if not (resume or force):
            raise ValueError(
                f"--out {out} exists; give another folder, --resume to go on in it, or --force to replace it"
            )
        if not (out / MARK).is_file():
            raise ValueError(
                f"--out {out} is not a report folder of this program; it is not replaced or written to, "
                "even with --force or --resume"
            )
        if resume:
            return out
        shutil.rmtree(out)
    with _creating(out):
        out.mkdir(parents=True)
        (out / MARK).touch()
    return out


@contextmanager
def _creating(folder: Path) -> Iterator[None]:
    """Say of a folder that can't be written what to do instead."""
    try:
        yield
    except OSError as error:
        raise ValueError(f"{folder} can't be written: {_reason(error)}; give another --out") from None


MARK = ".scalewright"


def _next_numbered(root: Path, command: str) -> Path:
    pattern = re.compile(rf"{re.escape(command)}-(\d+)$")
    with _creating(root):
        root.mkdir(parents=True, exist_ok=True)
        number = max((int(m.group(1)) for m in map(pattern.match, os.listdir(root)) if m), default=0) + 1
        while True:
            folder = root / f"{command}-{number:03d}"
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
                continue
            (folder / MARK).touch()
            return folder


def to_json(value: Any) -> str:
    """Render plain data as JSON; numbers that JSON lacks (inf, nan) become null."""
    return json.dumps(plain(value), indent=2, allow_nan=False)


def exit_status(outcomes: Iterable[str]) -> int:
    """0 if every row passes, 1 if one fails, 3 if none fails and one is undecided."""
    outcomes = set(outcomes)
    if "fail" in outcomes:
        return FAIL
    return UNDECIDED if "undecided" in outcomes else PASS


Progress = Callable[[int, int], None]


@contextmanager
def progress_bar(label: str, *, quiet: bool = False) -> Iterator[Callable[[str], Progress]]:
    """Show a progress bar on stderr; yields a function that opens a named stage and returns its callback."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<34}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Bar(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=quiet) as bar:

        def stage(name: str) -> Progress:
            task = bar.add_task(f"{label}: {name}", total=None)

            def advance(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            return advance

        yield stage


def show(text: str) -> None:
    """Print to stdout."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
