r"""Gamma and the rates of the layers, read off a parametrization: nothing is typed by hand.

The marches speak of $f = w \cdot \phi(h^L) / (\gamma N)$ with weights N(0, 1) and rates $\eta \gamma^2 N
\kappa_l$. Any parametrization of a perceptron under SGD is of this form: a weight of deviation sigma and rate
l is a unit-variance weight with rate l / sigma^2, and sigma moves into its multiplier.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from scalewright.sim.linear.coefficients import NoLimitError
from scalewright.theory.parametrization import Parametrization
from scalewright.theory.power import Power

WIDTH = Power({"width": 1})


@dataclass(frozen=True)
class Prefactors:
    """What `solve` takes of a parametrization: gamma (0 is lazy: `limits.lazy`) and one rate a layer."""

    gamma: float
    rates: tuple[float, ...]


def prefactors(
    parametrization: Parametrization, *, width: float = math.inf, gamma: float = 1.0, inputs: int = 1
) -> Prefactors:
    r"""Return gamma and the layers' rates of a perceptron at a width, infinity included.

    With unit-variance weights $c_l$ the multiplier and $l_l$ the rate of layer l, $\gamma = 1/(N c_L)$ and
    $\kappa_l = l_l/(\gamma^2 N)$; muP has $\gamma = \gamma_0$ and $\kappa = 1$ at every width, NTP
    $\gamma = N^{-1/2}$, which is lazy at infinity: finite widths of the family in between are networks of a
    smaller gamma, up to corrections of order 1/N.

    Args:
        parametrization: of `theory.mlp` without biases, under SGD.
        width: N, or `math.inf`.
        gamma: gamma_0 of the parametrization.
        inputs: D, for parametrizations whose rates have a power of it.

    Raises:
        ValueError: another architecture or optimizer, or hidden weights that do not preserve the size of
        features.
        NoLimitError: gamma or a rate grows with the width, and the width is infinite.

    >>> from scalewright import theory
    >>> prefactors(theory.named(theory.mlp(layers=3, loss="squared"), "mup", "sgd"), gamma=2.0)
    Prefactors(gamma=2.0, rates=(1.0, 1.0, 1.0))
    """
    entries = parametrization.entries
    names = ["input.weight", *(f"hidden.{i}.weight" for i in range(len(entries) - 2)), "readout.weight"]
    if set(entries) != set(names) or parametrization.optimizer != "sgd":
        raise ValueError(
            "dmft.prefactors: parametrization must be that of a perceptron without biases under 'sgd'; given "
            f"{', '.join(entries)} under {parametrization.optimizer!r}"
        )
    multipliers = {name: entries[name].multiplier * entries[name].init_std for name in names}
    for name in names[1:-1]:
        size = (multipliers[name] ** 2 * WIDTH).exponent("width")
        if size != 0:
            raise ValueError(
                f"dmft.prefactors: hidden weights must preserve the size of features; given {name}, whose "
                f"output has the mean square n^{size}"
            )
    if (multipliers["input.weight"] ** 2).exponent("inputs") != -1:
        raise ValueError(
            "dmft.prefactors: the input layer must act as W x / sqrt(D) on unit-variance weights; given "
            f"the factor {multipliers['input.weight']}"
        )
    strength = Power.one() / (WIDTH * multipliers["readout.weight"])
    unit = strength**2 * WIDTH
    rates = [entries[name].lr / entries[name].init_std ** Fraction(2) / unit for name in names]
    return Prefactors(
        _value("gamma", strength, width, gamma, inputs),
        tuple(
            _value(f"the rate of {name}", rate, width, gamma, inputs)
            for name, rate in zip(names, rates, strict=True)
        ),
    )


def family(gamma: float, *, power: float, width: float) -> float:
    r"""Return gamma_0 N^(a - 1/2), the gamma at width N of $f = w \cdot \phi / (\gamma_0 N^{1/2 + a})$.

    a = 1/2 is mean-field (muP), a = 0 the tangent-kernel parametrization; rates eta gamma_0^2 N^2a.
    """
    if not 0 <= power <= 0.5:
        raise ValueError(
            f"dmft.family: power must lie between 0 (tangent kernel) and 1/2 (mean field); given {power}"
        )
    if math.isinf(width):
        return gamma if power == 0.5 else 0.0
    return gamma * float(width) ** (power - 0.5)


def _value(name: str, power: Power, width: float, gamma: float, inputs: int) -> float:
    exponent = power.exponent("width")
    if not math.isinf(width):
        return power.at(width=width, gamma=gamma, inputs=inputs, outputs=1.0)
    if exponent > 0:
        raise NoLimitError(f"dmft.prefactors: {name} grows as n^{exponent}: there is no infinite-width limit")
    return 0.0 if exponent < 0 else power.at(width=1.0, gamma=gamma, inputs=inputs, outputs=1.0)
