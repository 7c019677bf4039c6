"""Two-layer linear networks on one point: exact maps at any width, and how large a rate they bear."""

from scalewright.sim.uv.brackets import Edge, edge
from scalewright.sim.uv.descent import trajectory
from scalewright.sim.uv.limit import wide
from scalewright.sim.uv.losses import CrossEntropy, Squared

__all__ = ["CrossEntropy", "Edge", "Squared", "edge", "trajectory", "wide"]
