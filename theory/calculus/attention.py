"""The rules of attention and of mixtures of experts: scores, softmax averages, routed sums."""

from fractions import Fraction

from scalewright.theory.calculus.alignment import HALF
from scalewright.theory.calculus.parts import Parts
from scalewright.theory.calculus.pointwise import product_backward, product_change, scaled
from scalewright.theory.calculus.rule import Rule, pass_change, pass_forward, sum_of
from scalewright.theory.calculus.sizes import Sizes, unknown
from scalewright.theory.graph.nodes import Node
from scalewright.theory.solver.affine import Affine


def _score_forward(sizes: Sizes, node: Node) -> Parts:
    """Size of q . k / d^p at initialisation: d independent terms."""
    kappa = sizes.exponent(node.shape[0])
    query, key = (sizes.forward[name] for name in node.inputs)
    if query is None or key is None:
        return Parts()
    why = sum_of(HALF, kappa, "the head", f"size of {node.name}: q k")
    return Parts.of(query + key + kappa * HALF - unknown("m", node.name), why)


def _score_change(sizes: Sizes, node: Node) -> Parts:
    """Change of q . k / d^p: queries and keys move along each other, so d aligned terms."""
    kappa = sizes.exponent(node.shape[0])
    found = product_change(sizes, node) + (Affine.number(kappa) - unknown("m", node.name))
    return found.because(sum_of(Fraction(1), kappa, "the head", f"change of {node.name}: q k"))


def _score_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    factor = -unknown("m", node.name)
    return {name: found + factor for name, found in product_backward(sizes, node).items()}


def _mix_forward(sizes: Sizes, node: Node) -> Parts:
    return sizes.parts["s", node.inputs[0]].because(f"size of {node.name}: an average of values")


def _mix_change(sizes: Sizes, node: Node) -> Parts:
    values, scores = node.inputs
    found = sizes.parts["D", values].because(f"change of {node.name}: the change of {values}")
    size = sizes.forward[values]
    if size is not None:
        why = f"change of {node.name}: the change of the weights {scores}"
        found |= (sizes.parts["D", scores] + size).because(why)
    return found


def _mix_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    values, scores = node.inputs
    gradient = sizes.parts["G", node.name]
    kappa = sizes.exponent(_score_of(sizes, scores).shape[0])
    found = {values: gradient.because(f"gradient before {node.name}: an average of values")}
    found[scores] = _pairing(sizes, node, values, kappa, gradient)
    return found


def _pairing(sizes: Sizes, node: Node, source: str, kappa: Fraction, gradient: Parts) -> Parts:
    """Return the gradient of a weight of an average: <G, x>, aligned once x has moved along G."""
    what = f"gradient of the weights of {node.name}: <G, {source}>"
    found = Parts()
    start, later = sizes.forward[source], sizes.later(source)
    if start is not None:
        found |= (gradient + (start + kappa * HALF)).because(sum_of(HALF, kappa, "its entries", what))
    if later is not None and sizes.moves[source]:
        aligned = (gradient + (later + kappa)).because(sum_of(Fraction(1), kappa, "its entries", what))
        found |= aligned.delayed()
    return found


def _score_of(sizes: Sizes, name: str) -> Node:
    node = sizes.architecture.by_name[name]
    while node.op != "score":
        node = sizes.architecture.by_name[node.inputs[0]]
    return node


def _dispatch_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    """A token receives the gradients of its k active experts."""
    kappa = sizes.exponent(node.shape[1])
    gradient, what = sizes.parts["G", node.name], f"gradient before {node.name}: active experts"
    found = (gradient + kappa * HALF).because(sum_of(HALF, kappa, "experts", what))
    if kappa:
        aligned = (gradient.coherent() + kappa).because(sum_of(Fraction(1), kappa, "experts", what))
        found |= aligned.delayed()
    return {node.inputs[0]: found}


def _mixture_forward(sizes: Sizes, node: Node) -> Parts:
    kappa = sizes.exponent(node.shape[1])
    found = scaled(sizes, node, "s", node.inputs[0], "size of") + kappa * HALF
    return found.because(sum_of(HALF, kappa, "active experts", f"size of {node.name}"))


def _mixture_change(sizes: Sizes, node: Node) -> Parts:
    kappa = sizes.exponent(node.shape[1])
    factor = Affine.number(kappa) - unknown("m", node.name)
    return _mix_change(sizes, node) + factor


def _mixture_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    values, router = node.inputs
    gradient = scaled(sizes, node, "G", node.name, "gradient before")
    kappa = sizes.exponent(sizes.architecture.dimension_of[values])
    return {values: gradient, router: _pairing(sizes, node, values, kappa, gradient)}


SCORE = Rule(_score_forward, _score_backward, _score_change)
MIX = Rule(_mix_forward, _mix_backward, _mix_change)
DISPATCH = Rule(pass_forward, _dispatch_backward, pass_change)
MIXTURE = Rule(_mixture_forward, _mixture_backward, _mixture_change)
