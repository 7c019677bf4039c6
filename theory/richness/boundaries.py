"""Every boundary of the gamma-eta plane as a symbolic function of gamma, with its limits and its standing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from sympy import Expr, Integer, Symbol, exp, expand_log, limit, log, nsimplify, oo, powsimp, simplify

from scalewright.theory.richness.losses import LossName
from scalewright.theory.richness.symbols import ERROR, GAMMA, STEPS

Status: TypeAlias = Literal["exact", "asymptotic", "bound", "estimate"]
Model: TypeAlias = Literal["balanced", "wide"]


@dataclass(frozen=True)
class Boundary:
    """One boundary eta(gamma).

    Attributes:
        name: `eta_min` (slower rates have not converged after T steps), `eta_crit` (the minimiser that the
            flow reaches is linearly stable below), `eta_max` (the largest rate that converges), `eta_div`
            (the largest whose weights stay bounded), and others that a model has.
        expression: eta as a function of gamma, T and epsilon; oo where there is no such edge; None where
            only the limits are known.
        small, large: leading form for gamma -> 0 and gamma -> oo; None where not known.
        status: "exact" (an equality in the toy), "asymptotic" (the limits are exact), "bound" (the true edge
            lies on one side, said in `reason`), "estimate" (powers exact, the constant an approximation).
        reason: why, in a sentence.
    """

    name: str
    expression: Expr | None
    small: Expr | None
    large: Expr | None
    status: Status
    reason: str

    @property
    def exponents(self) -> tuple[Expr | None, Expr | None]:
        """d log eta / d log gamma for gamma -> 0 and gamma -> oo, from the leading forms."""
        return _exponent(self.small, Integer(0)), _exponent(self.large, oo)

    @property
    def local_exponent(self) -> Expr:
        """d log eta / d log gamma at every gamma: how one power crosses over into the other.

        Raises:
            ValueError: only the limits are known, or there is no such edge.
        """
        if self.expression is None or self.expression is oo:
            raise ValueError(f"Boundary.local_exponent: {self.name} has no expression at every gamma")
        return simplify(GAMMA * self.expression.diff(GAMMA) / self.expression)


def _exponent(form: Expr | None, end: Expr) -> Expr | None:
    """Return the power of gamma at an end; a logarithm of it counts as power 0."""
    if form is None or form is oo:
        return None
    slope = nsimplify(simplify(GAMMA * form.diff(GAMMA) / form))
    return slope if GAMMA not in slope.free_symbols else limit(slope, GAMMA, end)


@dataclass(frozen=True)
class Boundaries:
    """All boundaries of one toy, loss and optimizer.

    Attributes:
        apex: gamma at which `eta_min` meets `eta_crit` (gamma >> 1), oo where both have one power, so that a
            band that is open (of sign descent, for T epsilon > 1) never closes, None where there is no upper
            edge.
    """

    layers: Expr
    loss: LossName
    optimizer: str
    model: Model
    entries: tuple[Boundary, ...]
    apex: Expr | None

    def __getitem__(self, name: str) -> Boundary:
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise KeyError(
            f"Boundaries: name must be one of {', '.join(e.name for e in self.entries)}; given {name!r}"
        )

    def __iter__(self) -> Iterator[Boundary]:
        return iter(self.entries)

    def __contains__(self, name: object) -> bool:
        return any(entry.name == name for entry in self.entries)

    def to_markdown(self) -> str:
        """Return a table: a row a boundary, with its limits, powers and standing."""
        lines = [
            "| boundary | gamma -> 0 | gamma -> oo | powers | standing | why |",
            "|---|---|---|---|---|---|",
        ]
        for entry in self.entries:
            small, large = (_shown(form) for form in (entry.small, entry.large))
            powers = ", ".join(_shown(power) for power in entry.exponents)
            lines.append(f"| {entry.name} | {small} | {large} | {powers} | {entry.status} | {entry.reason} |")
        return "\n".join(lines)


def _shown(form: Expr | None) -> str:
    return "-" if form is None else "none" if form is oo else f"`{form}`"


def meeting(low: Expr, high: Expr) -> Expr:
    """Return the gamma at which two leading forms c gamma^p meet; oo where the powers are equal.

    `low` may carry a logarithm, c gamma log gamma as with two layers: the equation is linear in log gamma.
    """
    if low.has(log):
        line = expand_log(low / GAMMA, force=True).expand()
        rise = line.coeff(log(GAMMA))
        return exp(((high / GAMMA).expand() - line.subs(log(GAMMA), 0)) / rise)
    power = _power(high) - _power(low)
    ratio = high.subs(GAMMA, 1) / low.subs(GAMMA, 1)
    return oo if power == 0 else powsimp(ratio ** (-1 / power), force=True)


def _power(form: Expr) -> Expr:
    return simplify(GAMMA * form.diff(GAMMA) / form)


SYMBOLS: dict[str, Symbol] = {"gamma": GAMMA, "steps": STEPS, "error": ERROR}
"""What `Boundary.expression` depends on, by the names of `sim.richness`."""


def check_choice(function: str, name: str, value: Any, accepted: Any) -> None:
    """Raise ValueError unless a choice is one of the accepted ones."""
    known = get_args(accepted) or tuple(accepted)
    if value not in known:
        raise ValueError(
            f"richness.{function}: {name} must be one of {', '.join(map(repr, known))}; given {value!r}"
        )
