"""Tables that several reports share: scaling tables, verdicts for the terminal."""

from collections.abc import Sequence

from scalewright.report.page import Table, measured, number, outcome
from scalewright.sim.verdict import Verdict
from scalewright.theory import Parametrization, Power

COLUMNS = {"multiplier": "multiplier", "init_std": "initial std", "lr": "learning rate", "eps": "epsilon"}


def parametrization_table(found: Parametrization, caption: str = "") -> Table:
    """Return the scaling table of a parametrization, powers of the width as text."""
    used = [
        name for name in COLUMNS if any(getattr(entry, name) is not None for entry in found.entries.values())
    ]
    rows = tuple(
        (name, *(_power(getattr(entry, column)) for column in used)) for name, entry in found.entries.items()
    )
    return Table(("parameter", *(COLUMNS[name] for name in used)), rows, caption)


def _power(power: Power | None) -> str:
    return "" if power is None else str(power.only(("width",)))


def print_verdicts(verdicts: Sequence[Verdict], *, title: str) -> None:
    """Print the verdicts as a table on stdout."""
    from rich.console import Console
    from rich.table import Table as Grid

    colours = {"pass": "green", "fail": "red", "undecided": "yellow"}
    grid = Grid(title=title, title_justify="left")
    for column in ("check", "measured [95 %]", "predicted", "expected", "verdict"):
        grid.add_column(column, overflow="fold")
    for row in verdicts:
        expected = "must break" if row.expected == "break" else "must hold"
        band = f"{number(row.predicted)} ± {number(row.tolerance)}"
        grid.add_row(row.id, measured(row), band, expected, f"[{colours[row.verdict]}]{outcome(row)}[/]")
    Console().print(grid)
