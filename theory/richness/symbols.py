"""Name the symbols of the gamma-eta plane, and check what the functions of this package are given."""

from typing import Any

from sympy import Expr, Integer, Symbol

from scalewright.theory.landscape.matrices import refuse_float
from scalewright.theory.landscape.symbols import LAYERS

GAMMA = Symbol("gamma", positive=True)
"""Feature-learning strength: the output is (product of weights - its initial value) / gamma."""
RATE = Symbol("eta", positive=True)
"""Learning rate of every weight."""
STEPS = Symbol("T", positive=True)
"""Number of steps of a run."""
ERROR = Symbol("epsilon", positive=True)
"""Error at which a run counts as converged (`losses.Loss.reached`)."""
MOMENTUM = Symbol("mu", nonnegative=True)
"""Decay of heavy-ball momentum."""
OUTPUT = Symbol("f", real=True)
AMPLITUDE = Symbol("c", positive=True)
"""Every weight on the balanced path; 1 at the start."""
PULL = Symbol("Delta", real=True)
"""Minus the slope of the loss in the output."""
CURVATURE = Symbol("kappa", positive=True)
"""Second derivative of the loss in the output."""

__all__ = [
    "AMPLITUDE",
    "CURVATURE",
    "ERROR",
    "GAMMA",
    "LAYERS",
    "MOMENTUM",
    "OUTPUT",
    "PULL",
    "RATE",
    "STEPS",
    "check_layers",
]


def check_layers(layers: Any, function: str) -> Expr:
    """Return the number of weight layers as a sympy integer of at least 2, or a symbol."""
    value = refuse_float(layers, name="layers", function=f"richness.{function}")
    if not (isinstance(value, Symbol) or (isinstance(value, Integer) and value >= 2)):
        raise ValueError(
            f"richness.{function}: layers must be an integer of at least 2 or a sympy symbol; given {layers}"
        )
    return value
