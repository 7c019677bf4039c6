"""Real networks in torch: put a parametrization on a model, train many at once, measure their curvature.

Nothing here predicts: values come from trained weights and from products by automatic differentiation.
"""

if __name__ != "scalewright.nets":
    raise ImportError("this folder is a room of the scalewright package: import it as scalewright.nets")

# Loaded at once and not on first use: `train`, `sharpness`, `observe` and `parametrize` are functions named
# like their modules, and a module that is imported later would take the name of the function.
from scalewright.nets import data, feeds, minibatch, models, sweep
from scalewright.nets.coordinates.check import coordinate_check
from scalewright.nets.coordinates.monitor import Coordinates
from scalewright.nets.coordinates.plot import plot_coordinates, plot_slopes
from scalewright.nets.coordinates.result import CoordinateCheck
from scalewright.nets.curvature.certificate import kuczynski_wozniakowski, products_needed
from scalewright.nets.curvature.density import Density, plot_density, spectral_density
from scalewright.nets.curvature.edge import edge_of_stability, plot_sharpness
from scalewright.nets.curvature.eigenpairs import Eigenpairs
from scalewright.nets.curvature.fisher import Fisher
from scalewright.nets.curvature.kernel import NTK
from scalewright.nets.curvature.lanczos import top_eigenpairs
from scalewright.nets.curvature.operator import Operator
from scalewright.nets.curvature.operators import GaussNewton, Hessian, Residual
from scalewright.nets.curvature.overlap import directional_sharpness, principal_angles, share_in
from scalewright.nets.curvature.preconditioned import Preconditioned, preconditioner
from scalewright.nets.curvature.quantities import quantities
from scalewright.nets.curvature.trace import TraceEstimate, trace
from scalewright.nets.curvature.tracker import SharpnessTracker
from scalewright.nets.curvature.warm import Memory, warm_eigenpair
from scalewright.nets.ensemble import Ensemble, Member
from scalewright.nets.observe import feature_change, observe
from scalewright.nets.optimizers import Settings
from scalewright.nets.parametrize import Parametrized, parametrize
from scalewright.nets.rate_search import RateSearch, search_rates
from scalewright.nets.sharpness import measure, sharpness
from scalewright.nets.train import train

__all__ = [
    "NTK",
    "CoordinateCheck",
    "Coordinates",
    "Density",
    "Eigenpairs",
    "Ensemble",
    "Fisher",
    "GaussNewton",
    "Hessian",
    "Member",
    "Memory",
    "Operator",
    "Parametrized",
    "Preconditioned",
    "RateSearch",
    "Residual",
    "Settings",
    "SharpnessTracker",
    "TraceEstimate",
    "coordinate_check",
    "data",
    "directional_sharpness",
    "edge_of_stability",
    "feature_change",
    "feeds",
    "kuczynski_wozniakowski",
    "measure",
    "minibatch",
    "models",
    "observe",
    "parametrize",
    "plot_coordinates",
    "plot_density",
    "plot_sharpness",
    "plot_slopes",
    "preconditioner",
    "principal_angles",
    "products_needed",
    "quantities",
    "search_rates",
    "share_in",
    "sharpness",
    "spectral_density",
    "sweep",
    "top_eigenpairs",
    "trace",
    "train",
    "warm_eigenpair",
]
