"""Proofs that can be checked: combinations of constraints in Fractions, however they were found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from scalewright.theory.errors import Unverified
from scalewright.theory.solver.affine import Affine, Number, add_to, slim, times
from scalewright.theory.solver.system import Constraint, Definition, System


@dataclass(frozen=True)
class Proof:
    """The statement `claim <= 0` (or == 0), as claim = slack + sum m_i form_i with slack <= 0 (or == 0).

    `multipliers` refers to constraints by their index; those of inequalities must not be negative.
    """

    claim: Affine
    sense: Literal["<=", "=="]
    multipliers: tuple[tuple[int, Number], ...]

    def check(self, known: Sequence[Constraint]) -> None:
        """Raise Unverified unless the combination proves the claim from the known constraints."""
        total = dict(self.claim.coefficients)
        constant = self.claim.constant
        for index, multiplier in self.multipliers:
            if not 0 <= index < len(known):
                raise Unverified(
                    f"certificate: the proof of {self} refers to constraint {index}, which isn't known there"
                )
            if known[index].sense == "<=" and (multiplier < 0 or self.sense == "=="):
                raise Unverified(
                    f"certificate: the proof of {self} uses the inequality {known[index]} the wrong way round"
                )
            form = known[index].form
            add_to(total, form.coefficients, -multiplier)
            if form.constant:
                constant = slim(constant - times(multiplier, form.constant))
        rest = Affine(constant, total)
        if not rest.is_constant or rest.constant > 0 or (self.sense == "==" and rest.constant):
            raise Unverified(f"certificate: the multipliers don't prove {self}: {rest} is left over")

    def __str__(self) -> str:
        return f"{self.claim} {'=' if self.sense == '==' else '<='} 0"


@dataclass(frozen=True)
class Lemma:
    """A constraint added because it's proved: squeezed, or naming the largest term of a maximum.

    With `definition`, the unknown it defines equals term number `largest`, as every other term is proved to
    be no larger. Without, either one proof says just that, or two say form <= 0 and -form <= 0.
    """

    adds: Constraint
    proofs: tuple[Proof, ...]
    definition: int | None = None
    largest: int = 0


@dataclass(frozen=True)
class Bound:
    """Proofs that `objective` is at least `value` and, if `upper` is there, at most that."""

    objective: Affine
    value: Number
    lower: Proof
    upper: Proof | None


@dataclass(frozen=True)
class Leaf:
    """A case in which the goals are proved."""

    lemmas: tuple[Lemma, ...]
    bounds: tuple[Bound, ...]


@dataclass(frozen=True)
class Dead:
    """A case that can't occur: the proof says 1 <= 0."""

    lemmas: tuple[Lemma, ...]
    farkas: Proof


@dataclass(frozen=True)
class Branch:
    """One case per term of a maximum: the defined unknown equals that term."""

    lemmas: tuple[Lemma, ...]
    definition: int
    cases: tuple["Case", ...]


@dataclass(frozen=True)
class Case:
    """The assumption of a case, and what follows in it."""

    assumes: Constraint
    then: "Tree"


Tree: TypeAlias = Leaf | Dead | Branch


@dataclass(frozen=True)
class Stage:
    """One question put to the constraints: the goals, and the proof in every case.

    `fixes` are the constraints "the goal equals its bound" that the next stages may use: the choice of the
    largest rates, licensed by the proof that no rate can be larger and by the solution that attains them all.
    """

    goals: tuple[Affine, ...]
    tree: Tree
    unique: bool
    fixes: tuple[Constraint, ...] = ()


@dataclass(frozen=True)
class AxisCertificate:
    """All that proves the exponents of one axis: the system, its solution, and the stages of the proof."""

    axis: str
    system: System
    values: Mapping[str, Number]
    stages: tuple[Stage, ...]

    def verify(self, *, solution: bool = True) -> None:
        """Raise Unverified unless the solution satisfies everything and every proof holds, exactly.

        `solution` False skips the constraints that were just checked, not the proofs.
        """
        if not self.stages and not self.values:
            raise Unverified(f"certificate: the part of axis {self.axis!r} proves nothing: it has no stages")
        known = list(self.system.all_constraints())
        for stage in self.stages:
            check_tree(stage.tree, self.system.definitions, list(known), self._expected(stage), stage.unique)
            known.extend(self._licensed(stage))
        if self.values:
            self._check_solution(constraints=solution)

    def _expected(self, stage: Stage) -> dict[Affine, Number] | None:
        if not self.values:
            return None
        return {goal: goal.at(self.values) for goal in stage.goals}

    def _licensed(self, stage: Stage) -> tuple[Constraint, ...]:
        expected = self._expected(stage)
        allowed = [] if expected is None else [goal - value for goal, value in expected.items()]
        for constraint in stage.fixes:
            if constraint.form not in allowed:
                raise Unverified(f"certificate: nothing proved so far allows {constraint}")
        return stage.fixes

    def _check_solution(self, *, constraints: bool) -> None:
        if constraints and (broken := self.system.violations(self.values)):
            raise Unverified(f"certificate: the solution violates {broken[0]} <- {broken[0].reason}")
        proved = set(self.stages[-1].goals) if self.stages and self.stages[-1].unique else set()
        for name in self.values:
            if Affine.unknown(name) not in proved:
                raise Unverified(f"certificate: nothing proves that {name} is unique")


@dataclass(frozen=True)
class Certificate:
    """The proofs of every axis. `verify()` returns True, or raises Unverified saying which line is wrong."""

    axes: tuple[AxisCertificate, ...]

    def verify(self) -> bool:
        """Check every line in exact arithmetic. Cost: linear in the length of the proofs."""
        if not self.axes:
            raise Unverified("certificate: it proves nothing: it has no axes")
        for part in self.axes:
            part.verify()
        return True

    def on(self, axis: str) -> AxisCertificate:
        """Return the part that proves the exponents of one axis; KeyError if it isn't there."""
        return {part.axis: part for part in self.axes}[axis]


def check_tree(
    tree: Tree,
    definitions: Sequence[Definition],
    known: list[Constraint],
    expected: Mapping[Affine, Number] | None,
    unique: bool = True,
) -> None:
    """Raise Unverified unless the tree covers all cases and proves the expected values in each.

    `expected` None means that every case must be contradictory; `unique` asks for upper bounds too.
    """
    for lemma in tree.lemmas:
        _check_lemma(lemma, definitions, known)
        known.append(lemma.adds)
    if isinstance(tree, Dead):
        if tree.farkas.claim != Affine.number(1) or tree.farkas.sense != "<=":
            raise Unverified("certificate: a case called impossible must prove 1 <= 0")
        tree.farkas.check(known)
    elif isinstance(tree, Branch):
        _check_branch(tree, definitions, known, expected, unique)
    else:
        _check_leaf(tree, known, expected, unique)


def _check_lemma(lemma: Lemma, definitions: Sequence[Definition], known: Sequence[Constraint]) -> None:
    form, sense = lemma.adds.form, lemma.adds.sense
    claims = [form] if len(lemma.proofs) == 1 else [form, -form]
    senses = {"<="} if len(lemma.proofs) != 1 else {sense}
    if lemma.definition is not None:
        senses = {"<="}
        definition = definitions[lemma.definition]
        terms = [term.value for term in definition.maximum.terms]
        best = terms.pop(lemma.largest)
        if form != Affine.unknown(definition.name) - best:
            raise Unverified(f"certificate: the lemma {lemma.adds} isn't about a term of {definition.name}")
        claims = [term - best for term in terms]
    stated = lemma.definition is None and len(lemma.proofs) == 1
    if (sense != "==" and not stated) or [proof.claim for proof in lemma.proofs] != claims:
        raise Unverified(f"certificate: the proofs of the lemma {lemma.adds} prove something else")
    if any(proof.sense not in senses for proof in lemma.proofs):
        raise Unverified(f"certificate: the proofs of the lemma {lemma.adds} prove something else")
    for proof in lemma.proofs:
        proof.check(known)


def _check_branch(
    tree: Branch,
    definitions: Sequence[Definition],
    known: list[Constraint],
    expected: Mapping[Affine, Number] | None,
    unique: bool,
) -> None:
    definition = definitions[tree.definition]
    forms = [Affine.unknown(definition.name) - term.value for term in definition.maximum.terms]
    if [case.assumes.form for case in tree.cases] != forms or any(
        c.assumes.sense != "==" for c in tree.cases
    ):
        raise Unverified(f"certificate: the cases of {definition.name} don't cover the terms of its maximum")
    for case in tree.cases:
        check_tree(case.then, definitions, [*known, case.assumes], expected, unique)


def _check_leaf(
    tree: Leaf, known: Sequence[Constraint], expected: Mapping[Affine, Number] | None, unique: bool
) -> None:
    if expected is None:
        raise Unverified("certificate: a proof of infeasibility must end every case in a contradiction")
    if [bound.objective for bound in tree.bounds] != list(expected):
        raise Unverified("certificate: a case leaves a goal without its proof")
    for bound in tree.bounds:
        if unique and bound.upper is None:
            raise Unverified(f"certificate: no upper bound proves that {bound.objective} is unique")
        _check_bound(bound, known, expected[bound.objective])


def _check_bound(bound: Bound, known: Sequence[Constraint], expected: Number) -> None:
    lower = Affine(bound.value) - bound.objective
    if bound.lower.claim != lower or (bound.upper is not None and bound.upper.claim != -lower):
        raise Unverified(f"certificate: the proofs about {bound.objective} prove something else")
    if bound.value < expected or (bound.upper is not None and bound.value != expected):
        raise Unverified(f"certificate: {bound.objective} is proved to be {bound.value}, not {expected}")
    bound.lower.check(known)
    if bound.upper is not None:
        bound.upper.check(known)
