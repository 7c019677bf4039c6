"""Draw a phase portrait: cells coloured by regime, theory's boundaries drawn in and named on the line."""

from typing import TYPE_CHECKING, Any

import numpy as np

from scalewright.sim.richness.portrait import Portrait
from scalewright.sim.richness.regimes import Regime

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Light for what does not learn, saturated for what does; told apart with every common colour vision.
COLOURS = {
    Regime.TOO_SLOW: "#E3E8EE",
    Regime.MONOTONE: "#4C9BCF",
    Regime.CATAPULTED: "#F0A83C",
    Regime.EDGE_OF_STABILITY: "#B65C9A",
    Regime.DIVERGED: "#FBFBFA",
}
STYLES = {"eta_min": "--", "eta_crit": "-", "eta_max": "-", "eta_div": ":", "eta_hole_top": "-."}
NAMES = {
    "eta_min": r"$\eta_{\min}$",
    "eta_crit": r"$\eta_{\mathrm{crit}}$",
    "eta_max": r"$\eta_{\max}$",
    "eta_div": r"$\eta_{\mathrm{div}}$",
    "eta_hole_top": r"top of the hole",
}
INK = "#1A1A1A"
#: Where along its line a boundary is named, as a share of it.
PLACES = {"eta_min": 0.34, "eta_crit": 0.16, "eta_hole_top": 0.3}
#: Pixels to either side of a name's line within which a regime must go on to be named there.
TEXT = 9.0
#: Share of the cells from which on a regime is named.
SEEN = 0.005


def plot_portrait(portrait: Portrait, ax: "Axes | None" = None, *, names: bool = True) -> Any:
    """Draw the regimes of the gamma-eta plane with theory's boundaries; dots are edges found by bisection.

    Args:
        ax: axes to draw on; new ones by default.
        names: write the regimes' names into their areas.

    Raises:
        ValueError: a grid of fewer than two gammas or etas, which has no area.
    """
    from matplotlib.colors import BoundaryNorm, ListedColormap

    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.4, 5.2), layout="constrained").subplots()
    data = portrait.data
    if min(data.sizes.values()) < 2:
        raise ValueError(
            "richness.plot_portrait: the grid must have 2 or more gammas and etas; given "
            f"{data.sizes['gamma']} and {data.sizes['eta']}"
        )
    colours = ListedColormap([COLOURS[regime] for regime in Regime])
    norm = BoundaryNorm(np.arange(-0.5, len(Regime)), colours.N)
    ax.pcolormesh(
        data.gamma,
        data.eta,
        data.regime.values.T,
        cmap=colours,
        norm=norm,
        shading="nearest",
        rasterized=True,
    )
    ax.set(
        xscale="log",
        yscale="log",
        xlabel=r"feature-learning strength $\gamma$",
        ylabel=r"learning rate $\eta$",
    )
    ax.set_xlim(data.gamma.values[0], data.gamma.values[-1])
    ax.set_ylim(data.eta.values[0], data.eta.values[-1])
    ax.figure.canvas.draw()  # so that directions on the page are known
    _lines(ax, portrait)
    for edge in portrait.edges.values():
        ax.plot(edge.gamma, edge.value, "o", ms=3.6, mfc="white", mec=INK, mew=0.9, zorder=5)
    if names:
        _regimes(ax, portrait)
    ax.set_title(_title(portrait), fontsize=10)
    return ax


def _title(portrait: Portrait) -> str:
    task = portrait.task
    toy = "two wide layers" if task.model == "wide" else f"{task.layers} layers"
    return f"{toy}, {task.loss} loss, {task.optimizer}, {task.steps} steps"


def _lines(ax: Any, portrait: Portrait) -> None:
    """Draw the boundaries; where one coincides with another it is drawn and named once."""
    drawn: dict[str, np.ndarray] = {}
    for name, values in portrait.curves.items():
        twin = next((n for n, v in drawn.items() if _same(v, values)), None)
        if twin is None:
            drawn[name] = values
    gammas = portrait.data.gamma.values
    for name, values in drawn.items():
        ax.plot(gammas, values, STYLES.get(name, "-."), color=INK, lw=1.5)
        twins = [n for n, v in portrait.curves.items() if n != name and _same(v, values)]
        label = " = ".join(NAMES.get(n, n) for n in (name, *twins))
        below = name == "eta_min" or (name == "eta_crit" and not twins)
        _name_line(ax, gammas, values, label, PLACES.get(name, 0.24), below=below)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(one, other, rtol=1e-6, equal_nan=True))


def _name_line(
    ax: Any, gammas: np.ndarray, values: np.ndarray, label: str, share: float, *, below: bool
) -> None:
    """Write a label along a line, turned with it, above or below."""
    low, high = ax.get_ylim()
    places = np.flatnonzero(np.isfinite(values) & (values > low) & (values < high))
    if len(places) < 3:
        return
    at = places[min(int(share * len(places)), len(places) - 2)]
    angle = _angle(ax, gammas[at : at + 2], values[at : at + 2])
    ax.annotate(
        label, (gammas[at], values[at]), xytext=(0, -3 if below else 3), textcoords="offset points",
        rotation=angle, rotation_mode="anchor", va="top" if below else "bottom", ha="center", fontsize=11,
        color=INK, path_effects=_halo(),
    )  # fmt: skip


def _angle(ax: Any, x: np.ndarray, y: np.ndarray) -> float:
    ends = ax.transData.transform(np.column_stack([x, y]))
    return float(np.degrees(np.arctan2(*(ends[1] - ends[0])[::-1])))


def _halo() -> list[Any]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground="white", alpha=0.8)]


def _regimes(ax: Any, portrait: Portrait) -> None:
    """Write every regime's name where it is widest, turned with its band; what has no room into a legend."""
    from matplotlib.patches import Patch
    from scipy.ndimage import distance_transform_edt

    cells = portrait.data.regime.values
    gammas, etas = portrait.data.gamma.values, portrait.data.eta.values
    box, left_out = ax.get_window_extent(), []
    size = box.width / len(gammas), box.height / len(etas)
    margin = len(gammas) // 5
    for regime in Regime:
        inside = np.pad(cells == int(regime), 1)
        if inside.sum() < SEEN * cells.size:
            continue
        room = distance_transform_edt(inside, sampling=size)[1:-1, 1:-1]
        room[:margin], room[len(gammas) - margin :] = 0.0, 0.0
        i, j = np.unravel_index(room.argmax(), room.shape)
        if room[i, j] < TEXT:
            left_out.append(regime)
            continue
        angle = _angle(ax, *_along(portrait, int(i))) if room[i, j] < 4 * TEXT else 0.0
        ax.text(
            gammas[i], etas[j], regime.label, ha="center", va="center", fontsize=9, color=INK,
            rotation=angle, rotation_mode="anchor",
        )  # fmt: skip
    if left_out:
        patches = [Patch(facecolor=COLOURS[regime], label=regime.label) for regime in left_out]
        ax.legend(handles=patches, loc="lower right", fontsize=9, frameon=False)


def _along(portrait: Portrait, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two points of the boundary that turns with the bands, at a gamma."""
    finite = [values for values in portrait.curves.values() if np.isfinite(values).all()]
    at = min(index, len(finite[-1]) - 2)
    return portrait.data.gamma.values[at : at + 2], finite[-1][at : at + 2]
