"""Judge the balanced toy: powers and constants of its edges, plateau, apex, and rival exponents."""

import math
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength import toy
from scalewright.papers.feature_strength.network_verdicts import RIVAL_IDS, rivals
from scalewright.papers.feature_strength.readings import (
    BISECTED,
    LAZY,
    RICH,
    SCATTER,
    against_theory,
    edge_of,
    scatter_slope,
    slope_of_theory,
    task_of,
    within,
)
from scalewright.sim.fit import Estimate
from scalewright.sim.verdict import Verdict, judge


def exact() -> list[Verdict]:
    """T1: the eigenvalues derived for symbolic L are those of explicit Hessians; the powers of the edge."""
    from sympy import Rational

    from scalewright.theory.richness import boundaries, proof

    spectra = [proof.explicit_spectrum_agrees(layers) for layers in toy.DEPTHS]
    steps = [check.holds for check in proof.derivation().verify()]
    powers = [boundaries(n)["eta_crit"].exponents == (2, Rational(2, n)) for n in toy.DEPTHS]
    every = [*spectra, *steps, *powers]
    return [
        judge(
            "toy-exact",
            f"share of {len(every)} symbolic identities that hold: Hessians of 2 to 5 layers, the derivation "
            "for symbolic L, the powers 2 and 2/L",
            float(np.mean(every)),
            predicted=1.0,
            tolerance=0.0,
            basis="exact arithmetic",
        )
    ]


def edges(data: xr.Dataset) -> list[Verdict]:
    """T2, T3, T4: powers and constants of eta_max and eta_min of the balanced toy."""
    task = task_of(data)
    name, what = f"{task.loss}-{task.layers}", f"toy of {task.layers} layers, {task.loss} loss: "
    return _largest(data, name, what) + _least(data, name, what)


def _largest(data: xr.Dataset, name: str, what: str) -> list[Verdict]:
    task, found = task_of(data), edge_of(data, "eta_max")
    rich = found.between(*RICH).slope()
    unfinished = np.log(1 / task.error) / task.steps
    rows = [
        judge(
            f"toy-max-{name}-lazy",
            f"{what}eta_max as a power of gamma in [1e-4, 1e-3]",
            found.between(*LAZY).slope(),
            predicted=2.0,
            tolerance=0.01,
            basis=BISECTED,
        ),
        judge(
            f"toy-max-{name}-rich",
            f"{what}eta_max as a power of gamma in [1e3, 1e5]",
            rich,
            predicted=2 / task.layers,
            tolerance=0.005,
            basis=BISECTED,
        ),
        within(
            f"toy-max-{name}-constant",
            f"{what}eta_max over 2 / sharpness, farthest from 1 of all gammas",
            against_theory(data, "eta_max"),
            0.001 + unfinished,
            "derived; band: log(1/epsilon) / T, as runs at the edge itself take forever, and 0.1 %",
        ),
    ]
    return rows + (_rejected(name, what, rich, task.layers) if task.layers in (3, 4) else [])


def _least(data: xr.Dataset, name: str, what: str) -> list[Verdict]:
    task, found = task_of(data), edge_of(data, "eta_min")
    rich = found.between(*RICH)
    return [
        judge(
            f"toy-min-{name}-lazy",
            f"{what}eta_min as a power of gamma in [1e-4, 1e-3]",
            found.between(*LAZY).slope(),
            predicted=2.0,
            tolerance=0.01,
            basis=BISECTED,
        ),
        judge(
            f"toy-min-{name}-rich",
            f"{what}eta_min as a power of gamma in [1e3, 1e5]",
            rich.slope(),
            predicted=slope_of_theory("eta_min", rich.gamma, task),
            tolerance=0.005,
            basis="slope of the formula over this range; it tends to 1 as gamma^-(1 - 2/L), with two layers "
            "as 1/log gamma",
        ),
        within(
            f"toy-min-{name}-constant",
            f"{what}eta_min over that of the gradient flow, farthest from 1 of all gammas",
            against_theory(data, "eta_min"),
            0.01,
            "derived; band: the steps of descent against the flow",
        ),
    ]


def _rejected(name: str, what: str, found: Estimate, layers: int) -> list[Verdict]:
    return [
        judge(
            f"toy-max-{name}-{RIVAL_IDS[rival]}-control",
            f"{what}eta_max in [1e3, 1e5] has the rival power {rival}",
            found,
            predicted=power,
            tolerance=0.005,
            expected="break",
            basis="the band of the derived power",
        )
        for rival, power in rivals(layers).items()
    ]


def horizons(data: xr.Dataset) -> list[Verdict]:
    """T3: eta_min falls as 1/T."""
    rows = []
    for gamma in data.gamma.values:
        part = data.sel(edge="eta_min", gamma=gamma)
        middle = np.sqrt(part.edge_low * part.edge_high).values
        rows.append(
            judge(
                f"toy-horizon-{gamma:g}",
                f"toy of 3 layers, gamma = {gamma:g}: eta_min as a power of T",
                scatter_slope(data.step.values.astype(float), middle),
                predicted=-1.0,
                tolerance=0.01,
                basis="the time of the flow is eta T",
            )
        )
    return rows


def divergence(data: xr.Dataset) -> list[Verdict]:
    """T4: under cross-entropy weights of the balanced toy stay bounded up to a rate proportional to gamma."""
    layers, found = int(data.attrs["layers"]), edge_of(data, "eta_div")
    what = f"toy of {layers} layers, cross-entropy, gamma in [1e-7, 1e-4]: eta_div "
    rows = [
        judge(
            f"toy-div-{layers}",
            f"{what}as a power of gamma",
            scatter_slope(found.gamma, found.value),
            predicted=1.0,
            tolerance=0.02,
            basis=SCATTER,
        )
    ]
    if layers == 2:
        rows.append(
            within(
                "toy-div-2-constant",
                f"{what}over 2 (1 + e) gamma, farthest from 1",
                found.value / found.gamma / (2 * (1 + math.e)),
                float(np.log(1e8) / data.attrs["steps"]),
                "derived; band: growth to 1e8, where a run counts as diverged, takes T steps",
            )
        )
    return rows


def plateau(data: xr.Dataset) -> list[Verdict]:
    """T6: the plateau grows as gamma^(1 - 2/L), on theory's integral; the drop lasts as long anywhere."""
    layers, gammas = int(data.attrs["layers"]), data.gamma.values
    what = f"toy of {layers} layers at a tenth of eta_crit: "
    half, drop = data.half_time.values, data.drop_time.values
    late, last = gammas >= 999.0, gammas >= 9999.0
    rows = [
        within(
            f"toy-plateau-{layers}-constant",
            f"{what}steps to f = 1/2 over the flow's, gamma >= 1e3, farthest from 1",
            half[late] / toy.predicted_half_time(layers, gammas[late]),
            0.06 if layers == 2 else 0.03,
            "derived; band: the size of the steps, eta times sharpness 0.2",
        ),
        within(
            f"toy-drop-{layers}",
            f"{what}steps of the drop over their mean, gamma in [1e2, 1e5], farthest from 1",
            drop / np.exp(np.log(drop).mean()),
            0.1,
            "derived: a number without gamma",
        ),
    ]
    if layers == 2:
        return rows
    found = np.polyfit(np.log(gammas[last]), np.log(half[last]), 1)[0]
    slope = judge(
        f"toy-plateau-{layers}",
        f"{what}steps to f = 1/2 as a power of gamma in [1e4, 1e5]",
        float(found),
        predicted=1 - 2 / layers,
        tolerance=0.02,
        basis="derived",
    )
    return [slope, *rows]


def apex(data: xr.Dataset) -> list[Verdict]:
    """T7: the gamma at which the band closes grows as T^(L/(L-2))."""
    layers, steps = int(data.attrs["layers"]), data.step.values.astype(float)
    ends = f"[{steps[0]:g}, {steps[-1]:g}]"
    place: Any = np.sqrt(data.edge_low * data.edge_high).sel(edge="apex").values
    return [
        judge(
            f"toy-apex-{layers}",
            f"toy of {layers} layers: gamma of the apex as a power of T in {ends}",
            scatter_slope(steps, place),
            predicted=layers / (layers - 2),
            tolerance=0.1,
            basis=SCATTER,
        )
    ]
