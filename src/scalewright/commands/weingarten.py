"""`scalewright weingarten`: the Weingarten functions of one degree, exact, for every class."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalewright.commands import runs
from scalewright.frontdoor import one_sentence, output_folder, show, to_json, write_text

if TYPE_CHECKING:
    from scalewright.theory.haar import Table

NAME = "weingarten"


def command(
    group: Annotated[str, typer.Option(help="orthogonal, unitary or symplectic.")] = "orthogonal",
    degree: Annotated[int, typer.Option(help="Number of matrix entries in the moment, even.")] = 4,
    dimension: Annotated[
        int | None, typer.Option(help="Size of the matrices; symbolic without it.", show_default=False)
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print the table as LaTeX.")] = False,
    json: runs.Json = False,
    out: Annotated[Path | None, typer.Option(help="Also write table and picture to this new folder.")] = None,
    force: runs.Force = False,
) -> None:
    """Print the Weingarten function of a group for every class of one degree, proved by its relations."""
    with one_sentence():
        from scalewright.theory.haar import table

        found = table(degree, dimension, group=group)
        proof = _proof(found)
        record = found.to_json() | {"proof": proof} | ({"latex": found.to_latex()} if latex else {})
        folder = None if out is None else output_folder(NAME, out, force=force)
        show(to_json(record) if json else found.to_latex() if latex else _text(found, proof))
        if folder is not None:
            _write(folder, found, record)


def _proof(found: "Table") -> str:
    """Prove the table, and say what was proved."""
    from scalewright.theory.haar import verify

    if found.dimension.is_Integer and found.dimension < found.valid_from:
        return (
            f"Dimension {found.dimension} lies below {found.valid_from}: this is the pseudo-inverse. Moments "
            "are exact, but the relations have more than one solution here, so nothing was proved by them."
        )
    count = verify(found)
    valid = f" It holds for integers n >= {found.valid_from}." if found.dimension.free_symbols else ""
    return f"{count} orthogonality relations were verified in exact arithmetic.{valid}"


def _text(found: "Table", proof: str) -> str:
    return "\n".join([found.to_markdown(), proof])


def _write(folder: Path, found: "Table", record: dict[str, Any]) -> None:
    from scalewright.report import Figure, Page, Section, render
    from scalewright.report import Table as Shown
    from scalewright.sim.files import write_bytes
    from scalewright.theory.haar.figure import plot_table
    from scalewright.theory.haar.tables import class_name

    ax = plot_table(found)
    buffer = io.BytesIO()
    ax.figure.savefig(buffer, format="png", dpi=runs.PNG_DPI)
    write_bytes(folder / "weingarten.png", buffer.getvalue())
    write_text(folder / "weingarten.json", to_json(record))
    write_text(folder / "weingarten.tex", found.to_latex())
    rows = tuple((class_name(mu), str(value)) for mu, value in found.items())
    caption = (
        "Each class falls with its own power of the dimension, divided out here; dashed: the limits."
        if found.dimension.free_symbols
        else "The values of all classes, without their signs."
    )
    section = Section(
        "Table",
        (str(record["proof"]),),
        (Shown(("class", "Wg"), rows), Figure("weingarten", ax.figure, caption)),
    )
    title = f"Weingarten functions of the {found.group} group, degree {found.degree}"
    write_text(folder / "index.html", render(Page(title, "Exact values for every class.", (section,))))
