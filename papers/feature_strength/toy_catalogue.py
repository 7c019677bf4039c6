"""What the reproduction runs of the toys, how it is judged and drawn."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import xarray as xr

from scalewright.papers.feature_strength import (
    catapult_verdicts,
    optimizer_verdicts,
    toy,
    toy_figures,
    toy_verdicts,
    wide_toy,
)
from scalewright.papers.feature_strength.settings import Scale
from scalewright.papers.stages import Stage
from scalewright.sim.verdict import Verdict
from scalewright.theory.richness import LossName

Results = Mapping[str, xr.Dataset]

LOSSES: tuple[LossName, ...] = ("squared", "cross-entropy")
#: Depths at which edges other than eta_min and eta_max are followed.
RAGGED = (2, 3, 4)
APEX = (3, 4, 5)
SIGNED = ("sign", "adam")
#: Portraits: layers, loss, model.
PORTRAITS: dict[str, Any] = {
    "squared": (3, "squared", "balanced"),
    "cross-entropy": (3, "cross-entropy", "balanced"),
    "wide-squared": (2, "squared", "wide"),
    "wide-cross-entropy": (2, "cross-entropy", "wide"),
}


def stages(scale: Scale) -> list[Stage]:
    """Return the stages of the toys, by jax and numpy."""

    def stage(name: str, run: Any, *arguments: Any) -> Stage:
        return Stage(f"toy-{name}", partial(run, scale, *arguments))

    return [
        *(stage(f"edges-{loss}-{n}", toy.edges, loss, n) for loss in LOSSES for n in toy.DEPTHS),
        stage("horizons", toy.horizons),
        *(stage(f"divergence-{n}", toy.divergence, n) for n in RAGGED),
        *(stage(f"portrait-{name}", toy.portrait, *what) for name, what in PORTRAITS.items()),
        *(stage(f"plateau-{n}", toy.plateau, n) for n in toy.DEPTHS),
        *(stage(f"apex-{n}", toy.apex, n) for n in APEX),
        stage("wide-band", wide_toy.wide_squared),
        *(stage(f"wide-{loss}", wide_toy.wide_edges, loss) for loss in LOSSES),
        *(stage(f"{name}-{n}", toy.optimizer, name, n) for name in SIGNED for n in RAGGED),
        stage("island", wide_toy.island),
        stage("momentum", toy.optimizer, "momentum", 3),
        stage("logistic", toy.logistic, 3),
        stage("unbalanced", toy.unbalanced),
    ]


def judge(results: Results) -> list[Verdict]:
    """Return the rows of the toys."""
    rows = toy_verdicts.exact()
    for loss in LOSSES:
        for layers in toy.DEPTHS:
            rows += toy_verdicts.edges(results[f"toy-edges-{loss}-{layers}"])
    rows += toy_verdicts.horizons(results["toy-horizons"])
    for layers in RAGGED:
        rows += toy_verdicts.divergence(results[f"toy-divergence-{layers}"])
    for layers in toy.DEPTHS:
        rows += toy_verdicts.plateau(results[f"toy-plateau-{layers}"])
    for layers in APEX:
        rows += toy_verdicts.apex(results[f"toy-apex-{layers}"])
    rows += catapult_verdicts.squared(results["toy-wide-band"], results["toy-wide-squared"])
    rows += catapult_verdicts.cross_entropy(results["toy-wide-cross-entropy"])
    rows += catapult_verdicts.island(results["toy-island"])
    for name in SIGNED:
        for layers in RAGGED:
            rows += optimizer_verdicts.signed(results[f"toy-{name}-{layers}"])
    rows += optimizer_verdicts.momentum(results["toy-momentum"])
    rows += optimizer_verdicts.logistic(results["toy-logistic"])
    return rows + optimizer_verdicts.unbalanced(results["toy-unbalanced"])


def draw(results: Results) -> dict[str, Any]:
    """Return the pictures of the toys by name."""
    portraits = {name: results[f"toy-portrait-{name}"] for name in PORTRAITS}
    edges = {loss: {n: results[f"toy-edges-{loss}-{n}"] for n in toy.DEPTHS} for loss in LOSSES}
    return {
        "toy-portraits": toy_figures.plot_portraits(portraits),
        "toy-edges": toy_figures.plot_edges(edges),
        "toy-times": toy_figures.plot_times(
            {n: results[f"toy-plateau-{n}"] for n in toy.DEPTHS}, {n: results[f"toy-apex-{n}"] for n in APEX}
        ),
        "toy-catapults": toy_figures.plot_catapults(
            results["toy-wide-band"], results["toy-wide-cross-entropy"]
        ),
        "toy-optimizers": toy_figures.plot_optimizers(
            {name: {n: results[f"toy-{name}-{n}"] for n in RAGGED} for name in SIGNED}
        ),
    }


CAPTIONS = {
    "toy-portraits": "Phase portraits of the toys, every cell a run. Lines: the derived boundaries, nothing "
    "fitted. Top: three layers, balanced. Bottom: two wide layers, whose kernel a catapult can lower; under "
    "cross-entropy the band above eta_crit has a hole, where catapults take longer than T.",
    "toy-edges": "Top: eta_max (circles) and eta_min (squares) by bisection, on the derived formulas "
    "(lines). "
    "Bottom: the local power of eta_max, from 2 to 2/L, on 2 - 2 (L-1)/L gamma / (1 + gamma).",
    "toy-times": "At a tenth of eta_crit the plateau (left) grows as gamma^(1 - 2/L), on the flow's "
    "integral; "
    "the drop (middle) lasts as long at every gamma. Right: the gamma from which on no rate converges "
    "within T steps, and its leading form (2 T (L-2)/L)^(L/(L-2)).",
    "toy-catapults": "Left: between 1 and 2 a catapult throws the kernel below 2/eta, where the minimum is "
    "stable. Right: the band of cross-entropy, T = 6000; dots by bisection, lines derived.",
    "toy-optimizers": "The smallest rate that converges under sign descent and Adam; lines: formula of sign "
    "descent. No plateau: the powers are 1 and 1/L, and the band never closes.",
}
