"""Conclusions about single unknowns, drawn one line at a time until nothing new follows.

Most exponents are settled here, without elimination or a linear program: an equality with one unknown left
gives its value, an inequality bounds, two equal bounds squeeze, and a term that is provably the largest is
its maximum. Every conclusion is a lemma with a proof of its own, which refers to the lines before it; so
proofs stay short, and the cost is linear in the number of constraints.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from scalewright.theory.solver.affine import Affine, Combination, Number, add_to, magnitude, quotient
from scalewright.theory.solver.certificate import Lemma, Proof
from scalewright.theory.solver.facts import Facts, Known
from scalewright.theory.solver.system import Constraint, Definition

# Bounds of unknowns that bound each other in a circle could tighten for ever.
MOST_BOUNDS = 4


def proof(claim: Affine, sense: Literal["<=", "=="], combination: Combination) -> Proof:
    """Return the proof of a claim by a combination of lines."""
    return Proof(claim, sense, tuple(sorted(combination.items())))


@dataclass
class Propagation:
    """Lines known to hold, and what follows for single unknowns.

    `unresolved` are the definitions whose largest term isn't known; `farkas` is a proof of 1 <= 0, if found.
    """

    definitions: Sequence[Definition]
    constraints: list[Constraint] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    unresolved: dict[int, None] = field(default_factory=dict)
    lemmas: list[Lemma] = field(default_factory=list)
    farkas: Proof | None = None
    watchers: dict[str, list[int]] = field(default_factory=dict)
    mentions: dict[str, list[int]] = field(default_factory=dict)
    tightened: dict[str, int] = field(default_factory=dict)
    lines: deque[int] = field(default_factory=deque)
    maxima: deque[int] = field(default_factory=deque)
    queued: set[int] = field(default_factory=set)

    @classmethod
    def start(cls, definitions: Sequence[Definition], constraints: Sequence[Constraint]) -> "Propagation":
        """Return the state in which exactly these constraints are known, before any conclusion."""
        found = cls(definitions)
        for index, definition in enumerate(definitions):
            if len(definition.maximum.terms) > 1:
                found.unresolved[index] = None
                found._look(index)
                names = {name: None for term in definition.maximum.terms for name in term.value.coefficients}
                for name in names:
                    found.mentions.setdefault(name, []).append(index)
        for constraint in constraints:
            found.add(constraint)
        return found

    def copy(self) -> "Propagation":
        """Return an independent copy without the lemmas, which stay with the parent."""
        return Propagation(
            self.definitions,
            list(self.constraints),
            self.facts.copy(),
            dict(self.unresolved),
            [],
            self.farkas,
            {name: list(found) for name, found in self.watchers.items()},
            self.mentions,
            dict(self.tightened),
            deque(self.lines),
            deque(self.maxima),
            set(self.queued),
        )

    def add(self, constraint: Constraint) -> int:
        """Add a line and return its index; `run` draws the conclusions."""
        index = len(self.constraints)
        self.constraints.append(constraint)
        for name in constraint.form.coefficients:
            self.watchers.setdefault(name, []).append(index)
        self.lines.append(index)
        return index

    def run(self) -> None:
        """Draw conclusions until none is left, or a contradiction is found. Cost: linear in the lines."""
        while self.farkas is None:
            if self.lines:
                self._line(self.lines.popleft())
            elif self.maxima:
                index = self.maxima.popleft()
                self.queued.discard(index)
                if index in self.unresolved:
                    self._maximum(index)
            else:
                return

    def contradict(self, combination: Combination, constant: Number) -> None:
        """Record that a combination of lines equals a constant that contradicts them."""
        if self.farkas is None:
            scaled = {index: quotient(factor, constant) for index, factor in combination.items()}
            self.farkas = proof(Affine.number(1), "<=", scaled)

    def learn(self, lemma: Lemma) -> int:
        """Add what a lemma proves, and return its index."""
        self.lemmas.append(lemma)
        return self.add(lemma.adds)

    def _line(self, index: int) -> None:
        constraint = self.constraints[index]
        values, equal = self.facts.values, constraint.sense == "=="
        names = [name for name in constraint.form.coefficients if name not in values]
        if len(names) > 1 and not self._can_bound(constraint, names):
            return
        rest, used = self.facts.substitute(constraint.form)
        if not names:
            self._constant(index, constraint, rest.constant, used)
        elif len(names) == 1 and equal:
            self._value(index, rest, used)
        else:
            self._bounds(index, rest, used, 1)
            if equal and self.farkas is None:
                self._bounds(index, rest, used, -1)

    def _can_bound(self, constraint: Constraint, names: Sequence[str]) -> bool:
        """Whether all unknowns but one have the bounds that would bound the last; no arithmetic."""
        high, low, factors = self.facts.high, self.facts.low, constraint.form.coefficients
        upper = lower = 0
        for name in names:
            positive = factors[name].numerator > 0
            upper += name not in (low if positive else high)
            lower += name not in (high if positive else low)
        return upper <= 1 or (constraint.sense == "==" and lower <= 1)

    def _constant(self, index: int, constraint: Constraint, value: Number, used: Combination) -> None:
        if value > 0 or (constraint.sense == "==" and value):
            total: Combination = {index: 1}
            add_to(total, used, -1)
            self.contradict(total, value)

    def _value(self, index: int, rest: Affine, used: Combination) -> None:
        """Conclude x = v from rest = m (x - v) = line - used."""
        ((name, factor),) = rest.coefficients.items()
        value = quotient(-rest.constant, factor)
        if not used:
            self._fix(name, Known(value, index, factor))
            return
        combination: Combination = {index: quotient(1, factor)}
        add_to(combination, used, quotient(-1, factor))
        form = Affine(-value, {name: 1})
        adds = Constraint(form, "==", f"follows from: {self.constraints[index].reason}")
        self._fix(name, Known(value, self._note(Lemma(adds, (proof(form, "==", combination),)))))

    def _note(self, lemma: Lemma) -> int:
        """Add a lemma about one unknown, whose consequences are drawn through `facts` and not by its line."""
        self.lemmas.append(lemma)
        self.constraints.append(lemma.adds)
        return len(self.constraints) - 1

    def _fix(self, name: str, known: Known) -> None:
        self.facts.values[name] = known
        for side, sign in ((self.facts.high, 1), (self.facts.low, -1)):
            bound = side.get(name)
            if bound is not None and sign * (known.value - bound.value) > 0:
                # bound line: s (x - b) <= 0; value line: k (x - v) = 0; their difference is a constant.
                gap = known.value - bound.value
                self.contradict(
                    {bound.index: quotient(1, bound.scale), known.index: quotient(-1, known.scale)}, gap
                )
                return
        self._wake(name)

    def _wake(self, name: str, side: int = 0) -> None:
        """Look again at what mentions an unknown; `side` if only its bound from above (1) or below is new."""
        for index in self.watchers.get(name, ()):
            constraint = self.constraints[index]
            # Given form <= 0, the other unknowns are bounded by the least that this one contributes.
            if not side or constraint.sense == "==" or constraint.form.coefficients[name] * side < 0:
                self.lines.append(index)
        for index in self.mentions.get(name, ()):
            if index in self.unresolved:
                self._look(index)

    def _look(self, index: int) -> None:
        """Note that a maximum is to be looked at again."""
        if index not in self.queued:
            self.queued.add(index)
            self.maxima.append(index)

    def _bounds(self, index: int, rest: Affine, used: Combination, sign: int) -> None:
        """Conclude bounds from sign * rest <= 0: each unknown against the bounds of the others."""
        form = rest if sign > 0 else -rest
        open_ = [
            name
            for name, factor in form.coefficients.items()
            if name not in (self.facts.low if factor > 0 else self.facts.high)
        ]
        for name in form.coefficients if not open_ else open_ if len(open_) == 1 else ():
            if name not in self.facts.values:
                self._bound(index, form, used, sign, name)
            if self.farkas is not None:
                return

    def _bound(self, index: int, form: Affine, used: Combination, sign: int, name: str) -> None:
        """Conclude factor * x <= - (the least value of the others), given form <= 0."""
        factor = form.coefficients[name]
        others = Affine(form.constant, {n: f for n, f in form.coefficients.items() if n != name})
        found = self.facts.largest(-others)
        if found is None:
            return
        value, upward = quotient(found[0], factor), factor > 0
        side = self.facts.high if upward else self.facts.low
        direction = 1 if upward else -1
        if not self.facts.tightens(name, value, side, direction):
            return
        self.tightened[name] = self.tightened.get(name, 0) + 1
        if self.tightened[name] > 2 * MOST_BOUNDS:
            return
        if not used and not found[1]:
            known = Known(value, index, sign * factor)
        else:
            combination: Combination = {index: quotient(sign, magnitude(factor))}
            add_to(combination, used, quotient(-sign, magnitude(factor)))
            add_to(combination, found[1], quotient(1, magnitude(factor)))
            claim = Affine(-direction * value, {name: direction})
            adds = Constraint(claim, "<=", f"follows from: {self.constraints[index].reason}")
            line = self._note(Lemma(adds, (proof(claim, "<=", combination),)))
            known = Known(value, line, direction)
        side[name] = known
        self._squeeze(name, direction)

    def _squeeze(self, name: str, side: int) -> None:
        high, low = self.facts.high.get(name), self.facts.low.get(name)
        if high is None or low is None or high.value > low.value:
            self._wake(name, side)
            return
        # high: s (x - h) <= 0 with s > 0; low: t (x - l) <= 0 with t < 0.
        above, below = {high.index: quotient(1, high.scale)}, {low.index: quotient(-1, low.scale)}
        if high.value < low.value:
            add_to(above, below, 1)
            self.contradict(above, low.value - high.value)
            return
        form = Affine(-high.value, {name: 1})
        adds = Constraint(form, "==", "squeezed between the two inequalities")
        lemma = Lemma(adds, (proof(form, "<=", above), proof(-form, "<=", below)))
        self._fix(name, Known(high.value, self._note(lemma)))

    def _maximum(self, index: int) -> None:
        """Resolve a maximum one term of which is provably the largest."""
        definition = self.definitions[index]
        terms = definition.maximum.terms
        for largest, best in enumerate(terms):
            proofs = []
            for place, term in enumerate(terms):
                if place == largest:
                    continue
                claim = term.value - best.value
                combination = self.facts.at_most(claim, 0)
                if combination is None:
                    break
                proofs.append(proof(claim, "<=", combination))
            else:
                self.resolve(index, largest, tuple(proofs))
                return

    def resolve(self, index: int, largest: int, proofs: tuple[Proof, ...]) -> None:
        """Add the lemma that a maximum is its term number `largest`."""
        definition = self.definitions[index]
        best = definition.maximum.terms[largest]
        form = Affine.unknown(definition.name) - best.value
        adds = Constraint(form, "==", f"the largest term: {best.reason}")
        del self.unresolved[index]
        self.learn(Lemma(adds, proofs, index, largest))
