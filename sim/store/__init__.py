"""Keep the runs of a sweep in a folder: whole files only, each run found again by what made it."""

from scalewright.sim.store.block import Block
from scalewright.sim.store.folder import Store
from scalewright.sim.store.sweeps import Sweep

__all__ = ["Block", "Store", "Sweep"]
