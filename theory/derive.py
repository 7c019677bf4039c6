"""The front door: from an architecture, an optimizer and requirements to a parametrization with its proof."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from scalewright.theory.calculus.alignment import Alignment
from scalewright.theory.calculus.optimizers import Assignment, Optimizer, assignment
from scalewright.theory.conventions import multipliers, scaling
from scalewright.theory.desiderata import DESIDERATA, MAXIMAL_UPDATE
from scalewright.theory.desiderata.base import Desideratum, chosen
from scalewright.theory.errors import ArchitectureError, NotUnique, expect
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.parametrization import Parametrization
from scalewright.theory.power import Exponent
from scalewright.theory.preference import heaviest, weighed
from scalewright.theory.problem import Problem, axes_of, problems
from scalewright.theory.segment import Segment, segment_of
from scalewright.theory.solver.certificate import AxisCertificate, Certificate
from scalewright.theory.solver.solve import root_of, solve


def derive(
    architecture: Architecture,
    optimizer: str | Optimizer | Assignment | Mapping[str, object] = "sgd",
    axes: tuple[str, ...] = ("width",),
    require: Iterable[Desideratum | str] | None = None,
    *,
    prefer: Mapping[Desideratum | str, Exponent] | None = None,
    ray: Mapping[str, Exponent] | None = None,
    alignment: Alignment | None = None,
) -> Parametrization:
    """Derive the exponents that meet the requirements, unique up to gauge, with a certificate.

    Without `require`: the maximal update parametrization (stable, nontrivial, every parameter moves its
    output by Theta(1)). The answer is stated without multipliers; `in_gauge` restates it.

    Args:
        architecture: the graph of the network.
        optimizer: a name ("sgd", "adamw", "muon", "shampoo(1/2)", ...), "muon+adamw" for hidden matrices and
            the rest, or a mapping from rules ("hidden", "rest", a pattern of names) to names.
        axes: the sizes that grow, in the order in which they grow. Each is solved with the others held.
        require: desiderata, as objects of `theory.desiderata` or by name. Epsilon transfer and decay transfer
            are added for optimizers that have an epsilon or a decay, unless a requirement settles these.
        prefer: further requirements with weights: of those that can't all hold, the heaviest set is kept, and
            `dropped` says why not the others.
        ray: other sizes as powers of the one axis, `axes=("width",), ray={"depth": "1/2"}` for L = n^(1/2);
            the answer then holds the total powers of the axis.
        alignment: how sums over the fan-in add up; the default is that of Yang and Hu (2021).

    Returns:
        The Parametrization; powers of fixed sizes and gamma stand beside the solved ones by convention. Where
        the requirements leave a segment of solutions (the branch multiplier L^-m of residual blocks, m from
        1/2 to 1), the end with non-lazy blocks, with `vertices` holding both ends by name.

    Raises:
        Infeasible: the requirements can't hold together; carries the Farkas combination as its certificate.
        NotUnique: they leave an exponent open, other than on a segment.
        Unreachable: training doesn't get to what they ask for in a fixed number of steps.
        Unverified: no exact proof could be built.
        ScalingError: unknown names, or preferences that aren't positive or are too many.
        TypeError: a float, or requirements that aren't a list.

    Cost: 1 to 2 ms a parameter and axis; no linear program at all where every requirement is an equality.

    >>> from scalewright.theory.graph.perceptrons import mlp
    >>> [str(s.lr.only(["width"])) for s in derive(mlp(), "sgd").entries.values()]
    ['n', '1', 'n^-1']
    """
    expect(architecture, Architecture, "derive: architecture")
    expect(alignment or Alignment(), Alignment, "derive: alignment")
    if not architecture.trainable:
        raise ArchitectureError("derive: the architecture must have a trainable parameter; given none")
    rules = assignment(optimizer, "derive")
    wanted = MAXIMAL_UPDATE if require is None else chosen(require, "derive", DESIDERATA)
    grown = axes_of(architecture, axes, ray)

    def solve_with(kept: tuple[Desideratum, ...]) -> Parametrization:
        name = "mup" if require is None and not kept else "derived"
        return _derived(tuple(problems(architecture, rules, grown, (*wanted, *kept), alignment)), name)

    if not prefer:
        return solve_with(())
    names = chosen(list(prefer), "derive", DESIDERATA)
    found, dropped = heaviest(solve_with, weighed(dict(zip(names, prefer.values(), strict=True))))
    return replace(found, dropped=dropped)


def _derived(asked: tuple[Problem, ...], name: str) -> Parametrization:
    """Return the solution of every axis as one table, with the ends of its segments."""
    parts, segments = _solved(asked)
    found = _stated(asked, parts, name)
    if not segments:
        return found
    return replace(found, segments=segments, vertices=_vertices(asked, parts, segments))


def _solved(asked: tuple[Problem, ...]) -> tuple[tuple[AxisCertificate, ...], tuple[Segment, ...]]:
    """Solve every axis; where a segment of solutions is left, take its preferred end."""
    parts, segments = [], []
    for problem in asked:
        system = problem.system
        root = root_of(system)
        try:
            parts.append(solve(problem.sizes.axis.name, system, problem.extremes, problem.asked, root))
        except NotUnique as error:
            segment = segment_of(problem, system, root)
            if segment is None:
                raise error.along(root.directions(problem.asked)) from None
            segments.append(segment)
            parts.append(segment.ends[segment.preferred])
    return tuple(parts), tuple(segments)


def _vertices(
    asked: tuple[Problem, ...], parts: tuple[AxisCertificate, ...], segments: tuple[Segment, ...]
) -> dict[str, Parametrization]:
    """Return the parametrization at each end of each segment, the other axes as they are."""
    vertices = {}
    for segment in segments:
        for name, end in segment.ends.items():
            moved = tuple(end if part.axis == end.axis else part for part in parts)
            vertices[name] = replace(_stated(asked, moved, name), segments=segments)
    return vertices


def _stated(asked: tuple[Problem, ...], parts: tuple[AxisCertificate, ...], name: str) -> Parametrization:
    """Return the solved exponents as a table of powers, without multipliers."""
    sizes, require = asked[0].sizes, asked[0].require
    axes = tuple(problem.sizes.axis for problem in asked)
    per_parameter = not any(item.name == "one rate" for item in require)
    return Parametrization(
        name,
        sizes.assignment.name,
        sizes.architecture,
        "no-multipliers",
        tuple(axis.name for axis in axes),
        {
            node.name: scaling(
                sizes.architecture, node, sizes.optimizer(node.name), parts, axes, per_parameter
            )
            for node in sizes.architecture.trainable
        },
        Certificate(parts),
        assignment=sizes.assignment,
        multipliers=multipliers(sizes, parts),
        grow={axis.name: dict(axis.powers) for axis in axes},
        alignment=sizes.alignment,
        require=require,
    )
