"""The losses of the gamma-eta plane as functions of one output: value, pull, curvature, minimiser."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

from sympy import E, Expr, Integer, exp, log, oo, simplify, solve

from scalewright.theory.richness.symbols import ERROR, OUTPUT

LossName: TypeAlias = Literal["squared", "cross-entropy", "logistic"]

RIGHT = E / (1 + E)
"""p_1: probability of the right class in the soft target; with p_0 = 1/(1 + e) the minimiser is f = 1."""


@dataclass(frozen=True)
class Loss:
    """A convex loss of one output f.

    Attributes:
        name: as in `boundaries(loss=)`.
        value: the loss as an expression of `symbols.OUTPUT`.
        minimiser: the output where the pull vanishes, oo if there is none.
    """

    name: str
    value: Expr
    minimiser: Expr

    @cached_property
    def pull(self) -> Expr:
        """Delta(f) = -dl/df."""
        return simplify(-self.value.diff(OUTPUT))

    @cached_property
    def curvature(self) -> Expr:
        """kappa(f) = d^2 l / df^2."""
        return simplify(self.value.diff(OUTPUT, 2))

    def pull_at(self, output: Any) -> Expr:
        """Delta at an output."""
        return self.pull.subs(OUTPUT, output)

    def curvature_at(self, output: Any) -> Expr:
        """kappa at an output."""
        return simplify(self.curvature.subs(OUTPUT, output))

    @property
    def reached(self) -> Expr:
        """The output at which a run that comes from 0 has converged to the error epsilon.

        With a minimiser y, |f - y| <= epsilon: y - epsilon. Without one, pull <= epsilon.
        """
        if self.minimiser is not oo:
            return self.minimiser - ERROR
        return solve(self.pull - ERROR, OUTPUT)[0]


_LOSSES = {
    "squared": Loss("squared", (OUTPUT - 1) ** 2 / 2, Integer(1)),
    "cross-entropy": Loss("cross-entropy", log(1 + exp(OUTPUT)) - RIGHT * OUTPUT, Integer(1)),
    "logistic": Loss("logistic", log(1 + exp(-OUTPUT)), oo),
}


def loss_named(name: str) -> Loss:
    """Return the loss of that name; ValueError with the known names otherwise.

    `squared` is (f - 1)^2/2; `cross-entropy` that of two classes with the soft target p_1 = e/(1+e), so that
    f = 1 is its minimiser; `logistic` is log(1 + exp(-f)), which has no minimiser.
    """
    if name not in _LOSSES:
        known = ", ".join(map(repr, get_args(LossName)))
        raise ValueError(f"richness: loss must be one of {known}; given {name!r}")
    return _LOSSES[name]
