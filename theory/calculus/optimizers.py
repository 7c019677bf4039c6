r"""How large a step an optimizer takes, as an exponent of the size of the gradient that it sees.

A weight enters as $W = n^{-a} w$ and moves by $\Delta w = n^{-c}\,\mathrm{step}$, so
$\sigma(\Delta W) = -a - c + \sigma(\mathrm{step})$, where $\sigma(x)$ is the exponent of the size of $x$.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from scalewright.theory.errors import ScalingError
from scalewright.theory.solver.affine import Affine, Max

# (parameter, exponent of its raw gradient, define(symbol, parameter, maximum)) -> exponent of its step.
StepRule = Callable[[str, Affine, Callable[[str, str, Max], Affine]], Affine]


@dataclass(frozen=True)
class Optimizer:
    r"""An optimizer as the calculus sees it.

    `rate_gauge` is k in the symmetry $a + \theta,\ b - \theta,\ c - k\theta$ that leaves training unchanged:
    2 where the step is proportional to the gradient, 1 where it doesn't depend on the gradient's size.
    `gamma` is the power of the feature strength gamma carried by the rate of a unit-variance weight.
    """

    name: str
    step: StepRule
    rule: str
    rate_gauge: Fraction
    gamma: Fraction
    has_eps: bool = False
    has_decay: bool = False


def _sgd_step(parameter: str, gradient: Affine, define: Callable[[str, str, Max], Affine]) -> Affine:
    """Return the exponent of the gradient itself: the step is the gradient."""
    return gradient


def _adam_step(parameter: str, gradient: Affine, define: Callable[[str, str, Max], Affine]) -> Affine:
    """Return the exponent of m / (sqrt(v) + eps): both moments follow the gradient."""
    size = Max.of(gradient, f"Adam divides by at least the size of the gradient of {parameter}") | Max.of(
        Affine.unknown(f"e[{parameter}]"), f"Adam divides by at least the epsilon of {parameter}"
    )
    return gradient - define("m", parameter, size)


OPTIMIZERS: dict[str, Optimizer] = {
    optimizer.name: optimizer
    for optimizer in (
        Optimizer("sgd", _sgd_step, "SGD steps by the gradient", Fraction(2), Fraction(2)),
        Optimizer(
            "adam", _adam_step, "Adam steps by Theta(1) per entry", Fraction(1), Fraction(1), has_eps=True
        ),
        Optimizer(
            "adamw",
            _adam_step,
            "AdamW steps by Theta(1) per entry",
            Fraction(1),
            Fraction(1),
            has_eps=True,
            has_decay=True,
        ),
    )
}


def optimizer_named(name: str, caller: str) -> Optimizer:
    """Return the optimizer called `name`; ScalingError with the known names otherwise."""
    if name not in OPTIMIZERS:
        raise ScalingError(f"{caller}: optimizer must be one of {', '.join(OPTIMIZERS)}; given {name!r}")
    return OPTIMIZERS[name]
