"""What a network does at every rate n^-c at once: its sizes, its edges, and what reads its logits."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from scalewright.theory.calculus.sizes import PASSING, Sizes
from scalewright.theory.errors import ScalingError
from scalewright.theory.graph.nodes import Node
from scalewright.theory.mechanism.updates import (
    STEPS,
    Curve,
    Curves,
    chance_of,
    evaluate,
    follow,
    part_of,
)
from scalewright.theory.power import Exponent
from scalewright.theory.slopes import Slopes, slopes_of
from scalewright.theory.solver.affine import Affine, Term
from scalewright.theory.solver.system import Definition


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

        >>> from scalewright.theory import mechanism, mlp
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
        from scalewright.theory.mechanism.words import derivation

        return derivation(self)

    def _repr_markdown_(self) -> str:
        return f"```text\n{self.explain()}\n```"


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
