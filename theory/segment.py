"""A segment of solutions: all exponents as functions of one of them, between two ends, with a proof."""

from collections.abc import Mapping
from dataclasses import dataclass

from scalewright.theory.desiderata.learning import feature_diversity, non_lazy_blocks
from scalewright.theory.errors import NotUnique, ScalingError, Unverified
from scalewright.theory.problem import Problem
from scalewright.theory.solver.affine import Affine, Number, quotient
from scalewright.theory.solver.cells import Cell
from scalewright.theory.solver.certificate import AxisCertificate, Bound, Stage, check_tree
from scalewright.theory.solver.search import leaves
from scalewright.theory.solver.solve import solve, stages_of
from scalewright.theory.solver.system import Constraint, System


@dataclass(frozen=True)
class Segment:
    """The solutions on one axis: coordinate from `low` to `high`, the others affine functions of it.

    `forms` are the combinations of unknowns that are the same on the whole segment, `stages` their proof;
    `ends` are the two solutions at the ends by name, `preferred` the one that `derive` returns.
    """

    axis: str
    coordinate: str
    low: Number
    high: Number
    system: System
    forms: tuple[Affine, ...]
    stages: tuple[Stage, ...]
    ends: Mapping[str, AxisCertificate]
    preferred: str

    def __str__(self) -> str:
        names = ", ".join(f"{name} at {self.at(name)}" for name in self.ends)
        place = f"{self.coordinate[0]} of {self.coordinate[2:-1]}"
        return f"a segment of solutions: {place} from {self.low} to {self.high} ({names})"

    def at(self, end: str) -> Number:
        """Return the coordinate of an end."""
        return self.ends[end].values[self.coordinate]

    def between(self, value: Number) -> dict[str, Number]:
        """Return the values of all unknowns where the coordinate has a value between the ends.

        Raises ScalingError for a value outside of `low` to `high`.
        """
        if not self.low <= value <= self.high:
            raise ScalingError(
                f"Segment.between: value must lie between {self.low} and {self.high}; given {value}"
            )
        first, last = (self._end(side) for side in (self.low, self.high))
        part = quotient(value - self.low, self.high - self.low)
        return {name: first[name] + part * (last[name] - first[name]) for name in first}

    def _end(self, side: Number) -> Mapping[str, Number]:
        for end in self.ends.values():
            if end.values[self.coordinate] == side:
                return end.values
        raise Unverified(f"segment: no end has {self.coordinate} = {side}")

    def verify(self) -> bool:
        """Return True if every solution is on the segment, and both ends and the middle are solutions.

        Raises Unverified at the first line of a proof that is wrong.
        """
        known = list(self.system.all_constraints())
        middle = self.between(quotient(self.low + self.high, 2))
        for values in (self._end(self.low), middle, self._end(self.high)):
            if broken := self.system.violations(values):
                raise Unverified(f"segment: a point of it violates {broken[0]} <- {broken[0].reason}")
        expected = {form: form.at(middle) for form in self.forms}
        sides = {Affine.unknown(self.coordinate): self.low, -Affine.unknown(self.coordinate): -self.high}
        for stage, wanted in zip(self.stages, (expected, sides), strict=True):
            if list(stage.goals) != list(wanted):
                raise Unverified("segment: the proofs are about other combinations")
            check_tree(stage.tree, self.system.definitions, list(known), wanted, stage.unique)
        return True


def segment_of(problem: Problem, system: System, root: Cell) -> Segment | None:
    """Return the segment of all solutions, proved, or None if they don't form one with two ends.

    `root` is the cell of the problem's system, in which conclusions may have been drawn already.
    """
    if problem.extremes:
        return None
    asked = problem.asked
    coordinate = _coordinate(problem, root)
    if coordinate is None:
        return None
    goal = Affine.unknown(coordinate)
    try:
        sides = stages_of(system, root, (), (goal, -goal), axis=problem.sizes.axis.name, unique=False)
        assert sides is not None
        low, high = _sides(sides[0])
        ends = [_solved_at(problem, system, coordinate, value) for value in (low, high)]
        forms = _forms(asked, coordinate, ends[0].values, ends[1].values)
        same = stages_of(system, root, (), forms)
    except NotUnique:
        return None
    assert same is not None
    named = _named(problem, system, ends)
    preferred = "completep" if "completep" in named else list(named)[-1]
    found = Segment(
        problem.sizes.axis.name, coordinate, low, high, system, forms, (same[0], sides[0]), named, preferred
    )
    found.verify()
    return found


def _coordinate(problem: Problem, cell: Cell) -> str | None:
    """Return the unknown by which the segment is described: a multiplier if one is free."""
    cell.saturate()
    free = [next(iter(form.coefficients)) for form in problem.asked if not cell.reduce(form)[0].is_constant]
    return next((name for name in free if name.startswith("m[")), free[0] if free else None)


def _sides(stage: Stage) -> tuple[Number, Number]:
    bounds: list[tuple[Bound, ...]] = [leaf.bounds for leaf in leaves(stage.tree)]
    return min(b[0].value for b in bounds), max(-b[1].value for b in bounds)


def _solved_at(problem: Problem, system: System, coordinate: str, value: Number) -> AxisCertificate:
    end = Constraint(
        Affine.unknown(coordinate) - value, "==", f"the end of the segment: {coordinate} = {value}"
    )
    ended = System(system.definitions, (*system.constraints, end))
    return solve(problem.sizes.axis.name, ended, (), problem.asked)


def _forms(
    asked: tuple[Affine, ...], coordinate: str, low: Mapping[str, Number], high: Mapping[str, Number]
) -> tuple[Affine, ...]:
    """Return unknown - slope * coordinate for every unknown."""
    length = high[coordinate] - low[coordinate]
    if not length:
        raise NotUnique("derive: the segment has no length")
    forms = []
    for form in asked:
        name = next(iter(form.coefficients))
        if name != coordinate:
            slope = quotient(high[name] - low[name], length)
            forms.append(form - Affine.unknown(coordinate) * slope)
    return tuple(forms)


def _named(problem: Problem, system: System, ends: list[AxisCertificate]) -> dict[str, AxisCertificate]:
    """Name the ends by what they meet: feature diversity (Depth-muP), non-lazy blocks (CompleteP)."""
    tests = {"depth-mup": feature_diversity, "completep": non_lazy_blocks}
    found: dict[str, AxisCertificate] = {}
    for end in ends:
        values = system.complete(end.values)
        met = [
            name
            for name, item in tests.items()
            if (rows := list(item.constraints(problem.sizes))) and all(row.holds(values) for row in rows)
        ]
        found[met[0] if met else f"{len(found) + 1}"] = end
    return found
