r"""Whether two parametrizations train the same, and what takes one to the other or separates them.

Two symmetries leave the function and its training unchanged. *Gauge*: a factor moves between a parameter's
multiplier, initial deviation and rate. *Rescaling*: where operations are homogeneous, a tensor may carry
$N^{\lambda}$ times its size throughout training, if the maps before and after undo each other: the weight of
y = W x is larger by $\lambda_y - \lambda_x$, its rate by (1 + h) times that, h the optimizer's degree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from scalewright.theory.calculus.optimizers import Assignment, Optimizer, assignment
from scalewright.theory.errors import ScalingError, expect
from scalewright.theory.gauge import Scaling
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import Node
from scalewright.theory.parametrization import Parametrization
from scalewright.theory.power import Power
from scalewright.theory.solver.affine import Affine, Number
from scalewright.theory.solver.elimination import Elimination

HOMOGENEOUS = ("linear", "relu", "leaky_relu")
QUANTITIES = ("init_std", "lr", "eps", "weight_decay")


@dataclass(frozen=True)
class Difference:
    """What no symmetry makes equal: of a parameter stated without multipliers, or a fixed factor."""

    name: str
    quantity: str
    first: Power | None
    second: Power | None

    def __str__(self) -> str:
        return f"{self.quantity} of {self.name}: {self.first} against {self.second}"


@dataclass(frozen=True)
class Equivalence:
    """The answer of `equivalent`; true if training is the same.

    `gauge` holds the factor that goes into each multiplier of the first to give the second, `rescaling` the
    powers by which tensors of the second are larger (empty if none are), `differences` what separates them.
    """

    same: bool
    gauge: Mapping[str, Power] = field(default_factory=dict)
    rescaling: Mapping[str, Power] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()

    def __bool__(self) -> bool:
        return self.same

    def __str__(self) -> str:
        if not self.same:
            return "different training: " + "; ".join(map(str, self.differences))
        moved = [f"{name} by {power}" for name, power in self.gauge.items() if power != Power.one()]
        text = "the same training; multipliers change: " + (", ".join(moved) or "none")
        if self.rescaling:
            text += "; tensors are larger: " + ", ".join(f"{n} by {p}" for n, p in self.rescaling.items())
        return text

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with powers as text."""
        return {
            "same": self.same,
            "gauge": {name: str(power) for name, power in self.gauge.items()},
            "rescaling": {name: str(power) for name, power in self.rescaling.items()},
            "differences": [str(difference) for difference in self.differences],
        }


def equivalent(
    first: Parametrization,
    second: Parametrization,
    optimizer: str | Optimizer | Assignment | Mapping[str, object] | None = None,
) -> Equivalence:
    """Decide whether two parametrizations of one architecture train the same as their axes grow.

    Args:
        first, second: parametrizations, in any gauge, of architectures with the same nodes.
        optimizer: the optimizer both are trained with; the first one's by default.

    Returns:
        The Equivalence, which is true or false, with the transformation or the differences.

    Raises:
        ScalingError: the architectures differ, or the axes.

    >>> from scalewright.theory import derive, mlp
    >>> p = derive(mlp(), "adam")
    >>> bool(equivalent(p, p.in_gauge("ntk"))), bool(equivalent(p, p.in_gauge("ntk"), "sgd"))
    (True, False)
    """
    for place, given in (("first", first), ("second", second)):
        expect(given, Parametrization, f"equivalent: {place}")
    _check(first, second)
    rules = assignment(optimizer or first.assignment or first.optimizer, "equivalent")
    gauge = {name: second[name].multiplier / first[name].multiplier for name in first.entries}
    bare = [_bare(p, rules) for p in (first, second)]
    differences = tuple(_differences(first, second, *bare))
    if not differences:
        return Equivalence(True, gauge)
    rescaling = _rescaling(first.architecture, rules, first.axes, *bare)
    if rescaling is None or _factors(first, second):
        return Equivalence(False, differences=differences)
    return Equivalence(True, gauge, rescaling)


def _check(first: Parametrization, second: Parametrization) -> None:
    """Raise ScalingError unless both are of one architecture and stated on the same axes."""
    one, two = first.architecture, second.architecture
    if set(first.entries) != set(second.entries) or set(one.nodes) != set(two.nodes):
        differing = sorted({node.name for node in set(one.nodes) ^ set(two.nodes)})
        raise ScalingError(
            "equivalent: both parametrizations must be of one architecture; given different nodes "
            f"{', '.join(differing) or 'none, but different parameters'}"
        )
    if first.axes != second.axes:
        raise ScalingError(
            f"equivalent: both parametrizations must have the same axes; given {first.axes} and {second.axes}"
        )


def _bare(p: Parametrization, rules: Assignment) -> dict[str, Scaling]:
    """Return every parameter without multiplier, under the optimizers asked for, on the growing axes."""
    found = {}
    for name, entry in p.entries.items():
        optimizer = rules.of(p.architecture, p.architecture.by_name[name])
        bare = entry.invariants(optimizer)
        found[name] = replace(
            bare,
            init_std=bare.init_std.only(p.axes),
            lr=bare.lr.only(p.axes),
            eps=None if bare.eps is None or not optimizer.has_eps else bare.eps.only(p.axes),
            weight_decay=None
            if bare.weight_decay is None or not optimizer.has_decay
            else bare.weight_decay.only(p.axes),
        )
    return found


def _factors(first: Parametrization, second: Parametrization) -> list[Difference]:
    names = dict.fromkeys([*first.multipliers, *second.multipliers])
    pairs = [
        (name, first.multipliers.get(name, Power.one()), second.multipliers.get(name, Power.one()))
        for name in names
    ]
    return [Difference(name, "multiplier", one, two) for name, one, two in pairs if one != two]


def _differences(
    first: Parametrization, second: Parametrization, one: Mapping[str, Scaling], two: Mapping[str, Scaling]
) -> Iterator[Difference]:
    yield from _factors(first, second)
    for name in one:
        for quantity in QUANTITIES:
            pair = (getattr(one[name], quantity), getattr(two[name], quantity))
            if quantity == "init_std" and first.architecture.by_name[name].starts_at_zero:
                continue
            if pair[0] != pair[1]:
                yield Difference(name, quantity, *pair)


def _rescaling(
    graph: Architecture,
    rules: Assignment,
    axes: tuple[str, ...],
    one: Mapping[str, Scaling],
    two: Mapping[str, Scaling],
) -> dict[str, Power] | None:
    """Return by which powers the tensors of the second are larger, or None if no rescaling connects them."""
    found: dict[str, dict[str, Number]] = {}
    for axis in axes:
        shifts = _shifts(graph, rules, axis, one, two)
        solved = None if shifts is None else _solved(graph, shifts)
        if solved is None:
            return None
        for name, value in solved.items():
            found.setdefault(name, {})[axis] = value
    powers = {name: Power(exponents) for name, exponents in found.items()}
    return {name: power for name, power in powers.items() if power != Power.one()}


def _shifts(
    graph: Architecture, rules: Assignment, axis: str, one: Mapping[str, Scaling], two: Mapping[str, Scaling]
) -> dict[str, Fraction] | None:
    """Return by which exponent each weight is larger; None if rates, epsilons or decays don't follow."""
    found = {}
    for name in one:
        optimizer = rules.of(graph, graph.by_name[name])
        ratio = {q: _ratio(getattr(one[name], q), getattr(two[name], q), axis) for q in QUANTITIES}
        shift = ratio["init_std"]
        if graph.by_name[name].starts_at_zero:
            shift = ratio["lr"] / optimizer.rate_gauge if optimizer.rate_gauge else Fraction(0)
        decay = -ratio["lr"] if optimizer.decay == "coupled" else Fraction(0)
        wanted = {
            "lr": optimizer.rate_gauge * shift,
            "eps": -optimizer.eps_degree * shift,
            "weight_decay": decay,
        }
        if any(ratio[quantity] != value for quantity, value in wanted.items()):
            return None
        found[name] = shift
    return found


def _ratio(one: Power | None, two: Power | None, axis: str) -> Fraction:
    if one is None or two is None:
        return Fraction(0)
    return (two / one).exponent(axis)


def _solved(graph: Architecture, shifts: Mapping[str, Fraction]) -> dict[str, Number] | None:
    """Return the shift of every tensor, if the graph allows one that fits all weights."""
    elimination = Elimination()
    for form in _equations(graph, shifts):
        if elimination.add(form, {}) is not None:
            return None
    found = {}
    for node in graph.nodes:
        if node.op not in ("parameter", "loss"):
            rest, _ = elimination.reduce(Affine.unknown(node.name))
            found[node.name] = rest.constant
    return found


def _equations(graph: Architecture, shifts: Mapping[str, Fraction]) -> Iterator[Affine]:
    """Yield what the operations ask of the shifts of tensors; each form must vanish."""
    for node in graph.nodes:
        if node.op == "parameter":
            continue
        own = Affine.unknown(node.name)
        sources = [Affine.unknown(name) for name in graph.tensors_of(node)]
        yield from _equations_of(graph, node, own, sources, shifts)


def _equations_of(
    graph: Architecture, node: Node, own: Affine, sources: list[Affine], shifts: Mapping[str, Fraction]
) -> Iterator[Affine]:
    parameter = graph.parameter_of(node)
    if node.op in ("data", "norm"):
        yield own
    elif node.op == "loss":
        yield sources[0]
    elif node.op == "activation":
        yield own - sources[0]
        if node.kind not in HOMOGENEOUS:
            yield own
    elif node.op in ("score", "mix", "mixture"):
        # Weights of an average must stay as they are; what they average may be rescaled.
        yield own - (sources[0] if node.op != "score" else 0)
        yield sources[1] + sources[0] if node.op == "score" else sources[1]
    elif node.op == "product":
        yield own - sources[0] - sources[1]
    elif parameter is not None:
        shift = shifts.get(parameter.name, Fraction(0))
        if node.op == "bias":
            yield own - shift
            yield own - sources[0]
        elif node.op == "embedding":
            yield own - shift
        else:
            yield own - sources[0] - shift
    else:
        yield from (own - source for source in sources)
