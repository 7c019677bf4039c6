"""A report page: sections of prose, tables, figures and proofs, rendered to one HTML file."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scalewright.sim.verdict import Verdict


@dataclass(frozen=True)
class Table:
    """A table of formatted cells; `marks` gives a cell's class (pass, fail, undecided) by (row, column)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    marks: Mapping[tuple[int, int], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """A matplotlib figure with the sentence that says what to see in it."""

    name: str
    figure: Any
    caption: str

    def svg(self) -> str:
        """Return the figure as a data URI, so that the page needs no other file."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
        return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


@dataclass(frozen=True)
class Section:
    """A titled part of a page: paragraphs, then its blocks in the order given."""

    title: str
    paragraphs: tuple[str, ...] = ()
    blocks: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Proof:
    """Preformatted lines: a derivation as printed in the terminal."""

    text: str
    caption: str = ""


@dataclass(frozen=True)
class Page:
    """Title, a summary sentence, the sections, and what is needed to run it again."""

    title: str
    summary: str
    sections: tuple[Section, ...]
    provenance: tuple[tuple[str, str], ...] = ()


def render(page: Page) -> str:
    """Return the page as one self-contained HTML text."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("scalewright.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["table"] = lambda block: isinstance(block, Table)
    environment.tests["figure"] = lambda block: isinstance(block, Figure)
    return environment.get_template("page.html").render(page=page)


def verdict_table(verdicts: Sequence[Verdict], caption: str = "") -> Table:
    """Return the rows of a report: what was checked, measured, predicted, and the verdict."""
    rows = tuple(
        (
            verdict.id,
            verdict.statement,
            measured(verdict),
            f"{number(verdict.predicted)} ± {number(verdict.tolerance)}",
            "must break" if verdict.expected == "break" else "must hold",
            outcome(verdict),
        )
        for verdict in verdicts
    )
    marks = {(i, 5): verdict.verdict for i, verdict in enumerate(verdicts)}
    return Table(
        ("check", "statement", "measured [95 %]", "predicted", "expected", "verdict"), rows, caption, marks
    )


def measured(verdict: Verdict) -> str:
    """Format the measured value with its interval; a value known to rounding has none."""
    if verdict.low == verdict.high:
        return number(verdict.measured)
    return f"{number(verdict.measured)} [{number(verdict.low)}, {number(verdict.high)}]"


def outcome(verdict: Verdict) -> str:
    """Format the verdict, with the seeds that would decide an undecided one."""
    if verdict.verdict != "undecided":
        return verdict.verdict
    more = (
        "no number of seeds decides"
        if verdict.further_seeds is None
        else f"{verdict.further_seeds} more seeds"
    )
    return f"undecided ({more})"


def number(value: float) -> str:
    """Format a number to three digits, tiny and huge ones with an exponent."""
    if value == 0:
        return "0"
    return f"{value:.1e}" if not 1e-3 <= abs(value) < 1e5 else f"{value:.3g}"
