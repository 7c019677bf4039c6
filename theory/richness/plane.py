"""Assemble the boundaries of the gamma-eta plane for a number of layers, a loss and an optimizer."""

from functools import cache
from typing import Any

from sympy import Expr, Integer, Matrix, Min, Symbol, eye, factor, log, oo, powsimp, simplify, solve

from scalewright.theory.richness import limits, times, toy, wide
from scalewright.theory.richness.boundaries import Boundaries, Boundary, Model, check_choice, meeting
from scalewright.theory.richness.losses import RIGHT, Loss, LossName, loss_named
from scalewright.theory.richness.symbols import (
    ERROR,
    GAMMA,
    LAYERS,
    MOMENTUM,
    STEPS,
    check_layers,
    check_momentum,
)

OPTIMIZERS = ("sgd", "momentum", "sign", "adam")
DIVERGENCE = Symbol("A_L", positive=True)
"""A constant that theory leaves open: a number of the layers and the momentum."""


def boundaries(
    layers: Any = LAYERS,
    loss: LossName = "squared",
    optimizer: str = "sgd",
    *,
    model: Model = "balanced",
    momentum: Any = MOMENTUM,
) -> Boundaries:
    """Return every boundary of the gamma-eta plane as a symbolic function.

    Args:
        layers: number of weight layers L >= 2, or a symbol, which stands for more than two.
        loss: "squared", "cross-entropy" or "logistic" (`losses.loss_named`).
        optimizer: "sgd", "momentum" (heavy ball), "sign" or "adam".
        model: "balanced", the deep linear toy, all weights 1 at the start; "wide", two wide linear layers
            with random weights, in the same units of eta, for "sgd" alone.
        momentum: decay mu of the heavy ball, exact in [0, 1) or a symbol; other optimizers ignore it.

    Returns:
        Boundaries, in expressions of `symbols.GAMMA`, `STEPS` (T), `ERROR` (epsilon).

    Raises:
        ValueError: an unknown choice, layers below 2, a wide model of other than two layers or another
            optimizer. TypeError: a float.

    Source: the toy is that of section 4 of arXiv:2410.04642; constants, the crossover between the powers,
    the apex, other optimizers and the band of cross-entropy are derived here (docs/concepts/richness.md).

    >>> boundaries(3)["eta_crit"].exponents
    (2, 2/3)
    """
    layers = check_layers(layers, "boundaries")
    loss_named(loss)
    check_choice("boundaries", "optimizer", optimizer, OPTIMIZERS)
    check_choice("boundaries", "model", model, Model)
    return _assembled(layers, loss, optimizer, model, check_momentum(momentum, "boundaries"))


@cache
def _assembled(layers: Expr, loss: LossName, optimizer: str, model: Model, momentum: Expr) -> Boundaries:
    function = loss_named(loss)
    if model == "wide":
        if layers != 2 or optimizer != "sgd":
            raise ValueError(
                "richness.boundaries: model 'wide' is known for layers=2 and optimizer='sgd'; given "
                f"layers={layers} and {optimizer!r}"
            )
        entries = _wide(function)
    elif optimizer in ("sign", "adam"):
        entries = _signed(layers, function, optimizer)
    else:
        entries = _descent(layers, function, momentum if optimizer == "momentum" else Integer(0))
    return Boundaries(layers, loss, optimizer, model, entries, _apex(layers, entries))


def _apex(layers: Expr, entries: tuple[Boundary, ...]) -> Expr | None:
    """Return the gamma at which the leading forms of eta_min and the upper edge meet, gamma >> 1."""
    known = {entry.name: entry.large for entry in entries}
    low, high = known["eta_min"], known.get("eta_crit", known["eta_max"])
    if high is oo or high is None or low is None:
        return None
    return meeting(low, high)


def _descent(layers: Expr, loss: Loss, momentum: Expr) -> tuple[Boundary, ...]:
    """Gradient descent and the heavy ball, whose slow motion is that of descent at eta / (1 - mu)."""
    slow = 1 - momentum
    small = GAMMA**2 * times.lazy_time(layers, loss.name) / STEPS
    large = GAMMA * times.rich_time(layers, loss.name) / STEPS
    least = Boundary(
        "eta_min",
        slow * times.least_rate(layers, loss.name),
        slow * small,
        slow * large,
        "asymptotic",
        "time of the gradient flow, which descent follows for T >> 1",
    )
    if loss.minimiser is oo:
        return least, *_unbounded()
    stable = _stable(layers, loss, momentum)
    return least, stable, _largest(stable, momentum), _divergence(layers, loss, momentum)


def _largest(stable: Boundary, momentum: Expr) -> Boundary:
    """Up to where runs converge: to stability for descent, not as far for the heavy ball."""
    if momentum == 0:
        status, reason = "exact", "all runs end at one minimum, the flattest, and none at an unstable one"
    else:
        status, reason = (
            "bound",
            "no run ends at an unstable minimum; from gamma = 0.1 on the speed gathered on the way throws "
            "runs past it, and they diverge at a smaller rate, of the same power",
        )
    forms = (stable.expression, stable.small, stable.large)
    return Boundary("eta_max", *forms, status, reason)  # type: ignore[arg-type]


def _stable(layers: Expr, loss: Loss, momentum: Expr) -> Boundary:
    """Where the minimiser loses its linear stability: threshold / sharpness."""
    edge, name = stable_edge(momentum), loss.name
    whole = edge / toy.sharpness(layers, name)
    lazy = edge / 2 * limits.stability(layers, name, regime="small") * _scale(layers, "small")
    rich = edge / 2 * limits.stability(layers, name, regime="large") * _scale(layers, "large")
    return Boundary("eta_crit", whole, lazy, rich, "exact", "threshold of the optimizer over the sharpness")


def _scale(layers: Expr, regime: limits.Regime) -> Expr:
    return GAMMA ** limits.rate_power(layers, regime=regime)


def stable_edge(momentum: Any = 0) -> Expr:
    """Return rate times curvature at the edge of stability of the heavy ball, 2 (1 + mu).

    The step of (weight, buffer) on a quadratic has the eigenvalue -1 there. `theory.stability.threshold` says
    the same of numbers; this takes symbols as well.
    """
    x, momentum = Symbol("x"), check_momentum(momentum, "stable_edge")
    step = Matrix([[1 - x, -momentum], [x, momentum]])
    return factor(solve((-eye(2) - step).det(), x)[0])


def _divergence(layers: Expr, loss: Loss, momentum: Expr) -> Boundary:
    """Where weights stop to be bounded: beyond eta_max they cycle around the minimum first.

    With u = c / (1 + gamma)^(1/L) the squared loss has the map u' = u + A u^(L-1) (1 - u^L), A = eta (1 +
    gamma)^(2 - 2/L) / gamma^2: its edge in A is a number of L. The pull of cross-entropy is bounded, which
    leaves c' = c - (eta / gamma) p_0 c^(L-1) above the target as gamma -> 0.
    """
    number = DIVERGENCE
    if loss.name == "squared":
        if layers == 2 and momentum == 0:
            number, reason = Integer(2), "u' = u + A u (1 - u^2) maps an interval into itself up to A = 2"
        else:
            reason = "powers by the map of u = c / c*; the constant A_L is a number of L and mu, measured"
        whole = number * GAMMA**2 * (1 + GAMMA) ** (2 / layers - 2)
        small, large = number * GAMMA**2, number * GAMMA ** (2 / layers)
    else:
        if layers == 2 and momentum == 0:
            number, reason = (
                simplify(2 / (1 - RIGHT)),
                "gamma << 1: above the target c is multiplied by 1 - eta p_0 / gamma",
            )
        else:
            reason = "powers by the limit maps; the constants are numbers of L and mu, measured"
        whole, small, large = None, number * GAMMA, DIVERGENCE * GAMMA ** (2 / layers)
    known = number is not DIVERGENCE
    return Boundary("eta_div", whole, small, large, "exact" if known else "estimate", reason)


def _unbounded() -> tuple[Boundary, ...]:
    why = "the pull is positive at every output: weights only grow and the loss only falls, at every rate"
    return tuple(Boundary(name, oo, oo, oo, "exact", why) for name in ("eta_crit", "eta_max", "eta_div"))


def _signed(layers: Expr, loss: Loss, optimizer: str) -> tuple[Boundary, ...]:
    """Steps of size eta whatever the gradient: no plateau, and an end of size eta."""
    power = 1 / layers

    def weight(output: Any) -> Expr:
        return (1 + GAMMA * output) ** power

    target = loss.reached
    exact = optimizer == "sign"
    least = Boundary(
        "eta_min",
        (weight(target) - 1) / STEPS,
        GAMMA * target / layers / STEPS,
        (GAMMA * target) ** power / STEPS,
        "exact" if exact else "estimate",
        "every step moves every weight by eta"
        + ("" if exact else ", about, while gradients keep their sign"),
    )
    if loss.minimiser is oo:
        return least, *_unbounded()
    aim = loss.minimiser
    if not exact:
        why = "powers by the limit maps; Adam goes on cycling, and its constant is measured"
        forms = (DIVERGENCE * GAMMA, DIVERGENCE * GAMMA**power)
        return least, Boundary("eta_max", None, *forms, "estimate", why)
    room = Boundary(
        "eta_max",
        weight(aim + ERROR) - weight(aim),
        GAMMA * ERROR / layers,
        GAMMA**power * ((aim + ERROR) ** power - aim**power),
        "bound",
        "up to there both ends of the cycle of length two around the minimum are within epsilon; at most "
        "twice that rate",
    )
    return least, room


def _wide(loss: Loss) -> tuple[Boundary, ...]:
    """Two wide layers: the kernel starts at 2, and a catapult may lower it."""
    least = Boundary(
        "eta_min",
        GAMMA / STEPS * wide.flow_time(loss.name),
        GAMMA**2 * times.lazy_time(2, loss.name) / STEPS,
        GAMMA * log(2 * GAMMA) / (2 * simplify(loss.pull_at(0)) * STEPS),
        "asymptotic",
        "time of the gradient flow, which descent follows for T >> 1",
    )
    if loss.minimiser is oo:
        return least, *_unbounded()
    bend, aim = loss.curvature_at(loss.minimiser), loss.minimiser
    start = 2 * GAMMA**2 / (bend * wide.START)
    flow = simplify(2 * GAMMA**2 / (bend * wide.flow_kernel(aim)))
    flattest = powsimp(2 * GAMMA**2 / (bend * 2 * GAMMA * aim))
    largest = 4 * GAMMA**2 / wide.START if loss.name == "squared" else wide.edge_ratio() * GAMMA
    crit = Boundary(
        "eta_crit", flow, start, flattest, "exact", "stability of the minimum that the flow reaches"
    )
    top = Boundary(
        "eta_max",
        Min(largest, flattest) if loss.name == "squared" else None,
        largest,
        flattest,
        "asymptotic",
        "gamma << 1: the kernel falls in a catapult up to there; gamma >> 1: no minimum is flatter than "
        "K = 2 gamma",
    )
    if loss.name == "squared":
        return least, crit, top
    why = "below it, and above eta_crit, no catapult has ended within T steps: a hole in the band"
    return least, crit, Boundary("eta_hole", None, wide.hole_edge_small(), None, "bound", why), top
