"""Build transformers: language models, vision transformers, mixtures of experts, low-rank adapters."""

from dataclasses import dataclass
from typing import Literal

from scalewright.theory.errors import ArchitectureError
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.construct import Graph
from scalewright.theory.graph.perceptrons import check_flags, check_kinds
from scalewright.theory.power import Power

Heads = Literal["grow", "fixed"]


@dataclass(frozen=True)
class Blocks:
    """What the blocks of a transformer are made of; see `gpt` for the values."""

    place: Literal["pre", "post"] = "pre"
    norm: str = "layer"
    activation: str = "gelu"
    gated: bool = False
    bias: bool = False
    heads: Heads = "grow"
    grouped: bool = False
    adapters: bool = False

    def check(self, caller: str, loss: str) -> None:
        """Raise ArchitectureError at a value, or a loss, that is none."""
        check_kinds(caller, norm=self.norm, activation=self.activation, loss=loss)
        check_flags(caller, gated=self.gated, bias=self.bias, grouped=self.grouped)
        for name, value, known in (
            ("place", self.place, ("pre", "post")),
            ("heads", self.heads, ("grow", "fixed")),
        ):
            if value not in known:
                raise ArchitectureError(
                    f"{caller}: {name} must be one of {', '.join(known)}; given {value!r}"
                )


def _graph(blocks: Blocks) -> Graph:
    """Return an empty graph whose head size grows with the width unless the number of heads does."""
    head = Power({"head": 1}) if blocks.heads == "grow" else Power({"width": 1})
    return Graph(head=head, grouped=Power({"width": 1}), expanded=Power({"width": 1}))


def _map(g: Graph, blocks: Blocks, name: str, x: str, to: str) -> str:
    """Add a linear map of a block; with adapters, a frozen one beside a trained product B A of fixed rank."""
    if not blocks.adapters:
        return g.linear(name, x, to, bias=blocks.bias)
    base = g.linear(name, x, to, kind="frozen")
    low = g.linear(f"{name}.A", x, "rank")
    return g.add(f"{name}.adapted", base, g.linear(f"{name}.B", low, to, kind="zero"))


def _attention(g: Graph, blocks: Blocks, x: str) -> str:
    name = "blocks.attention"
    query = _map(g, blocks, f"{name}.query", x, "width")
    keys = "grouped" if blocks.grouped else "width"
    key, value = (_map(g, blocks, f"{name}.{part}", x, keys) for part in ("key", "value"))
    mixed = g.attention(name, query, key, value, "head")
    return _map(g, blocks, f"{name}.output", mixed, "width")


def _perceptron(g: Graph, blocks: Blocks, x: str, name: str = "blocks.mlp") -> str:
    up = g.activation(_map(g, blocks, f"{name}.up", x, "expanded"), blocks.activation, f"{name}.activation")
    if blocks.gated:
        up = g.product(f"{name}.gated", up, _map(g, blocks, f"{name}.gate", x, "expanded"))
    return _map(g, blocks, f"{name}.down", up, "width")


def _experts(g: Graph, blocks: Blocks, x: str) -> str:
    router = g.linear("blocks.router", x, "experts")
    inside = g.dispatch("blocks.dispatch", x, "experts", "active")
    out = _perceptron(g, blocks, inside, "blocks.expert")
    return g.mixture("blocks.mixture", out, router, "experts", "active")


def _norm(g: Graph, blocks: Blocks, name: str, x: str) -> str:
    return g.norm(name, x, blocks.norm, affine=not blocks.adapters)


def _transform(g: Graph, blocks: Blocks, x: str, *, experts: bool = False) -> str:
    """Add L blocks of attention and perceptron, and return the stream behind them."""
    x = g.stream("blocks.stream", x, "depth")
    parts = {"attention": _attention, "mlp": _experts if experts else _perceptron}
    for name, part in parts.items():
        if blocks.place == "pre":
            branch = part(g, blocks, _norm(g, blocks, f"blocks.{name}.norm", x))
            x = g.residual(f"blocks.{name}.sum", x, branch)
        else:
            x = g.residual(f"blocks.{name}.sum", x, part(g, blocks, x))
            x = _norm(g, blocks, f"blocks.{name}.norm", x)
    x = g.stack("blocks", x)
    return _norm(g, blocks, "norm", x) if blocks.place == "pre" else x


def _language_model(blocks: Blocks, *, tied: bool, vocabulary: str, loss: str, experts: bool) -> Architecture:
    if vocabulary not in ("fixed", "grow"):
        raise ArchitectureError(f"gpt: vocabulary must be one of fixed, grow; given {vocabulary!r}")
    g = _graph(blocks)
    grown = Power({"width": 1}) if vocabulary == "grow" else Power({"vocabulary": 1})
    g.size("vocabulary", grown)
    kind = "frozen" if blocks.adapters else ""
    tokens = g.embedding("embedding", g.data("vocabulary", "tokens"), "width", kind=kind)
    places = g.embedding("positions", g.data("context", "places"), "width", kind=kind)
    x = _transform(g, blocks, g.add("embedded", tokens, places), experts=experts)
    check_flags("gpt", tied=tied)
    if tied:
        x = g.linear("readout", x, "vocabulary", weight="embedding.weight")
        return g.loss(g.multiplier("readout.multiplier", x), loss)
    return g.loss(g.linear("readout", x, "vocabulary", kind=kind), loss)


def gpt(
    *,
    place: Literal["pre", "post"] = "pre",
    tied: bool = False,
    norm: str = "layer",
    activation: str = "gelu",
    gated: bool = False,
    bias: bool = False,
    heads: Heads = "grow",
    grouped: bool = False,
    vocabulary: Literal["fixed", "grow"] = "fixed",
    loss: str = "cross-entropy",
) -> Architecture:
    """Build a decoder-only transformer; its L blocks are one in the graph, `blocks`, with branches L^-m F.

    Parameters: `embedding.weight`, `positions.weight`, `blocks.attention.{query,key,value,output}.weight`,
    `blocks.mlp.{up,down}.weight` (and `gate`), the norms' gains and biases, `readout.weight`. Factors
    without a parameter: `blocks.attention.scores` (head^-p), the two branches, `readout.multiplier` if tied.

    Args:
        place: norms before the branches ("pre", and one before the readout) or after the sums ("post").
        tied: whether the readout uses the embedding's weight.
        norm: layer, rms or batch.
        activation: of the perceptron.
        gated: multiply its hidden units by a linear gate (SwiGLU with activation "silu").
        bias: whether linear maps of blocks add a bias.
        heads: "grow": more heads of a fixed size; "fixed": a fixed number of heads whose size grows.
        grouped: keys and values for groups of queries (their own dimension, which grows like the width).
        vocabulary: "grow" if it grows like the width.
        loss: squared, cross-entropy or brier.

    Raises:
        ArchitectureError: (a ValueError) if a value isn't one of these.

    >>> gpt().user_of("blocks.attention.query.weight").op
    'linear'
    """
    blocks = Blocks(place, norm, activation, gated, bias, heads, grouped)
    blocks.check("gpt", loss)
    return _language_model(blocks, tied=tied, vocabulary=vocabulary, loss=loss, experts=False)


def moe(
    *,
    norm: str = "layer",
    activation: str = "gelu",
    gated: bool = False,
    heads: Heads = "grow",
    active: Literal["fixed", "grow"] = "fixed",
    loss: str = "cross-entropy",
) -> Architecture:
    """Build a `gpt` whose perceptrons are mixtures: `active` experts of a number that is the axis "experts".

    The router is `blocks.router.weight`, the experts' weights `blocks.expert.{up,down}.weight`, the factor of
    the sum over active experts `blocks.mixture`. `active` "grow" makes the active experts grow like all.

    Raises:
        ArchitectureError: (a ValueError) if a value isn't one that is accepted.

    >>> moe().experts_of["blocks.mixture"] >= {"blocks.expert.up", "blocks.expert.down"}
    True
    """
    blocks = Blocks(norm=norm, activation=activation, gated=gated, heads=heads)
    blocks.check("moe", loss)
    if active not in ("fixed", "grow"):
        raise ArchitectureError(f"moe: active must be one of fixed, grow; given {active!r}")
    found = _language_model(blocks, tied=False, vocabulary="fixed", loss=loss, experts=True)
    if active == "fixed":
        return found
    return Architecture(found.nodes, dict(found.dimensions) | {"active": Power({"experts": 1})})


def lora(
    *, norm: str = "layer", activation: str = "gelu", heads: Heads = "grow", loss: str = "cross-entropy"
) -> Architecture:
    """Build a pre-norm `gpt` whose weights are frozen, each block map W with a trained B A beside it.

    A is `blocks.attention.query.A.weight` (rank, width) and so on, B `....B.weight`, which starts at zero;
    the rank is fixed. Nothing else is trained.

    Raises:
        ArchitectureError: (a ValueError) if a value isn't one that is accepted.

    >>> [p.name for p in lora().trainable][:2]
    ['blocks.attention.query.A.weight', 'blocks.attention.query.B.weight']
    """
    blocks = Blocks(norm=norm, activation=activation, heads=heads, adapters=True)
    blocks.check("lora", loss)
    return _language_model(blocks, tied=False, vocabulary="fixed", loss=loss, experts=False)


def vit(
    *,
    norm: str = "layer",
    activation: str = "gelu",
    bias: bool = True,
    heads: Heads = "grow",
    loss: str = "cross-entropy",
) -> Architecture:
    """Build a vision transformer: linear patches of fixed size, blocks as in `gpt`, a pooled readout.

    Parameters: `patches.weight`, `positions.weight`, those of the blocks, `readout.weight`.

    Raises:
        ArchitectureError: (a ValueError) if a value isn't one that is accepted.

    >>> [p.name for p in vit(bias=False).parameters][:2]
    ['patches.weight', 'positions.weight']
    """
    blocks = Blocks(norm=norm, activation=activation, bias=bias, heads=heads)
    blocks.check("vit", loss)
    g = _graph(blocks)
    patches = g.linear("patches", g.data("pixels"), "width", bias=bias)
    places = g.embedding("positions", g.data("context", "places"), "width")
    x = _transform(g, blocks, g.add("embedded", patches, places))
    return g.loss(g.linear("readout", g.pool(x), "outputs", bias=bias), loss)
