"""`scalewright sharpness file.py:build`: the curvature of a model of one's own, with its proof."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalewright.commands import own, runs
from scalewright.frontdoor import PASS, UNDECIDED, one_sentence, output_folder, show, to_json, write_text

if TYPE_CHECKING:
    from torch import nn

NAME = "sharpness"


def command(
    model: Annotated[str, typer.Argument(help="file.py:build, a function that returns a torch module.")],
    data: Annotated[
        str, typer.Option(help="A data set such as digits, file.py:function, or an .npz of inputs, targets.")
    ] = "digits",
    loss: Annotated[
        str, typer.Option(help="mse, cross-entropy, or file.py:function that returns the loss function.")
    ] = "mse",
    quantities: Annotated[
        str,
        typer.Option(
            help="Commas between: hessian, gauss_newton, residual, ntk, trace, hessian_trace, "
            "directional_sharpness."
        ),
    ] = "hessian",
    samples: Annotated[
        int | None, typer.Option(help="Samples of a data set; all of them by default.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Eigenvalues of each quantity.")] = 1,
    tolerance: Annotated[float, typer.Option(help="Relative residual of every eigenvalue.")] = 1e-3,
    certify: Annotated[
        float | None, typer.Option(help="Go on until the largest is certified to this share of the range.")
    ] = None,
    budget: Annotated[int, typer.Option(help="Products of each quantity at most.")] = 200,
    chunk: Annotated[int | None, typer.Option(help="Samples computed at once at most.")] = None,
    lr: Annotated[
        float | None, typer.Option(help="Learning rate, to compare the sharpness with 2/lr.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every random vector.")] = 0,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the spectral density of the Hessian.")] = False,
    device: runs.Device = "auto",
    json: runs.Json = False,
    out: Annotated[Path | None, typer.Option(help="Also write the results to this new folder.")] = None,
    force: runs.Force = False,
) -> None:
    """Measure the largest eigenvalues of the Hessian and its parts, each with residual and certificate."""
    with one_sentence():
        place = runs.check_device(device)
        if lr is not None and not lr > 0:
            raise ValueError(f"--lr must be positive; given {lr}")
        module = _model(model, place)
        chosen = _loss(loss)
        batch = own.data_of(data, samples, _targets(loss), _dtype(module), place)
        names = [name.strip() for name in quantities.split(",")]
        record = _measured(
            module,
            chosen,
            batch,
            names,
            k=k,
            tolerance=tolerance,
            certify=certify,
            budget=budget,
            chunk=chunk,
            seed=seed,
        )
        record |= {"model": model, "data": data, "loss": loss, "edge": None if lr is None else 2 / lr}
        if plot or out is not None:
            folder = output_folder(NAME, out, force=force)
            record["folder"] = str(folder)
            if plot:
                _draw(module, chosen, batch, folder, chunk=chunk, seed=seed, edge=record["edge"])
            write_text(folder / "sharpness.json", to_json(record))
        show(to_json(record) if json else _table(record))
        done = all(row.get("converged", True) for row in record["quantities"])
    raise typer.Exit(PASS if done else UNDECIDED)


def _model(place: str, device: str) -> "nn.Module":
    from torch import nn

    found = own.made_by(place, "the model")
    if not isinstance(found, nn.Module):
        raise ValueError(
            f"the model: {place} must return a torch.nn.Module; it returned {type(found).__name__}"
        )
    return found.to(device)


def _loss(text: str) -> Any:
    return own.made_by(text, "--loss") if ":" in text else text


def _targets(loss: str) -> str:
    return "one-hot" if loss == "cross-entropy" else "centred"


def _dtype(module: "nn.Module") -> Any:
    import torch

    return next((w.dtype for w in module.parameters() if w.dtype == torch.float64), torch.float32)


def _measured(module: "nn.Module", loss: Any, data: Any, names: list[str], **options: Any) -> dict[str, Any]:
    from scalewright import nets

    found = nets.quantities(module, loss, data, names, **options)
    rows = []
    for name, result in found.items():
        row: dict[str, Any] = {"name": name}
        if isinstance(result, nets.Eigenpairs):
            row |= {
                "values": result.values[0].tolist(),
                "residuals": result.residuals[0].tolist(),
                "certified_to": result.certified_to[0].tolist(),
                "products": result.matvecs,
                "converged": bool(result.converged.all()),
                "status": result.status,
            }
        else:
            row |= {
                "values": result.values.tolist(),
                "errors": result.errors.tolist(),
                "products": result.products,
                "method": result.method,
            }
        rows.append(row)
    return {"parameters": sum(w.numel() for w in module.parameters() if w.requires_grad), "quantities": rows}


def _table(record: dict[str, Any]) -> str:
    lines = [
        f"{record['model']}, {record['parameters']} parameters, loss {record['loss']} on {record['data']}"
    ]
    for row in record["quantities"]:
        if "residuals" in row:
            for value, residual, proof in zip(
                row["values"], row["residuals"], row["certified_to"], strict=True
            ):
                lines.append(
                    f"{row['name']:>22} {value:.6g}   residual {residual:.1g}, certified to {proof:.1g} of "
                    "the range with 99 %"
                )
            lines.append(f"{'':>22} {row['status']}")
        else:
            lines.append(
                f"{row['name']:>22} {row['values'][0]:.6g} +- {row['errors'][0]:.2g}   "
                f"{row['products']} products"
            )
    if record["edge"] is not None:
        lines.append(f"{'edge of stability':>22} {record['edge']:.6g}")
    if "folder" in record:
        lines.append(f"Written to {record['folder']}")
    return "\n".join(lines)


def _draw(
    module: "nn.Module",
    loss: Any,
    data: Any,
    folder: Path,
    *,
    chunk: int | None,
    seed: int,
    edge: float | None,
) -> None:
    import io

    from scalewright import nets
    from scalewright.sim.files import write_bytes

    density = nets.spectral_density(nets.Hessian(module, loss, data, chunk=chunk), seed=seed)
    ax = nets.plot_density(density, edge=edge)
    buffer = io.BytesIO()
    ax.figure.savefig(buffer, format="png", dpi=runs.PNG_DPI)
    write_bytes(folder / "spectrum.png", buffer.getvalue())
    table = {"nodes": density.nodes[0].tolist(), "weights": density.weights[0].tolist()}
    write_text(folder / "spectrum.json", to_json(table))
