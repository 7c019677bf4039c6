"""Times on the balanced path under gradient flow: plateau, drop, and the rate that T steps need.

In the time tau = eta t / gamma the flow is dc/dtau = c^(L-1) Delta, hence dh/dtau = L h^(2-2/L) Delta for the
product h = c^L = 1 + gamma f. With h = e^x the time from one output to another is

    tau = integral of e^((2/L - 1) x) / (L Delta((e^x - 1) / gamma)) dx,

well behaved at every gamma. For the squared loss it is closed (`squared_time`).
"""

from itertools import pairwise
from typing import Any

from sympy import (
    Expr,
    Integer,
    Integral,
    Rational,
    Symbol,
    apart,
    exp,
    expand_log,
    hyper,
    integrate,
    log,
    oo,
    simplify,
    together,
)

from scalewright.theory.richness.losses import Loss, loss_named
from scalewright.theory.richness.symbols import GAMMA, LAYERS, OUTPUT, RATE, STEPS, check_layers, exact

_X = Symbol("x", positive=True)
_C = Symbol("c_", positive=True)


def flow_time(layers: Any = LAYERS, loss: str = "squared", *, start: Any = 0, stop: Any = None) -> Expr:
    """Return the rescaled time tau = eta t / gamma in which the flow goes from f = start to f = stop.

    Closed for the squared loss, an integral over x = log h for the others. `stop` is where the run counts as
    converged (`Loss.reached`) if none is given.

    >>> from sympy import log, simplify
    >>> from scalewright.theory.richness.symbols import ERROR
    >>> closed = GAMMA * log((1 + GAMMA * (1 - ERROR)) / ERROR) / (2 * (1 + GAMMA))
    >>> simplify((flow_time(2) - closed).subs({GAMMA: 3, ERROR: 1 / Integer(4)}))
    0
    """
    layers, function = check_layers(layers, "flow_time"), loss_named(loss)
    start, stop = _between_outputs(function, start, stop)
    if loss == "squared":
        return _squared_time(layers, start, stop)
    pull = function.pull_at((exp(_X) - 1) / GAMMA)
    integrand = exp((2 / layers - 1) * _X) / (layers * pull)
    return Integral(integrand, (_X, log(1 + GAMMA * start), log(1 + GAMMA * stop)))


def _between_outputs(function: Loss, start: Any, stop: Any) -> tuple[Expr, Expr]:
    """Return both outputs, exact; where they are numbers, 0 <= start < stop < minimiser."""
    low = exact(start, "start", "flow_time")
    high = function.reached if stop is None else exact(stop, "stop", "flow_time")
    order = (0, low, high, function.minimiser)
    numbers = [value for value in order if value is oo or getattr(value, "is_number", True)]
    rising = all(a <= b for a, b in pairwise(numbers))
    if not rising or high == function.minimiser or low == high:
        raise ValueError(
            f"richness.flow_time: accepted are 0 <= start < stop < {function.minimiser}; given {low} and "
            f"{high}"
        )
    return low, high


def _squared_time(layers: Expr, start: Any, stop: Any) -> Expr:
    r"""Integrate gamma dc / (c^(L-1) (H - c^L)), H = 1 + gamma, between the weights of two outputs.

    1/(c^(L-1) (H - c^L)) = (c^(1-L) + c/(H - c^L)) / H; the second part is a power series in c^L / H, whose
    sum is a hypergeometric function.
    """
    total = 1 + GAMMA
    low, high = ((1 + GAMMA * output) ** (1 / layers) for output in (start, stop))
    if layers == 2:
        ends = (log(1 + GAMMA * stop) - log(1 + GAMMA * start), log(1 - stop) - log(1 - start))
        return GAMMA * (ends[0] - ends[1]) / (2 * total)
    power = integrate(_C ** (1 - layers), _C) if layers.is_Integer else _C ** (2 - layers) / (2 - layers)
    series = _C**2 / (2 * total) * hyper([1, 2 / layers], [1 + 2 / layers], _C**layers / total)
    whole = (power + series) * GAMMA / total
    return whole.subs(_C, high) - whole.subs(_C, low)


def lazy_time(layers: Any = LAYERS, loss: str = "squared") -> Expr:
    """Return lim tau / gamma for gamma -> 0: (1/L) times the integral of df / Delta(f) up to convergence.

    >>> lazy_time(3)
    -log(epsilon)/3
    """
    layers, function = check_layers(layers, "lazy_time"), loss_named(loss)
    return _pull_integral(function) / layers


def _pull_integral(function: Loss) -> Expr:
    """Integrate 1 / Delta over f from 0 to convergence; exponentials become u = e^f, a rational integrand."""
    if function.pull.is_polynomial(OUTPUT):
        return _between(integrate(1 / function.pull, OUTPUT), OUTPUT, 0, function.reached)
    u, e = Symbol("u", positive=True), Symbol("e_", positive=True)
    rational = (1 / function.pull).subs(exp(OUTPUT + 1), exp(1) * u).subs(exp(OUTPUT), u) / u
    inverse = integrate(apart(together(rational.subs(exp(1), e)), u), u).subs(e, exp(1))
    return _between(inverse, u, 1, exp(function.reached))


def _between(inverse: Expr, variable: Symbol, low: Any, high: Any) -> Expr:
    """Return inverse(high) - inverse(low), with logarithms of positive numbers: sympy leaves log(f - 1)."""
    real = inverse.replace(
        log, lambda inside: log(-inside) if inside.subs(variable, low).is_negative else log(inside)
    )
    return real.subs(variable, high) - real.subs(variable, low)


def rich_time(layers: Any = LAYERS, loss: str = "squared") -> Expr:
    """Return tau for gamma -> oo: 1 / ((L - 2) Delta(0)), and log(gamma) / (2 Delta(0)) with two layers.

    The plateau is all of it: the integral of dc / (c^(L-1) Delta) gathers where c is of order 1 and f is
    still 0. A symbolic number of layers stands for more than two.
    """
    layers, pull = check_layers(layers, "rich_time"), loss_named(loss).pull_at(0)
    if layers == 2:
        return expand_log(integrate(1 / _C, (_C, 1, GAMMA ** Rational(1, 2)))) / simplify(pull)
    further = Symbol("p", positive=True)  # L - 2, so that sympy knows that the integral converges
    found = integrate(_C ** (-1 - further), (_C, 1, oo)).subs(further, layers - 2)
    return found / simplify(pull)


def half_time(layers: Any = LAYERS, loss: str = "squared", *, rate: Any = RATE) -> Expr:
    """Return the number of steps after which f = 1/2, gamma / eta times `flow_time`: the plateau.

    At a rate that is a fixed share of `eta_crit` it grows as gamma^(1 - 2/L), with two layers as log gamma.
    """
    rate = exact(rate, "rate", "half_time")
    return GAMMA / rate * flow_time(layers, loss, start=Integer(0), stop=Rational(1, 2))


def drop_time(layers: Any = LAYERS, loss: str = "squared", *, rate: Any = RATE) -> Expr:
    """Return the number of steps in which f rises from 1/10 to 9/10.

    At a rate that is a fixed share of `eta_crit` it does not depend on gamma >> 1 (`limits.rich_drop`).
    """
    rate = exact(rate, "rate", "drop_time")
    return GAMMA / rate * flow_time(layers, loss, start=Rational(1, 10), stop=Rational(9, 10))


def least_rate(layers: Any = LAYERS, loss: str = "squared") -> Expr:
    """Return the rate with which the flow converges in T steps: gamma / T times `flow_time`."""
    return GAMMA / STEPS * flow_time(layers, loss)
