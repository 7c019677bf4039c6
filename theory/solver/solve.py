"""Solve the exponents of one axis: a system and what is asked in, values with a certificate out."""

from collections.abc import Sequence

from scalewright.theory.errors import Infeasible, NotUnique, Unreachable, Unverified
from scalewright.theory.solver import lp
from scalewright.theory.solver.affine import Affine, Number
from scalewright.theory.solver.cells import Cell
from scalewright.theory.solver.certificate import AxisCertificate, Certificate, Dead, Stage, Tree
from scalewright.theory.solver.proofs import contradiction
from scalewright.theory.solver.propagation import proof
from scalewright.theory.solver.search import agreed, ask, fixed
from scalewright.theory.solver.system import System, evaluate

Values = dict[str, Number]
Extremes = Sequence[tuple[str, tuple[Affine, ...]]]


def root_of(system: System) -> Cell:
    """Return the cell in which all that the system says is known, to put several questions to it."""
    return Cell.start(system.definitions, system.all_constraints())


def solve(
    axis: str, system: System, extremes: Extremes, asked: tuple[Affine, ...], root: Cell | None = None
) -> AxisCertificate:
    """Return the unique values of the asked unknowns, with their proof.

    Extremes are sought stage by stage in the order given. `root` is the system's root cell, if there is one.
    Before an answer is returned, every constraint and every proof is checked in exact arithmetic.

    Raises:
        Infeasible: the constraints can't hold together; the error carries the Farkas combination.
        NotUnique: they leave an unknown open, or no choice has every extreme.
        Unreachable: they have a solution, but training doesn't get there in a fixed number of steps.
        Unverified: an answer found in floating point has no exact proof.
    """
    root = root or root_of(system)
    for careful in (False, True):
        stages = stages_of(system, root, extremes, asked, axis=axis, careful=careful)
        if stages is None:
            continue
        values = {next(iter(f.coefficients)): v for f, v in (agreed(stages[-1]) or {}).items()}
        if not system.violations(values):
            found = AxisCertificate(axis, system, values, stages)
            found.verify(solution=False)
            return found
    if extremes:
        raise NotUnique(
            "derive: no single choice has every " + " and ".join(f"extreme of {n!r}" for n, _ in extremes)
        )
    raise _unreachable(system, values)


def _unreachable(system: System, values: Values) -> Exception:
    """Return the error for a solution that is no outcome of training."""
    steps = list(system.steps(values))
    if len(steps) > 1 and steps[-1] != steps[-2]:
        changing = next(d.name for d in system.order if steps[-1][d.name] != steps[-2][d.name])
        return Unreachable(
            "derive: the requirements have sizes at which training would be at rest, but it doesn't come to "
            f"rest there: from initialisation {changing} changes by a power of N with every step; {ADVICE}"
        )
    broken = system.violations(values)[0]
    tensors = [d.name[2:-1] for d in system.definitions if d.name.startswith("s[")]
    small = next((name for name in tensors if (steps[-1].get(f"z[{name}]") or 0) < 0), None)
    if small is None and evaluate(broken.form, steps[-1]) is None:
        return Unreachable(
            f"derive: training never gets there: {broken.reason}, but it is exactly zero at every step: what "
            "should move it is behind weights that start at zero and stay there; let one start at random"
        )
    if small is None:
        return Unverified(
            "derive: the solution of the linear programs doesn't satisfy the maxima; no answer is returned"
        )
    return Unreachable(
        "derive: training doesn't reach what is required in a fixed number of steps: "
        f"{small} starts at N^{steps[0][f's[{small}]']}, which keeps the gradients behind it small, and "
        f"{broken.reason.split(': ', 1)[0]} holds only once it is Theta(1), after a number of steps like "
        f"log N; {ADVICE}"
    )


ADVICE = "take an optimizer whose steps don't shrink with the gradient, such as adam, or drop a requirement"


def stages_of(
    system: System,
    root: Cell,
    extremes: Extremes,
    asked: tuple[Affine, ...],
    *,
    axis: str = "",
    careful: bool = False,
    unique: bool = True,
) -> tuple[Stage, ...] | None:
    """Answer the extremes one after another, then what is asked; None if the extremes clash."""
    cell = Cell.start(system.definitions, system.all_constraints()) if extremes else root
    stages: list[Stage] = []
    for name, goals in [*extremes, ("", asked)]:
        here = root if not stages else cell.copy()
        stage = ask(goals, here, unique=unique and not name, careful=careful)
        values = agreed(stage)
        if values is None:
            if stages:
                return None
            raise _infeasible(axis, system, stage)
        fixes = fixed(values, f"{name}: proved to be the extreme, and attained") if name else ()
        for constraint in fixes:
            cell.assume(constraint)
        stages.append(Stage(stage.goals, stage.tree, stage.unique, fixes))
    return tuple(stages)


def _infeasible(axis: str, system: System, stage: Stage) -> Infeasible:
    part = AxisCertificate(
        axis, system, {}, (Stage(stage.goals, _shortened(system, stage.tree), stage.unique),)
    )
    part.verify()
    return Infeasible(contradiction(part), Certificate((part,)))


def _shortened(system: System, tree: Tree) -> Tree:
    """Return the same contradiction with the smallest sum of multipliers, for reading."""
    if not isinstance(tree, Dead):
        return tree
    lines = dict(enumerate(system.all_constraints()))
    start = len(lines)
    lines |= {
        start + place: lemma.adds for place, lemma in enumerate(tree.lemmas) if lemma.definition is not None
    }
    found = lp.shortest_proof(
        Affine.number(1),
        [line.form for line in lines.values()],
        [line.sense == "==" for line in lines.values()],
        costly=frozenset(place for place, index in enumerate(lines) if index >= start),
    )
    if found is None:
        return tree
    places = list(lines)
    combination = {places[place]: value for place, value in found.items()}
    return Dead(tree.lemmas, proof(Affine.number(1), "<=", combination))
