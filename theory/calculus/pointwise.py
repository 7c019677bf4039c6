"""The rules of operations without a parameter: data, activations, norms, sums, products and losses."""

from scalewright.theory.calculus.parts import Parts
from scalewright.theory.calculus.rule import (
    Rule,
    nothing,
    nothing_backward,
    pass_backward,
    pass_change,
    pass_forward,
)
from scalewright.theory.calculus.sizes import Sizes, unknown
from scalewright.theory.errors import ArchitectureError
from scalewright.theory.graph.nodes import SATURATING, Node
from scalewright.theory.solver.affine import Affine, Max
from scalewright.theory.solver.system import Constraint


def _data_forward(sizes: Sizes, node: Node) -> Parts:
    return Parts.of(Affine(), "data are Theta(1)")


def _activation_forward(sizes: Sizes, node: Node) -> Parts:
    size = sizes.forward[node.inputs[0]]
    if node.kind in SATURATING and size is not None:
        reason = f"{node.kind} of {node.name} passes sizes only while its input is at most Theta(1)"
        sizes.conditions.append(Constraint(size, "<=", reason))
    graph = sizes.architecture
    if node.name in graph.spine and node.kind != "linear" and sizes.blocks(graph.block_of[node.name]):
        raise ArchitectureError(
            f"derive: the blocks of {graph.block_of[node.name]!r} must hand their stream on by sums and "
            f"norms alone if their number grows; given the {node.kind} {node.name!r}"
        )
    return _off_spine(sizes, node, pass_forward(sizes, node), "size")


def _off_spine(sizes: Sizes, node: Node, found: Parts, what: str) -> Parts:
    """Return what an operation that begins a branch makes of the stream: no longer the stream itself."""
    if found.is_stream and node.name not in sizes.architecture.spine:
        return found.because(f"{what} of {node.name}: the {what} of {node.inputs[0]}")
    return found


def _activation_change(sizes: Sizes, node: Node) -> Parts:
    return _off_spine(sizes, node, pass_change(sizes, node), "change")


def _norm_forward(sizes: Sizes, node: Node) -> Parts:
    arriving = sizes.parts["s", node.inputs[0]]
    if node.name in sizes.architecture.spine:
        size = sizes.forward[node.inputs[0]]
        assert size is not None
        reason = f"{node.name} normalises the stream of blocks, which must be Theta(1) then"
        sizes.conditions.append(Constraint(size, "==", reason))
        return arriving
    return Parts.of(Affine(), f"{node.name} makes its output Theta(1)")


def _relative(sizes: Sizes, node: Node, symbol: str) -> Parts:
    """Return a change or a gradient divided by the size of what a norm takes."""
    source = node.inputs[0]
    arriving = sizes.parts["D", source] if symbol == "D" else sizes.parts["G", node.name]
    if node.name in sizes.architecture.spine:
        return arriving
    size = sizes.later(source)
    if size is None or not arriving:
        return Parts()
    what = f"change of {node.name}" if symbol == "D" else f"gradient before {node.name}"
    return (arriving + (-size)).because(f"{what}: divided by the size of {source}")


def _norm_change(sizes: Sizes, node: Node) -> Parts:
    return _relative(sizes, node, "D")


def _norm_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    return {node.inputs[0]: _relative(sizes, node, "G")}


def _product_forward(sizes: Sizes, node: Node) -> Parts:
    first, second = node.inputs
    found = Parts()
    for name, other in ((first, second), (second, first)):
        size = sizes.forward[other]
        if size is None:
            return Parts()
        arriving = sizes.parts["s", name]
        # The stream enters by either factor; what is the network's own needs both factors to be.
        own = arriving.own if sizes.parts["s", other].own else Max()
        kept = (
            Parts(own + _own_of(sizes, other), arriving.thru + size)
            if own
            else Parts(thru=arriving.thru + size)
        )
        found |= kept.because(f"size of {node.name}: product of both sizes")
    return found


def _own_of(sizes: Sizes, name: str) -> Affine:
    (term,) = sizes.parts["s", name].own.terms
    return term.value


def product_change(sizes: Sizes, node: Node) -> Parts:
    """Return the change of a product: of either factor, times the other's size, and of both."""
    found = Parts()
    first, second = node.inputs
    for name, other in ((first, second), (second, first)):
        size = sizes.forward[other]
        if size is not None:
            why = f"change of {node.name}: the change of {name} times {other}"
            found |= (sizes.parts["D", name] + size).because(why)
    for one in sizes.parts["D", first].own.terms:
        for two in sizes.parts["D", second].own.terms:
            found |= Parts.of(one.value + two.value, f"change of {node.name}: both changes")
    return found


def product_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    """Pass to each factor the gradient times the other's size."""
    found = {}
    first, second = node.inputs
    for name, other in ((first, second), (second, first)):
        size = sizes.later(other)
        if size is not None:
            arriving = sizes.parts["G", node.name] + size
            found[name] = arriving.because(f"gradient before {node.name}: times {other}")
    return found


def scaled(sizes: Sizes, node: Node, symbol: str, name: str, what: str) -> Parts:
    """Return a size, change or gradient after a fixed factor N^-m."""
    return (sizes.parts[symbol, name] + (-unknown("m", node.name))).because(f"{what} {node.name}: times N^-m")


def _multiplier_forward(sizes: Sizes, node: Node) -> Parts:
    return scaled(sizes, node, "s", node.inputs[0], "size of")


def _multiplier_change(sizes: Sizes, node: Node) -> Parts:
    return scaled(sizes, node, "D", node.inputs[0], "change of")


def multiplier_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    """Pass the gradient through a fixed factor."""
    return {node.inputs[0]: scaled(sizes, node, "G", node.name, "gradient before")}


def _loss_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    name = node.inputs[0]
    bounded = Parts.of(Affine(), "d loss / d logits is Theta(1)")
    size = sizes.later(name)
    if node.kind == "squared" and sizes.axis.name != "gamma" and size is not None:
        bounded |= Parts.of(size, "squared loss: d loss / d logits is the residual f - y")
    return {name: bounded}


def loss_conditions(sizes: Sizes, node: Node) -> None:
    """Add that the squared loss needs logits that don't grow."""
    change = sizes.change[node.inputs[0]]
    if node.kind == "squared" and change is not None:
        reason = "squared loss: the residual f - y feeds back, so the logits must not grow"
        sizes.conditions.append(Constraint(change, "<=", reason, "logits"))


DATA = Rule(_data_forward, nothing_backward, nothing)
ACTIVATION = Rule(_activation_forward, pass_backward, _activation_change)
PASS = Rule(pass_forward, pass_backward, pass_change)
NORM = Rule(_norm_forward, _norm_backward, _norm_change)
PRODUCT = Rule(_product_forward, product_backward, product_change)
MULTIPLIER = Rule(_multiplier_forward, multiplier_backward, _multiplier_change)
LOSS = Rule(nothing, _loss_backward, nothing)
