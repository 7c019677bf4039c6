"""One cell of the search: constraints known to hold together, what follows from them, and proofs of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from scalewright.theory.solver import lp
from scalewright.theory.solver.affine import Affine, Combination, Number, add_to, magnitude, quotient
from scalewright.theory.solver.certificate import Bound, Lemma, Proof
from scalewright.theory.solver.elimination import Elimination
from scalewright.theory.solver.propagation import Propagation, proof
from scalewright.theory.solver.system import Constraint, Definition

# Weight of the maxima beside the goals, and what counts as an excess, in the search for cells to split.
PRESSURE = Fraction(1, 1000)
TOLERANCE = 1e-5

Direction = tuple[tuple[str, Number], ...]


@dataclass
class Inequality:
    """A line's index and its form after elimination: line = reduced + combination of equalities."""

    index: int
    reduced: Affine
    combination: Combination


@dataclass
class Cell:
    """Lines known to hold; propagation settles single unknowns, elimination what relates several."""

    lines: Propagation
    elimination: Elimination = field(default_factory=Elimination)
    tightest: dict[Direction, tuple[Number, Inequality]] = field(default_factory=dict)
    programs: dict[Affine, lp.Answer] = field(default_factory=dict)
    saturated: int = -1

    @classmethod
    def start(cls, definitions: Sequence[Definition], constraints: Sequence[Constraint]) -> "Cell":
        """Return the cell in which exactly these constraints are known."""
        return cls(Propagation.start(definitions, constraints))

    def copy(self) -> "Cell":
        """Return an independent copy without the lemmas, which stay with the parent."""
        return Cell(self.lines.copy())

    @property
    def farkas(self) -> Proof | None:
        """A proof of 1 <= 0, if a contradiction was found."""
        return self.lines.farkas

    @property
    def lemmas(self) -> list[Lemma]:
        """What was concluded in this cell."""
        return self.lines.lemmas

    @property
    def definitions(self) -> Sequence[Definition]:
        """The definitions of the system."""
        return self.lines.definitions

    @property
    def unresolved(self) -> dict[int, None]:
        """The definitions whose largest term isn't known."""
        return self.lines.unresolved

    def assume(self, constraint: Constraint) -> None:
        """Add a constraint."""
        self.lines.add(constraint)

    def choose(self, index: int, assumes: Constraint) -> None:
        """Assume that a maximum is a certain one of its terms."""
        del self.lines.unresolved[index]
        self.assume(assumes)

    def saturate(self) -> None:
        """Draw all simple conclusions: about single unknowns first, then about differences of several."""
        while self.saturated != len(self.lines.constraints):
            self.lines.run()
            if self.farkas is not None or not self._eliminate():
                return
            self.saturated = len(self.lines.constraints)
            self._squeeze()
            self._dominate()

    def _eliminate(self) -> bool:
        """Put every line that relates several unknowns in reduced form; False on a contradiction."""
        self.elimination, self.tightest, self.programs = Elimination(), {}, {}
        for equalities in (True, False):
            for index, constraint in enumerate(self.lines.constraints):
                if (constraint.sense == "==") is equalities and not self._relate(index, constraint):
                    return False
        return True

    def _relate(self, index: int, constraint: Constraint) -> bool:
        values = self.lines.facts.values
        if all(name in values for name in constraint.form.coefficients):
            return True
        rest, used = self.lines.facts.substitute(constraint.form)
        own: Combination = {index: 1}
        add_to(own, used, -1)
        if constraint.sense == "==":
            clash = self.elimination.add(rest, own)
            if clash is not None:
                self.lines.contradict(clash[1], clash[0])
            return clash is None
        reduced, combination = self.elimination.reduce(rest)
        add_to(own, combination, -1)
        if reduced.is_constant:
            if reduced.constant > 0:
                self.lines.contradict(own, reduced.constant)
            return reduced.constant <= 0
        self._note(Inequality(index, reduced, own))
        return True

    def _note(self, inequality: Inequality) -> None:
        direction, scale = _direction(inequality.reduced)
        level = quotient(inequality.reduced.constant, scale)
        known = self.tightest.get(direction)
        shorter = known is not None and len(inequality.combination) < len(known[1].combination)
        if known is None or level > known[0] or (level == known[0] and shorter):
            self.tightest[direction] = (level, inequality)

    def _squeeze(self) -> None:
        """Add form = 0 wherever form <= 0 and -form <= 0 are both known."""
        found = []
        for direction, (level, inequality) in self.tightest.items():
            opposite = self.tightest.get(tuple((name, -value) for name, value in direction))
            if opposite is None or direction[0][1] < 0:
                continue
            if level + opposite[0] == 0:
                found.append(inequality.reduced)
            elif level + opposite[0] > 0:
                self._clash(level, inequality, opposite)
                return
        for form in found:
            proofs = (self.prove(form), self.prove(-form))
            if proofs[0] is not None and proofs[1] is not None:
                adds = Constraint(form, "==", "squeezed between the two inequalities")
                self.lines.learn(Lemma(adds, (proofs[0], proofs[1])))

    def _clash(self, level: Number, one: Inequality, opposite: tuple[Number, Inequality]) -> None:
        total: Combination = {}
        for inequality in (one, opposite[1]):
            add_to(total, inequality.combination, quotient(1, _direction(inequality.reduced)[1]))
        self.lines.contradict(total, level + opposite[0])

    def _dominate(self) -> None:
        """Resolve every maximum one term of which is provably the largest."""
        if self.farkas is not None:
            return
        for index in list(self.unresolved):
            terms = self.definitions[index].maximum.terms
            for largest, best in enumerate(terms):
                others = [term.value - best.value for place, term in enumerate(terms) if place != largest]
                proofs = tuple(p for p in map(self.prove, others) if p is not None)
                if len(proofs) == len(others):
                    self.lines.resolve(index, largest, proofs)
                    break

    def reduce(self, form: Affine) -> tuple[Affine, Combination]:
        """Return (rest, combination) with form = rest + combination of equalities, nothing known in rest."""
        rest, combination = self.lines.facts.substitute(form)
        rest, more = self.elimination.reduce(rest)
        add_to(combination, more, 1)
        return rest, combination

    def directions(self, asked: Sequence[Affine]) -> tuple[dict[str, Number], ...]:
        """Return the directions in which no equality fixes the asked unknowns, one a coordinate."""
        found: dict[str, dict[str, Number]] = {}
        for form in asked:
            (name,) = form.coefficients
            for coordinate, factor in self.reduce(form)[0].coefficients.items():
                found.setdefault(coordinate, {})[name] = factor
        oriented = [_oriented(direction) for direction in found.values()]
        return tuple(d for place, d in enumerate(oriented) if d not in oriented[:place])

    def prove(self, claim: Affine) -> Proof | None:
        """Return a proof of claim <= 0 by equalities, bounds and at most one inequality, or None."""
        rest, combination = self.reduce(claim)
        if rest.is_constant:
            return None if rest.constant > 0 else proof(claim, "<=", combination)
        direction, scale = _direction(rest)
        known = self.tightest.get(direction)
        if known is not None and quotient(rest.constant, scale) <= known[0]:
            add_to(combination, known[1].combination, quotient(scale, _direction(known[1].reduced)[1]))
            return proof(claim, "<=", combination)
        found = self.lines.facts.at_most(claim, 0)
        return None if found is None else proof(claim, "<=", found)

    def exceeded(self, goals: Sequence[Affine]) -> int | None:
        """Return the maximum that a best point for the goals exceeds by most; None if it exceeds none.

        The point is found in floating point, with a little weight on the maxima, so that none is larger than
        it must be; it only guides the search.
        """
        names = [self.definitions[index].name for index in self.unresolved]
        pressed = Affine()
        for form in dict.fromkeys(goals):
            pressed = pressed + form
        for name in names:
            pressed = pressed + Affine.unknown(name) * PRESSURE
        rest, _ = self.reduce(pressed)
        found = lp.point(rest, [inequality.reduced for _, inequality in self.tightest.values()])
        if found is None:
            return next(iter(self.unresolved))
        point = self._expanded(found)
        excess = {index: _excess(self.definitions[index], point) for index in self.unresolved}
        worst = max(excess, key=lambda index: excess[index])
        return worst if excess[worst] > TOLERANCE else None

    def _expanded(self, found: Mapping[str, float]) -> dict[str, float]:
        """Return the point with the unknowns that facts and equalities determine."""
        point = dict(found) | {name: float(known.value) for name, known in self.lines.facts.values.items()}
        for name, (form, _) in self.elimination.rows.items():
            others = {n: f for n, f in form.coefficients.items() if n != name}
            total = float(form.constant) + sum(float(f) * point.get(n, 0.0) for n, f in others.items())
            point[name] = -total
        return point

    def least(self, objective: Affine) -> Bound | Proof | None:
        """Return the greatest lower bound with its proof, a Farkas proof, or None if unbounded."""
        rest, combination = self.reduce(objective)
        if rest.is_constant:
            return _bound(objective, rest.constant, {i: -value for i, value in combination.items()})
        lines = [inequality for _, inequality in self.tightest.values()]
        found = self.programs.get(rest)
        if found is None:
            found = self.programs[rest] = lp.minimise(rest, [inequality.reduced for inequality in lines])
        if isinstance(found, lp.Unbounded):
            return None
        total: Combination = {}
        for place, value in found.multipliers.items():
            add_to(total, lines[place].combination, value)
        if isinstance(found, lp.Contradiction):
            return proof(Affine.number(1), "<=", total)
        add_to(total, combination, -1)
        return _bound(objective, found.value, total)


def _oriented(direction: dict[str, Number]) -> dict[str, Number]:
    """Return the direction in which its first unknown grows by 1."""
    first = next(iter(direction.values()))
    return {name: quotient(value, first) for name, value in direction.items()}


def _excess(definition: Definition, point: Mapping[str, float]) -> float:
    """Return by how much an unknown exceeds the largest of its terms at a point."""

    def at(form: Affine) -> float:
        return float(form.constant) + sum(float(f) * point.get(n, 0.0) for n, f in form.coefficients.items())

    return point.get(definition.name, 0.0) - max(at(term.value) for term in definition.maximum.terms)


def _bound(objective: Affine, value: Number, combination: Mapping[int, Number]) -> Bound:
    lower = proof(Affine(value) - objective, "<=", dict(combination))
    return Bound(objective, value, lower, None)


def _direction(form: Affine) -> tuple[Direction, Number]:
    """Return the form's coefficients divided by a positive scale that makes the first, by name, +1 or -1."""
    names = sorted(form.coefficients)
    scale = magnitude(form.coefficients[names[0]])
    return tuple((name, quotient(form.coefficients[name], scale)) for name in names), scale
