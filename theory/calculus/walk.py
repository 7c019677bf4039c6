r"""The calculus of sizes: walk the graph both ways, and write every size as an exponent of one axis.

Every tensor t carries three exponents of the axis: s[t], the size of an entry at initialisation; D[t], the
size of its change since initialisation; G[t], the size of an entry of d loss / d t. A sum over $N^k$ terms
adds k/2 to an exponent if the terms are independent with mean zero (central limit theorem) and k if they are
aligned (law of large numbers). Derivations: docs/concepts/exponents.md.
"""

from scalewright.theory.calculus.optimizers import Optimizer
from scalewright.theory.calculus.rules import RULES
from scalewright.theory.calculus.sizes import Alignment, Rule, Sizes, unknown
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import Node
from scalewright.theory.solver.affine import Affine, Max
from scalewright.theory.solver.system import Constraint


def measure(
    architecture: Architecture, optimizer: Optimizer, axis: str, alignment: Alignment | None = None
) -> Sizes:
    """Walk the graph: sizes forward, gradients and updates backward, changes forward. Cost: linear."""
    sizes = Sizes(architecture, optimizer, axis, alignment or Alignment())
    tensors = [node for node in architecture.order if node.op not in ("parameter", "loss")]
    for node in tensors:
        sizes.forward[node.name] = sizes.define("s", node.name, RULES[node.op].forward(sizes, node))
    _backward(sizes, RULES)
    for node in tensors:
        maximum = RULES[node.op].change(sizes, node)
        sizes.changes[node.name] = maximum
        sizes.change[node.name] = sizes.define("D", node.name, maximum) if maximum.terms else None
    _conditions(sizes)
    return sizes


def _backward(sizes: Sizes, rules: dict[str, Rule]) -> None:
    arriving: dict[str, list[Max]] = {}
    for node in reversed(sizes.architecture.order):
        if node.op in ("parameter", "data"):
            continue
        if node.op != "loss":
            sizes.gradient[node.name] = sizes.define("G", node.name, Max.over(arriving[node.name]))
        if sizes.architecture.parameter_of(node) is not None:
            _update(sizes, node)
        for name, maximum in rules[node.op].backward(sizes, node).items():
            arriving.setdefault(name, []).append(maximum)


def _update(sizes: Sizes, node: Node) -> None:
    """Set the sizes of the parameter's raw gradient, d loss / dw = n^-a G x, and of its update."""
    name = sizes.parameter(node)
    seen = sizes.forward[node.inputs[0]] if node.op == "linear" else Affine()
    raw = sizes.gradient[node.name] + seen - unknown("a", name)
    sizes.raw_gradient[name] = raw
    step = sizes.optimizer.step(name, raw, sizes.define)
    sizes.update[name] = step - unknown("a", name) - unknown("c", name)


def _conditions(sizes: Sizes) -> None:
    """Add what the rules themselves need to be true."""
    loss = sizes.architecture.loss
    change = sizes.change[loss.inputs[0]]
    if loss.kind == "squared" and change is not None:
        reason = "squared loss: the residual f - y feeds back, so the logits must not grow"
        sizes.conditions.append(Constraint(change, "<=", reason))
    for node in sizes.architecture.nodes:
        if node.op == "activation" and node.kind in ("tanh", "erf"):
            reason = f"{node.kind} of {node.name} passes sizes only while its input is at most Theta(1)"
            sizes.conditions.append(Constraint(sizes.forward[node.inputs[0]], "<=", reason))
