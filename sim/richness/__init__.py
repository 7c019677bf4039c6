"""The gamma-eta plane of the feature-learning strength, integrated: every cell a run, many at once.

`portrait` maps the plane and lays theory's boundaries over it (`theory.richness`); `march` trains a toy in
any cells, `classify` names what became of each, `edge` finds an edge by bisection, `evaluate` turns theory's
expressions into numbers, `plot_portrait` draws.
"""

from scalewright.sim.richness.curves import evaluate
from scalewright.sim.richness.edges import Edge, edge
from scalewright.sim.richness.hole import hole_top
from scalewright.sim.richness.march import Ends, march
from scalewright.sim.richness.plot import plot_portrait
from scalewright.sim.richness.portrait import Portrait, Power, portrait, restored
from scalewright.sim.richness.regimes import Regime, classify
from scalewright.sim.richness.task import Task

__all__ = [
    "Edge",
    "Ends",
    "Portrait",
    "Power",
    "Regime",
    "Task",
    "classify",
    "edge",
    "evaluate",
    "hole_top",
    "march",
    "plot_portrait",
    "portrait",
    "restored",
]
