"""Search the cells of a system: split a maximum only where the answer depends on its largest term."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scalewright.theory.errors import NotUnique, Unverified
from scalewright.theory.solver.affine import Affine, Number
from scalewright.theory.solver.cells import Cell
from scalewright.theory.solver.certificate import Bound, Branch, Case, Dead, Leaf, Proof, Stage, Tree
from scalewright.theory.solver.system import Constraint

MOST_CELLS = 4096


@dataclass
class Search:
    """One question: bound the goals from below (and above, if `unique`) in every cell that can occur.

    `split_all` splits every maximum before it asks; otherwise bounds that hold without a split are taken
    first.
    """

    goals: tuple[Affine, ...]
    unique: bool
    split_all: bool = False
    cells: int = 0

    def explore(self, cell: Cell) -> Tree:
        """Return the proof tree below a cell. Cost: one LP per goal that simple conclusions leave open."""
        self.cells += 1
        if self.cells > MOST_CELLS:
            raise Unverified(
                f"derive: more than {MOST_CELLS} cells; add requirements that decide which terms dominate"
            )
        cell.saturate()
        if cell.farkas is not None:
            return Dead(tuple(cell.lemmas), cell.farkas)
        if cell.unresolved and self.split_all:
            return self._split(cell)
        answer = self._bounds(cell)
        if isinstance(answer, Proof):
            return Dead(tuple(cell.lemmas), answer)
        if isinstance(answer, tuple):
            return Leaf(tuple(cell.lemmas), answer)
        if cell.unresolved:
            return self._split(cell)
        raise NotUnique(answer)

    def _split(self, cell: Cell) -> Branch:
        index = next(iter(cell.unresolved))
        definition = cell.definitions[index]
        cases = []
        for term in definition.maximum.terms:
            child = cell.copy()
            assumes = Constraint(Affine.unknown(definition.name) - term.value, "==", f"case: {term.reason}")
            child.choose(index, assumes)
            cases.append(Case(assumes, self.explore(child)))
        return Branch(tuple(cell.lemmas), index, tuple(cases))

    def _bounds(self, cell: Cell) -> tuple[Bound, ...] | Proof | str:
        """Return bounds of all goals, a contradiction, or the sentence saying which goal stays open."""
        found = []
        for goal in self.goals:
            lower = cell.least(goal)
            if isinstance(lower, Proof):
                return lower
            if not self.unique:
                if lower is None:
                    return (
                        f"derive: the requirements leave {goal} without a lower bound; add one that bounds it"
                    )
                found.append(lower)
                continue
            upper = cell.least(-goal)
            if lower is None or not isinstance(upper, Bound) or lower.value != -upper.value:
                return _open(goal, lower, upper)
            found.append(Bound(goal, lower.value, lower.lower, upper.lower))
        return tuple(found)


def _open(goal: Affine, lower: Bound | None, upper: Bound | Proof | None) -> str:
    low = "-oo" if lower is None else str(lower.value)
    high = str(-upper.value) if isinstance(upper, Bound) else "oo"
    return f"derive: the requirements leave {goal} free between {low} and {high}; add one that settles it"


def leaves(tree: Tree) -> Iterator[Leaf]:
    """Yield the cases that can occur."""
    if isinstance(tree, Leaf):
        yield tree
    elif isinstance(tree, Branch):
        for case in tree.cases:
            yield from leaves(case.then)


def agreed(stage: Stage) -> dict[Affine, Number] | None:
    """Return what the goals are: the least value over all cases; None if no case can occur.

    Raises NotUnique if the stage asks for unique values and two cases have different ones.
    """
    values: dict[Affine, Number] = {}
    found = False
    for leaf in leaves(stage.tree):
        found = True
        for bound in leaf.bounds:
            known = values.setdefault(bound.objective, bound.value)
            if stage.unique and known != bound.value:
                raise NotUnique(
                    f"derive: the requirements allow {bound.objective} to be {known} or {bound.value}; "
                    "add one that settles it"
                )
            values[bound.objective] = min(known, bound.value)
    return values if found else None


def fixed(values: Mapping[Affine, Number], reason: str) -> tuple[Constraint, ...]:
    """Return the constraints that each goal takes its value."""
    return tuple(Constraint(goal - value, "==", reason) for goal, value in values.items())


def ask(goals: Sequence[Affine], cell: Cell, unique: bool, split_all: bool) -> Stage:
    """Return the stage that answers one question about a cell, without the constraints it fixes."""
    tree = Search(tuple(goals), unique, split_all).explore(cell)
    return Stage(tuple(goals), tree, unique)
