"""Real networks in torch: put a parametrization on a model, train many at once, measure their curvature.

Nothing here predicts: values come from trained weights and from products by automatic differentiation.
"""

if __name__ != "scalewright.nets":
    raise ImportError("this folder is a room of the scalewright package: import it as scalewright.nets")

# Loaded at once and not on first use: `train`, `sharpness`, `observe` and `parametrize` are functions named
# like their modules, and a module that is imported later would take the name of the function.
from scalewright.nets import data, models
from scalewright.nets.curvature.eigenpairs import Eigenpairs
from scalewright.nets.curvature.kernel import NTK
from scalewright.nets.curvature.lanczos import top_eigenpairs
from scalewright.nets.curvature.operator import Operator
from scalewright.nets.curvature.operators import GaussNewton, Hessian, Residual
from scalewright.nets.ensemble import Ensemble
from scalewright.nets.observe import feature_change, observe
from scalewright.nets.parametrize import Parametrized, parametrize
from scalewright.nets.sharpness import measure, sharpness
from scalewright.nets.train import train

__all__ = [
    "NTK",
    "Eigenpairs",
    "Ensemble",
    "GaussNewton",
    "Hessian",
    "Operator",
    "Parametrized",
    "Residual",
    "data",
    "feature_change",
    "measure",
    "models",
    "observe",
    "parametrize",
    "sharpness",
    "top_eigenpairs",
    "train",
]
