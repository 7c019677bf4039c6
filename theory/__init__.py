"""Derive how neural networks must be scaled: exact exponents, each with a proof."""

if __name__ != "scalewright.theory":
    raise ImportError("this folder is a room of the scalewright package: import it as scalewright.theory")

from scalewright.theory import desiderata, observables
from scalewright.theory.calculus.alignment import Alignment
from scalewright.theory.calculus.optimizers import Assignment, Optimizer, momentum, shampoo
from scalewright.theory.derive import derive
from scalewright.theory.edges import Edges, edges
from scalewright.theory.equivalence import Equivalence, equivalent
from scalewright.theory.errors import (
    ArchitectureError,
    Infeasible,
    NotUnique,
    ScalingError,
    Unreachable,
    Unverified,
)
from scalewright.theory.gauge import Scaling
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.construct import Graph
from scalewright.theory.graph.convolutional import convnet, resnet
from scalewright.theory.graph.growing import grown
from scalewright.theory.graph.nodes import Node
from scalewright.theory.graph.perceptrons import autoencoder, mlp
from scalewright.theory.graph.transformers import gpt, lora, moe, vit
from scalewright.theory.mechanism import Mechanism, mechanism
from scalewright.theory.named import named
from scalewright.theory.parametrization import Numbers, Parametrization
from scalewright.theory.power import Power
from scalewright.theory.profile import Profile, profile
from scalewright.theory.segment import Segment
from scalewright.theory.slopes import Slopes
from scalewright.theory.solver.certificate import Certificate

__all__ = [
    "Alignment",
    "Architecture",
    "ArchitectureError",
    "Assignment",
    "Certificate",
    "Edges",
    "Equivalence",
    "Graph",
    "Infeasible",
    "Mechanism",
    "Node",
    "NotUnique",
    "Numbers",
    "Optimizer",
    "Parametrization",
    "Power",
    "Profile",
    "Scaling",
    "ScalingError",
    "Segment",
    "Slopes",
    "Unreachable",
    "Unverified",
    "autoencoder",
    "convnet",
    "derive",
    "desiderata",
    "edges",
    "equivalent",
    "gpt",
    "grown",
    "lora",
    "mechanism",
    "mlp",
    "moe",
    "momentum",
    "named",
    "observables",
    "profile",
    "resnet",
    "shampoo",
    "vit",
]
