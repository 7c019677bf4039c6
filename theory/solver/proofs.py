"""Print proofs: every line is a multiplier, a constraint and its reason; the lines add up to the claim."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from scalewright.theory.solver import lp
from scalewright.theory.solver.affine import Affine, Number, add_to, magnitude, quotient
from scalewright.theory.solver.certificate import AxisCertificate, Bound, Branch, Dead, Lemma, Proof, Tree
from scalewright.theory.solver.system import Constraint, Definition

LEGEND = """\
A weight acts as N^-a w, starts with deviation N^-b, has rate N^-c, epsilon N^e and decay N^w.
s, D, G are the exponents of a tensor's size, of its change, and of the gradient with respect to it; z is
max(s, D); E of an effective update (W_t - W_0) x_t; g and U of a weight's gradient and of its update; M of
what the gradient is divided by; N^-m is a factor that belongs to no weight."""


@dataclass
class Table:
    """The constraints known at one place of a proof, which of them are lemmas, and the cases assumed."""

    definitions: Sequence[Definition]
    constraints: list[Constraint]
    lemmas: dict[int, Lemma] = field(default_factory=dict)
    assumed: tuple[Constraint, ...] = ()
    short: bool = False

    def with_lemmas(self, lemmas: Iterable[Lemma]) -> "Table":
        """Return the table with the lemmas of a node added."""
        found = Table(self.definitions, list(self.constraints), dict(self.lemmas), self.assumed, self.short)
        for lemma in lemmas:
            found.lemmas[len(found.constraints)] = lemma
            found.constraints.append(lemma.adds)
        return found

    def within(self, case: Constraint) -> "Table":
        """Return the table with the assumption of a case added."""
        return Table(
            self.definitions, [*self.constraints, case], dict(self.lemmas), (*self.assumed, case), self.short
        )

    def needed(self, proofs: Iterable[Proof]) -> list[int]:
        """Return the lemmas on which the proofs rest, in the order in which they were proved."""
        wanted: set[int] = set()
        front = list(proofs)
        while front:
            for index, _ in self.plain(front.pop()).multipliers:
                if index in self.lemmas and index not in wanted:
                    wanted.add(index)
                    front.extend(self.lemmas[index].proofs)
        return sorted(wanted)

    def plain(self, proof: Proof) -> Proof:
        """Return the proof for reading: the shortest if asked for, else without lemmas that are mere sums."""
        key = (proof.claim, proof.sense, proof.multipliers)
        if key not in self._plain:
            self._plain[key] = (self._shortest(proof) if self.short else None) or self._flat(proof)
        return self._plain[key]

    @cached_property
    def _plain(self) -> dict[object, Proof]:
        return {}

    def _flat(self, proof: Proof) -> Proof:
        """Return the proof with every lemma that is a mere sum of lines replaced by those lines."""
        total = dict(proof.multipliers)
        for index in sorted(total, reverse=True):
            self._expand(total, index)
        return Proof(proof.claim, proof.sense, tuple(sorted(total.items())))

    def _shortest(self, proof: Proof) -> Proof | None:
        """Return the proof with the smallest multipliers from lines before it."""
        last = max((index for index, _ in proof.multipliers), default=-1)
        places = [
            index
            for index in range(min(last + 1, len(self.constraints)))
            if index not in self.lemmas or self.lemmas[index].definition is not None
        ]
        lines = [self.constraints[index] for index in places]
        found = lp.shortest_proof(
            proof.claim,
            [line.form for line in lines],
            [line.sense == "==" for line in lines],
            strict=proof.sense == "==",
            costly=frozenset(place for place, index in enumerate(places) if index in self.lemmas),
        )
        if found is None:
            return None
        return Proof(proof.claim, "<=", tuple(sorted((places[i], value) for i, value in found.items())))

    def _expand(self, total: dict[int, Number], first: int) -> None:
        front = [first]
        while front:
            index = front.pop()
            lemma = self.lemmas.get(index)
            if index not in total or lemma is None or not _is_sum(lemma):
                continue
            add_to(total, dict(lemma.proofs[0].multipliers), total.pop(index))
            front = sorted({*front, *(i for i, _ in lemma.proofs[0].multipliers)})

    def flat(self, proof: Proof) -> dict[int, Number]:
        """Return the proof's multipliers with squeezed equalities replaced by their inequalities."""
        total: dict[int, Number] = {}
        for index, multiplier in self.plain(proof).multipliers:
            lemma = self.lemmas.get(index)
            if lemma is None or lemma.definition is not None:
                add_to(total, {index: 1}, multiplier)
            else:
                side = lemma.proofs[0 if multiplier > 0 else 1]
                add_to(total, self.flat(side), magnitude(multiplier))
        return total


def _is_sum(lemma: Lemma) -> bool:
    return lemma.definition is None and len(lemma.proofs) == 1


def proof_of(part: AxisCertificate, goal: Affine, *, short: bool = False) -> str:
    """Return the proof of one exponent, without multipliers; `short`: rewritten for reading."""
    lines: list[str] = []
    table = Table(part.system.definitions, list(part.system.all_constraints()), short=short)
    for stage in part.stages:
        for sign in (1, -1):
            if goal * sign in stage.goals:
                lines += _tree_lines(stage.tree, table, goal * sign, "")
        table.constraints.extend(stage.fixes)
    return "\n".join(lines)


def contradiction(part: AxisCertificate) -> str:
    """Return the Farkas combination of infeasible requirements as a sentence."""
    start = Table(part.system.definitions, list(part.system.all_constraints()))
    dead = list(_dead_cases(part.stages[-1].tree, start))
    first = len(start.constraints) - len(part.system.constraints)
    names = [
        table.constraints[index].reason.split(":")[0]
        for farkas, table in dead
        for index in sorted(table.flat(farkas))
        if first <= index < len(start.constraints)
    ]
    asked = [name for name in dict.fromkeys(names) if name != "gauge"]
    head = f"derive: {' and '.join(asked)} cannot hold together"
    return f"{head}: " + "; and ".join(_sentence(farkas, table) for farkas, table in dead)


def _sentence(farkas: Proof, table: Table) -> str:
    multipliers = table.flat(farkas)
    scale = min(magnitude(value) for value in multipliers.values())
    total = Affine()
    items = []
    for index, value in sorted(multipliers.items()):
        constraint = table.constraints[index]
        total = total.plus(constraint.form, quotient(value, scale))
        items.append(f"{_number(quotient(value, scale))} x [{constraint}] <- {constraint.reason}")
    cases = " and ".join(str(case) for case in table.assumed)
    return (f"if {cases}, " if cases else "") + " + ".join(items) + f" add up to {total} <= 0"


def _dead_cases(tree: Tree, table: Table) -> Iterator[tuple[Proof, Table]]:
    """Yield the contradiction of every case with what is known there."""
    table = table.with_lemmas(tree.lemmas)
    if isinstance(tree, Dead):
        yield tree.farkas, table
    elif isinstance(tree, Branch):
        for case in tree.cases:
            yield from _dead_cases(case.then, table.within(case.assumes))


def _tree_lines(tree: Tree, table: Table, goal: Affine, indent: str) -> list[str]:
    table = table.with_lemmas(tree.lemmas)
    if isinstance(tree, Branch):
        lines = []
        for number, case in enumerate(tree.cases, 1):
            heading = f"Case {number} of {len(tree.cases)}: {case.assumes} <- {case.assumes.reason}"
            inside = _tree_lines(case.then, table.within(case.assumes), goal, indent + "  ")
            lines += [indent + heading, *inside]
        return lines
    if isinstance(tree, Dead):
        return [*_proof_lines([tree.farkas], table, indent), f"{indent}so this case cannot occur"]
    return _bound_lines(next(b for b in tree.bounds if b.objective == goal), table, indent)


def _bound_lines(bound: Bound, table: Table, indent: str) -> list[str]:
    if bound.upper is None:
        proofs, sign = [bound.lower], ">="
    else:
        proofs, sign = [bound.upper], "="
        if not _is_equality(bound.upper, table):
            proofs.append(bound.lower)
    conclusion = f"{indent}so {bound.objective} {sign} {bound.value}"
    return [*_proof_lines(proofs, table, indent), conclusion]


def _is_equality(proof: Proof, table: Table) -> bool:
    """Whether the proof uses equalities only, so that it proves the claim with = in place of <=."""
    return all(table.constraints[index].sense == "==" for index, _ in table.plain(proof).multipliers)


def _proof_lines(proofs: Sequence[Proof], table: Table, indent: str) -> list[str]:
    """Print the lemmas that the proofs need, in order, then the proofs."""
    lines = []
    for number, index in enumerate(table.needed(proofs), 1):
        lemma = table.lemmas[index]
        lines.append(f"{indent}Lemma {number}: {lemma.adds} <- {lemma.adds.reason}, because")
        for proof in lemma.proofs:
            lines += _sum_lines(table.plain(proof), table, indent + "  ")
    for proof in proofs:
        lines += _sum_lines(table.plain(proof), table, indent)
    return lines


def _sum_lines(proof: Proof, table: Table, indent: str) -> list[str]:
    rows = []
    for index, multiplier in proof.multipliers:
        constraint = table.constraints[index]
        rows.append((f"{_number(multiplier)} x [{constraint}]", constraint.reason))
    width = max((len(row[0]) for row in rows), default=0)
    lines = [f"{indent}  {left.ljust(width)}  <- {reason}" for left, reason in rows]
    rest = _remainder(proof, table)
    equal = _is_equality(proof, table) and not rest
    claim = f"{proof.claim} {'=' if equal else '<='} {rest}"
    return [*lines, f"{indent}  add up to {claim}"]


def _remainder(proof: Proof, table: Table) -> Number:
    """Return the number that the combination leaves: claim = sum + this, which is 0 or negative."""
    rest = proof.claim
    for index, multiplier in proof.multipliers:
        rest = rest.plus(table.constraints[index].form, -multiplier)
    return rest.constant


def _number(value: Number) -> str:
    return str(value) if value > 0 else f"({value})"
