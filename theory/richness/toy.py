"""Curvature of the deep linear toy f = (w_1 ... w_L - 1) / gamma, by differentiating its loss.

One example, every weight 1 at the start; loss l(f). On the balanced path all weights are c, and the product
is h = c^L = 1 + gamma f. Descent keeps the balance exactly, since all weights have the same gradient.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sympy import Expr, Integer, Max, Pow, Symbol, expand, factor, oo, powsimp, simplify, symbols

from scalewright.theory.richness.losses import loss_named
from scalewright.theory.richness.symbols import (
    AMPLITUDE,
    CURVATURE,
    GAMMA,
    LAYERS,
    OUTPUT,
    PULL,
    check_layers,
    exact,
)

Place = Literal["start", "end"]
_X, _Y = symbols("x y", real=True)


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues of the Hessian on the balanced path, in c, gamma, the pull and the curvature of the loss.

    Attributes:
        mode: of all weights alike, once.
        unbalanced: of the weights against each other, L - 1 times.
    """

    layers: Expr
    mode: Expr
    unbalanced: Expr

    @property
    def multiplicities(self) -> tuple[Expr, Expr]:
        """How often each occurs: (1, L - 1)."""
        return Integer(1), self.layers - 1


@cache
def _entries(layers: Expr) -> tuple[Expr, Expr]:
    """Second derivatives of the loss in one weight twice, and in two weights.

    The loss enters by its second-order expansion around the present output, which second derivatives see
    exactly. With the other weights at c the number of layers stays symbolic.
    """
    rest = AMPLITUDE ** (layers - 2)
    change = ((AMPLITUDE + _X) * (AMPLITUDE + _Y) - AMPLITUDE**2) * rest / GAMMA
    loss = -PULL * change + CURVATURE * change**2 / 2
    origin = {_X: 0, _Y: 0}
    diagonal, off = (powsimp(expand(loss.diff(one).diff(_X).subs(origin))) for one in (_X, _Y))
    return diagonal, off


def spectrum(layers: Any = LAYERS) -> Spectrum:
    """Return the eigenvalues of the Hessian at balanced weights c.

        mode        kappa L c^(2L-2) / gamma^2 - (L-1) Delta c^(L-2) / gamma,   once
        unbalanced  Delta c^(L-2) / gamma,                                      L - 1 times

    The Hessian has one number on its diagonal and one off it: the sum of a row belongs to (1, ..., 1), their
    difference to every vector orthogonal to it.

    Raises:
        ValueError: layers below 2. TypeError: a float.

    >>> spectrum(3).unbalanced
    Delta*c/gamma
    """
    layers = check_layers(layers, "spectrum")
    diagonal, off = _entries(layers)
    mode = powsimp(expand(diagonal + (layers - 1) * off))
    return Spectrum(layers, mode, powsimp(expand(diagonal - off)))


def sharpness(layers: Any = LAYERS, loss: str = "squared", *, at: Place = "end") -> Expr:
    """Return the largest eigenvalue of the Hessian at the start (f = 0) or at the minimiser of the loss.

    At the start max(kappa L / gamma^2 - (L-1) Delta / gamma, Delta / gamma); at the end, where Delta = 0,
    kappa L (1 + gamma y)^(2 - 2/L) / gamma^2. Without a minimiser (logistic) the end is 0, by its limit.

    >>> simplify(sharpness(2) - 2 * (1 + GAMMA) / GAMMA**2)
    0
    """
    layers, function = check_layers(layers, "sharpness"), loss_named(loss)
    found = spectrum(layers)
    if at == "start":
        here = {AMPLITUDE: 1, PULL: function.pull_at(0), CURVATURE: function.curvature_at(0)}
        return Max(*(simplify(value.subs(here)) for value in (found.mode, found.unbalanced)))
    if at != "end":
        raise ValueError(f"richness.sharpness: at must be 'start' or 'end'; given {at!r}")
    if function.minimiser is oo:
        return Integer(0)
    return at_output(found.mode, layers, loss, function.minimiser)


def at_output(expression: Expr, layers: Expr, loss: str, output: Any) -> Expr:
    """Return an expression in c, Delta and kappa at an output: c = (1 + gamma f)^(1/L)."""
    function = loss_named(loss)
    here = {PULL: function.pull_at(output), CURVATURE: function.curvature_at(output)}
    placed = expression.subs({key: simplify(value) for key, value in here.items()})
    strength = Symbol("h", positive=True)
    tidy = placed.subs(AMPLITUDE, strength ** (1 / layers)).replace(
        Pow, lambda base, power: Pow(base, expand(power))
    )
    return factor(tidy.subs(strength, 1 + GAMMA * output))


def sharpness_at(layers: Any = LAYERS, loss: str = "squared") -> Expr:
    """Return the largest eigenvalue of the Hessian on the balanced path as a function of the output f."""
    layers, found = check_layers(layers, "sharpness_at"), spectrum(layers)
    return Max(*(at_output(value, layers, loss, OUTPUT) for value in (found.mode, found.unbalanced)))


def progressive_sharpening(layers: Any = LAYERS, loss: str = "squared") -> Expr:
    """Return the sharpness at the minimiser over that at the start.

    For the squared loss it grows from 1 (gamma << 1) to L gamma^(1 - 2/L) (gamma >> 1): 2 with two layers,
    without bound with more.
    """
    return sharpness(layers, loss, at="end") / sharpness(layers, loss, at="start")


def minimum_sharpness(weights: Any, loss: str = "squared") -> Expr:
    """Return the sharpness of the minimum with these weights, kappa h^2 (1/w_1^2 + ... + 1/w_L^2) / gamma^2.

    At a minimum only the Gauss-Newton part is left, of rank one: its eigenvalue is the squared norm of the
    gradient of f. By the inequality of arithmetic and geometric mean it is at least kappa L h^(2-2/L) /
    gamma^2, with equality for balanced weights: those are the flattest.

    Args:
        weights: L exact numbers or symbols, whose product is h = 1 + gamma y at a minimum.
    """
    function, product = loss_named(loss), Integer(1)
    weights = [exact(weight, "weights", "minimum_sharpness") for weight in weights]
    if len(weights) < 2 or function.minimiser is oo:
        raise ValueError(
            "richness.minimum_sharpness: weights must be 2 or more, and the loss one with a minimiser; given "
            f"{len(weights)} and {loss!r}"
        )
    for weight in weights:
        product = product * weight
    squares = sum((product / weight) ** 2 for weight in weights)
    return function.curvature_at(function.minimiser) * squares / GAMMA**2
