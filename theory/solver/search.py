"""Search the cells of a system: split a maximum only where the answer depends on its largest term."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scalewright.theory.errors import NotUnique, Unverified
from scalewright.theory.solver.affine import Affine, Number
from scalewright.theory.solver.cells import Cell
from scalewright.theory.solver.certificate import Bound, Branch, Case, Dead, Leaf, Proof, Stage, Tree
from scalewright.theory.solver.system import Constraint

MOST_CELLS = 4096


@dataclass
class Search:
    """One question: bound the goals from below (and above, if `unique`) in every cell that can occur.

    `careful` splits a maximum wherever the best point of a cell exceeds it. Otherwise bounds that hold
    without a split are taken, which is right if a solution attains them. `best` holds the least values yet.
    """

    goals: tuple[Affine, ...]
    unique: bool
    careful: bool = False
    cells: int = 0
    best: dict[Affine, Number] = field(default_factory=dict)

    def explore(self, cell: Cell) -> Tree:
        """Return the proof tree below a cell. Cost: one LP per goal that simple conclusions leave open.

        Raises NotUnique where a goal stays open, Unverified if there are more than MOST_CELLS cells.
        """
        self.cells += 1
        if self.cells > MOST_CELLS:
            raise Unverified(
                f"derive: more than {MOST_CELLS} cells; add requirements that decide which terms dominate"
            )
        cell.saturate()
        if cell.farkas is not None:
            return Dead(tuple(cell.lemmas), cell.farkas)
        answer = self._bounds(cell)
        if isinstance(answer, Proof):
            return Dead(tuple(cell.lemmas), answer)
        exceeded = self._exceeded(cell, answer)
        if exceeded is not None:
            return self._split(cell, exceeded)
        if isinstance(answer, str):
            raise NotUnique(answer)
        for bound in answer:
            self.best[bound.objective] = min(bound.value, self.best.get(bound.objective, bound.value))
        return Leaf(tuple(cell.lemmas), answer)

    def _exceeded(self, cell: Cell, answer: tuple[Bound, ...] | str) -> int | None:
        """Return the maximum to split in this cell, None if its bounds can stand."""
        if not cell.unresolved:
            return None
        if isinstance(answer, str):
            return next(iter(cell.unresolved))
        if not self.careful or (not self.unique and self._is_beaten(answer)):
            return None
        return cell.exceeded(self.goals)

    def _is_beaten(self, bounds: tuple[Bound, ...]) -> bool:
        """Whether no goal can be less here than in a cell that was explored."""
        return all(b.objective in self.best and b.value >= self.best[b.objective] for b in bounds)

    def _split(self, cell: Cell, index: int) -> Branch:
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
                return _open(goal, lower, upper, whole=self.cells == 1)
            found.append(Bound(goal, lower.value, lower.lower, upper.lower))
        return tuple(found)


def _open(goal: Affine, lower: Bound | None, upper: Bound | Proof | None, *, whole: bool) -> str:
    low = "-oo" if lower is None else str(lower.value)
    high = str(-upper.value) if isinstance(upper, Bound) else "oo"
    if not whole:
        return (
            f"derive: the requirements leave {goal} open, in one case from {low} to {high}; "
            "add one that settles it"
        )
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


def ask(goals: Sequence[Affine], cell: Cell, unique: bool, careful: bool) -> Stage:
    """Return the stage that answers one question about a cell, without the constraints it fixes."""
    tree = Search(tuple(goals), unique, careful).explore(cell)
    return Stage(tuple(goals), tree, unique)
