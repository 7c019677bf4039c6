"""What a rule of the calculus is, and what most rules share."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from scalewright.theory.calculus.alignment import HALF
from scalewright.theory.calculus.parts import Parts
from scalewright.theory.calculus.sizes import Sizes
from scalewright.theory.graph.nodes import Node


@dataclass(frozen=True)
class Rule:
    """What an operation does to sizes. `backward` returns what it passes to each tensor that it takes."""

    forward: Callable[[Sizes, Node], Parts]
    backward: Callable[[Sizes, Node], dict[str, Parts]]
    change: Callable[[Sizes, Node], Parts]


def sum_of(exponent: Fraction, kappa: Fraction, axis: str, what: str) -> str:
    """Say in words how a sum over the fan-in or fan-out adds up."""
    if not kappa:
        return f"{what} sums over a fixed number of terms"
    law = {HALF: "independent terms, central limit", Fraction(1): "aligned terms, law of large numbers"}
    return f"{what} sums over {axis}: {law.get(exponent, f'alignment {exponent}')}"


def nothing_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    """Pass nothing on."""
    return {}


def nothing(sizes: Sizes, node: Node) -> Parts:
    """Return an exact zero."""
    return Parts()


def pass_forward(sizes: Sizes, node: Node) -> Parts:
    """Return the largest of what arrives."""
    return _joined(sizes, node, "s", "size")


def pass_change(sizes: Sizes, node: Node) -> Parts:
    """Return the largest change of what arrives."""
    return _joined(sizes, node, "D", "change")


def _joined(sizes: Sizes, node: Node, symbol: str, what: str) -> Parts:
    found = Parts()
    for name in sizes.architecture.tensors_of(node):
        part = sizes.parts[symbol, name]
        found |= part if part.is_stream else part.because(f"{what} of {node.name}: the {what} of {name}")
    return found


def pass_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    """Pass the gradient to everything that is taken."""
    arriving = sizes.parts["G", node.name]
    if not arriving.is_stream:
        arriving = arriving.because(f"gradient before {node.name}: passed on unchanged")
    return dict.fromkeys(sizes.architecture.tensors_of(node), arriving)
