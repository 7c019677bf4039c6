"""The options by which `derive` and `explain` name a network, and the parametrization solved for it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scalewright.theory import Architecture, Parametrization

Arch = Annotated[
    str, typer.Option("--arch", help="Architecture: mlp, or a JSON file written by Architecture.to_json.")
]
Layers = Annotated[int, typer.Option(help="Weight layers of the mlp.")]
Activation = Annotated[str, typer.Option(help="Activation of the mlp: linear, relu, tanh, ...")]
Bias = Annotated[bool, typer.Option("--bias", help="Give every layer of the mlp a bias.")]
Loss = Annotated[str, typer.Option(help="Loss: squared or cross-entropy.")]
Optimizer = Annotated[str, typer.Option(help="Optimizer: sgd or adam.")]
Name = Annotated[
    str | None,
    typer.Option("--parametrization", help="sp, ntp, mean-field or mup; without it muP without multipliers."),
]
Axes = Annotated[str, typer.Option(help="Growing axes, comma separated, in the order in which they grow.")]
Gauge = Annotated[
    str | None,
    typer.Option(help="Gauge: no-multipliers, output-multiplier, unit-variance, tensor-programs-4."),
]


def architecture_of(arch: str, *, layers: int, activation: str, bias: bool, loss: str) -> "Architecture":
    """Return the architecture that the options name.

    Raises:
        ValueError: neither a builder nor a readable file, or a file of another schema.
    """
    from scalewright.theory import Architecture, mlp

    if arch == "mlp":
        return mlp(layers=layers, activation=activation, bias=bias, loss=loss)
    path = Path(arch)
    if not path.suffix == ".json":
        raise ValueError(f"--arch must be mlp or a .json file; given {arch!r}")
    return Architecture.from_json(path.read_text(encoding="utf-8"))


def parametrization_of(
    architecture: "Architecture", *, optimizer: str, name: str | None, axes: str, gauge: str | None
) -> "Parametrization":
    """Derive the named parametrization, or muP without multipliers, and state it in the asked gauge."""
    from scalewright.theory import derive, named

    asked = tuple(axis.strip() for axis in axes.split(","))
    if name is not None and asked != ("width",):
        raise ValueError(f"--parametrization is defined on the axis width alone; given --axes {axes}")
    found = (
        derive(architecture, optimizer, axes=asked) if name is None else named(architecture, name, optimizer)
    )
    return found if gauge is None else found.in_gauge(gauge)
