"""Hypothesis strategies for the objects of this room; hypothesis itself is imported lazily."""

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from scalewright.theory.calculus.optimizers import OPTIMIZERS
from scalewright.theory.gauge import GAUGES
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.construct import Graph
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


def graphs(largest: int = 5) -> "SearchStrategy[Architecture]":
    """Draw networks of up to `largest` pieces of every kind, on the axes width, depth and experts.

    Pieces are linear layers (square, narrow, tied), norms, gates, residual sums, attention, experts and
    repeated residual blocks; every drawn graph is sound, but what is required of it may be infeasible.
    """
    from hypothesis import strategies as st

    @st.composite
    def draw_graph(draw: "DrawFn") -> Architecture:
        g = Graph(neck=Power({"width": draw(st.sampled_from(["0", "1/2"]))}), head=draw(_head_sizes()))
        x = _begin(g, draw)
        for index in range(draw(st.integers(0, largest))):
            x = PIECES[draw(st.sampled_from(list(PIECES)))](g, draw, f"piece.{index}", x)
        return g.loss(g.linear("readout", x, "outputs", bias=draw(st.booleans())), draw(_losses()))

    return draw_graph()


def _head_sizes() -> "SearchStrategy[Power]":
    from hypothesis import strategies as st

    return st.sampled_from([Power({"head": 1}), Power({"width": 1})])


def _losses() -> "SearchStrategy[str]":
    from hypothesis import strategies as st

    return st.sampled_from(KINDS["loss"])


def _begin(g: Graph, draw: Any) -> str:
    from hypothesis import strategies as st

    if draw(st.booleans()):
        return g.embedding("embedding", g.data("vocabulary", "tokens"), "width")
    return g.linear("input", g.data("inputs"), "width", bias=draw(st.booleans()))


def _layer_piece(g: Graph, draw: Any, name: str, x: str) -> str:
    from hypothesis import strategies as st

    x = g.activation(x, draw(st.sampled_from(KINDS["activation"])), f"{name}.activation")
    return g.linear(name, x, "width", bias=draw(st.booleans()))


def _neck_piece(g: Graph, draw: Any, name: str, x: str) -> str:
    return g.linear(f"{name}.out", g.activation(g.linear(f"{name}.in", x, "neck"), "relu"), "width")


def _norm_piece(g: Graph, draw: Any, name: str, x: str) -> str:
    from hypothesis import strategies as st

    return g.norm(name, x, draw(st.sampled_from(KINDS["norm"])), affine=draw(st.booleans()))


def _gate_piece(g: Graph, draw: Any, name: str, x: str) -> str:
    up = g.activation(g.linear(f"{name}.up", x, "width"), "silu")
    return g.linear(
        f"{name}.down", g.product(f"{name}.gated", up, g.linear(f"{name}.gate", x, "width")), "width"
    )


def _sum_piece(g: Graph, draw: Any, name: str, x: str) -> str:
    return g.add(f"{name}.sum", x, _layer_piece(g, draw, name, x))


def _attention_piece(g: Graph, draw: Any, name: str, x: str) -> str:
    query, key, value = (g.linear(f"{name}.{part}", x, "width") for part in ("query", "key", "value"))
    return g.linear(f"{name}.output", g.attention(name, query, key, value, "head"), "width")


def _expert_piece(g: Graph, draw: Any, name: str, x: str) -> str:
    router = g.linear(f"{name}.router", x, "experts")
    inside = _layer_piece(g, draw, f"{name}.expert", g.dispatch(f"{name}.dispatch", x, "experts", "active"))
    return g.mixture(f"{name}.mixture", inside, router, "experts", "active")


def _tied_piece(g: Graph, draw: Any, name: str, x: str) -> str:
    first = g.activation(g.linear(f"{name}.first", x, "width"), "tanh")
    return g.linear(f"{name}.second", first, "width", weight=f"{name}.first.weight")


def _block_piece(g: Graph, draw: Any, name: str, x: str) -> str:
    from hypothesis import strategies as st

    stream = g.stream(f"{name}.stream", x, "depth")
    inner = g.norm(f"{name}.norm", stream) if draw(st.booleans()) else stream
    kind = draw(st.sampled_from(["layer", "gate", "attention", "experts"]))
    branch = PIECES[kind](g, draw, f"{name}.inside", inner)
    branch = branch if kind != "experts" else g.linear(f"{name}.after", branch, "width")
    return g.stack(name, g.residual(f"{name}.sum", stream, branch))


PIECES: dict[str, Callable[[Graph, Any, str, str], str]] = {
    "layer": _layer_piece,
    "neck": _neck_piece,
    "norm": _norm_piece,
    "gate": _gate_piece,
    "sum": _sum_piece,
    "attention": _attention_piece,
    "experts": _expert_piece,
    "tied": _tied_piece,
    "blocks": _block_piece,
}


def optimizers() -> "SearchStrategy[str]":
    """Draw the name of an optimizer."""
    from hypothesis import strategies as st

    return st.sampled_from([*OPTIMIZERS, "shampoo(1/2)", "momentum(1/2)", "muon+adamw"])
