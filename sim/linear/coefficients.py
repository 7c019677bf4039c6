"""The numbers through which a parametrization and a width enter the two-layer dynamics.

Write both layers with unit-variance weights: f = c X E V^T with E (D, N), V (K, N), and let l1, l2 be the
learning rates of E and V. The parametrization gives c, l1 and l2 as exact powers of N, so each number below
is a power of N too: at finite N it is evaluated, at N = infinity its exponent decides whether it vanishes,
stays or forbids a limit. `kappa` is the exponent of c N, so that m = N^kappa E V^T / N is of order one.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from scalewright.theory.parametrization import Parametrization
from scalewright.theory.power import Power

WIDTH = Power({"width": 1})


class NoLimitError(ValueError):
    """The dynamics has no infinite-width limit: a coefficient grows with the width."""


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of the map of (A, v, m), A = E E^T / N, v = V V^T / N, m = N^kappa E V^T / N.

    With q = X^T (f - Y) / P and f = forward X m, one step of gradient descent at base rate eta is
        A' = A - feed_1 (q m^T + m q^T) + self_1 q v q^T
        v' = v - feed_2 (q^T m + m^T q) + self_2 q^T A q
        m' = m - drive_1 q v - drive_2 A q + cross q m^T q
    and, in units of 1/eta, the kernels read kernel_1 = c^2 N l1 and kernel_2 = c^2 N l2, the coupling of the
    residual part of the Hessian c sqrt(l1 l2).
    """

    kappa: Fraction
    forward: float
    feed_1: float
    feed_2: float
    self_1: float
    self_2: float
    drive_1: float
    drive_2: float
    cross: float
    kernel_1: float
    kernel_2: float
    coupling: float


def coefficients(
    parametrization: Parametrization, *, width: float, inputs: int, outputs: int, gamma: float, lr: float
) -> Coefficients:
    """Evaluate the coefficients at a width, `math.inf` included.

    Args:
        parametrization: of a two-layer network (parameters `input.weight`, `readout.weight`) under SGD.
        width: N >= 1 or `math.inf`.
        inputs, outputs: D and K.
        gamma: feature-learning strength.
        lr: base learning rate eta.

    Raises:
        ValueError: another architecture or optimizer.
        NoLimitError: a coefficient grows with the width and the width is infinite; the sentence names its
        exponent.
    """
    kappa, powers = _powers(parametrization)
    sizes = {"inputs": inputs, "outputs": outputs, "gamma": gamma}
    values = {
        name: lr ** _ORDER.get(name, 0) * _evaluate(name, power, width, sizes)
        for name, power in powers.items()
    }
    return Coefficients(kappa=kappa, **values)


def exponents(parametrization: Parametrization) -> dict[str, Fraction]:
    """Derive the width exponents of the two-layer linear network at rates that move its output by Theta(1).

    `sharpness`: that of the larger kernel, S ~ N^max(kernel_1, kernel_2). `residual`: that of the coupling.
    `sharpening`, |S(T) - S(0)|: the largest of four ways in which S moves: the features through feed_1 and
    self_1; the readout through feed_2 and self_2; the residual part to first order, whose expectation in the
    top eigenvector of G needs both of its blocks (of relative size (kernel_min / kernel_max)^1/2) and the
    off-diagonal block of M (of size N^-kappa); and the residual part to second order, coupling^2 / S.
    """
    kappa, powers = _powers(parametrization)
    size = {name: power.exponent("width") for name, power in powers.items()}
    if max(size["drive_1"], size["drive_2"]) != 0:
        raise ValueError(
            f"sim.linear.exponents: the rates must move the output by Theta(1) a step; those of "
            f"{parametrization.name} move it as n^{max(size['drive_1'], size['drive_2'])}"
        )
    kernel = max(size["kernel_1"], size["kernel_2"])
    ways = (
        size["kernel_2"] + max(size["feed_1"], size["self_1"]),
        size["kernel_1"] + max(size["feed_2"], size["self_2"]),
        size["coupling"] - abs(size["kernel_1"] - size["kernel_2"]) / 2 - kappa,
        2 * size["coupling"] - kernel,
    )
    return {"sharpness": kernel, "residual": size["coupling"], "sharpening": max(ways)}


#: Powers of the base learning rate in each coefficient; the others have none.
_ORDER = {"feed_1": 1, "feed_2": 1, "drive_1": 1, "drive_2": 1, "self_1": 2, "self_2": 2, "cross": 2}


def _powers(parametrization: Parametrization) -> tuple[Fraction, dict[str, Power]]:
    """Return kappa and every coefficient as an exact power of the sizes, without its power of the rate."""
    multiplier, rate_1, rate_2 = _unit_variance(parametrization)
    kappa = max(Fraction(0), (multiplier * WIDTH).exponent("width"))
    scale = WIDTH**kappa
    return kappa, {
        "forward": multiplier * WIDTH / scale,
        "feed_1": rate_1 * multiplier / scale,
        "feed_2": rate_2 * multiplier / scale,
        "self_1": (rate_1 * multiplier) ** 2,
        "self_2": (rate_2 * multiplier) ** 2,
        "drive_1": rate_1 * multiplier * scale,
        "drive_2": rate_2 * multiplier * scale,
        "cross": rate_1 * rate_2 * multiplier**2,
        "kernel_1": multiplier**2 * WIDTH * rate_1,
        "kernel_2": multiplier**2 * WIDTH * rate_2,
        "coupling": multiplier * (rate_1 * rate_2) ** Fraction(1, 2),
    }


def initial_scales(parametrization: Parametrization, **sizes: float) -> tuple[float, float]:
    """Standard deviations of the trained weights, to turn them into unit-variance E and V."""
    entries = parametrization.entries
    return entries["input.weight"].init_std.at(**sizes), entries["readout.weight"].init_std.at(**sizes)


def _unit_variance(parametrization: Parametrization) -> tuple[Power, Power, Power]:
    """Return c and the rates of unit-variance weights: w = std * u moves u at rate lr / std^2 under SGD."""
    if set(parametrization.entries) != {"input.weight", "readout.weight"}:
        raise ValueError(
            "sim.linear: parametrization must be that of a two-layer network without biases "
            f"(input.weight, readout.weight); given {', '.join(parametrization.entries)}"
        )
    if parametrization.optimizer != "sgd":
        raise ValueError(
            f"sim.linear: the closed dynamics is that of gradient descent, optimizer 'sgd'; given "
            f"{parametrization.optimizer!r}"
        )
    bent = [n.kind for n in parametrization.architecture.nodes if n.op == "activation" and n.kind != "linear"]
    if bent:
        raise ValueError(
            f"sim.linear: the network must be linear, mlp(layers=2, activation='linear'); given {bent[0]!r}"
        )
    first, second = parametrization.entries["input.weight"], parametrization.entries["readout.weight"]
    multiplier = first.multiplier * first.init_std * second.multiplier * second.init_std
    return multiplier, first.lr / first.init_std**2, second.lr / second.init_std**2


def _evaluate(name: str, power: Power, width: float, sizes: dict[str, float]) -> float:
    if not math.isinf(width):
        return power.at(width=width, **sizes)
    exponent = power.exponent("width")
    if exponent > 0:
        raise NoLimitError(
            f"sim.linear: there is no infinite-width limit, since the coefficient {name} grows as "
            f"n^{exponent}; "
            "give a finite width or a smaller power of the learning rate"
        )
    return 0.0 if exponent < 0 else power.at(width=1.0, **sizes)
