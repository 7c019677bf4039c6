"""Train grids of networks: many in one program, kept in a store, on one machine or a cluster."""

from scalewright.nets.sweep.driver import SweepError, Tally, open_grid, run
from scalewright.nets.sweep.grid import Grid, grid
from scalewright.nets.sweep.specification import Run

__all__ = ["Grid", "Run", "SweepError", "Tally", "grid", "open_grid", "run"]
