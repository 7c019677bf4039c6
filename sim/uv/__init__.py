"""Two-layer linear networks on one point: exact maps at any width, and how large a rate they bear."""

from scalewright.sim.uv.edge import Edge, edge
from scalewright.sim.uv.losses import CrossEntropy, Squared
from scalewright.sim.uv.trajectory import trajectory
from scalewright.sim.uv.wide import wide

__all__ = ["CrossEntropy", "Edge", "Squared", "edge", "trajectory", "wide"]
