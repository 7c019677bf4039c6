"""Why a learning rate is too large: all sizes of a network as exact functions of the rate's exponent.

`mechanism` follows them step by step for all rates at once and returns a `Mechanism`, whose `explain` writes
the derivation (`words`); `plot_mechanism` draws it. `piecewise` holds the functions, `updates` the steps. The
text is docs/concepts/controlled-divergence.md.
"""

from scalewright.theory.mechanism.driver import mechanism
from scalewright.theory.mechanism.figure import plot_mechanism
from scalewright.theory.mechanism.piecewise import Piecewise
from scalewright.theory.mechanism.result import Mechanism

__all__ = ["Mechanism", "Piecewise", "mechanism", "plot_mechanism"]
