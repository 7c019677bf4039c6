"""`scalewright derive`: the scaling table of a network, exact, with its certificate."""

from pathlib import Path
from typing import Annotated

import typer

from scalewright.commands import networks
from scalewright.frontdoor import one_sentence, output_folder, show, to_json, write_text

NAME = "derive"


def command(
    arch: networks.Arch = "mlp",
    layers: networks.Layers = 3,
    activation: networks.Activation = "relu",
    bias: networks.Bias = False,
    loss: networks.Loss = "squared",
    optimizer: networks.Optimizer = "sgd",
    name: networks.Name = None,
    axes: networks.Axes = "width",
    gauge: networks.Gauge = None,
    json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write table and proofs to this new folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing report folder.")] = False,
) -> None:
    """Derive the exponents of every parameter from what is required of the network."""
    with one_sentence():
        network = networks.architecture_of(arch, layers=layers, activation=activation, bias=bias, loss=loss)
        found = networks.parametrization_of(network, optimizer=optimizer, name=name, axes=axes, gauge=gauge)
        found.verify()
        folder = None if out is None else output_folder(NAME, out, force=force)
        note = "\nThe certificate was verified in exact arithmetic."
        show(to_json(found.to_json()) if json else found.to_markdown() + note)
        if folder is not None:
            write_text(folder / "derive.json", to_json(found.to_json()))
            write_text(folder / "index.html", _page(found, optimizer))


def _page(found: object, optimizer: str) -> str:
    from scalewright.report import Page, Proof, Section, render
    from scalewright.report.tables import parametrization_table
    from scalewright.theory import Parametrization

    assert isinstance(found, Parametrization)
    proofs = tuple(
        Proof(found.explain(entry, quantity))
        for entry in found.entries
        for quantity in ("multiplier", "init_std", "lr")
    )
    table = Section("Table", ("Powers of the width n.",), (parametrization_table(found),))
    return render(
        Page(
            f"{found.name}, {optimizer}",
            "Exponents derived from requirements by an exact linear program; every entry is proved below.",
            (table, Section("Proofs", (), proofs)),
        )
    )
