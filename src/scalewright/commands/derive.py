"""`scalewright derive`: the scaling table of a network, exact, with its certificate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalewright.commands.networks import Network, with_network
from scalewright.frontdoor import one_sentence, output_folder, show, to_json, write_text

if TYPE_CHECKING:
    from scalewright.theory import Parametrization

NAME = "derive"


@with_network
def command(
    network: Network,
    json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write table and proofs to this new folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing report folder.")] = False,
) -> None:
    """Derive the exponents of every parameter from what is required of the network."""
    with one_sentence():
        found = network.parametrization()
        found.verify()
        folder = None if out is None else output_folder(NAME, out, force=force)
        show(to_json(found.to_json()) if json else _text(found))
        if folder is not None:
            write_text(folder / "derive.json", to_json(found.to_json()))
            write_text(folder / "index.html", _page(found))


def _text(found: "Parametrization") -> str:
    tables = [table.to_markdown() for table in _ends(found)]
    return "\n".join([*tables, "The certificate was verified in exact arithmetic."])


def _ends(found: "Parametrization") -> list["Parametrization"]:
    """Return the table, and those of the other ends of a segment of solutions."""
    return [found, *(end for end in found.vertices.values() if end.entries != found.entries)]


def _page(found: "Parametrization") -> str:
    from scalewright.report import Page, Proof, Section, render
    from scalewright.report.tables import parametrization_table

    proofs = tuple(
        Proof(found.explain(entry, quantity))
        for entry in found.entries
        for quantity in ("multiplier", "init_std", "lr", "eps", "weight_decay")
        if getattr(found[entry], quantity) is not None
    )
    proofs += tuple(Proof(found.explain(node, "multiplier")) for node in found.multipliers)
    words = f"Powers of {' and '.join(found.axes)}, each axis solved with the others held, in this order."
    table = Section("Table", (words,), tuple(map(parametrization_table, _ends(found))))
    return render(
        Page(
            f"{found.name}, {found.optimizer}",
            "Exponents derived from requirements by an exact linear program; the first table is proved here.",
            (table, Section("Proofs", (), proofs)),
        )
    )
