"""`scalewright predict`: the trajectory of networks of infinite width, laid over measured ones if asked."""

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalewright.commands import runs
from scalewright.frontdoor import (
    FAIL,
    PASS,
    UNDECIDED,
    one_sentence,
    output_folder,
    show,
    to_json,
    write_text,
)

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from scalewright.sim.compare import Comparison
    from scalewright.sim.dmft import Solution
    from scalewright.theory import Parametrization

NAME = "predict"
#: Share of the largest stable rate of the initial kernel that is taken where no rate is given.
SHARE = 0.15
#: Steps at which the sharpness of networks is measured, about so many.
LOOKS = 8


def command(
    data: Annotated[str, typer.Option(help="A data set such as digits.")] = "digits",
    samples: Annotated[int, typer.Option(help="Samples P, the first of the data set.")] = 16,
    targets: Annotated[
        str, typer.Option(help="classes (one-hot, centred) or parity (even or odd class, -1 and 1).")
    ] = "parity",
    hidden_layers: Annotated[str, typer.Option(help="Hidden layers; inf with --residual.")] = "2",
    activation: Annotated[str, typer.Option(help="linear, tanh, erf, softplus, gelu or relu.")] = "linear",
    gamma: Annotated[str, typer.Option(help="Feature-learning strengths, commas between.")] = "0.5,2",
    lr: Annotated[
        float | None,
        typer.Option(
            help="Base learning rate; by default 0.15 of the edge of stability at the start, over 1 + gamma."
        ),
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of gradient descent.")] = 50,
    loss: Annotated[str, typer.Option(help="mse, cross-entropy or logistic.")] = "mse",
    residual: Annotated[float | None, typer.Option(help="beta_0 of residual branches.")] = None,
    dynamics: Annotated[str, typer.Option(help="descent or flow.")] = "descent",
    draws: Annotated[int, typer.Option(help="Draws of a nonlinear network.")] = 16384,
    accuracy: Annotated[float, typer.Option(help="Relative standard error asked of every kernel.")] = 0.03,
    measure: Annotated[bool, typer.Option("--measure", help="Train networks and compare.")] = False,
    widths: Annotated[str, typer.Option(help="Widths of the networks, commas between.")] = "64,256,1024",
    seeds: Annotated[int, typer.Option(help="Networks of each width.")] = 4,
    device: runs.Device = "auto",
    json: runs.Json = False,
    out: runs.Out = None,
    force: runs.Force = False,
) -> None:
    """Predict loss, sharpness and kernels of networks of infinite width, and draw them over measured ones."""
    with one_sentence():
        place = runs.check_device(device)
        inputs, values = _data(data, samples, targets, loss)
        depth = _depth(hidden_layers)
        gammas, sizes = _numbers("--gamma", gamma), runs.integers(widths)
        if measure:
            _check_measurable(activation, depth, residual, dynamics, loss, seeds, sizes)
        rate = _rate(inputs, depth, activation, max(gammas), residual) if lr is None else lr
        solution = _solve(
            inputs, values, depth, activation=activation, gamma=gammas, lr=rate, steps=steps, loss=loss,
            residual=residual, dynamics=dynamics, samples=draws, accuracy=accuracy,
        )  # fmt: skip
        networks: dict[float, dict[int, xr.Dataset]] = {}
        if measure:
            networks = {
                g: {
                    n: _train(inputs, values, int(depth), activation, g, rate, steps, loss, n, seeds, place)
                    for n in sizes or ()
                }
                for g in gammas
            }
        compared = _compare(solution, networks)
        record = _record(solution, compared, rate)
        folder = output_folder(NAME, out, force=force)
        _write(folder, solution, networks, compared, record)
        record["folder"] = str(folder)
        show(to_json(record) if json else _table(record))
    raise typer.Exit({"diverged": FAIL, "inaccurate": UNDECIDED}.get(solution.status, PASS))


def _numbers(option: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{option} must be numbers with commas between; given {text!r}") from None


def _depth(text: str) -> float:
    if text == "inf":
        return math.inf
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"--hidden-layers must be an integer or inf; given {text!r}") from None


def _data(name: str, samples: int, targets: str, loss: str) -> "tuple[np.ndarray, np.ndarray]":
    import numpy as np

    from scalewright.sim import data

    if targets not in ("classes", "parity"):
        raise ValueError(f"--targets must be classes or parity; given {targets!r}")
    kind: Any = "one-hot" if loss == "cross-entropy" else "centred"
    found = data.load(name, samples=samples, targets=kind)
    if targets == "classes":
        return found.inputs, found.targets
    if loss == "cross-entropy":
        raise ValueError("--loss cross-entropy needs --targets classes; given parity")
    return found.inputs, np.where(found.labels % 2, 1.0, -1.0)[:, None]


def _check_measurable(
    activation: str, depth: float, residual: float | None, dynamics: str, loss: str, seeds: int, sizes: Any
) -> None:
    from typing import get_args

    from scalewright.nets.models import Activation

    if residual is not None or dynamics != "descent" or loss == "logistic" or depth == math.inf:
        raise ValueError(
            "--measure trains perceptrons by gradient descent on mse or cross-entropy; leave out --residual, "
            "--dynamics flow and --loss logistic"
        )
    if activation not in get_args(Activation):
        known = ", ".join(get_args(Activation))
        raise ValueError(f"--measure knows the activations {known}; given {activation!r}")
    if seeds < 2 or len(sizes or ()) < 2:
        raise ValueError(f"--measure needs at least 2 --seeds and 2 --widths; given {seeds} and {sizes}")


def _rate(inputs: "np.ndarray", depth: float, activation: str, gamma: float, residual: float | None) -> float:
    """Return a rate that leaves room for the sharpness to grow, the more the richer the network."""
    import numpy as np

    from scalewright.sim import kernels

    if residual is not None:
        raise ValueError("--lr must be given with --residual")
    kernel = inputs @ inputs.T / inputs.shape[1]
    tangent = kernels.initial(kernel, hidden_layers=int(depth), activation=activation).ntk
    edge = 2 * len(kernel) / float(np.linalg.eigvalsh(tangent)[-1])
    return float(f"{SHARE * edge / (1 + gamma):.3g}")


def _solve(inputs: "np.ndarray", targets: "np.ndarray", depth: float, **options: Any) -> "Solution":
    from scalewright.sim import dmft

    if options["residual"] is None and depth != math.inf:
        options |= _prefactors(int(depth), options["activation"], options["gamma"])
    return dmft.solve(
        kernel=inputs @ inputs.T / inputs.shape[1], targets=targets, hidden_layers=depth,
        kernels="equal-time", **options,
    )  # fmt: skip


def _prefactors(hidden: int, activation: str, gammas: list[float]) -> dict[str, Any]:
    """Return gamma and the layers' rates as muP sets them: the ones of the networks that are trained."""
    from scalewright.sim import dmft

    found = [dmft.prefactors(_rule(hidden, activation), gamma=gamma) for gamma in gammas]
    return {"gamma": [one.gamma for one in found], "rates": found[0].rates}


def _rule(hidden: int, activation: str) -> "Parametrization":
    from scalewright import theory

    kind = "relu" if activation == "softplus" else activation  # exponents are the same for all nonlinear ones
    return theory.named(theory.mlp(layers=hidden + 1, activation=kind, loss="squared"), "mup", "sgd")


def _train(
    inputs: "np.ndarray", targets: "np.ndarray", hidden: int, activation: str, gamma: float, lr: float,
    steps: int, loss: str, width: int, seeds: int, device: str,
) -> "xr.Dataset":  # fmt: skip
    from functools import partial

    from scalewright import nets

    build = partial(nets.models.mlp, hidden + 1, activation=activation)  # type: ignore[arg-type]
    ensemble = nets.Ensemble.of(
        build, _rule(hidden, activation), width=width, inputs=inputs.shape[1], outputs=targets.shape[1],
        seeds=range(seeds), lrs=[lr], gamma=gamma, gain=1.0, device=device, centred=True,
    )  # fmt: skip
    looks = sorted({*range(0, steps + 1, max(1, steps // LOOKS)), steps})
    return nets.train(
        ensemble, (inputs, targets), steps=steps, loss=loss, observe_at=looks, quantities=["gauss_newton"]
    )


def _compare(
    solution: "Solution", networks: "dict[float, dict[int, xr.Dataset]]"
) -> "dict[float, list[Comparison]]":
    from scalewright.sim.compare import compare

    return {
        gamma: [
            compare(solution.trajectory.sel(gamma=gamma), rows, quantity=quantity)
            for quantity in ("loss", "gauss_newton")
        ]
        for gamma, rows in networks.items()
        if int(solution.trajectory.sel(gamma=gamma).diverged_at) < 0
    }


def _record(solution: "Solution", compared: "dict[float, list[Comparison]]", lr: float) -> dict[str, Any]:
    rows = []
    for gamma in solution.trajectory.gamma.values.tolist():
        one = solution.trajectory.sel(gamma=gamma)
        row = {
            "gamma": gamma,
            "loss": [float(one.loss[0]), float(one.loss[-1])],
            "gauss_newton": [float(one.gauss_newton[0]), float(one.gauss_newton[-1])],
            "diverged_at": int(one.diverged_at),
        }
        row["networks"] = [_comparison(found) for found in compared.get(gamma, [])]
        rows.append(row)
    return {
        "status": solution.status,
        "message": solution.message,
        "standard_error": dict(solution.standard_error),
        "lr": lr,
        "gammas": rows,
    }


def _comparison(found: "Comparison") -> dict[str, Any]:
    return {
        "quantity": found.quantity,
        "widths": list(found.widths),
        "errors": [float(e.mean()) for e in found.errors],
        "bias": found.bias.tolist(),
        "bias_error": found.bias_error.tolist(),
        "bias_status": found.status,
        "exponent": found.exponent.value,
        "interval": [found.exponent.low, found.exponent.high],
    }


def _table(record: dict[str, Any]) -> str:
    lines = [f"{record['status']}: {record['message']}", f"lr {record['lr']:g}"]
    for row in record["gammas"]:
        (first, last), (start, end) = row["loss"], row["gauss_newton"]
        lines.append(
            f"gamma {row['gamma']:g}: loss {first:.4g} -> {last:.4g}, "
            f"sharpness (Gauss-Newton) {start:.4g} -> {end:.4g}"
        )
        for found in row["networks"]:
            errors = ", ".join(
                f"{e:.3f} at N = {n}" for n, e in zip(found["widths"], found["errors"], strict=True)
            )
            low, high = found["interval"]
            lines.append(
                f"  networks, error of {found['quantity']}: {errors}; ~ N^{found['exponent']:.2f} "
                f"[{low:.2f}, {high:.2f}]"
            )
    lines.append(f"Written to {record['folder']}")
    return "\n".join(lines)


def _write(
    folder: Path,
    solution: "Solution",
    networks: "dict[float, dict[int, xr.Dataset]]",
    compared: "dict[float, list[Comparison]]",
    record: dict[str, Any],
) -> None:
    from scalewright.sim.dataset import save
    from scalewright.sim.files import write_bytes

    save(solution.trajectory, folder / "trajectory.nc")
    for gamma, rows in networks.items():
        for width, measured in rows.items():
            save(measured, folder / f"networks-gamma{gamma:g}-width{width}.nc")
    buffer = io.BytesIO()
    _figure(solution, networks, compared).savefig(buffer, format="png", dpi=runs.PNG_DPI)
    write_bytes(folder / "prediction.png", buffer.getvalue())
    write_text(folder / "prediction.json", to_json(record))


def _figure(
    solution: "Solution",
    networks: "dict[float, dict[int, xr.Dataset]]",
    compared: "dict[float, list[Comparison]]",
) -> Any:
    from matplotlib.figure import Figure

    from scalewright.sim.compare import plot_errors
    from scalewright.sim.dmft.plot import PALETTE, plot_trajectory

    panels = 3 if compared else 2
    figure = Figure(figsize=(4.6 * panels, 3.9), layout="constrained")
    axes = figure.subplots(1, panels)
    widest = {gamma: rows[max(rows)] for gamma, rows in networks.items()}
    for ax, quantity in zip(axes[:2], ("loss", "gauss_newton"), strict=True):
        plot_trajectory(solution.trajectory, quantity, ax, measured=widest)
    if compared:
        axes[0].set_title(f"lines: N = inf, dots: N = {max(next(iter(networks.values())))}", fontsize=10)
        for index, rows in enumerate(compared.values()):
            plot_errors(rows[0], axes[2], colour=PALETTE[index % len(PALETTE)])
        axes[2].spines[["top", "right"]].set_visible(False)
    return figure
