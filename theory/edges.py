"""How large a rate a given initialisation bears: for all parameters, and layer by layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scalewright.theory import tabulate
from scalewright.theory.calculus.alignment import Alignment
from scalewright.theory.calculus.optimizers import Assignment, Optimizer, assignment
from scalewright.theory.derive import derive
from scalewright.theory.desiderata import (
    Desideratum,
    bounded_logits,
    free_logits,
    largest_rates,
    one_rate,
    prescribe,
    stable_features,
)
from scalewright.theory.errors import NotUnique, ScalingError, expect
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import Node
from scalewright.theory.named import named
from scalewright.theory.parametrization import Parametrization
from scalewright.theory.power import Power, exact


@dataclass(frozen=True)
class Layer:
    """The largest rates at which one parameter keeps the features (for a readout: the logits) bounded.

    `alone`: nothing else is trained. `beside_readout`: the readout is trained with the same rate, whose
    growth feeds back through the gradient. `jointly`: every parameter has a rate of its own, all largest at
    once; None if they compete. The others are None where any rate will do, since no gradient arrives.
    """

    alone: Power | None
    beside_readout: Power | None
    jointly: Power | None


@dataclass(frozen=True)
class Edges:
    """The edges of one initialisation on one axis, as powers of the axis in the rate.

    `bounded_logits`: the largest global rate with bounded features and logits. `feature_learning`: the
    largest with bounded features, which then move by Theta(1). Between them lies the window of controlled
    divergence, if there is one: logits grow, nothing else does. The squared loss has none, since it feeds the
    logits back. `solved` holds the parametrization at each edge by the edge's name, with its proof.
    """

    axis: str
    name: str
    optimizer: str
    loss: str
    bounded_logits: Power
    feature_learning: Power
    layers: Mapping[str, Layer]
    solved: Mapping[str, Parametrization]

    @property
    def window(self) -> tuple[Power, Power] | None:
        """The rates of controlled divergence: above the first, up to the second; None if none are."""
        low, high = self.bounded_logits, self.feature_learning
        return (low, high) if low.exponent(self.axis) < high.exponent(self.axis) else None

    def explain(self, edge: str) -> str:
        """Return the proof of "bounded logits" or of "feature learning", line by line; ScalingError else."""
        if edge not in self.solved:
            raise ScalingError(f"Edges.explain: edge must be one of {', '.join(self.solved)}; given {edge!r}")
        found = self.solved[edge]
        return found.explain(next(iter(found.entries)), "lr")

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object: the edges and the window as exponents of the axis, and the layers'."""

        def write(power: Power | None) -> dict[str, str] | None:
            return None if power is None else power.to_json([self.axis])

        return {
            "axis": self.axis,
            "name": self.name,
            "optimizer": self.optimizer,
            "loss": self.loss,
            "bounded_logits": write(self.bounded_logits),
            "feature_learning": write(self.feature_learning),
            "window": None if self.window is None else [write(power) for power in self.window],
            "layers": [
                {
                    "name": name,
                    "alone": write(layer.alone),
                    "beside_readout": write(layer.beside_readout),
                    "jointly": write(layer.jointly),
                }
                for name, layer in self.layers.items()
            ],
        }

    def to_markdown(self) -> str:
        """Return the edges in words, and a Markdown table of the layers."""
        return self._words() + "\n\n" + tabulate.markdown(*self._table())

    def to_latex(self) -> str:
        """Return a LaTeX tabular of the layers under the edges as a comment."""
        return f"% {self._words()}\n" + tabulate.latex(*self._table())

    def to_html(self) -> str:
        """Return the edges in words, and an HTML table of the layers."""
        return f"<p>{self._words()}</p>\n" + tabulate.html(*self._table())

    def _repr_html_(self) -> str:
        return self.to_html()

    def _words(self) -> str:
        window = "no window of controlled divergence"
        if self.window is not None:
            window = f"controlled divergence above {self.window[0]} up to {self.window[1]}"
        edges = f"bounded logits up to {self.bounded_logits}, bounded features up to {self.feature_learning}"
        return f"{self.name}, {self.optimizer}, {self.loss}: one rate for all has {edges}; {window}."

    def _table(self) -> tuple[str, list[str], list[list[str]]]:
        head = ["parameter", "alone", "beside a readout of the same rate", "all largest at once"]
        rows = [
            [name, _word(it.alone, "any"), _word(it.beside_readout, "any"), _word(it.jointly, "compete")]
            for name, it in self.layers.items()
        ]
        return f"largest rates by layer, powers of n = {self.axis}", head, rows


def _word(power: Power | None, otherwise: str) -> str:
    return otherwise if power is None else str(power)


def edges(
    architecture: Architecture,
    parametrization: str | Parametrization = "sp",
    optimizer: str | Optimizer | Assignment | Mapping[str, object] = "sgd",
    loss: str | None = None,
    *,
    alignment: Alignment | None = None,
) -> Edges:
    """Derive the largest learning rates that an initialisation bears, each with its proof.

    Args:
        architecture: the graph of the network.
        parametrization: a name or a Parametrization; of it only initial deviations and multipliers count.
        optimizer: as in `derive`.
        loss: squared, cross-entropy or brier, in place of the architecture's.
        alignment: how sums over the fan-in add up; `narrow` decides what the initial readout passes on (1 by
            default; 1/2 in Everett et al. 2024).

    Returns:
        The Edges on the axis width.

    Raises:
        Infeasible: no rate keeps the features bounded.
        ScalingError: unknown names.

    Cost: two derivations of the network, and two of each layer.

    >>> from scalewright.theory import mlp
    >>> found = edges(mlp(4), "sp", "sgd", "cross-entropy")
    >>> str(found.bounded_logits), str(found.feature_learning)
    ('n^-1', 'n^-1/2')
    """
    expect(architecture, Architecture, "edges: architecture")
    graph = architecture if loss is None else architecture.with_loss(loss)
    rules = assignment(optimizer, "edges")
    given = start_of(graph, parametrization, rules)
    start = _prescribed(given)
    solve = _Solver(rules, given.axes[0], start, alignment)
    bounded = solve(graph, (stable_features, bounded_logits, one_rate, largest_rates))
    # Where no update reads the logits, the features' edge is that of a loss which doesn't feed them back.
    blind = graph if reads_logits(graph, rules) else graph.with_loss("cross-entropy")
    asked = bounded_logits if blind.loss.kind == "squared" else free_logits
    learning = solve(blind, (stable_features, asked, one_rate, largest_rates))
    return Edges(
        given.axes[0],
        given.name,
        rules.name,
        graph.loss.kind,
        _rate(bounded, given.axes[0]),
        _rate(learning, given.axes[0]),
        _layers(blind, asked, solve),
        {"bounded logits": bounded, "feature learning": learning},
    )


def start_of(
    graph: Architecture, parametrization: str | Parametrization, rules: Assignment
) -> Parametrization:
    """Return the parametrization whose initialisation counts; a name is solved for a loss that allows it."""
    if isinstance(parametrization, Parametrization):
        return parametrization
    return named(graph.with_loss("cross-entropy"), parametrization, rules)


def _prescribed(given: Parametrization) -> tuple[Desideratum, ...]:
    """Return the requirements that every weight and factor starts as given; frozen weights are certified."""
    axis = given.axes[0]
    bare = given.in_gauge("no-multipliers")
    stds = {
        name: entry.init_std.exponent(axis)
        for name, entry in bare.entries.items()
        if not given.architecture.by_name[name].starts_at_zero
    }
    solved = {part.axis: part.values for part in given.certificate.axes}.get(axis, {})
    stds |= {
        node.name: -exact(solved[f"b[{node.name}]"], "edges")
        for node in given.architecture.parameters
        if node.is_frozen and not node.starts_at_zero and f"b[{node.name}]" in solved
    }
    factors = {
        name: power.exponent(axis) for name, power in given.multipliers.items() if power.exponent(axis)
    }
    return (prescribe("init_std", stds), prescribe("multiplier", factors))


@dataclass(frozen=True)
class _Solver:
    """Derive rates for one initialisation, of the network or of one in which little is trained."""

    rules: Assignment
    axis: str
    start: tuple[Desideratum, ...]
    alignment: Alignment | None

    def __call__(self, graph: Architecture, require: Sequence[Desideratum]) -> Parametrization:
        return derive(graph, self.rules, (self.axis,), (*self.start, *require), alignment=self.alignment)


def reads_logits(architecture: Architecture, rules: Assignment) -> bool:
    """Return whether updates grow with the logits: under the squared loss, whose gradient is f - y.

    Not if every optimizer divides the gradient by its own size, as Adam and sign descent do.
    """
    steps = [rules.of(architecture, node).degree for node in architecture.trainable]
    return architecture.loss.kind == "squared" and any(steps)


def _rate(found: Parametrization, axis: str) -> Power:
    return next(iter(found.entries.values())).lr.only([axis])


def _layers(graph: Architecture, asked: Desideratum, solve: _Solver) -> dict[str, Layer]:
    jointly = _jointly(graph, solve)
    readouts = [node for node in graph.trainable if _feeds_logits(graph, node)]
    found = {}
    for node in graph.trainable:
        own = bounded_logits if node in readouts else asked
        others = () if node in readouts else readouts
        rates = [_alone(graph, solve, (node, *beside), own) for beside in ((), others)]
        found[node.name] = Layer(rates[0], rates[1], jointly.get(node.name))
    return found


def _alone(graph: Architecture, solve: _Solver, trained: Sequence[Node], own: Desideratum) -> Power | None:
    """Return the largest rate of a few parameters, the others frozen; None if there is no largest."""
    try:
        found = solve(_training(graph, trained), (stable_features, own, one_rate, largest_rates))
    except NotUnique:
        return None
    return _rate(found, solve.axis)


def _jointly(graph: Architecture, solve: _Solver) -> dict[str, Power]:
    try:
        found = solve(graph, (stable_features, bounded_logits, largest_rates))
    except NotUnique:
        return {}
    return {name: entry.lr.only([solve.axis]) for name, entry in found.entries.items()}


def _feeds_logits(graph: Architecture, node: Node) -> bool:
    return any(user.name in graph.logits for user in graph.users_of(node.name))


def _training(graph: Architecture, trained: Sequence[Node]) -> Architecture:
    """Return the network in which only some parameters are trained."""
    names = {node.name for node in trained}
    nodes = [
        replace(node, kind="frozen zero" if node.starts_at_zero else "frozen")
        if node.op == "parameter" and node.name not in names
        else node
        for node in graph.nodes
    ]
    return Architecture(nodes, dict(graph.dimensions))
