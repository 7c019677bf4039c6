"""One cell of the search: constraints known to hold together, what follows from them, and proofs of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from scalewright.theory.solver import lp
from scalewright.theory.solver.affine import Affine, add_to
from scalewright.theory.solver.certificate import Bound, Lemma, Proof
from scalewright.theory.solver.elimination import Combination, Elimination
from scalewright.theory.solver.system import Constraint, Definition

Direction = tuple[tuple[str, Fraction], ...]


@dataclass
class Inequality:
    """A constraint's index and its form after elimination: original = reduced + combination of equalities."""

    index: int
    reduced: Affine
    combination: Combination


@dataclass
class Cell:
    """Constraints, in the order in which they became known, with equalities eliminated.

    `unresolved` maps the index of a definition to the terms that may still be its largest.
    """

    definitions: Sequence[Definition]
    constraints: list[Constraint] = field(default_factory=list)
    elimination: Elimination = field(default_factory=Elimination)
    inequalities: list[Inequality] = field(default_factory=list)
    tightest: dict[Direction, tuple[Fraction, Inequality]] = field(default_factory=dict)
    unresolved: list[int] = field(default_factory=list)
    lemmas: list[Lemma] = field(default_factory=list)
    farkas: Proof | None = None

    @classmethod
    def start(cls, definitions: Sequence[Definition], constraints: Sequence[Constraint]) -> "Cell":
        """Return the cell in which exactly these constraints are known."""
        cell = cls(definitions)
        cell.unresolved = [i for i, d in enumerate(definitions) if len(d.maximum.terms) > 1]
        for constraint in constraints:
            cell.assume(constraint)
        return cell

    def copy(self) -> "Cell":
        """Return an independent copy without the lemmas, which stay with the parent."""
        return Cell(
            self.definitions,
            list(self.constraints),
            self.elimination.copy(),
            [Inequality(i.index, i.reduced, i.combination) for i in self.inequalities],
            {},
            list(self.unresolved),
            farkas=self.farkas,
        )

    def assume(self, constraint: Constraint) -> None:
        """Add a constraint; a contradiction among equalities sets `farkas`."""
        index = len(self.constraints)
        self.constraints.append(constraint)
        if constraint.sense == "<=":
            self.inequalities.append(Inequality(index, constraint.form, {}))
            return
        clash = self.elimination.add(index, constraint.form)
        if clash is not None:
            constant, combination = clash
            total: Combination = {index: Fraction(1)}
            add_to(total, combination, Fraction(-1))
            self._contradiction(total, constant.constant)

    def _contradiction(self, combination: Combination, constant: Fraction) -> None:
        """Record that a combination of constraints equals a constant that contradicts them."""
        if self.farkas is None:
            scaled = tuple((i, m / constant) for i, m in sorted(combination.items()))
            self.farkas = Proof(Affine.number(1), "<=", scaled)

    def saturate(self) -> None:
        """Draw all simple conclusions: opposite inequalities squeeze, a dominated term leaves its maximum."""
        while self.farkas is None:
            self._refresh()
            if self.farkas is not None or not (self._squeeze() + self._dominate()):
                return

    def _refresh(self) -> None:
        self.tightest = {}
        for inequality in self.inequalities:
            rest, combination = self.elimination.reduce(inequality.reduced)
            if combination:
                merged = dict(inequality.combination)
                add_to(merged, combination, Fraction(1))
                inequality.reduced, inequality.combination = rest, merged
            if not rest.is_constant:
                self._note(inequality)
            elif rest.constant > 0:
                total: Combination = {inequality.index: Fraction(1)}
                add_to(total, inequality.combination, Fraction(-1))
                self._contradiction(total, rest.constant)
                return
        self.inequalities = [i for i in self.inequalities if not i.reduced.is_constant]

    def _note(self, inequality: Inequality) -> None:
        direction, scale = _direction(inequality.reduced)
        level = inequality.reduced.constant / scale
        known = self.tightest.get(direction)
        shorter = known is not None and len(inequality.combination) < len(known[1].combination)
        if known is None or level > known[0] or (level == known[0] and shorter):
            self.tightest[direction] = (level, inequality)

    def _squeeze(self) -> int:
        """Add form = 0 wherever form <= 0 and -form <= 0 are both known; return how many were added."""
        found = []
        for direction, (level, inequality) in self.tightest.items():
            opposite = self.tightest.get(tuple((name, -value) for name, value in direction))
            if opposite is not None and direction[0][1] > 0 and level + opposite[0] == 0:
                found.append(inequality.reduced)
            elif opposite is not None and direction[0][1] > 0 and level + opposite[0] > 0:
                self._clash(level, inequality, opposite)
                return 0
        for form in found:
            self._add_squeezed(form)
        return len(found)

    def _clash(self, level: Fraction, one: Inequality, opposite: tuple[Fraction, Inequality]) -> None:
        total: Combination = {}
        for inequality in (one, opposite[1]):
            factor = 1 / _direction(inequality.reduced)[1]
            add_to(total, {inequality.index: Fraction(1)}, factor)
            add_to(total, inequality.combination, -factor)
        self._contradiction(total, level + opposite[0])

    def _add_squeezed(self, form: Affine) -> None:
        proofs = (self.prove(form), self.prove(-form))
        if proofs[0] is None or proofs[1] is None:
            return
        adds = Constraint(form, "==", "squeezed between the two inequalities")
        self.lemmas.append(Lemma(adds, (proofs[0], proofs[1])))
        self.assume(adds)

    def _dominate(self) -> int:
        """Resolve every maximum one term of which is provably the largest; return how many were resolved."""
        resolved = 0
        for index in list(self.unresolved):
            lemma = self._dominance(index)
            if lemma is not None:
                self.unresolved.remove(index)
                self.lemmas.append(lemma)
                self.assume(lemma.adds)
                resolved += 1
        return resolved

    def _dominance(self, index: int) -> Lemma | None:
        definition = self.definitions[index]
        terms = definition.maximum.terms
        for largest, best in enumerate(terms):
            others = [term.value - best.value for place, term in enumerate(terms) if place != largest]
            proofs = [self.prove(difference) for difference in others]
            if all(proof is not None for proof in proofs):
                reason = f"the largest term: {best.reason}"
                adds = Constraint(Affine.unknown(definition.name) - best.value, "==", reason)
                return Lemma(adds, tuple(p for p in proofs if p is not None), index, largest)
        return None

    def prove(self, claim: Affine) -> Proof | None:
        """Return a proof of claim <= 0 by equalities and at most one inequality, None if there is none."""
        rest, combination = self.elimination.reduce(claim)
        if not rest.is_constant:
            direction, scale = _direction(rest)
            known = self.tightest.get(direction)
            if known is None or rest.constant / scale > known[0]:
                return None
            inequality = known[1]
            factor = scale / _direction(inequality.reduced)[1]
            add_to(combination, {inequality.index: Fraction(1)}, factor)
            add_to(combination, inequality.combination, -factor)
        elif rest.constant > 0:
            return None
        return Proof(claim, "<=", tuple(sorted(combination.items())))

    def least(self, objective: Affine) -> "Bound | Proof | None":
        """Return the greatest lower bound with its proof, a Farkas proof, or None if unbounded."""
        rest, combination = self.elimination.reduce(objective)
        if rest.is_constant:
            lower = {index: -value for index, value in combination.items()}
            return self._bound(objective, rest.constant, lower)
        forms = [inequality.reduced for inequality in self.inequalities]
        found = lp.minimise(rest, forms)
        if isinstance(found, lp.Unbounded):
            return None
        total = self._original(found.multipliers)
        if isinstance(found, lp.Contradiction):
            return Proof(Affine.number(1), "<=", tuple(sorted(total.items())))
        add_to(total, combination, Fraction(-1))
        return self._bound(objective, found.value, total)

    def _original(self, multipliers: Mapping[int, Fraction]) -> Combination:
        """Return the combination of constraints that equals the combination of reduced inequalities."""
        total: Combination = {}
        for place, value in multipliers.items():
            inequality = self.inequalities[place]
            add_to(total, {inequality.index: Fraction(1)}, value)
            add_to(total, inequality.combination, -value)
        return total

    def _bound(self, objective: Affine, value: Fraction, combination: Combination) -> Bound:
        lower = Proof(Affine(value) - objective, "<=", tuple(sorted(combination.items())))
        return Bound(objective, value, lower, None)


def _direction(form: Affine) -> tuple[Direction, Fraction]:
    """Return the form's coefficients divided by a positive scale that makes the first, by name, +1 or -1."""
    names = sorted(form.coefficients)
    scale = abs(form.coefficients[names[0]])
    return tuple((name, form.coefficients[name] / scale) for name in names), scale
