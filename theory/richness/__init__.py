"""The gamma-eta plane of the feature-learning strength: boundaries, times, catapults, each derived.

`boundaries` returns every edge of the plane as a symbolic function; `toy` holds the curvature it rests on,
`times` plateau and drop, `limits` the two limits of gamma with their powers, `degree` what takes the place of
the depth where activations are no ReLU, `wide` the exact map of two wide
layers and its catapults, `proof` the formulas step by step. The text is docs/concepts/richness.md.
"""

from scalewright.theory.richness import degree, limits, losses, symbols, times, toy, wide
from scalewright.theory.richness.boundaries import Boundaries, Boundary, Model, meeting
from scalewright.theory.richness.degree import elasticity, least_time, power_of, rich_sharpness, total_degree
from scalewright.theory.richness.limits import limit_map, rate_power
from scalewright.theory.richness.losses import Loss, LossName, loss_named
from scalewright.theory.richness.plane import OPTIMIZERS, boundaries, stable_edge
from scalewright.theory.richness.proof import derivation
from scalewright.theory.richness.times import drop_time, flow_time, half_time
from scalewright.theory.richness.toy import minimum_sharpness, progressive_sharpening, sharpness, spectrum

__all__ = [
    "OPTIMIZERS",
    "Boundaries",
    "Boundary",
    "Loss",
    "LossName",
    "Model",
    "boundaries",
    "degree",
    "derivation",
    "drop_time",
    "elasticity",
    "flow_time",
    "half_time",
    "least_time",
    "limit_map",
    "limits",
    "loss_named",
    "losses",
    "meeting",
    "minimum_sharpness",
    "power_of",
    "progressive_sharpening",
    "rate_power",
    "rich_sharpness",
    "sharpness",
    "spectrum",
    "stable_edge",
    "symbols",
    "times",
    "total_degree",
    "toy",
    "wide",
]
