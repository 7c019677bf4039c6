"""Judge two wide layers: the catapult's band of either loss, and the hole of cross-entropy."""

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength.readings import BISECTED, edge_of, within
from scalewright.sim import richness
from scalewright.sim.richness import Regime
from scalewright.sim.verdict import Verdict, judge
from scalewright.theory.richness import wide

#: Gammas up to which two wide layers count as lazy, with room for rounding.
LAZY_END = 1.01e-2


def squared(band: xr.Dataset, edges: xr.Dataset) -> list[Verdict]:
    """T5: the catapult's band of two wide layers under the squared loss.

    Args:
        band: runs by the map of f and K. edges: those of `sim.richness`, which trains two modes.
    """
    what = "two wide layers, squared loss, gamma <= 1e-2: "
    lazy = band.sel(gamma=slice(None, LAZY_END))
    inside = (lazy.lr > 1.0) & (lazy.lr < 2.0 - 0.01)
    ended, beyond = lazy.loss < 1e-4, lazy.lr > 2.0 + 0.01
    thrown = (ended & (lazy.peak_loss > 0.5 * (1 + 1e-9))).where(inside, drop=True)
    largest = float((lazy.ntk * lazy.lr).where(ended).max())
    ratios = {}
    for name in ("eta_mono", "eta_max"):
        found = edge_of(edges, name).between(0.0, LAZY_END)
        ratios[name] = found.value / found.gamma**2
    return [
        judge(
            "toy-catapult-band",
            f"{what}share of runs between 2/K_0 and 4/K_0 whose loss rises above its start and that converge",
            float(thrown.mean()),
            predicted=1.0,
            tolerance=0.05,
            basis="derived; band: runs that end by chance next to instability converge later than T",
        ),
        judge(
            "toy-catapult-beyond",
            f"{what}share of runs above 4/K_0 that converge",
            float(ended.where(beyond, drop=True).mean()),
            predicted=0.0,
            tolerance=0.0,
            basis="derived: above 4 the kernel only grows",
        ),
        within(
            "toy-catapult-mono",
            f"{what}end of the rates whose loss never rises over 2 gamma^2 / K_0, farthest from 1",
            ratios["eta_mono"],
            0.005,
            "derived",
        ),
        within(
            "toy-catapult-max",
            f"{what}eta_max over 4 gamma^2 / K_0, farthest from 1",
            ratios["eta_max"] / 2,
            0.005,
            "derived: the kernel falls in a catapult as long as eta K / gamma^2 < 4",
        ),
        judge(
            "toy-catapult-kernel",
            f"{what}largest eta K / gamma^2 at which a run has ended",
            largest,
            predicted=1.0,
            tolerance=1.001,
            basis="derived: stable at the end, so at most 2",
        ),
        judge(
            "toy-catapult-control",
            f"{what}eta_max over 2 gamma^2 / K_0, as it would be without catapults",
            float(ratios["eta_max"].mean()),
            predicted=1.0,
            tolerance=0.5,
            expected="break",
            basis="a catapult doubles it",
        ),
    ]


def cross_entropy(edges: xr.Dataset) -> list[Verdict]:
    """Beyond the paper: where the band of cross-entropy ends, and the hole in it at finite T."""
    end, hole, crit = (edge_of(edges, name) for name in ("eta_max", "eta_hole", "eta_crit"))
    small, inner = end.between(0.0, 1.01e-3), hole.between(0.0, LAZY_END)
    steps, error = int(edges.attrs["steps"]), float(edges.attrs["error"])
    predicted = richness.hole_top(inner.gamma, steps=steps, error=error)
    what, at = "two wide layers, cross-entropy: ", int(np.abs(np.log10(end.gamma) + 4).argmin())
    return [
        within(
            "toy-band-end",
            f"{what}end of the band over 2.1996 gamma, gamma in [1e-6, 1e-3], farthest from 1",
            small.value / small.gamma / float(wide.edge_ratio()),
            0.005,
            "derived, the zero of the kernel's drift; band: finite T and gamma",
        ),
        judge(
            "toy-band-power",
            f"{what}end of the band as a power of gamma in [1e-6, 1e-3]",
            small.slope(),
            predicted=1.0,
            tolerance=0.01,
            basis=BISECTED,
        ),
        within(
            "toy-hole-top",
            f"{what}top of the hole over its prediction, gamma in [1e-6, 1e-2], farthest from 1",
            inner.value / predicted,
            0.02,
            "derived to leading order in alpha and 1/T: the mean pull of a one-dimensional map",
        ),
        judge(
            "toy-hole-control",
            f"{what}log10 of the hole's top over eta_crit at gamma = 1e-4, as if there were none",
            float(np.log10(hole.value[at] / crit.value[at])),
            predicted=0.0,
            tolerance=0.5,
            expected="break",
            basis="half a decade",
        ),
    ]


def island(data: xr.Dataset) -> list[Verdict]:
    """Beyond the paper: an island beyond the band, where the first step balances the layers."""
    ended = np.isin(data.regime.values, (Regime.MONOTONE, Regime.CATAPULTED))
    ratios, center = data.lr.values, float(data.attrs["center"])
    gap = (ratios > 2.25) & (ratios < 4.0)
    row = ended[int(np.abs(np.log10(data.gamma.values) + 3).argmin())]
    what = "two wide layers, cross-entropy: "
    return [
        judge(
            "toy-island-center",
            f"{what}share of gammas 1e-4, 1e-3 that converge at eta = gamma / Delta(0), 4.328 gamma",
            float(ended[:, ratios == center].mean()),
            predicted=1.0,
            tolerance=0.0,
            basis="derived: the first step multiplies w - u by 1 - alpha Delta(0) = 0",
        ),
        judge(
            "toy-island-gap",
            f"{what}share of rates between 2.25 and 4 gamma that converge, gamma = 1e-4 and 1e-3",
            float(ended[:, gap].mean()),
            predicted=0.0,
            tolerance=0.01,
            basis="derived, the drift is positive; band: runs that land on a small kernel by chance",
        ),
        judge(
            "toy-island-end",
            f"{what}largest rate over gamma that converges at gamma = 1e-3",
            float(ratios[row].max()) if row.any() else float("nan"),
            predicted=4.55,
            tolerance=0.35,
            basis="4.2 to 4.9 is what a scan from above takes for the edge",
        ),
    ]
