"""`scalewright coordinate-check file.py:build`: how the updates of a model of one's own scale."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalewright.commands import own, runs
from scalewright.frontdoor import (
    PASS,
    UNDECIDED,
    one_sentence,
    output_folder,
    progress_bar,
    show,
    to_json,
    write_text,
)

if TYPE_CHECKING:
    from scalewright.nets import CoordinateCheck

NAME = "coordinate-check"


def command(
    build: Annotated[
        str, typer.Argument(help="file.py:build, a function of width (and seed) that returns a torch module.")
    ],
    widths: Annotated[str, typer.Option(help="Widths, with commas between.")] = "64,128,256,512",
    optimizer: Annotated[
        str,
        typer.Option(help="sgd, adam, or file.py:function of (model, width) that returns one of torch's."),
    ] = "sgd",
    lr: Annotated[float, typer.Option(help="Learning rate of sgd and adam, the same at every width.")] = 0.1,
    data: Annotated[
        str, typer.Option(help="A data set such as digits, file.py:function, or an .npz of inputs, targets.")
    ] = "digits",
    loss: Annotated[
        str, typer.Option(help="mse, cross-entropy, or file.py:function that returns the loss function.")
    ] = "cross-entropy",
    samples: Annotated[
        int | None, typer.Option(help="Samples of a data set; all of them by default.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Number of updates.")] = 4,
    batch: Annotated[int | None, typer.Option(help="Samples of an update; all of them by default.")] = None,
    seeds: Annotated[int, typer.Option(help="Networks of each width.")] = 4,
    against: Annotated[
        str, typer.Option(help="initial, or previous: the weights to compare with.")
    ] = "initial",
    predicted: Annotated[
        str | None,
        typer.Option(
            help="file.py:function that returns {parameter: powers}, as profile(...).slopes() does."
        ),
    ] = None,
    device: runs.Device = "auto",
    json: runs.Json = False,
    out: Annotated[
        Path | None, typer.Option(help="Also write results and pictures to this new folder.")
    ] = None,
    force: runs.Force = False,
) -> None:
    """Train a few steps at several widths: the power of the width in every layer's updates."""
    with one_sentence():
        place = runs.check_device(device)
        given = {
            "widths": _widths(widths, lr, seeds),
            "optimizer": _optimizer(optimizer, lr),
            "loss": own.made_by(loss, "--loss") if ":" in loss else loss,
            "steps": steps,
            "seeds": range(seeds),
            "batch": batch,
            "against": against,
            "predicted": None if predicted is None else own.made_by(predicted, "--predicted"),
            "device": place,
        }
        found = _measured(build, data, samples, loss, given, quiet=json)
        text, rows = _table(found)
        record = {"model": build, "optimizer": optimizer, "data": data, "loss": loss, **rows}
        if out is not None:
            folder = output_folder(NAME, out, force=force)
            record["folder"] = str(folder)
            _write(found, record, folder)
        show(to_json(record) if json else text + _remarks(record))
    raise typer.Exit(UNDECIDED if record["unstable"] else PASS)


def _widths(widths: str, lr: float, seeds: int) -> list[int]:
    """Return the widths; ValueError where they, the rate or the number of networks give no slope."""
    if not lr > 0:
        raise ValueError(f"--lr must be positive; given {lr}")
    sizes = list(runs.integers(widths) or ())
    if len(sizes) < 2:
        raise ValueError(f"--widths must be at least two, as one has no slope; given {widths}")
    if seeds < 2:
        raise ValueError(f"--seeds must be at least 2, as one gives no interval; given {seeds}")
    return sizes


def _measured(
    build: str, data: str, samples: int | None, loss: str, given: dict[str, Any], *, quiet: bool
) -> "CoordinateCheck":
    """Build the user's model and data, and check them, with a bar."""
    import torch

    from scalewright import nets

    make = own.named_by(build, "the model")
    batches = own.data_of(data, samples, _targets(loss), torch.float32, given["device"])
    with progress_bar(NAME, quiet=quiet) as stage, _of_torch(build):
        return nets.coordinate_check(make, batches, **given, progress=stage("networks"))


@contextmanager
def _of_torch(build: str) -> Iterator[None]:
    """Say in one sentence what torch refuses in the user's own module."""
    try:
        yield
    except RuntimeError as error:
        raise ValueError(f"the model: {build} can't be trained: {str(error).splitlines()[0]}") from error


def _table(found: "CoordinateCheck") -> tuple[str, dict[str, Any]]:
    """Return the table in words and as plain data; with too few stable runs, what happened to the others."""
    try:
        return found.to_markdown(), found.to_json()
    except ValueError as error:
        if not found.unstable:
            raise
        plain = {
            "rows": [],
            "skipped": dict(found.skipped),
            "unstable": [vars(one) for one in found.unstable],
        }
        return f"No slopes: {error}", plain


def _optimizer(name: str, lr: float) -> Callable[..., Any]:
    import torch

    if ":" in name:
        return own.named_by(name, "--optimizer")
    if name == "sgd":
        return lambda model: torch.optim.SGD(model.parameters(), lr=lr)
    if name == "adam":
        return lambda model: torch.optim.Adam(model.parameters(), lr=lr)
    raise ValueError(f"--optimizer must be sgd, adam or file.py:function; given {name!r}")


def _targets(loss: str) -> str:
    return "one-hot" if loss == "cross-entropy" else "centred"


def _remarks(record: dict[str, Any]) -> str:
    """Say what was skipped, and which runs were not stable."""
    lines = [f"Skipped: {name}: {reason}." for name, reason in record["skipped"].items()]
    lines += [
        f"Unstable: width {run['width']}, seed {run['seed']}, step {run['step']}: {run['layer']} not finite."
        for run in record["unstable"]
    ]
    if "folder" in record:
        lines.append(f"Written to {record['folder']}")
    return "".join(f"\n{line}" for line in lines)


def _write(found: "CoordinateCheck", record: dict[str, Any], folder: Path) -> None:
    from matplotlib.figure import Figure

    from scalewright import nets
    from scalewright.sim.dataset import save
    from scalewright.sim.files import write_bytes

    write_text(folder / "coordinates.json", to_json(record))
    save(found.data, folder / "coordinates.nc")
    if not record["rows"]:
        return
    figure = Figure(figsize=(16, 4.4), layout="constrained")
    axes = figure.subplots(1, 3)
    nets.plot_slopes(found, ax=axes[0])
    nets.plot_coordinates(found, "effective", ax=axes[1])
    nets.plot_coordinates(found, "propagating", ax=axes[2])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=runs.PNG_DPI)
    write_bytes(folder / "coordinates.png", buffer.getvalue())
