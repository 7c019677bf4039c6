"""Follow all sizes update by update, each as a function of the rate's exponent c."""

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeAlias

import networkx as nx

from scalewright.theory.calculus.alignment import HALF
from scalewright.theory.calculus.sizes import Sizes
from scalewright.theory.graph.nodes import MATRICES
from scalewright.theory.mechanism.piecewise import Piecewise
from scalewright.theory.solver.affine import Affine, Term
from scalewright.theory.solver.system import Definition

#: A size as a function of c; None for an exact zero.
Curve: TypeAlias = Piecewise | None
Curves: TypeAlias = dict[str, Curve]
#: So many updates are followed. Sizes that still change then grow with every one.
STEPS = 8


def follow(sizes: Sizes, values: Curves, *, raised: str | None = None) -> list[Curves]:
    """Return the sizes after 1 ... STEPS updates; one unknown may be raised by 1 from the second on."""
    order, chance = _ordered(sizes), chance_of(sizes)
    found: list[Curves] = []
    for _ in range(STEPS):
        before = found[-1] if found else None
        now = dict(values)
        for definition in order:
            curve = _largest(definition, now, before, chance.get(definition.name, Fraction(0)))
            lifted = curve is not None and definition.name == raised and before is not None
            now[definition.name] = curve + 1 if lifted and curve is not None else curve
        found.append(now)
    return found


def chance_of(sizes: Sizes) -> dict[str, Fraction]:
    """Return, for effective updates E[tensor], by how much less two updates make of each other at first.

    At the first step the updates of two linear layers meet by chance: one was made of initial activations,
    the other of initial weights, so that their sum over the fan-in adds up as independent terms. Behind a
    nonlinearity a change that is larger than what it changes has a mean of its own, which is met at once.
    """
    found: dict[str, Fraction] = {}
    for node in sizes.architecture.order:
        if node.name not in sizes.effective or sizes.optimizer(sizes.parameter(node).name).spectral:
            continue
        source = sizes.architecture.by_name[node.inputs[0]]
        bent = source.op == "activation" and source.kind != "linear"
        fan_in = sizes.fans(node)[0] if node.op in MATRICES else Fraction(0)
        found[f"E[{node.name}]"] = Fraction(0) if bent else fan_in * (sizes.alignment.joint - HALF)
    return found


def _reads_now(definition: Definition, term: Term, name: str) -> bool:
    """Whether a term reads what the present update leaves, or what the one before left.

    The gradient that makes an update knows the weights and activations that the one before left, and the
    gradient behind it of its own pass. The change of W x after it knows the new W and the new x.
    """
    if not term.later:
        return True
    if definition.name.startswith("G"):
        return not name.startswith("U[")
    return definition.name.startswith("E")


def _ordered(sizes: Sizes) -> list[Definition]:
    """Return the definitions in an order in which each follows what it reads of the present update."""
    by_name = {definition.name: definition for definition in sizes.definitions}
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from(by_name)
    for definition in sizes.definitions:
        for term in definition.maximum.terms:
            for name in term.value.coefficients:
                if name in by_name and _reads_now(definition, term, name):
                    graph.add_edge(name, definition.name)
    return [by_name[name] for name in nx.topological_sort(graph)]


def _largest(definition: Definition, now: Curves, before: Curves | None, chance: Fraction) -> Curve:
    """Return the largest term of a definition."""
    found: Curve = None
    for term in definition.maximum.terms:
        curve = part_of(definition, term, now, before, chance)
        if curve is not None:
            found = curve if found is None else found.maximum(curve)
    return found


def part_of(
    definition: Definition, term: Term, now: Curves, before: Curves | None, chance: Fraction
) -> Curve:
    """Return one term; None for an exact zero, and at the first step if it reads the update before.

    `chance`: by how much less a product of updates is at the first step, see `chance_of`.
    """
    fresh = {name: _reads_now(definition, term, name) for name in term.value.coefficients}
    if term.later and before is None and not all(fresh.values()):
        return None
    read = {name: now[name] if new or before is None else before[name] for name, new in fresh.items()}
    curve = evaluate(term.value, read or now)
    return curve if curve is None or not term.later or before is not None else curve - chance


def evaluate(form: Affine, values: Mapping[str, Curve]) -> Curve:
    """Return an affine form of curves; None if any unknown of it is an exact zero."""
    total: Curve = None
    for name, factor in form.coefficients.items():
        curve = values[name]
        if curve is None:
            return None
        part = curve if factor == 1 else curve * factor
        total = part if total is None else total + part
    if total is None:
        ends = next(curve.knots for curve in values.values() if curve is not None)
        return Piecewise.constant(form.constant, ends[0], ends[-1])
    return total + form.constant if form.constant else total
