"""Networks of batch normalization at initialisation: their isometry gap, gradients and Lyapunov exponents."""

from scalewright.sim.isometry.gap import isometry_gap, ranks, spectral_variance
from scalewright.sim.isometry.growth import jacobian
from scalewright.sim.isometry.lyapunov import exponents
from scalewright.sim.isometry.network import Network
from scalewright.sim.isometry.propagation import chain
from scalewright.sim.isometry.weights import gaussian, orthogonal

__all__ = [
    "Network",
    "chain",
    "exponents",
    "gaussian",
    "isometry_gap",
    "jacobian",
    "orthogonal",
    "ranks",
    "spectral_variance",
]
