"""`scalewright portrait`: the phase portrait of the gamma-eta plane of a toy, with theory's boundaries."""

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scalewright.commands import runs
from scalewright.commands.networks import LOSSES
from scalewright.frontdoor import (
    BAD_INPUT,
    one_sentence,
    output_folder,
    show,
    to_json,
    write_text,
)

if TYPE_CHECKING:
    import numpy as np

    from scalewright.sim.richness import Portrait

NAME = "portrait"


def command(
    layers: Annotated[int, typer.Option(help="Weight layers L of the deep linear toy.")] = 3,
    loss: Annotated[str, typer.Option(help="mse (squared), ce (cross-entropy) or logistic.")] = "mse",
    optimizer: Annotated[str, typer.Option(help="sgd, momentum, sign or adam.")] = "sgd",
    model: Annotated[
        str, typer.Option(help="balanced: all weights 1 at the start; wide: two wide random layers.")
    ] = "balanced",
    gamma: Annotated[
        str | None,
        typer.Option(help="Grid of gamma, FIRST:LAST:COUNT in equal ratios; by default 1e-5:1e5:121."),
    ] = None,
    eta: Annotated[
        str | None,
        typer.Option(help="Grid of eta, likewise; without it rates that hold every boundary."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps T of every run.")] = 1000,
    error: Annotated[float, typer.Option(help="A run has converged while |f - 1| is at most this.")] = 0.01,
    momentum: Annotated[float, typer.Option(help="Decay of the heavy ball.")] = 0.9,
    json: runs.Json = False,
    out: runs.Out = None,
    force: runs.Force = False,
) -> None:
    """Map which gamma and eta converge in time: derived boundaries over an integrated grid, powers beside."""
    with one_sentence():
        from scalewright.sim import richness

        found = richness.portrait(
            layers, _loss(loss), optimizer, model=_model(model), gamma=_grid("--gamma", gamma),
            eta=_grid("--eta", eta), steps=steps, error=error, momentum=momentum,
        )  # fmt: skip
        record = _record(found)
        folder = output_folder(NAME, out, force=force)
        _write(folder, found, record)
        record["folder"] = str(folder)
        show(to_json(record) if json else _text(found, record))
    if found.status != "mapped":
        typer.echo(f"scalewright: {found.message}", err=True)
        raise typer.Exit(BAD_INPUT)


def _loss(name: str) -> Any:
    return LOSSES.get(name, name)


def _model(name: str) -> Literal["balanced", "wide"]:
    if name == "balanced":
        return "balanced"
    if name == "wide":
        return "wide"
    raise ValueError(f"--model must be balanced or wide; given {name!r}")


def _grid(option: str, text: str | None) -> "np.ndarray | None":
    """Read FIRST:LAST:COUNT; None stays None."""
    import numpy as np

    if text is None:
        return None
    said = f"{option} must be FIRST:LAST:COUNT with 0 < FIRST < LAST and 2 <= COUNT <= 100000"
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        raise ValueError(f"{said}; given {text!r}") from None
    if len(parts) != 3 or not 0 < parts[0] < parts[1] < math.inf or not 2 <= parts[2] <= 1e5 or parts[2] % 1:
        raise ValueError(f"{said}; given {text!r}")
    return np.geomspace(parts[0], parts[1], int(parts[2]))


def _record(found: "Portrait") -> dict[str, Any]:
    """Return what the command prints: boundaries, powers, shares of the regimes, optima."""
    from scalewright.sim.richness import Regime

    apex = found.theory.apex
    boundaries = [
        {
            "name": entry.name,
            "eta": _plain(entry.expression),
            "small_gamma": _plain(entry.small),
            "large_gamma": _plain(entry.large),
            "exponents": [_plain(power) for power in entry.exponents],
            "status": entry.status,
            "reason": entry.reason,
        }
        for entry in found.theory
    ]
    cells = found.data.regime.values
    return {
        "status": found.status,
        "message": found.message,
        "task": {
            name: value for name, value in vars(found.task).items() if isinstance(value, int | float | str)
        },
        "boundaries": boundaries,
        "apex": None if apex is None else _number(found, apex),
        "powers": [vars(row) for row in found.powers],
        "shares": {regime.label: float((cells == int(regime)).mean()) for regime in Regime},
        "optimum": _optimum(found),
    }


def _plain(form: Any) -> str | None:
    return None if form is None else str(form)


def _number(found: "Portrait", form: Any) -> float:
    """Return the apex at the run's number of steps; inf where it is beyond every float."""
    from scalewright.theory.richness.symbols import STEPS

    try:
        return float(form.subs(STEPS, found.task.steps).evalf())
    except (TypeError, OverflowError):
        return math.inf


def _optimum(found: "Portrait") -> list[dict[str, Any]]:
    """Return the fastest rate at every gamma; none at all where no cell converges."""
    if found.status != "mapped":
        return []
    best = found.optimum
    rows = zip(best.gamma, best.low, best.high, best.status, strict=True)
    return [{"gamma": g, "low": low, "high": high, "status": status} for g, low, high, status in rows]


def _text(found: "Portrait", record: dict[str, Any]) -> str:
    task = found.task
    lines = [
        f"{task.layers} layers, {task.loss} loss, {task.optimizer}, {task.model}; {task.steps} steps, "
        f"converged within {task.error:g}",
        "",
        *_boundary_lines(found),
    ]
    if record["apex"] is not None:
        lines += ["", f"apex, where eta_min meets the edge: {_apex(found, record['apex'])}"]
    if record["powers"]:
        lines += ["", "powers of gamma, derived and measured by bisection:"]
        lines += [_power_line(row) for row in record["powers"]]
    shares = ", ".join(f"{name} {share:.1%}" for name, share in record["shares"].items())
    lines += ["", f"cells: {shares}", *_optimum_lines(record["optimum"]), f"Written to {record['folder']}"]
    return "\n".join(lines)


def _apex(found: "Portrait", value: float) -> str:
    least, most = (found.curves.get(name) for name in ("eta_min", "eta_max"))
    if least is not None and most is not None and (least >= most).all():
        return "everywhere: eta_min lies above eta_max, give more steps or a larger error"
    return f"gamma = {value:.3g}" if math.isfinite(value) else "beyond every gamma"


def _boundary_lines(found: "Portrait") -> list[str]:
    lines = []
    for entry in found.theory:
        if str(entry.small) == str(entry.large) == "oo":
            lines.append(f"{entry.name}: none ({entry.reason})")
            continue
        powers = ", ".join("?" if power is None else str(power) for power in entry.exponents)
        lines += [
            f"{entry.name} [{entry.status}]: powers {powers}",
            f"    gamma << 1: {_numeric(entry.small, found.task.error)}",
            f"    gamma >> 1: {_numeric(entry.large, found.task.error)}",
            f"    {entry.reason}",
        ]
    return lines


def _numeric(form: Any, error: float) -> str:
    """Return a formula with epsilon put in and its constants as numbers."""
    from sympy import Pow, nsimplify

    from scalewright.theory.richness.symbols import ERROR, GAMMA

    if form is None:
        return "not known"
    shown = form.subs(ERROR, error).evalf(5)
    powers = {p: GAMMA ** nsimplify(p.exp, tolerance=1e-4) for p in shown.atoms(Pow) if p.base == GAMMA}
    return str(shown.xreplace(powers))


def _power_line(row: dict[str, Any]) -> str:
    first, last = row["gammas"]
    exact = "" if row["exact"] is None else f", {row['exact']:.4f} by the formula in this range"
    return (
        f"  {row['boundary']:<8} gamma {first:g} to {last:g}: derived {row['derived']:.4f}{exact}; measured "
        f"{row['measured']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"
    )


def _optimum_lines(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return ["no optimum"]
    censored = sum(row["status"].startswith("at the") for row in rows)
    none = sum(row["status"] == "no stable rate" for row in rows)
    return [
        f"fastest rate: held by the grid at {len(rows) - censored - none} of {len(rows)} gammas, censored at "
        f"{censored} (its grid's edge), none at {none}"
    ]


def _write(folder: Path, found: "Portrait", record: dict[str, Any]) -> None:
    from scalewright.sim.dataset import save
    from scalewright.sim.files import write_bytes
    from scalewright.sim.richness import plot_portrait

    save(found.data, folder / "portrait.nc")
    buffer = io.BytesIO()
    plot_portrait(found).figure.savefig(buffer, format="png", dpi=runs.PNG_DPI)
    write_bytes(folder / "portrait.png", buffer.getvalue())
    write_text(folder / "portrait.json", to_json(record))
