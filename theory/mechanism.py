"""Why a rate is too large: every size as an exact function of the rate's exponent, step by step."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from scalewright.theory.calculus.alignment import Alignment
from scalewright.theory.calculus.optimizers import Assignment, Optimizer, assignment
from scalewright.theory.calculus.sizes import PASSING, Axis, Sizes
from scalewright.theory.calculus.walk import measure
from scalewright.theory.edges import start_of
from scalewright.theory.errors import ScalingError, expect
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import Node
from scalewright.theory.parametrization import Parametrization
from scalewright.theory.piecewise import Piecewise
from scalewright.theory.power import Exponent
from scalewright.theory.profile import values_of
from scalewright.theory.slopes import Slopes, slopes_of
from scalewright.theory.solver.affine import Affine, Term
from scalewright.theory.solver.system import Definition
from scalewright.theory.updates import STEPS, Curve, Curves, chance_of, evaluate, follow, part_of


@dataclass(frozen=True)
class _Moved:
    """One tensor at one rate: the exponents of its change and of the parts of it."""

    name: str
    parameter: str | None
    effective: Fraction | None
    propagating: Fraction | None
    change: Fraction | None


@dataclass(frozen=True)
class Mechanism:
    """What a network does at every rate n^-c at once, and what reads the size of its logits.

    `steps[t]` holds the sizes after t + 1 updates, each a piecewise linear function of c on [low, high].
    Edges are searched on this interval: `low` means low or less. Sizes that still change in the eighth update
    count as growing.

    Stated without multipliers, the rates of a parametrization are one power for all (SP), and n^-c is the
    rate; or they differ `by_layer`, and n^-c multiplies them.
    """

    name: str
    optimizer: str
    loss: str
    by_layer: bool
    low: Fraction
    high: Fraction
    sizes: Sizes
    steps: tuple[Curves, ...]

    @property
    def axis(self) -> str:
        """The name of the axis on which sizes are counted."""
        return self.sizes.axis.name

    def size(self, form: Affine | None, step: int = STEPS) -> Curve:
        """Return an exponent of the calculus as a function of c after `step` updates."""
        return None if form is None else evaluate(form, self.steps[step - 1])

    def change(self, tensor: str, step: int = STEPS) -> Curve:
        """Return the exponent of a tensor's change since initialisation as a function of c.

        Raises ScalingError for another tensor, or a step that is not from 1 to 8.
        """
        if tensor not in self.sizes.change:
            known = ", ".join(self.sizes.change)
            raise ScalingError(f"Mechanism.change: tensor must be one of {known}; given {tensor!r}")
        if not isinstance(step, int) or not 1 <= step <= STEPS:
            raise ScalingError(f"Mechanism.change: step must be from 1 to {STEPS}; given {step!r}")
        return self.size(self.sizes.change[tensor], step)

    def part(self, definition: Definition, term: Term, step: int) -> Curve:
        """Return one term of a size after `step` updates; None where it is absent or exactly zero."""
        before = self.steps[step - 2] if step > 1 else None
        chance = chance_of(self.sizes).get(definition.name, Fraction(0))
        return part_of(definition, term, self.steps[step - 1], before, chance)

    def slopes(self, c: Exponent, *, step: int = STEPS) -> dict[str, Slopes]:
        """Return what a coordinate check should measure at the rate n^-c after `step` updates, by weight.

        As `AxisProfile.slopes`, and right beyond the edges as well, where what is not settled depends on
        the step. Raises ScalingError for a step that is not from 1 to 8, ValueError for a c outside of the
        interval.

        >>> from scalewright.theory import mlp
        >>> mechanism(mlp(3)).slopes("1/2")["readout.weight"].total
        0.5
        """
        return slopes_of(self._row(node, c, step) for node in rows_of(self.sizes))

    def _row(self, node: Node, c: Exponent, step: int) -> "_Moved":
        effective, propagating = self.sizes.effective.get(node.name), self.sizes.propagating.get(node.name)
        parts = (None if term is None else self.size(term.value, step) for term in (effective, propagating))
        curves = (*parts, self.change(node.name, step))
        parameter = self.sizes.architecture.parameter_of(node)
        name = None if parameter is None else parameter.name
        return _Moved(node.name, name, *(None if curve is None else curve.at(c) for curve in curves))

    @cached_property
    def logits(self) -> str:
        """The tensor that the loss takes."""
        return self.sizes.origin(self.sizes.architecture.loss.inputs[0])

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The tensors before the logits that training moves."""
        graph = self.sizes.architecture
        return tuple(
            node.name
            for node in graph.order
            if node.op not in ("parameter", "data", "loss", *PASSING)
            and node.name not in graph.logits
            and self.sizes.change[node.name] is not None
        )

    @cached_property
    def settled_from(self) -> Fraction | None:
        """The least c from which on no size grows with every step of training; None if none is."""
        return _latest(
            now.agrees_from(before)
            for now, before in zip(self.steps[-1].values(), self.steps[-2].values(), strict=True)
            if now is not None and before is not None
        )

    @cached_property
    def bounded_features(self) -> Fraction | None:
        """The least c with features that move by at most Theta(1): the edge of feature learning."""
        return _latest([self.settled_from, *(self._bounded(name) for name in self.features)])

    @cached_property
    def bounded_logits(self) -> Fraction | None:
        """The least c with features and logits that move by at most Theta(1)."""
        return _latest([self.bounded_features, self._bounded(self.logits)])

    def _bounded(self, tensor: str) -> Fraction | None:
        found = self.size(self.sizes.change[tensor])
        return self.low if found is None else found.nonpositive_from()

    @cached_property
    def reading(self) -> frozenset[str]:
        """The unknowns that would be larger if the loss were shown larger logits.

        Found by trying: the size of the logits that the loss reads is raised by one, and the steps followed
        again. Under cross-entropy nothing follows it; under the squared loss gradients do, and so do the
        updates of an optimizer that doesn't divide by the gradient's size.
        """
        name = f"z[{self.logits}]"
        raised = follow(self.sizes, {k: self.steps[0][k] for k in self._given}, raised=name)
        return frozenset(k for k, curve in raised[-1].items() if k != name and curve != self.steps[-1][k])

    @cached_property
    def _given(self) -> tuple[str, ...]:
        defined = {definition.name for definition in self.sizes.definitions}
        return tuple(name for name in self.steps[0] if name not in defined)

    @property
    def closes(self) -> bool:
        """Whether the updates stay what they are however large the logits get."""
        return not any(name.startswith("U[") for name in self.reading)

    def explain(self) -> str:
        """Return the derivation in words, each line with the reason that the calculus gives."""
        from scalewright.theory.mechanism_words import derivation

        return derivation(self)

    def _repr_markdown_(self) -> str:
        return f"```text\n{self.explain()}\n```"


def mechanism(
    architecture: Architecture,
    parametrization: str | Parametrization = "sp",
    optimizer: str | Optimizer | Assignment | Mapping[str, object] = "sgd",
    loss: str | None = None,
    *,
    alignment: Alignment | None = None,
    rates: tuple[Exponent, Exponent] = (-1, 2),
) -> Mechanism:
    """Follow a network's sizes step by step as functions of c, for all rates n^-c at once.

    Every size of the calculus is a maximum of affine forms, so along one parameter it is a piecewise linear
    function, which is computed exactly. `edges` proves where the edges lie; this shows why: which sum makes a
    layer move, and whether what it makes comes back through the loss.

    Args:
        architecture, parametrization, optimizer, loss, alignment: as in `edges`.
        rates: the interval of c. Where the parametrization gives layers different rates (stated without
            multipliers), n^-c multiplies them, so that c = 0 is the parametrization itself.

    Returns:
        The Mechanism; `explain()` is the derivation in words, `change(tensor)` a curve, `plot_mechanism`
        draws them.

    Raises:
        ScalingError: unknown names.
        TypeError: floats in `rates`, or something else than a pair.
        ValueError: rates that are no interval.

    Cost: 8 steps of the calculus with functions for numbers, about 0.1 s a layer.

    >>> from scalewright.theory import mlp
    >>> found = mechanism(mlp(4), "sp", "sgd", "cross-entropy")
    >>> str(found.bounded_features), str(found.bounded_logits), found.closes
    ('1/2', '1', True)
    >>> str(found.change("readout", step=1))
    'max(3/2 - 4 c, 2 - 3 c, 1 - c)'
    """
    expect(architecture, Architecture, "mechanism: architecture")
    if not isinstance(rates, tuple | list) or len(rates) != 2:
        raise TypeError(f"mechanism: rates must be two exponents, (lowest c, highest c); given {rates!r}")
    graph = architecture if loss is None else architecture.with_loss(loss)
    rules = assignment(optimizer, "mechanism")
    # Without multipliers a rate is that of the weights themselves, whatever the gauge it was stated in.
    given = start_of(graph, parametrization, rules).in_gauge("no-multipliers")
    name = given.axes[0]
    axis = Axis(name, dict(given.grow.get(name, {name: Fraction(1)})))
    sizes = measure(graph, rules, axis, alignment or given.alignment)
    c = Piecewise.identity(*rates)
    values, by_layer = _values(given, sizes, c)
    steps = tuple(follow(sizes, values))
    low, high = c.knots
    return Mechanism(given.name, rules.name, graph.loss.kind, by_layer, low, high, sizes, steps)


def _values(given: Parametrization, sizes: Sizes, c: Piecewise) -> tuple[Curves, bool]:
    """Return the exponents of the parameters as functions of c, and whether rates differ by layer."""
    fixed = values_of(given, sizes)
    rates = {name: value for name, value in fixed.items() if name.startswith("c[") and value is not None}
    by_layer = len(set(rates.values())) > 1
    found: Curves = {}
    for name, value in fixed.items():
        if name in rates:
            found[name] = c + rates[name] if by_layer else c
        else:
            found[name] = None if value is None or name.startswith("e[") else c * 0 + value
    return found, by_layer


def _latest(found: Iterable[Fraction | None]) -> Fraction | None:
    """Return the largest of several numbers; None if any is None."""
    values = list(found)
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) else None


def rows_of(sizes: Sizes) -> Iterator[Node]:
    """Yield the nodes that make a tensor of their own by a weight."""
    for node in sizes.architecture.order:
        if node.op not in ("parameter", "data", "loss") and sizes.architecture.parameter_of(node) is not None:
            yield node
