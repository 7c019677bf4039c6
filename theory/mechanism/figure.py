"""Draw a mechanism: how much every layer moves at every rate, and where the regimes lie."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from scalewright.theory.mechanism.piecewise import Piecewise
from scalewright.theory.mechanism.result import Mechanism
from scalewright.theory.mechanism.updates import STEPS
from scalewright.theory.power import SYMBOLS

COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LOGITS = "#D55E00"
SHADES = {"catastrophic": "#f4d6cf", "controlled divergence": "#fbf1cf", "bounded": "#e3f0e3"}
#: Regimes narrower than this share of the interval have their name upright.
NARROW = 0.2
#: Exponents drawn, and the steps before sizes settle.
RANGE = (-2.5, 1.6)
EARLY = (1, 2, 3)


def plot_mechanism(found: Mechanism, ax: Any = None, *, tensors: Sequence[str] | None = None) -> Any:
    """Draw the exponent of each tensor's change against c, over the regimes; return the axes.

    Solid: settled. Where sizes grow with every step (left), the first three steps, the later the paler.
    `tensors`: which to draw; all that a weight moves by default.
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.4, 4.2), layout="constrained").subplots()
    ax.spines[["top", "right"]].set_visible(False)
    for name, low, high in _regimes(found):
        if low < high:
            ax.axvspan(float(low), float(high), color=SHADES[name], zorder=0, lw=0)
            narrow = (high - low) / (found.high - found.low) < NARROW
            style = {"rotation": 90, "fontsize": 7} if narrow else {"fontsize": 8}
            back = {"facecolor": SHADES[name], "edgecolor": "none", "pad": 1, "alpha": 0.8}
            words = name if narrow else name.replace(" ", "\n")
            place = float(low + high) / 2
            ax.text(place, RANGE[1] - 0.1, words, ha="center", va="top", bbox=back, zorder=3, **style)
    names = list(tensors or (*found.features, found.logits))
    for place, name in enumerate(names):
        colour = LOGITS if name == found.logits else COLOURS[place % len(COLOURS)]
        # Layers that move alike lie on each other: the later are drawn thinner.
        _curves(found, name, ax, colour, width=1.6 + 1.8 * (len(names) - 1 - place) / max(1, len(names) - 1))
    if found.settled_from is None or found.low < found.settled_from:
        ax.plot([], [], color="0.4", lw=1, ls="--", label=f"after 1 to {EARLY[-1]} steps")
    n = SYMBOLS.get(found.axis, found.axis)
    ax.axhline(0, color="0.4", lw=0.7, ls=":")
    ax.set(xlim=(float(found.low), float(found.high)), ylim=RANGE, xlabel=f"c (rate ${n}^{{-c}}$)")
    ax.set_ylabel(f"exponent of the change, power of ${n}$")
    ax.set_title(f"{found.name}, {found.optimizer}, {found.loss}", loc="left", fontsize=10)
    ax.legend(frameon=False, fontsize=8, loc="lower left")
    return ax


def _regimes(found: Mechanism) -> list[tuple[str, Fraction, Fraction]]:
    features = found.high if found.bounded_features is None else found.bounded_features
    logits = found.high if found.bounded_logits is None else found.bounded_logits
    return [
        ("catastrophic", found.low, features),
        ("controlled divergence", features, logits),
        ("bounded", logits, found.high),
    ]


def _curves(found: Mechanism, tensor: str, ax: Any, colour: str, *, width: float) -> None:
    start = found.high if found.settled_from is None else max(found.low, found.settled_from)
    if start < found.high:
        label = "logits" if tensor == found.logits else tensor
        _draw(found.change(tensor, STEPS), start, found.high, ax, color=colour, lw=width, label=label)
    if found.low < start:
        for step in EARLY:
            fade = 1 - 0.28 * (step - 1)
            curve = found.change(tensor, step)
            _draw(curve, found.low, found.high, ax, color=colour, lw=1, alpha=fade, ls="--", zorder=1)


def _draw(curve: Piecewise | None, low: Fraction, high: Fraction, ax: Any, **style: Any) -> None:
    if curve is None:
        return
    part = curve.restricted(low, high)
    ax.plot([float(c) for c in part.knots], [float(value) for value in part.values], **style)
