"""Print proofs: every line is a multiplier, a constraint and the reason for it; the lines add up to the claim."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from scalewright.theory.affine import Affine
from scalewright.theory.certificate import (
    AxisCertificate,
    Bound,
    Branch,
    Dead,
    Lemma,
    Proof,
    Stage,
    Tree,
)
from scalewright.theory.system import Constraint, Definition

LEGEND = (
    "a weight acts as N^-a w, starts with standard deviation N^-b, has rate N^-c, epsilon N^e and decay N^w;\n"
    "s, D, G: exponents of a tensor's size, of its change since initialisation, of the gradient with respect to it"
)


def proof_of(part: AxisCertificate, goal: Affine) -> str:
    """Return the proof of one exponent, in the gauge in which it was solved."""
    lines: list[str] = []
    known = list(part.system.all_constraints())
    for stage in part.stages:
        if goal in stage.goals:
            if not stage.unique:
                lines.append(f"At least, in every case ({goal} is made as small as the requirements allow):")
            lines += _tree_lines(stage.tree, part.system.definitions, list(known), goal, "")
        known.extend(stage.fixes)
    return "\n".join(lines)


def contradiction(part: AxisCertificate) -> str:
    """Return the Farkas combination of infeasible requirements as a sentence."""
    known = list(part.system.all_constraints())
    cases = list(_dead_cases(part.stages[-1].tree, known, part.system.definitions, []))
    texts = []
    for assumed, proof, table in cases:
        where = (
            ""
            if not assumed
            else "if " + " and ".join(c.reason.removeprefix("case: ") for c in assumed) + ", "
        )
        items = [f"{_number(m)} x [{table[i]}] <- {table[i].reason}" for i, m in proof.multipliers]
        texts.append(where + "; ".join(items) + "; these add up to 1 <= 0")
    return "derive: these requirements cannot hold together: " + ". And ".join(texts)


def _dead_cases(
    tree: Tree, known: Sequence[Constraint], definitions: Sequence[Definition], assumed: list[Constraint]
) -> Iterator[tuple[list[Constraint], Proof, list[Constraint]]]:
    """Yield, for every case, its assumptions and its contradiction in terms of given constraints only."""
    table = [*known, *(lemma.adds for lemma in tree.lemmas)]
    if isinstance(tree, Dead):
        yield assumed, tree.farkas, table
    elif isinstance(tree, Branch):
        for case in tree.cases:
            yield from _dead_cases(case.then, [*table, case.assumes], definitions, [*assumed, case.assumes])


def _tree_lines(
    tree: Tree, definitions: Sequence[Definition], known: list[Constraint], goal: Affine, indent: str
) -> list[str]:
    start = len(known)
    known = [*known, *(lemma.adds for lemma in tree.lemmas)]
    if isinstance(tree, Branch):
        lines = []
        for number, case in enumerate(tree.cases, 1):
            lines.append(
                f"{indent}Case {number} of {len(tree.cases)}: {case.assumes} <- {case.assumes.reason}"
            )
            lines += _tree_lines(case.then, definitions, [*known, case.assumes], goal, indent + "  ")
        return lines
    if isinstance(tree, Dead):
        return _proof_lines([tree.farkas], tree.lemmas, start, known, indent) + [
            f"{indent}so this case cannot occur"
        ]
    bound = next(bound for bound in tree.bounds if bound.objective == goal)
    return _bound_lines(bound, tree.lemmas, start, known, indent)


def _bound_lines(
    bound: Bound, lemmas: Sequence[Lemma], start: int, known: Sequence[Constraint], indent: str
) -> list[str]:
    if bound.upper is None:
        return [
            *_proof_lines([bound.lower], lemmas, start, known, indent),
            f"{indent}so {bound.objective} >= {bound.value}",
        ]
    proofs = [bound.upper] if _mirrored(bound, known) else [bound.upper, bound.lower]
    return [
        *_proof_lines(proofs, lemmas, start, known, indent),
        f"{indent}so {bound.objective} = {bound.value}",
    ]


def _mirrored(bound: Bound, known: Sequence[Constraint]) -> bool:
    """Whether the upper bound uses equalities only, so that it's the lower bound as well."""
    assert bound.upper is not None
    return all(known[index].sense == "==" for index, _ in bound.upper.multipliers)


def _proof_lines(
    proofs: Sequence[Proof], lemmas: Sequence[Lemma], start: int, known: Sequence[Constraint], indent: str
) -> list[str]:
    """Print the lemmas that the proofs need, in order, then the proofs."""
    lines = []
    for number, place in enumerate(_needed(proofs, lemmas, start), 1):
        lemma = lemmas[place]
        lines.append(f"{indent}Lemma {number}: {lemma.adds} <- {lemma.adds.reason}, because")
        for proof in lemma.proofs:
            lines += _sum_lines(proof, known, indent + "  ")
    for proof in proofs:
        lines += _sum_lines(proof, known, indent)
    return lines


def _needed(proofs: Sequence[Proof], lemmas: Sequence[Lemma], start: int) -> list[int]:
    wanted: set[int] = set()
    front = list(proofs)
    while front:
        for index, _ in front.pop().multipliers:
            if start <= index < start + len(lemmas) and index - start not in wanted:
                wanted.add(index - start)
                front.extend(lemmas[index - start].proofs)
    return sorted(wanted)


def _sum_lines(proof: Proof, known: Sequence[Constraint], indent: str) -> list[str]:
    rows = [(f"{_number(m)} x [{known[i]}]", known[i].reason) for i, m in proof.multipliers]
    width = max((len(row[0]) for row in rows), default=0)
    lines = [f"{indent}  {left.ljust(width)}  <- {reason}" for left, reason in rows]
    return [*lines, f"{indent}  add up to {proof}"]


def _number(value: Fraction) -> str:
    return str(value) if value > 0 else f"({value})"


def stages_of(part: AxisCertificate, goal: Affine) -> tuple[Stage, ...]:
    """Return the stages that prove something about the goal."""
    return tuple(stage for stage in part.stages if goal in stage.goals)
