"""What the solver solves: exact constraints with their reasons, and unknowns defined as maxima."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from scalewright.theory.solver.affine import Affine, Max


@dataclass(frozen=True)
class Constraint:
    """The statement `form <= 0` or `form == 0`, and why it holds."""

    form: Affine
    sense: Literal["<=", "=="]
    reason: str

    def holds(self, values: Mapping[str, Fraction]) -> bool:
        """Whether the statement is true at the given values."""
        value = self.form.at(values)
        return value == 0 if self.sense == "==" else value <= 0

    def __str__(self) -> str:
        return f"{self.form} {'=' if self.sense == '==' else '<='} 0"


@dataclass(frozen=True)
class Definition:
    """The unknown `name` is the maximum of the terms."""

    name: str
    maximum: Max

    def constraints(self) -> tuple[Constraint, ...]:
        """Return what holds whichever term is the largest: name = the only term, or name >= each term."""
        own = Affine.unknown(self.name)
        sense: Literal["<=", "=="] = "==" if len(self.maximum.terms) == 1 else "<="
        return tuple(Constraint(term.value - own, sense, term.reason) for term in self.maximum.terms)


@dataclass(frozen=True)
class System:
    """Definitions (in an order in which each refers only to earlier ones), and constraints on top of them."""

    definitions: tuple[Definition, ...]
    constraints: tuple[Constraint, ...]

    def all_constraints(self) -> tuple[Constraint, ...]:
        """Return the constraints that the definitions imply, then the others."""
        implied = tuple(c for definition in self.definitions for c in definition.constraints())
        return implied + self.constraints

    def complete(self, values: Mapping[str, Fraction]) -> dict[str, Fraction]:
        """Return values of all unknowns from those of the parameters' exponents, by evaluating the maxima."""
        known = dict(values)
        for definition in self.definitions:
            known[definition.name] = definition.maximum.at(known)
        return known

    def violations(self, values: Mapping[str, Fraction]) -> tuple[Constraint, ...]:
        """Return the constraints that are false at the given exponents of the parameters."""
        known = self.complete(values)
        return tuple(constraint for constraint in self.constraints if not constraint.holds(known))
