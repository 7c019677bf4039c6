"""Classify every cell of the gamma-eta plane by how its run ended and whether its loss rose on the way."""

from enum import IntEnum

import numpy as np

from scalewright.sim.richness.march import Ends


class Regime(IntEnum):
    """What became of a run within T steps.

    TOO_SLOW: not converged, and the loss never rose. MONOTONE: converged, and the loss never rose.
    CATAPULTED: converged after the loss had risen: thrown to a flatter minimum, or, under momentum, sign
    descent and Adam, past the minimum and back. EDGE_OF_STABILITY: bounded but not converged, and the loss
    had risen. DIVERGED: a weight left every bound.
    """

    TOO_SLOW = 0
    MONOTONE = 1
    CATAPULTED = 2
    EDGE_OF_STABILITY = 3
    DIVERGED = 4

    @property
    def label(self) -> str:
        """Name in words."""
        return LABELS[self]


LABELS = {
    Regime.TOO_SLOW: "too slow",
    Regime.MONOTONE: "converged monotonically",
    Regime.CATAPULTED: "catapulted",
    Regime.EDGE_OF_STABILITY: "edge of stability",
    Regime.DIVERGED: "diverged",
}


def classify(ends: Ends, steps: int) -> np.ndarray:
    """Return the `Regime` of every cell after `steps` steps."""
    converged, rose = ends.settled_at <= steps, ends.rose
    bounded = np.where(converged, 1, 0) + np.where(rose, np.where(converged, 1, 3), 0)
    return np.where(ends.diverged_at >= 0, int(Regime.DIVERGED), bounded)
