"""The two limits of gamma, in which a run depends on gamma through its rate alone.

For gamma -> 0 put c = 1 + gamma z: the output is f = L z and every gradient is Delta / gamma. For gamma -> oo
put c = gamma^(1/L) u: f = u^L and the gradient is gamma^(-1/L) u^(L-1) Delta(u^L). In both an optimizer whose
step is homogeneous of degree d in the gradient becomes a map without gamma, if its rate is

    eta = a gamma^(1 + d)          (gamma -> 0),
    eta = b gamma^((1 + d) / L)    (gamma -> oo).

So whatever the limit map decides, such as where it stops to converge, lies at a constant a or b: these powers
hold for every loss and every edge above. Only what depends on the start at u = gamma^(-1/L) -> 0, the
plateau under d = 1, has another power.
"""

from dataclasses import dataclass
from typing import Any, Literal

from sympy import Expr, Integral, Rational, Symbol, limit, oo, simplify

from scalewright.theory.calculus.optimizers import optimizer_named
from scalewright.theory.richness.losses import loss_named
from scalewright.theory.richness.symbols import AMPLITUDE, GAMMA, LAYERS, OUTPUT, check_layers

Regime = Literal["small", "large"]
RESCALED = Symbol("u", positive=True)
"""c / gamma^(1/L)."""
RATIO = Symbol("a", positive=True)
"""Rate over its power of gamma."""


@dataclass(frozen=True)
class LimitMap:
    """A limit of gamma: `step` of the `variable` under gradient descent at eta = a gamma^power."""

    variable: Symbol
    power: Expr
    step: Expr


def rate_power(layers: Any = LAYERS, optimizer: str = "sgd", *, regime: Regime) -> Expr:
    """Return the power of gamma in the rate that makes the limit map free of gamma.

    Found from the sizes of weight and gradient, d log / d log gamma at a fixed rescaled weight, and the
    degree of the optimizer's step in the gradient: (unit of weight) - degree * (size of gradient).

    Raises:
        ValueError: an unknown regime, or an optimizer unknown to theory.

    >>> rate_power(3, regime="large"), rate_power(3, "adam", regime="large")
    (2/3, 1/3)
    """
    layers = check_layers(layers, "rate_power")
    degree = Rational(optimizer_named(optimizer, "richness.rate_power").degree)
    unit, weight = _rescaling(layers, regime)
    gradient = AMPLITUDE ** (layers - 1) / GAMMA
    power = simplify(GAMMA * gradient.subs(AMPLITUDE, weight).diff(GAMMA) / gradient.subs(AMPLITUDE, weight))
    end = limit(power, GAMMA, 0) if regime == "small" else power
    return simplify(unit - degree * end)


def _rescaling(layers: Expr, regime: Regime) -> tuple[Expr, Expr]:
    """Return the power of gamma in a change of weight, and the weight in rescaled variables."""
    match regime:
        case "small":
            return Rational(1), 1 + GAMMA * RESCALED
        case "large":
            return 1 / layers, GAMMA ** (1 / layers) * RESCALED
    raise ValueError(f"richness.rate_power: regime must be 'small' or 'large'; given {regime!r}")


def limit_map(layers: Any = LAYERS, loss: str = "squared", *, regime: Regime) -> LimitMap:
    """Return the limit of gradient descent: of f (gamma -> 0), of u = c gamma^(-1/L) (gamma -> oo).

    gamma -> 0:  f' = f + a L Delta(f),            eta = a gamma^2
    gamma -> oo: u' = u + a u^(L-1) Delta(u^L),    eta = a gamma^(2/L)
    """
    layers, function = check_layers(layers, "limit_map"), loss_named(loss)
    power = rate_power(layers, regime=regime)
    if regime == "small":
        return LimitMap(OUTPUT, power, OUTPUT + RATIO * layers * function.pull)
    step = RESCALED + RATIO * RESCALED ** (layers - 1) * function.pull_at(RESCALED**layers)
    return LimitMap(RESCALED, power, step)


def stability(layers: Any = LAYERS, loss: str = "squared", *, regime: Regime) -> Expr:
    """Return the ratio a at which the minimiser of the limit map loses its stability: slope -1 there.

    >>> stability(3, regime="small"), stability(3, regime="large")
    (2/3, 2/3)
    """
    found, target = limit_map(layers, loss, regime=regime), loss_named(loss).minimiser
    if target is oo:
        return oo
    slope = found.step.diff(found.variable).subs(found.variable, target)  # 1 minus a times a number
    return simplify(-2 / slope.diff(RATIO))


def rich_drop(layers: Any = LAYERS, loss: str = "squared") -> Expr:
    """Return the number of steps times eta / gamma^(2/L) in which f rises from 1/10 to 9/10, gamma -> oo.

    The integral of du / (u^(L-1) Delta(u^L)): free of gamma, so that the drop lasts the same number of steps
    at every large gamma if the rate is a fixed share of eta_crit.
    """
    layers, function = check_layers(layers, "rich_drop"), loss_named(loss)
    integrand = 1 / (RESCALED ** (layers - 1) * function.pull_at(RESCALED**layers))
    ends = (Rational(share, 10) ** (1 / layers) for share in (1, 9))
    return Integral(integrand, (RESCALED, *ends))
