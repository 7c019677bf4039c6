"""The pictures of theory and of the two-layer linear network."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.figures import PALETTE, canvas, log_numbers, points_with_slope, shades
from scalewright.papers.large_learning_rates import toy, toy_verdicts
from scalewright.sim import uv
from scalewright.theory import mechanism, mlp
from scalewright.theory.mechanism.figure import plot_mechanism

Runs = Mapping[str, xr.Dataset]
#: (weight layers, optimizer, loss) of the panels.
PANELS = (
    (4, "sgd", "cross-entropy"),
    (4, "sgd", "squared"),
    (2, "sgd", "cross-entropy"),
    (4, "adam", "cross-entropy"),
)


def plot_derived() -> Any:
    """Draw how much every layer moves at every rate, four networks."""
    figure, axes = canvas(2, rows=2, height=3.6)
    for ax, (layers, optimizer, loss) in zip(axes.flat, PANELS, strict=True):
        ax.grid(visible=False)
        plot_mechanism(mechanism(mlp(layers), "sp", optimizer, loss), ax)
        ax.set_title(f"SP, {optimizer}, {layers} layers, {loss}", loc="left", fontsize=10)
    return figure


def plot_edges(runs: Runs) -> Any:
    """Draw largest stable rates of the two-layer linear network against the width, with fitted slopes."""
    figure, axes = canvas(2, height=3.8)
    groups = (("squared loss", ("sp-squared", "ntp-squared", "mup-squared",
                                "sp-squared-timed-warmup")),
              ("cross-entropy", ("sp-cross-entropy-outputs", "sp-cross-entropy-kernel",
                                 "mup-cross-entropy-kernel")))  # fmt: skip
    for ax, (title, names) in zip(axes.flat, groups, strict=True):
        for colour, name in zip(PALETTE, names, strict=False):
            found = toy_verdicts.slope_of(runs[f"uv-edge-{name}"])
            label = f"{_words(name)}: $n^{{{found.value:.2f}}}$"
            points_with_slope(ax, found, label=label, color=colour)
        log_numbers(ax, "x")
        log_numbers(ax, "y")
        ax.set(xlabel="width", ylabel="largest stable base rate", title=title)
        ax.legend(fontsize=7, frameon=False)
    return figure


def _words(name: str) -> str:
    case = toy.EDGES[name]
    text = toy_verdicts.LABEL[case.name]
    if case.loss.name == "cross-entropy":
        text += ", outputs bounded" if case.criterion == "peak" else ", weights bounded"
    if isinstance(case.warmup, float):
        return text + ", warm-up over 10 % of a fixed time"
    return text + (f", warm-up of {case.warmup} steps" if case.warmup else "")


def plot_growth(runs: Runs) -> Any:
    """Draw outputs of wide networks by width, a curve a step: both losses at the same rate."""
    figure, axes = canvas(2, height=3.6)
    for ax, loss in zip(axes.flat, ("squared", "cross-entropy"), strict=True):
        data = runs[f"uv-near-{loss}"]
        widths, curves = data.width.values.astype(float), mechanism(mlp(2, "linear"), "sp", "sgd", loss)
        for step, colour in zip((1, 2, 3), reversed(shades(3)), strict=True):
            sizes = np.sqrt(toy_verdicts.moved(data, step).mean(axis=1))
            curve = curves.change("readout", step)
            assert curve is not None
            power = curve.at(toy.NEAR)
            ax.plot(widths, sizes, "o", ms=4, color=colour, label=f"after step {step}: $n^{{{power}}}$")
            ax.plot(widths, sizes[-1] * (widths / widths[-1]) ** float(power), "--", lw=1, color=colour)
        log_numbers(ax, "x")
        log_numbers(ax, "y")
        ax.set(xlabel="width", ylabel="change of the output", title=f"SP, rate $n^{{-{toy.NEAR}}}$, {loss}")
        ax.legend(fontsize=8, frameon=False)
    return figure


def plot_limits(runs: Runs) -> Any:
    """Draw the rescaled output along training in three limits, over networks of 10^6 and 10^12 units."""
    names = ("1", "1/2", "0")
    titles = ("c = 1: a kernel", "c = 1/2: a perceptron, fixed kernel", "c = 0: a perceptron that moves")
    figure, axes = canvas(3, height=3.4)
    for ax, c, title in zip(axes.flat, names, titles, strict=True):
        data = runs[f"uv-limit-{c.replace('/', '-')}"].sel(lr=0.5, method="nearest").isel(seed=0)
        start = float(np.random.default_rng(0).standard_normal(1)[0])
        shown = slice(0, 25)
        ax.plot(data.step[shown], data.outputs[shown], "k-", lw=2, alpha=0.8, label="infinite width")
        # Rings around dots, as most of them lie on each other.
        for power, marker, colour in ((6, {"ms": 7, "mfc": "none"}, PALETTE[1]), (12, {"ms": 3}, PALETTE[0])):
            run = uv.wide(c, lrs=[0.5], steps=24, loss=toy.MIXED, start=[start], width=10**power)
            label = f"$n = 10^{{{power}}}$"
            ax.plot(run.step, run.outputs[0, 0], "o", color=colour, label=label, **marker)
        ax.set(xlabel="step", ylabel="$f\\,n^{c-1}$", title=title)
        ax.margins(y=0.12)
    axes.flat[0].legend(fontsize=8, frameon=False, loc="lower right")
    return figure


CAPTIONS = {
    "derived": "Derived: the power of the width in every layer's change, at every rate n^-c at once. Solid: "
    "where sizes settle. Dashed: the first three steps where they grow with every step, the later the paler. "
    "Under cross-entropy there is a window in which only the logits grow; the squared loss has none; without "
    "a matrix that is square it reaches up to n^0.",
    "uv-edges": "Two-layer linear networks on one point, exact at every width: largest stable rates, 95 % "
    "bars over seeds and fitted slopes. Left: squared loss; with weight decay or a warm-up of 50 steps SP's "
    "rates are the same to a few per cent. Right: cross-entropy, whose outputs are bounded up to n^-1 and "
    "whose weights are up to n^0.",
    "uv-growth": "The same networks from 10^9 to 10^15 units at one rate between the edges. Dots: root mean "
    "square over seeds; dashed: the derived powers. Under the squared loss every step adds 1/4 to the "
    "exponent; under cross-entropy none does.",
    "uv-limits": "Cross-entropy at infinite width (black) and at 10^6 and 10^12 units, from the same initial "
    "output: the three limits of the two-variable map. The output is divided by n^(1-c), so it is bounded "
    "although logits diverge for c < 1. A perceptron is discontinuous: an orbit of finite width leaves that "
    "of the limit where it comes next to 0, the later the wider the network; ranges agree longer than "
    "orbits.",
}
