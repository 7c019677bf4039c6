"""Train grids of networks: many in one program, kept in a store, on one machine or a cluster."""

from scalewright.nets.sweep.driver import SweepError, Tally, open_grid, run
from scalewright.nets.sweep.execute import code
from scalewright.nets.sweep.grid import Grid, grid
from scalewright.nets.sweep.sizing import Cost, sizing
from scalewright.nets.sweep.specification import Run
from scalewright.nets.sweep.toml import read as from_toml

__all__ = [
    "Cost",
    "Grid",
    "Run",
    "SweepError",
    "Tally",
    "code",
    "from_toml",
    "grid",
    "open_grid",
    "run",
    "sizing",
]
