"""Requirements that nothing grows: at initialisation, in the features, in the logits."""

from collections.abc import Iterator
from typing import Literal

from scalewright.theory.calculus.maps import initial
from scalewright.theory.calculus.sizes import Sizes
from scalewright.theory.desiderata.base import Desideratum, nodes_of, reason
from scalewright.theory.solver.affine import Affine
from scalewright.theory.solver.system import Constraint

WEIGHTS = ("linear", "convolution", "embedding", "depthwise")
MADE = (*WEIGHTS, "score", "stack", "multiplier", "mixture")
MOVED = (*WEIGHTS, "bias", "gain", "add", "score", "mix", "stack", "product", "multiplier", "mixture")


def _starts(
    sizes: Sizes, name: str, node: str, sense: Literal["<=", "=="], size: int = 0
) -> Constraint | None:
    start = sizes.forward[node]
    if start is None or sizes.factor(node) is not None:
        return None
    words = {"==": "at", "<=": "at most at"}[sense] + (" gamma^-1" if size else " Theta(1)")
    return Constraint(start - size, sense, reason(name, f"{node} starts {words}"))


def _stable_initialisation(sizes: Sizes) -> Iterator[Constraint]:
    name = "stable initialisation"
    gamma = sizes.axis.name == "gamma"
    found = [
        _starts(sizes, name, node.name, "<=" if node.name in sizes.late else "==")
        for node in nodes_of(sizes, MADE, "features")
    ]
    found += [
        _starts(sizes, name, node.name, "==" if gamma else "<=", int(gamma))
        for node in nodes_of(sizes, MADE, "logits")
    ]
    yield from (constraint for constraint in found if constraint is not None)
    yield from _unit_biases(sizes, name)


def _unit_biases(sizes: Sizes, name: str) -> Iterator[Constraint]:
    for node in nodes_of(sizes, ("bias",)):
        parameter = sizes.parameter(node)
        if not parameter.starts_at_zero:
            why = reason(name, f"{parameter.name} starts at Theta(1)")
            yield Constraint(initial(parameter.name), "==", why)


def _unit_gain(sizes: Sizes) -> Iterator[Constraint]:
    name = "unit gain"
    found = [_starts(sizes, name, node.name, "==") for node in nodes_of(sizes, MADE)]
    yield from (constraint for constraint in found if constraint is not None)
    yield from _unit_biases(sizes, name)


def _moved(sizes: Sizes, among: Literal["features", "logits"]) -> Iterator[tuple[str, Affine]]:
    for node in nodes_of(sizes, MOVED, among):
        change = sizes.change[node.name]
        if change is not None and sizes.factor(node.name) is None:
            yield node.name, change


def _stable_features(sizes: Sizes) -> Iterator[Constraint]:
    most = sizes.axis.feature_change
    words = "gamma" if most else "Theta(1)"
    for name, change in _moved(sizes, "features"):
        yield Constraint(change - most, "<=", reason("stable features", f"{name} moves by at most {words}"))


def _relative_stability(sizes: Sizes) -> Iterator[Constraint]:
    for name, change in _moved(sizes, "features"):
        start = sizes.forward[name]
        if start is not None and name not in sizes.late:
            why = reason("relative stability", f"{name} moves by at most its own size")
            yield Constraint(change - start, "<=", why)


def _bounded_logits(sizes: Sizes) -> Iterator[Constraint]:
    for name, change in _moved(sizes, "logits"):
        yield Constraint(change, "<=", reason("bounded logits", f"{name} moves by at most Theta(1)"))


stable_initialisation = Desideratum(
    "stable initialisation",
    "features start at Theta(1) (narrow layers and logits at most at that), biases at Theta(1)",
    "init",
    _stable_initialisation,
)
unit_gain = Desideratum(
    "unit gain",
    "every layer starts at Theta(1): the readout, narrow layers and attention scores too",
    "init",
    _unit_gain,
)
stable_features = Desideratum(
    "stable features", "features move by at most Theta(1)", "training", _stable_features
)
relative_stability = Desideratum(
    "relative stability", "features move by at most their own size", "training", _relative_stability
)
bounded_logits = Desideratum("bounded logits", "logits move by at most Theta(1)", "training", _bounded_logits)
free_logits = Desideratum("free logits", "nothing is asked of the logits", "training")
