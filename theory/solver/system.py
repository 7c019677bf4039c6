"""What the solver solves: exact constraints with their reasons, and unknowns defined as maxima."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from scalewright.theory.solver.affine import Affine, Max, Number, slim, times

# What an unknown is: a number, or None for the exponent -oo of an exact zero.
Size: TypeAlias = Number | None
# After so many steps sizes are settled or grow for ever: each settles at most a step after what it reads.
MOST_STEPS = 24


@dataclass(frozen=True)
class Constraint:
    """The statement `form <= 0` or `form == 0`, and why it holds.

    `kind` marks conditions of the rules: "growth" that blocks must not amplify, "logits" that a loss needs
    bounded logits.
    """

    form: Affine
    sense: Literal["<=", "=="]
    reason: str
    kind: Literal["", "growth", "logits"] = ""

    def holds(self, values: Mapping[str, Size]) -> bool:
        """Whether the statement is true at the given values; an exact zero is below everything."""
        value = evaluate(self.form, values)
        if value is None:
            return self.sense == "<="
        return value == 0 if self.sense == "==" else value <= 0

    def __str__(self) -> str:
        return f"{self.form} {'=' if self.sense == '==' else '<='} 0"


def evaluate(form: Affine, values: Mapping[str, Size]) -> Size:
    """Return the number, or None if any unknown of the form, whatever its sign, is an exact zero."""
    total = form.constant
    for name, factor in form.coefficients.items():
        value = values[name]
        if value is None:
            return None
        if value:
            total = slim(total + times(factor, value))
    return total


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

    def at(self, now: Mapping[str, Size], before: Mapping[str, Size] | None) -> Size:
        """Return the largest term; what comes `later` reads the values of the step before."""
        found: Size = None
        for term in self.maximum.terms:
            read = before if term.later else now
            if read is None:
                continue
            value = evaluate(term.value, read)
            if value is not None and (found is None or value > found):
                found = value
        return found


@dataclass(frozen=True)
class System:
    """Definitions, and constraints on top of them.

    Terms that come `later` may refer to any unknown: they are absent at the first step of training, and read
    what the step before left. The others must have an order in which each refers to earlier ones.
    """

    definitions: tuple[Definition, ...]
    constraints: tuple[Constraint, ...]

    def all_constraints(self) -> tuple[Constraint, ...]:
        """Return the constraints that the definitions imply, then the others."""
        return self._all

    @cached_property
    def _all(self) -> tuple[Constraint, ...]:
        implied = tuple(c for definition in self.definitions for c in definition.constraints())
        return implied + self.constraints

    @cached_property
    def order(self) -> tuple[Definition, ...]:
        """The definitions in an order in which each refers to earlier ones, later terms apart."""
        return tuple(_ordered(self.definitions))

    def steps(self, values: Mapping[str, Size]) -> Iterator[dict[str, Size]]:
        """Yield the sizes after 1, 2, ... steps, until they settle; at most MOST_STEPS of them."""
        before: dict[str, Size] | None = None
        for _ in range(MOST_STEPS):
            now = dict(values)
            changed: set[str] = set()
            for definition, early, late in self._readers:
                name = definition.name
                if before is not None and not late and changed.isdisjoint(early):
                    now[name] = before[name]
                    continue
                now[name] = definition.at(now, before)
                if before is not None and now[name] != before[name]:
                    changed.add(name)
            yield now
            if before is not None and not changed:
                return
            before = now

    @cached_property
    def _readers(self) -> tuple[tuple[Definition, tuple[str, ...], bool], ...]:
        """The definitions in order, what each reads in its own step, and whether it reads the step before."""
        found = []
        for definition in self.order:
            terms = definition.maximum.terms
            early = tuple(name for term in terms if not term.later for name in term.value.coefficients)
            found.append((definition, early, any(term.later for term in terms)))
        return tuple(found)

    def complete(self, values: Mapping[str, Size]) -> dict[str, Size]:
        """Return the settled values of all unknowns, or of the last step if they don't settle."""
        *_, last = self.steps(values)
        return last

    def violations(self, values: Mapping[str, Number]) -> tuple[Constraint, ...]:
        """Return the constraints that are false at the given exponents of the parameters.

        Sizes that don't settle violate the definition that still changes.
        """
        steps = list(self.steps(values))
        broken = tuple(constraint for constraint in self.constraints if not constraint.holds(steps[-1]))
        if broken or len(steps) == 1 or steps[-1] == steps[-2]:
            return broken
        changing = next(d for d in self.order if steps[-1][d.name] != steps[-2][d.name])
        form = Affine.unknown(changing.name)
        return (Constraint(form, "==", f"{changing.name} grows with every step of training"),)


def _ordered(definitions: Sequence[Definition]) -> Iterator[Definition]:
    """Yield the definitions depth first, in the order given where they don't depend on each other."""
    by_name = {definition.name: definition for definition in definitions}
    done: set[str] = set()
    for first in definitions:
        stack = [] if first.name in done else [(first, _references(first, by_name))]
        opened = {first.name}
        while stack:
            definition, waiting = stack[-1]
            following = next((name for name in waiting if name not in done), None)
            if following is None:
                done.add(definition.name)
                stack.pop()
                yield definition
                continue
            if following in opened:
                raise ValueError(f"System: the definition of {following} must not refer to itself")
            opened.add(following)
            stack.append((by_name[following], _references(by_name[following], by_name)))


def _references(definition: Definition, known: Mapping[str, Definition]) -> Iterator[str]:
    return iter(
        [
            name
            for term in definition.maximum.terms
            if not term.later
            for name in term.value.coefficients
            if name in known
        ]
    )
