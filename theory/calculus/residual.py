r"""The rules of repeated residual blocks, $x_{l+1} = x_l + N^{-m} F_l(x_l)$ for L blocks.

Sums over blocks: initial branches are independent, so they add up as $L^{1/2}$; changes that come from
updates of the blocks' own weights are aligned, so they add up as L. What a branch returns of the stream
itself must not grow over the blocks, or the stream would grow exponentially: that is a condition, and with
it the stream's own equation $X = \max(x_0,\ \mathrm{own},\ X + \mathrm{turn})$ is solved by
$\max(x_0,\ \mathrm{own})$.
"""

from fractions import Fraction

from scalewright.theory.calculus.alignment import HALF
from scalewright.theory.calculus.parts import Parts
from scalewright.theory.calculus.pointwise import multiplier_backward, scaled
from scalewright.theory.calculus.rule import Rule
from scalewright.theory.calculus.sizes import Sizes, unknown
from scalewright.theory.graph.nodes import Node
from scalewright.theory.solver.affine import Max, Term
from scalewright.theory.solver.system import Constraint, Definition


def _stream_forward(sizes: Sizes, node: Node) -> Parts:
    return Parts.stream()


def _stream_change(sizes: Sizes, node: Node) -> Parts:
    return Parts.stream() if sizes.moves[node.name] else Parts()


def _stream_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    """Hand the gradient behind the blocks to what is before them; the blocks must not let it grow."""
    _must_not_grow(sizes, sizes.parts["G", node.name], node.name, "the gradient")
    end = sizes.gradient[_stack_of(sizes, node.name).name]
    if end is None:
        return {}
    return {node.inputs[0]: Parts.of(end, f"gradient before {node.name}: the gradient behind the blocks")}


def _must_not_grow(sizes: Sizes, found: Parts, stream: str, what: str) -> None:
    """Require that the blocks don't amplify what they are handed: by initial weights, by updates."""
    mu, why = sizes.blocks(stream), f"{what} must not grow over the blocks of {stream}"
    for term in (found.turns() + mu * HALF).terms + (found.loop + mu).terms:
        sizes.conditions.append(Constraint(term.value, "<=", f"{why}: {term.reason}", "growth"))


def _stack_of(sizes: Sizes, stream: str) -> Node:
    graph = sizes.architecture
    return next(n for n in graph.nodes if n.op == "stack" and graph.block_of[n.inputs[0]] == stream)


def _branch_forward(sizes: Sizes, node: Node) -> Parts:
    return scaled(sizes, node, "s", node.inputs[0], "size of")


def _branch_change(sizes: Sizes, node: Node) -> Parts:
    return scaled(sizes, node, "D", node.inputs[0], "change of")


def _stack_forward(sizes: Sizes, node: Node) -> Parts:
    return _stacked(sizes, node, "s", HALF, "size")


def _stack_change(sizes: Sizes, node: Node) -> Parts:
    stream = sizes.architecture.block_of[node.inputs[0]]
    return _stacked(sizes, node, "D", Fraction(1), "change") if sizes.moves[stream] else Parts()


def _stacked(sizes: Sizes, node: Node, symbol: str, law: Fraction, what: str) -> Parts:
    """Define the size or change of the stream, and require that the blocks don't amplify it."""
    inside = sizes.parts[symbol, node.inputs[0]]
    stream = sizes.architecture.by_name[sizes.architecture.block_of[node.inputs[0]]]
    mu = sizes.blocks(stream.name)
    before = sizes.change[stream.inputs[0]] if symbol == "D" else sizes.forward[stream.inputs[0]]
    start = Max() if before is None else Max.of(before, f"{what} of the stream: what enters the blocks")
    words = "aligned" if law == 1 else "independent"
    own = inside.own + law * mu
    if mu:
        own = Max(tuple(Term(t.value, f"{t.reason}; blocks are {words}", t.later) for t in own.terms))
    sizes.definitions.append(Definition(f"{symbol}[{stream.name}]", start | own))
    _must_not_grow(sizes, inside, stream.name, f"the {what} of the stream")
    return Parts.of(unknown(symbol, stream.name), f"{what} of the stream behind all blocks")


def _stack_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    return {node.inputs[0]: Parts.stream()}


STREAM = Rule(_stream_forward, _stream_backward, _stream_change)
BRANCH = Rule(_branch_forward, multiplier_backward, _branch_change)
STACK = Rule(_stack_forward, _stack_backward, _stack_change)
