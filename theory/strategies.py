"""Hypothesis strategies for the objects of this room; hypothesis itself is imported lazily."""

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from scalewright.theory.gauge import GAUGES
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import KINDS, Node
from scalewright.theory.power import Power

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy


def exponents(largest: int = 4, denominator: int = 6) -> "SearchStrategy[Fraction]":
    """Draw exact rationals between -largest and largest."""
    from hypothesis import strategies as st

    return st.fractions(min_value=-largest, max_value=largest, max_denominator=denominator)


def powers(names: tuple[str, ...] = ("width", "depth", "inputs", "gamma")) -> "SearchStrategy[Power]":
    """Draw monomials of some of the named sizes."""
    from hypothesis import strategies as st

    return st.dictionaries(st.sampled_from(names), exponents()).map(Power)


def gauges() -> "SearchStrategy[str]":
    """Draw the name of a gauge."""
    from hypothesis import strategies as st

    return st.sampled_from(sorted(GAUGES))


def chains(largest: int = 6) -> "SearchStrategy[Architecture]":
    """Draw chains of 2 to `largest` weight layers, some with a bias, with 0 to 2 activations between them."""
    from hypothesis import strategies as st

    @st.composite
    def draw_chain(draw: "DrawFn") -> Architecture:
        layers = draw(st.integers(2, largest))
        nodes, last = [Node("data", "data", shape=("inputs",))], "data"
        for index in range(layers):
            nodes += _layer(draw, index, layers, last)
            last = nodes[-1].name
        nodes.append(Node("loss", "loss", (last,), kind=draw(st.sampled_from(KINDS["loss"]))))
        return Architecture(nodes, {size: Power({size: 1}) for size in ("inputs", "width", "outputs")})

    return draw_chain()


def _layer(draw: Any, index: int, layers: int, source: str) -> list[Node]:
    from hypothesis import strategies as st

    shape = ("outputs" if index == layers - 1 else "width", "inputs" if index == 0 else "width")
    name = f"layer.{index}"
    nodes = [
        Node(f"{name}.weight", "parameter", shape=shape),
        Node(name, "linear", (source, f"{name}.weight")),
    ]
    if draw(st.booleans()):
        nodes.append(Node(f"{name}.bias", "parameter", shape=shape[:1]))
        nodes.append(Node(f"{name}.shifted", "bias", (nodes[-2].name, f"{name}.bias")))
    kinds = draw(st.lists(st.sampled_from(KINDS["activation"]), max_size=0 if index == layers - 1 else 2))
    for place, kind in enumerate(kinds):
        nodes.append(Node(f"{name}.activation.{place}", "activation", (nodes[-1].name,), kind=kind))
    return nodes
