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
    "check_momentum",
    "exact",
]


def exact(value: Any, name: str, function: str) -> Expr:
    """Return an exact expression; TypeError for a float, with the rational to write, or for a string."""
    if isinstance(value, str):
        raise TypeError(
            f"richness.{function}: {name} must be exact, a number or an expression; given {value!r}"
        )
    return refuse_float(value, name=name, function=f"richness.{function}")


def check_momentum(momentum: Any, function: str) -> Expr:
    """Return the decay of the heavy ball, a number in [0, 1) or a symbol."""
    value = exact(momentum, "momentum", function)
    if value.is_number and not 0 <= value < 1:
        raise ValueError(f"richness.{function}: momentum must lie in [0, 1); given {momentum}")
    return value


def check_layers(layers: Any, function: str) -> Expr:
    """Return the number of weight layers as a sympy integer of at least 2, or a symbol."""
    value = exact(layers, "layers", function)
    if not (isinstance(value, Symbol) or (isinstance(value, Integer) and value >= 2)):
        raise ValueError(
            f"richness.{function}: layers must be an integer of at least 2 or a sympy symbol; given {layers}"
        )
    return value
