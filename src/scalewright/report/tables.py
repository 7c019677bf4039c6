"""Tables that several reports share: scaling tables, verdicts for the terminal."""

from collections.abc import Sequence

from scalewright.report.page import Table, measured, number, outcome
from scalewright.sim.verdict import Verdict
from scalewright.theory import Parametrization
from scalewright.theory.tables import cells

#: Columns of verdicts, and the letters that each has at most; where there is less room all give way.
COLUMNS = {"check": 40, "measured [95 %]": 16, "predicted": 9, "expected": 8, "verdict": 9}


def parametrization_table(found: Parametrization, caption: str | None = None) -> Table:
    """Return the scaling table of a parametrization: its parameters, and the factors that belong to none."""
    stated, head, rows = cells(found)
    return Table(tuple(head), tuple(map(tuple, rows)), stated if caption is None else caption)


def print_verdicts(verdicts: Sequence[Verdict], *, title: str) -> None:
    """Print the verdicts as a table on stdout."""
    from rich.console import Console
    from rich.table import Table as Grid

    colours = {"pass": "green", "fail": "red", "undecided": "yellow"}
    grid = Grid(title=title, title_justify="left")
    for column, most in COLUMNS.items():
        grid.add_column(column, overflow="fold", max_width=most)
    for row in verdicts:
        expected = "must break" if row.expected == "break" else "must hold"
        band = f"{number(row.predicted)} ± {number(row.tolerance)}"
        grid.add_row(row.id, measured(row), band, expected, f"[{colours[row.verdict]}]{outcome(row)}[/]")
    Console().print(grid)
