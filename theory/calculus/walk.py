r"""The calculus of sizes: walk the graph both ways, and write every size as an exponent of one axis.

Every tensor t carries three exponents of the axis: s[t], the size of an entry at initialisation; D[t], the
size of its change since initialisation; G[t], the size of an entry of d loss / d t. A sum over $N^k$ terms
adds k/2 to an exponent if the terms are independent with mean zero (central limit theorem) and k if they are
aligned (law of large numbers). Derivations: docs/concepts/exponents.md.
"""

from fractions import Fraction

from scalewright.theory.calculus.alignment import Alignment
from scalewright.theory.calculus.maps import raw_gradient
from scalewright.theory.calculus.optimizers import Assignment, Optimizer
from scalewright.theory.calculus.parts import Parts
from scalewright.theory.calculus.pointwise import loss_conditions
from scalewright.theory.calculus.rules import RULES
from scalewright.theory.calculus.sizes import Axis, Sizes, unknown
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import Node
from scalewright.theory.solver.affine import Affine, Max
from scalewright.theory.solver.system import Definition


def measure(
    architecture: Architecture, assignment: Assignment, axis: Axis, alignment: Alignment | None = None
) -> Sizes:
    """Walk the graph: sizes forward, gradients backward, updates, changes forward. Cost: linear."""
    sizes = Sizes(architecture, assignment, axis, alignment or Alignment())
    tensors = [node for node in architecture.order if node.op not in ("parameter", "loss")]
    for node in tensors:
        _settle_forward(sizes, node, "s", RULES[node.op].forward(sizes, node))
    _backward(sizes)
    for parameter in architecture.trainable:
        _update(sizes, parameter)
    for node in tensors:
        _settle_forward(sizes, node, "D", RULES[node.op].change(sizes, node))
    _later_sizes(sizes)
    loss_conditions(sizes, architecture.loss)
    return sizes


def _settle_forward(sizes: Sizes, node: Node, symbol: str, found: Parts) -> None:
    """Record the size or the change of a tensor; inside blocks, relative to that of their stream."""
    stream = sizes.architecture.block_of.get(node.name)
    whole = sizes.forward if symbol == "s" else sizes.change
    if stream == node.name:
        sizes.parts[symbol, node.name] = found
        whole[node.name] = unknown(symbol, node.name) if found else None
        return
    base = None if stream is None else whole[stream]
    whole[node.name] = sizes.settle(symbol, node.name, found, base)


def _backward(sizes: Sizes) -> None:
    graph = sizes.architecture
    arriving: dict[str, Parts] = {}
    for node in reversed(graph.order):
        if node.op in ("parameter", "data"):
            continue
        if node.op != "loss":
            stream = graph.block_of.get(node.name)
            base = None if stream is None else _end_of(sizes, stream)
            found = arriving.get(node.name, Parts())
            sizes.gradient[node.name] = sizes.settle("G", node.name, found, base)
        for name, parts in RULES[node.op].backward(sizes, node).items():
            arriving[name] = arriving.get(name, Parts()) | _outward(sizes, node, name, parts)


def _outward(sizes: Sizes, node: Node, name: str, parts: Parts) -> Parts:
    """Return a gradient that leaves the blocks for a tensor which all of them read: a sum over the blocks."""
    blocks = sizes.architecture.block_of
    stream = blocks.get(node.name)
    if stream is None or node.op == "stream" or blocks.get(name) == stream:
        return parts
    end, mu = _end_of(sizes, stream), sizes.blocks(stream)
    if end is None:
        return Parts(parts.own)
    found = Parts(parts.own | (parts.thru + (end + mu / 2)) | (parts.loop + (end + mu)))
    return found.because(f"gradient before {node.name}: from every block of {stream}")


def _end_of(sizes: Sizes, stream: str) -> Affine | None:
    """Return the gradient behind the blocks that read a stream."""
    graph = sizes.architecture
    return next(
        sizes.gradient[n.name]
        for n in graph.nodes
        if n.op == "stack" and graph.block_of[n.inputs[0]] == stream
    )


def _update(sizes: Sizes, parameter: Node) -> None:
    """Define the sizes of a parameter's raw gradient and of its update, U = -a - c + step."""
    name, optimizer = parameter.name, sizes.optimizer(parameter.name)
    raw = sizes.define("g", name, raw_gradient(sizes, name))
    sizes.raw_gradient[name] = raw
    step = _step(sizes, parameter, optimizer, raw) - unknown("a", name) - unknown("c", name)
    update = Max.of(step + sizes.axis.steps, f"update of {name}: {optimizer.rule}")
    sizes.definitions.append(Definition(f"U[{name}]", update))


def _step(sizes: Sizes, parameter: Node, optimizer: Optimizer, raw: Affine) -> Affine:
    """Return the size of g / max(g, eps)^(1 - degree): of an entry, or of the operator norm if spectral."""
    name = parameter.name
    size = raw
    if optimizer.spectral:
        size = raw + sum(sizes.fans(sizes.architecture.user_of(name)), Fraction(0)) / 2
    divisor = size + sizes.axis.noise
    if optimizer.has_eps:
        small = unknown("e", name) * Fraction(1, optimizer.eps_degree)
        why = f"{optimizer.name} divides by at least"
        divisor = sizes.define(
            "M",
            name,
            Max.of(divisor, f"{why} the size of the gradient of {name}")
            | Max.of(small, f"{why} the epsilon of {name}"),
        )
    elif optimizer.degree != 1:
        # A name of its own, so that the step of a gradient that is exactly zero is zero.
        sizes.definitions.append(Definition(f"M[{name}]", Max.of(divisor, f"the gradient of {name}")))
        divisor = unknown("M", name)
    step = size - divisor * (1 - optimizer.degree) + optimizer.momentum
    return step - unknown("b", name) if optimizer.relative else step


def _later_sizes(sizes: Sizes) -> None:
    """Define z = max(s, D), the size of a tensor that the gradients of later steps see."""
    for name in sorted(sizes.latest):
        start, change = sizes.forward[name], sizes.change[name]
        found = Max() if start is None else Max.of(start, f"later size of {name}: its initial size")
        if change is not None:
            found |= Max.of(change, f"later size of {name}: its change", later=True)
        sizes.definitions.append(Definition(f"z[{name}]", found))
