"""Derive how neural networks must be scaled: exact exponents, each with a proof."""

if __name__ != "scalewright.theory":
    raise ImportError("this folder is a room of the scalewright package: import it as scalewright.theory")

from scalewright.theory import desiderata, observables
from scalewright.theory.calculus.sizes import Alignment
from scalewright.theory.derive import derive
from scalewright.theory.errors import ArchitectureError, Infeasible, NotUnique, ScalingError, Unverified
from scalewright.theory.gauge import Scaling
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import Node
from scalewright.theory.graph.perceptrons import mlp
from scalewright.theory.named import named
from scalewright.theory.parametrization import Numbers, Parametrization
from scalewright.theory.power import Power
from scalewright.theory.solver.certificate import Certificate

__all__ = [
    "Alignment",
    "Architecture",
    "ArchitectureError",
    "Certificate",
    "Infeasible",
    "Node",
    "NotUnique",
    "Numbers",
    "Parametrization",
    "Power",
    "Scaling",
    "ScalingError",
    "Unverified",
    "derive",
    "desiderata",
    "mlp",
    "named",
    "observables",
]
