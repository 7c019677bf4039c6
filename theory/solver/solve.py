"""Solve the exponents of one axis: requirements in, values with a certificate out."""

from collections.abc import Sequence
from fractions import Fraction

from scalewright.theory.calculus.sizes import Sizes, unknown
from scalewright.theory.desiderata import Desideratum, no_multipliers
from scalewright.theory.errors import Infeasible, NotUnique, Unverified
from scalewright.theory.solver.affine import Affine
from scalewright.theory.solver.cells import Cell
from scalewright.theory.solver.certificate import AxisCertificate, Certificate, Stage
from scalewright.theory.solver.search import agreed, ask, fixed
from scalewright.theory.solver.system import System

Values = dict[str, Fraction]


def system_of(sizes: Sizes, require: Sequence[Desideratum]) -> System:
    """Return the definitions of all sizes, with the gauge, the rules' own conditions and the requirements."""
    constraints = [*no_multipliers(sizes), *sizes.conditions]
    for item in require:
        constraints.extend(item.constraints(sizes))
    return System(tuple(sizes.definitions), tuple(constraints))


def unknowns(sizes: Sizes) -> tuple[Affine, ...]:
    """Return the exponents asked for: a, b, c of every parameter, e and w where the optimizer has them."""
    symbols = "abc" + ("e" if sizes.optimizer.has_eps else "") + ("w" if sizes.optimizer.has_decay else "")
    return tuple(unknown(symbol, node.name) for node in sizes.architecture.parameters for symbol in symbols)


def solve(sizes: Sizes, require: Sequence[Desideratum]) -> AxisCertificate:
    """Return the unique exponents that meet the requirements, with their proof.

    Extremes are sought stage by stage in the order in which the requirements name them. Every answer
    satisfies all constraints, and every proof is checked, in exact arithmetic before it's returned.

    Raises:
        Infeasible: the requirements can't hold together; the error carries the Farkas combination.
        NotUnique: they leave an exponent open.
        Unverified: an answer found in floating point has no exact proof.
    """
    system = system_of(sizes, require)
    extremes = [(item.name, item.least(sizes)) for item in require if item.least is not None]
    for split_all in (False, True):
        stages = _stages(system, extremes, unknowns(sizes), split_all)
        if stages is None:
            continue
        values = {next(iter(f.coefficients)): v for f, v in (agreed(stages[-1]) or {}).items()}
        if not system.violations(values):
            found = AxisCertificate(sizes.axis, system, values, stages)
            found.verify()
            return found
    if extremes:
        raise NotUnique(
            "derive: no single choice has every " + " and ".join(f"extreme of {n!r}" for n, _ in extremes)
        )
    raise Unverified(
        "derive: the solution of the linear programs doesn't satisfy the maxima; no answer is returned"
    )


def _stages(
    system: System,
    extremes: Sequence[tuple[str, tuple[Affine, ...]]],
    asked: tuple[Affine, ...],
    split_all: bool,
) -> tuple[Stage, ...] | None:
    """Answer the extremes one after another, then the values of all unknowns; None if the extremes clash."""
    cell = Cell.start(system.definitions, system.all_constraints())
    stages: list[Stage] = []
    for name, goals in [*extremes, ("", asked)]:
        stage = ask(goals, cell.copy(), unique=not name, split_all=split_all)
        values = agreed(stage)
        if values is None:
            if stages:
                return None
            raise _infeasible(system, stage)
        fixes = fixed(values, f"{name}: proved to be the extreme, and attained") if name else ()
        for constraint in fixes:
            cell.assume(constraint)
        stages.append(Stage(stage.goals, stage.tree, stage.unique, fixes))
    return tuple(stages)


def _infeasible(system: System, stage: Stage) -> Infeasible:
    from scalewright.theory.solver.proofs import contradiction

    part = AxisCertificate("", system, {}, (stage,))
    part.verify()
    return Infeasible(contradiction(part), Certificate((part,)))
