"""Linear networks of two layers at any width, and deep ones on the balanced path, integrated exactly."""

from scalewright.sim.linear import balanced
from scalewright.sim.linear.coefficients import (
    Coefficients,
    NoLimitError,
    coefficients,
    exponents,
    initial_scales,
)
from scalewright.sim.linear.problem import Problem
from scalewright.sim.linear.state import State, from_weights, initial
from scalewright.sim.linear.trajectory import trajectory

__all__ = [
    "Coefficients",
    "NoLimitError",
    "Problem",
    "State",
    "balanced",
    "coefficients",
    "exponents",
    "from_weights",
    "initial",
    "initial_scales",
    "trajectory",
]
