"""What a parametrization may be asked to do: named requirements that combine freely."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from scalewright.theory.calculus.sizes import Sizes, unknown
from scalewright.theory.errors import ScalingError
from scalewright.theory.graph.nodes import Node
from scalewright.theory.power import Exponent, exact
from scalewright.theory.solver.affine import ZERO, Affine
from scalewright.theory.solver.system import Constraint

Concern = Literal["init", "training", "rate", "eps", "decay"]
QUANTITIES = {
    "multiplier": ("a", -1),
    "init_std": ("b", -1),
    "lr": ("c", -1),
    "eps": ("e", 1),
    "weight_decay": ("w", 1),
}


def _nothing(sizes: Sizes) -> Iterator[Constraint]:
    return iter(())


@dataclass(frozen=True)
class Desideratum:
    """A named requirement: constraints on the sizes of a network, or an extreme sought among its exponents.

    `constraints(sizes)` yields exact constraints; `least(sizes)` lists forms that shall each be as small as
    the constraints allow (a rate is n^-c, so the least c is the largest rate). `concerns` says which
    exponents it settles.
    """

    name: str
    statement: str
    concerns: Concern
    constraints: Callable[[Sizes], Iterable[Constraint]] = _nothing
    least: Callable[[Sizes], tuple[Affine, ...]] | None = None


def _reason(name: str, what: str) -> str:
    return f"{name}: {what}"


def _maps(sizes: Sizes, op: str, among: Literal["features", "logits", "all"]) -> list[Node]:
    """Return the operations of one kind before the logits, at the logits, or everywhere."""
    graph = sizes.architecture
    found = [node for node in graph.order if node.op == op]
    if among == "all":
        return found
    return [node for node in found if (node.name in graph.logits) == (among == "logits")]


def _stable_initialisation(sizes: Sizes) -> Iterator[Constraint]:
    name = "stable initialisation"
    for node in _maps(sizes, "linear", "features"):
        yield Constraint(sizes.forward[node.name], "==", _reason(name, f"{node.name} starts at Theta(1)"))
    for node in _maps(sizes, "linear", "logits"):
        yield Constraint(
            sizes.forward[node.name], "<=", _reason(name, f"{node.name} starts at most at Theta(1)")
        )
    yield from _unit_biases(sizes, name)


def _unit_biases(sizes: Sizes, name: str) -> Iterator[Constraint]:
    for node in _maps(sizes, "bias", "all"):
        parameter = sizes.parameter(node)
        form = -unknown("a", parameter) - unknown("b", parameter)
        yield Constraint(form, "==", _reason(name, f"{parameter} starts at Theta(1)"))


def _unit_gain(sizes: Sizes) -> Iterator[Constraint]:
    name = "unit gain"
    for node in _maps(sizes, "linear", "all"):
        yield Constraint(sizes.forward[node.name], "==", _reason(name, f"{node.name} starts at Theta(1)"))
    yield from _unit_biases(sizes, name)


def _bounded(sizes: Sizes, name: str, among: Literal["features", "logits"]) -> Iterator[Constraint]:
    for op in ("linear", "bias", "add"):
        for node in _maps(sizes, op, among):
            change = sizes.change[node.name]
            if change is None:
                continue
            for term in sizes.changes[node.name].terms:
                yield Constraint(term.value, "<=", _reason(name, f"at most Theta(1): {term.reason}"))
            if len(sizes.changes[node.name].terms) > 1:
                yield Constraint(change, "<=", _reason(name, f"{node.name} moves by at most Theta(1)"))


def _stable_features(sizes: Sizes) -> Iterator[Constraint]:
    return _bounded(sizes, "stable features", "features")


def _bounded_logits(sizes: Sizes) -> Iterator[Constraint]:
    return _bounded(sizes, "bounded logits", "logits")


def _nontrivial(sizes: Sizes) -> Iterator[Constraint]:
    logits = sizes.architecture.loss.inputs[0]
    change = sizes.change[logits]
    if change is not None:
        yield Constraint(change, "==", _reason("nontrivial", f"{logits} moves by Theta(1)"))


def _maximal_update(sizes: Sizes) -> Iterator[Constraint]:
    name = "maximal update"
    for node_name, term in sizes.effective.items():
        yield Constraint(term.value, "==", _reason(name, f"Theta(1) {term.reason}"))
        if node_name in sizes.architecture.logits and node_name in sizes.propagating:
            other = sizes.propagating[node_name]
            yield Constraint(other.value, "==", _reason(name, f"Theta(1) {other.reason}"))


def _lazy_initialisation(sizes: Sizes) -> Iterator[Constraint]:
    for node in _maps(sizes, "linear", "logits"):
        why = _reason("lazy initialisation", f"{node.name} starts at Theta(1)")
        yield Constraint(sizes.forward[node.name], "==", why)


def _rates(sizes: Sizes) -> tuple[Affine, ...]:
    return tuple(unknown("c", node.name) for node in sizes.architecture.parameters)


def _epsilons(sizes: Sizes) -> tuple[Affine, ...]:
    return tuple(-unknown("e", node.name) for node in sizes.architecture.parameters)


def _tied(forms: tuple[Affine, ...], reason: str) -> Iterator[Constraint]:
    for form in forms[1:]:
        yield Constraint(form - forms[0], "==", reason)


def _one_rate(sizes: Sizes) -> Iterator[Constraint]:
    return _tied(_rates(sizes), "one rate: every parameter has the same learning rate")


def _one_epsilon(sizes: Sizes) -> Iterator[Constraint]:
    yield from _small_epsilon(sizes)
    yield from _tied(_epsilons(sizes), "one epsilon: every parameter has the same epsilon")


def _small_epsilon(sizes: Sizes) -> Iterator[Constraint]:
    for name, gradient in sizes.raw_gradient.items():
        why = f"small epsilon: the epsilon of {name} is no larger than its gradient"
        yield Constraint(unknown("e", name) - gradient, "<=", why)


def _epsilon_transfer(sizes: Sizes) -> Iterator[Constraint]:
    for name, gradient in sizes.raw_gradient.items():
        why = f"epsilon transfer: the epsilon of {name} is as large as its gradient"
        yield Constraint(unknown("e", name) - gradient, "==", why)


def _decay_transfer(sizes: Sizes) -> Iterator[Constraint]:
    for node in sizes.architecture.parameters:
        why = f"decay transfer: rate times weight decay of {node.name} is Theta(1)"
        yield Constraint(unknown("w", node.name) - unknown("c", node.name), "==", why)


stable_initialisation = Desideratum(
    "stable initialisation",
    "features start at Theta(1), logits at most at Theta(1), biases at Theta(1)",
    "init",
    _stable_initialisation,
)
unit_gain = Desideratum("unit gain", "every layer, the readout too, starts at Theta(1)", "init", _unit_gain)
lazy_initialisation = Desideratum(
    "lazy initialisation",
    "the initial readout contributes Theta(1) to the logits",
    "init",
    _lazy_initialisation,
)
stable_features = Desideratum(
    "stable features", "features move by at most Theta(1)", "training", _stable_features
)
bounded_logits = Desideratum("bounded logits", "logits move by at most Theta(1)", "training", _bounded_logits)
nontrivial = Desideratum("nontrivial", "logits move by Theta(1)", "training", _nontrivial)
maximal_update = Desideratum(
    "maximal update",
    "every parameter moves what it feeds by Theta(1), and the initial readout passes the features' change on",
    "training",
    _maximal_update,
)
one_rate = Desideratum("one rate", "every parameter has the same learning rate", "rate", _one_rate)
largest_rates = Desideratum(
    "largest rates", "every learning rate is as large as the rest allows", "rate", least=_rates
)
small_epsilon = Desideratum("small epsilon", "epsilon is no larger than the gradient", "eps", _small_epsilon)
epsilon_transfer = Desideratum(
    "epsilon transfer", "epsilon is as large as the gradient", "eps", _epsilon_transfer
)
one_epsilon = Desideratum(
    "one epsilon",
    "one epsilon for all parameters, as large as no larger than any gradient",
    "eps",
    _one_epsilon,
    _epsilons,
)
decay_transfer = Desideratum(
    "decay transfer", "rate times weight decay is Theta(1)", "decay", _decay_transfer
)

DESIDERATA: dict[str, Desideratum] = {
    item.name: item
    for item in (
        stable_initialisation,
        unit_gain,
        lazy_initialisation,
        stable_features,
        bounded_logits,
        nontrivial,
        maximal_update,
        one_rate,
        largest_rates,
        small_epsilon,
        epsilon_transfer,
        one_epsilon,
        decay_transfer,
    )
}
MAXIMAL_UPDATE = (stable_initialisation, stable_features, bounded_logits, nontrivial, maximal_update)


def prescribe(quantity: str, powers: Mapping[str, Exponent]) -> Desideratum:
    """Return the requirement that a quantity of the named parameters has the given powers of the axis.

    `prescribe("lr", {"readout.weight": -1})` asks for a readout rate n^-1, stated without multipliers.
    """
    if quantity not in QUANTITIES:
        raise ScalingError(f"prescribe: quantity must be one of {', '.join(QUANTITIES)}; given {quantity!r}")
    symbol, sign = QUANTITIES[quantity]
    values = {name: exact(value, f"prescribe: the power of {name!r}") for name, value in powers.items()}

    def constraints(sizes: Sizes) -> Iterator[Constraint]:
        known = [node.name for node in sizes.architecture.parameters]
        for name, value in values.items():
            if name not in known:
                raise ScalingError(f"prescribe: parameters must be among {', '.join(known)}; given {name!r}")
            why = f"prescribed: {quantity} of {name} is n^{value}"
            yield Constraint(unknown(symbol, name) - sign * value, "==", why)

    concerns: dict[str, Concern] = {"lr": "rate", "eps": "eps", "weight_decay": "decay"}
    return Desideratum(
        "prescribed " + quantity, f"{quantity} is given", concerns.get(quantity, "init"), constraints
    )


def no_multipliers(sizes: Sizes) -> Iterator[Constraint]:
    """Yield the convention that fixes the gauge in which everything is solved: a = 0 for every parameter."""
    for node in sizes.architecture.parameters:
        yield Constraint(unknown("a", node.name) - ZERO, "==", "gauge: no multipliers")


def chosen(require: Iterable[Desideratum | str], caller: str) -> tuple[Desideratum, ...]:
    """Return desiderata given as objects or names.

    ScalingError with the known names for an unknown one, TypeError for anything else.
    """
    wanted = f"{caller}: require must be a list of desiderata or their names"
    if isinstance(require, str | Desideratum) or not isinstance(require, Iterable):
        alone = require.name if isinstance(require, Desideratum) else require
        hint = f": write [{alone!r}]" if isinstance(alone, str) else ""
        raise TypeError(f"{wanted}; given {alone!r}{hint}")
    found = []
    for item in require:
        if isinstance(item, str):
            if item not in DESIDERATA:
                known = ", ".join(DESIDERATA)
                raise ScalingError(f"{caller}: require must name desiderata among {known}; given {item!r}")
            item = DESIDERATA[item]
        if not isinstance(item, Desideratum):
            raise TypeError(f"{wanted}; given {item!r} in it")
        found.append(item)
    return tuple(found)
