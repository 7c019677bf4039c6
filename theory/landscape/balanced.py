"""Solve a linear network of any number of layers on its balanced path: one mode, learned by all layers alike.

Setting: f(x) = W_L ... W_1 x, whitened inputs, W_l = a u_{l+1} u_l^T with unit vectors u_l, so that the
strength of the mode is s = a^L; the target has strength b along the same input and output directions. One
learning rate eta_0 for every layer, time t = eta_0 * step, loss 1/(2P) sum (f - y)^2, so loss = (s - b)^2/2 +
constant. `layers` is the number of weight layers, an integer >= 2 or a sympy symbol. `other` is the strength
of the largest target mode that the network has not begun to learn (orthogonal in input and output), 0 by
default. A multiplier c in front of the network is absorbed by a -> c^(1/L) a, which multiplies every
curvature by c^(2/L).
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sympy import Expr, Integer, Max, Pow, Sum, Symbol, expand, factor, powsimp, simplify, solve, symbols

from scalewright.theory.landscape.derivation import Derivation, Step, identity
from scalewright.theory.landscape.matrices import refuse_float
from scalewright.theory.landscape.symbols import BASE_RATE, LAYERS, STRENGTH, TARGET

AMPLITUDE = Symbol("a", positive=True)
"""Amplitude a of every layer; s = a^L."""
_X, _Y = symbols("x y", real=True)


@dataclass(frozen=True)
class BalancedMode:
    """The dynamics of the mode: `step` of the amplitude by descent, `flow` ds/dt of the strength, loss."""

    layers: Expr
    step: Expr
    flow: Expr
    loss: Expr


@dataclass(frozen=True)
class Sector:
    """A family of eigenvectors common to G and R: the eigenvalue of each, and how many there are.

    `mode`: all layers alike. `unbalanced`: the layers' amplitudes against each other. `hidden+`, `hidden-`:
    two neighbouring layers through a hidden direction that the mode does not use. `ends`: the first layer
    from an input direction, or the last layer to an output direction, orthogonal to the mode. `rest`: all
    others.
    """

    name: str
    gauss_newton: Expr
    residual: Expr
    multiplicity: Expr

    @property
    def hessian(self) -> Expr:
        """Eigenvalue of H = G + R."""
        return self.gauss_newton + self.residual


def balanced_mode(layers: Any = LAYERS) -> BalancedMode:
    """Return the closed equation of the mode, by differentiating the loss in the amplitude of one layer.

        a' = a - eta_0 a^(L-1) (a^L - b),   ds/dt = -L s^(2 - 2/L) dLoss/ds.

    Balance is kept exactly by gradient descent: every layer has the same gradient, along its own u_{l+1}
    u_l^T.
    """
    layers = _layers(layers, "balanced_mode")
    slope = powsimp(_loss((AMPLITUDE + _X) * AMPLITUDE ** (layers - 1)).diff(_X).subs(_X, 0))
    speed = (AMPLITUDE**layers).diff(AMPLITUDE) * -slope
    loss = _loss(STRENGTH)
    return BalancedMode(
        layers, AMPLITUDE - BASE_RATE * factor(slope), _place(factor(powsimp(speed)), layers), loss
    )


def spectrum(layers: Any = LAYERS, *, inputs: Any, width: Any, outputs: Any) -> tuple[Sector, ...]:
    """Return the whole spectrum of G, R and H on the balanced path (one target mode), in s and b.

    `width` is the number of hidden units of every hidden layer. The eigenvalues come from second derivatives
    of the loss in two layers at a time, which keeps the number of layers symbolic.
    """
    layers = _layers(layers, "spectrum")
    entries, zero = _mode_entries(layers), Integer(0)
    square, residual = _place(entries["gauss_newton"], layers), _place(entries["residual"], layers)
    hidden, ends = _place(_hidden_entry(layers), layers), _place(_end_entry(layers), layers)
    total = width * (inputs + outputs) + width**2 * (layers - 2)
    pairs, edges = (layers - 1) * (width - 1), inputs + outputs - 2
    return (
        Sector("mode", layers * square, (layers - 1) * residual, Integer(1)),
        Sector("unbalanced", zero, -residual, layers - 1),
        Sector("hidden+", zero, hidden, pairs),
        Sector("hidden-", zero, -hidden, pairs),
        Sector("ends", ends, zero, edges),
        Sector("rest", zero, zero, expand(total - layers - 2 * pairs - edges)),
    )


def gauss_newton_top(layers: Any = LAYERS, *, strength: Any = STRENGTH) -> Expr:
    """Return lambda_max(G) = L s^(2 - 2/L)."""
    layers = _layers(layers, "gauss_newton_top")
    top = layers * _mode_entries(layers)["gauss_newton"]
    return _largest([top], layers, strength, TARGET, "gauss_newton_top")


def residual_top(
    layers: Any = LAYERS, *, strength: Any = STRENGTH, target: Any = TARGET, other: Any = 0
) -> Expr:
    """Return lambda_max(R) = max(b - s, (L-1)(s - b), other) s^(1 - 2/L).

    Below the target the top is not the mode's: it is the layers against each other, and each pair of
    neighbouring layers through an unused hidden direction. Above it, the mode's own.
    """
    layers = _layers(layers, "residual_top")
    residual = _mode_entries(layers)["residual"]
    tops = [-residual, (layers - 1) * residual, *_competing(layers, other, "residual_top")[1:]]
    return _largest(tops, layers, strength, target, "residual_top")


def hessian_top(
    layers: Any = LAYERS, *, strength: Any = STRENGTH, target: Any = TARGET, other: Any = 0
) -> Expr:
    """Return lambda_max(H), which the mode takes over from the residual at s = b/2.

        max(L s^(2-2/L) + (L-1)(s-b) s^(1-2/L), (b-s) s^(1-2/L), s^(2-2/L) + other s^(1-2/L)).

    The last stands only where `other` is given. The first two cross at s = b/2 for every number of layers
    (`crossover`); the `ends` sector, s^(2-2/L), is never above both.
    """
    layers = _layers(layers, "hessian_top")
    entries = _mode_entries(layers)
    mode = layers * entries["gauss_newton"] + (layers - 1) * entries["residual"]
    tops = [mode, -entries["residual"], *_competing(layers, other, "hessian_top")[:1]]
    return _largest(tops, layers, strength, target, "hessian_top")


def edge_of_stability(layers: Any = LAYERS, *, target: Any = TARGET) -> Expr:
    """Return the largest rate at which the end of the balanced path is stable: 2 / (L b^(2 - 2/L))."""
    return 2 / gauss_newton_top(layers, strength=target)


def crossover(layers: Any = LAYERS) -> Expr:
    """Return the strength, b/2, at which the mode takes the top of the Hessian over from the residual."""
    layers = _layers(layers, "crossover")
    entries = _mode_entries(layers)
    gap = layers * (entries["gauss_newton"] + entries["residual"]) / AMPLITUDE ** (layers - 2)
    power = Symbol("s_", positive=True)
    return solve(simplify(expand(gap)).subs(AMPLITUDE**layers, power), power)[0]


@cache
def derivation() -> Derivation:
    """Derive the curvature on the balanced path with the number of layers L symbolic.

    Each step differentiates the loss in two layers at a time; the result is the gap that decides the top.
    """
    n, a = LAYERS, AMPLITUDE
    thin, r = a ** (n - 2), a**n - TARGET
    top = n * a ** (2 * n - 2) + (n - 1) * r * thin
    plain = _loss((a + _X) * (a + _Y) * thin)
    steps = (
        *_mode_steps(plain, top),
        identity(
            "Layers against each other: diagonal minus off-diagonal, L - 1 of them.",
            _at_zero(plain.diff(_X, 2) - plain.diff(_X, _Y)),
            -r * thin,
            "The amplitudes sum to zero: G does not see it.",
        ),
        identity(
            "Through an unused hidden direction, neighbouring layers: +- this, from R alone.",
            _hidden_entry(n),
            r * thin,
            "W_{l+1} W_l becomes (a, x) . (a, y) = a^2 + x y.",
        ),
        identity(
            "First layer, input orthogonal to the mode (or last layer, output): only G.",
            _end_entry(n),
            a ** (2 * n - 2),
            "f becomes a^(L-1) (a, x).",
        ),
        identity(
            "The mode against its rivals: they cross at a^L = b/2.",
            top - (-r * thin),
            n * thin * (2 * a**n - TARGET),
            "Below b/2 the residual is the top of H, above it the mode.",
        ),
    )
    return Derivation("The balanced path", steps)


def _mode_steps(plain: Expr, top: Expr) -> tuple[Step, ...]:
    """Dynamics of the mode, and its curvature: `plain` is the loss in two amplitudes, `top` the claim."""
    n, a, b, j = LAYERS, AMPLITUDE, TARGET, Symbol("j", integer=True)
    thin, r, mode, entries = a ** (n - 2), a**n - b, balanced_mode(n), _mode_entries(n)
    row = Sum(entries["gauss_newton"] + entries["residual"], (j, 1, n)) - entries["residual"]
    return (
        identity(
            "Gradient descent moves all layers alike.",
            mode.step,
            a - BASE_RATE * a ** (n - 1) * r,
            "The gradient of the loss in one layer.",
        ),
        identity(
            "The flow of the strength s = a^L.",
            mode.flow,
            -n * STRENGTH ** (2 - 2 / n) * (STRENGTH - b),
            "ds/dt = L a^(L-1) da/dt, then a = s^(1/L).",
        ),
        identity(
            "One layer twice: only G.",
            _at_zero(plain.diff(_X, 2)),
            a ** (2 * n - 2),
            "f is linear in each layer.",
        ),
        identity(
            "Two layers: G and R.",
            _at_zero(plain.diff(_X, _Y)),
            a ** (2 * n - 2) + r * thin,
            "The second derivative of f is a^(L-2).",
        ),
        identity(
            "All layers alike: the sum of a row is an eigenvalue.",
            row.doit(),
            top,
            "Constant diagonal and off-diagonal.",
        ),
    )


def _at_zero(expression: Expr) -> Expr:
    return expression.subs({_X: 0, _Y: 0})


def _loss(*product: Any, target: Any = None) -> Expr:
    """Half the squared distance of the entries of the product to those of the target (b, 0, 0, ...)."""
    goal = target or (TARGET, *(0 for _ in product[1:]))
    return sum((entry - wanted) ** 2 for entry, wanted in zip(product, goal, strict=True)) / 2


def _second(loss: Expr, one: Symbol, two: Symbol) -> Expr:
    return simplify(loss.diff(one).diff(two).subs({_X: 0, _Y: 0}))


@cache
def _mode_entries(layers: Expr) -> dict[str, Expr]:
    """G and R between the amplitudes of two layers: f = (a + x)(a + y) a^(L-2). R has no diagonal."""
    loss = _loss((AMPLITUDE + _X) * (AMPLITUDE + _Y) * AMPLITUDE ** (layers - 2))
    diagonal, off = _second(loss, _X, _X), _second(loss, _X, _Y)
    return {"gauss_newton": diagonal, "residual": factor(simplify(off - diagonal))}


@cache
def _hidden_entry(layers: Expr) -> Expr:
    """Coupling of neighbouring layers through an unused hidden direction: W_{l+1} W_l -> (a, x) . (a, y)."""
    loss = _loss((AMPLITUDE**2 + _X * _Y) * AMPLITUDE ** (layers - 2))
    return factor(_second(loss, _X, _Y))


@cache
def _end_entry(layers: Expr) -> Expr:
    """Curvature of the first layer from an input orthogonal to the mode: f = a^(L-1) (a, x)."""
    return _second(_loss(AMPLITUDE**layers, AMPLITUDE ** (layers - 1) * _X), _X, _X)


def _competing(layers: Expr, other: Any, function: str) -> list[Expr]:
    """Top of H and of R between the two end layers, for a target mode of strength `other` not yet learned."""
    if other == 0:
        return []
    goal = (TARGET, 0, 0, refuse_float(other, name="other", function=function))
    a, thin = AMPLITUDE, AMPLITUDE ** (layers - 2)
    loss = _loss(thin * a**2, thin * a * _Y, thin * a * _X, thin * _X * _Y, target=goal)
    return [_second(loss, _X, _X) - _second(loss, _X, _Y), -_second(loss, _X, _Y)]


def _place(expression: Expr, layers: Expr, strength: Any = STRENGTH, target: Any = TARGET) -> Expr:
    """Put a = s^(1/L) in, tidy the exponents, and then put the strength and the target in."""
    placed = expression.subs(AMPLITUDE, STRENGTH ** (1 / layers))
    tidy = placed.replace(Pow, lambda base, power: Pow(base, expand(power)))
    return tidy.subs({STRENGTH: strength, TARGET: target}, simultaneous=True)


def _largest(tops: list[Expr], layers: Expr, strength: Any, target: Any, function: str) -> Expr:
    strength = refuse_float(strength, name="strength", function=function)
    target = refuse_float(target, name="target", function=function)
    return Max(*(_place(top, layers, strength, target) for top in tops))


def _layers(layers: Any, function: str) -> Expr:
    """Return `layers` as a sympy integer or symbol."""
    value = refuse_float(layers, name="layers", function=function)
    if not (isinstance(value, Symbol) or (isinstance(value, Integer) and value >= 2)):
        raise ValueError(
            f"{function}: layers must be an integer of at least 2 or a sympy symbol; given {layers}"
        )
    return value
