"""Dynamical mean-field theory: networks of infinite width that learn features, with status and error bar."""

from scalewright.sim.dmft.activations import Activation
from scalewright.sim.dmft.plot import plot_trajectory
from scalewright.sim.dmft.prefactors import Prefactors, family, prefactors
from scalewright.sim.dmft.solution import Solution
from scalewright.sim.dmft.solve import solve

__all__ = [
    "Activation",
    "Prefactors",
    "Solution",
    "family",
    "plot_trajectory",
    "prefactors",
    "solve",
]
