"""The question that is put to the solver: what a network's sizes are, what is required, what is asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from scalewright.theory.calculus.alignment import Alignment
from scalewright.theory.calculus.optimizers import Assignment
from scalewright.theory.calculus.sizes import Axis, Sizes, unknown
from scalewright.theory.calculus.walk import measure
from scalewright.theory.desiderata.base import Desideratum, multipliers_of, nodes_of
from scalewright.theory.desiderata.rates import decay_transfer, epsilon_transfer
from scalewright.theory.errors import ScalingError
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import Node
from scalewright.theory.power import Exponent, exact
from scalewright.theory.solver.affine import Affine
from scalewright.theory.solver.system import Constraint, System

# Sizes that may grow although no dimension depends on them: properties of the training.
TRAINING_AXES = ("batch", "gamma")


@dataclass(frozen=True)
class Problem:
    """Sizes on one axis with the requirements put on them."""

    sizes: Sizes
    require: tuple[Desideratum, ...]

    @property
    def system(self) -> System:
        """The definitions of all sizes, with the gauge, the rules' own conditions and the requirements."""
        # Requirements may define unknowns of the first step, so the definitions come last.
        constraints = [*conventions(self.sizes), *self.sizes.conditions]
        for item in self.require:
            constraints.extend(item.constraints(self.sizes))
        return System(tuple(self.sizes.definitions), tuple(constraints))

    @property
    def extremes(self) -> list[tuple[str, tuple[Affine, ...]]]:
        """What shall be as small as possible, in order of importance."""
        return [(item.name, item.least(self.sizes)) for item in self.require if item.least is not None]

    @property
    def asked(self) -> tuple[Affine, ...]:
        """The exponents asked for: a, b, c of every parameter, e and w where there are, factors."""
        found = []
        for node in self.sizes.architecture.parameters:
            symbols = "ab"
            if not node.is_frozen:
                optimizer = self.sizes.optimizer(node.name)
                symbols += "c" + "e" * optimizer.has_eps + "w" * optimizer.has_decay
            found += [unknown(symbol, node.name) for symbol in symbols]
        return tuple(found) + tuple(unknown("m", node.name) for node in multipliers_of(self.sizes))


def conventions(sizes: Sizes) -> Iterator[Constraint]:
    """Yield the conventions that fix the gauge in which everything is solved.

    a = 0 for every parameter, b = 0 for those that start at zero. Factors of the forward pass that could be
    moved into a parameter, or have nothing to balance on this axis, are 1; all residual branches share one.
    """
    graph = sizes.architecture
    for node in graph.parameters:
        yield Constraint(unknown("a", node.name), "==", "gauge: no multipliers")
        if node.starts_at_zero:
            yield Constraint(unknown("b", node.name), "==", f"{node.name} starts at zero")
    yield from _one_branch_multiplier(sizes)
    for node in multipliers_of(sizes):
        if not _is_needed(sizes, node):
            yield Constraint(unknown("m", node.name), "==", "gauge: no multipliers")


def _one_branch_multiplier(sizes: Sizes) -> Iterator[Constraint]:
    """Yield that all branches of blocks whose number grows alike have the same multiplier."""
    first: dict[Fraction, Node] = {}
    for node in nodes_of(sizes, ("branch",)):
        kept = first.setdefault(sizes.blocks(sizes.architecture.block_of[node.name]), node)
        if kept is not node:
            why = f"convention: {node.name} has the multiplier of {kept.name}"
            yield Constraint(unknown("m", node.name) - unknown("m", kept.name), "==", why)


def _is_needed(sizes: Sizes, node: Node) -> bool:
    """Whether a factor has something to balance that no parameter could: a growing sum, or a tied weight."""
    graph = sizes.architecture
    if node.op == "branch":
        return sizes.blocks(graph.block_of[node.name]) != 0
    if node.op == "score":
        return sizes.exponent(node.shape[0]) != 0
    if node.op == "mixture":
        return sizes.exponent(node.shape[1]) != 0
    maker = graph.parameter_of(graph.by_name[node.inputs[0]])
    return maker is not None and len(graph.users_of(maker.name)) > 1


def complete(require: tuple[Desideratum, ...], sizes: Sizes) -> tuple[Desideratum, ...]:
    """Return the requirements with those added that settle the optimizers' epsilon and decay.

    Raises ScalingError if one concerns an epsilon or a decay that no optimizer has.
    """
    optimizers = [sizes.optimizer(node.name) for node in sizes.architecture.trainable]
    has = {"eps": any(o.has_eps for o in optimizers), "decay": any(o.has_decay for o in optimizers)}
    for item in require:
        if not has.get(item.concerns, True):
            raise ScalingError(
                f"derive: require must fit the optimizer; {sizes.assignment.name} has nothing for "
                f"{item.name!r} to settle"
            )
    settled = {item.concerns for item in require}
    added = {"eps": epsilon_transfer, "decay": decay_transfer}
    return require + tuple(item for concern, item in added.items() if has[concern] and concern not in settled)


def axes_of(
    architecture: Architecture, axes: Sequence[str], ray: Mapping[str, Exponent] | None = None
) -> tuple[Axis, ...]:
    """Return the axes to solve, each by itself; with a ray, the one axis along which all sizes grow.

    Raises ScalingError unless every axis is a size that may grow, and something depends on it.
    """
    if isinstance(axes, str) or not axes or len(set(axes)) != len(axes):
        raise ScalingError(f"derive: axes must be a tuple of distinct axis names; given {axes!r}")
    known = [*_growing(architecture), *TRAINING_AXES]
    for axis in (*axes, *(ray or {})):
        if axis not in known:
            raise ScalingError(
                f"derive: an axis must be a size that something depends on ({', '.join(known)}); "
                f"given {axis!r}"
            )
    if ray is None:
        return tuple(Axis(axis, {axis: Fraction(1)}) for axis in axes)
    powers = {axes[0]: Fraction(1)} | {
        name: exact(value, f"derive: ray: the power of {name!r}") for name, value in ray.items()
    }
    if len(axes) != 1 or axes[0] in ray or any(name in TRAINING_AXES for name in powers):
        raise ScalingError(
            "derive: a ray must say how other sizes grow with one axis that is a size, "
            f'as axes=("width",), ray={{"depth": "1/2"}}; given axes={tuple(axes)!r}, ray={dict(ray)!r}'
        )
    return (Axis(axes[0], powers),)


def _growing(architecture: Architecture) -> list[str]:
    """Return the sizes on which a dimension depends that some weight, block or mixture has."""
    logits = architecture.dimension_of[architecture.loss.inputs[0]]
    used = {name for node in architecture.nodes for name in node.shape if name != logits}
    fixed = set(architecture.size(logits).exponents) - {
        name for dimension in used for name in architecture.size(dimension).exponents
    }
    named = {name: None for dimension, size in architecture.dimensions for name in size.exponents}
    return [name for name in named if name not in fixed]


def problems(
    architecture: Architecture,
    assignment: Assignment,
    axes: Sequence[Axis],
    require: tuple[Desideratum, ...],
    alignment: Alignment | None,
) -> Iterator[Problem]:
    """Yield the problem of every axis."""
    for axis in axes:
        sizes = measure(architecture, assignment, axis, alignment)
        yield Problem(sizes, complete(require, sizes))
