"""What each operation does to sizes, gradients and changes: one rule an operation."""

from fractions import Fraction

from scalewright.theory.calculus.sizes import HALF, Rule, Sizes, unknown
from scalewright.theory.graph.nodes import Node
from scalewright.theory.solver.affine import Affine, Max, Term


def _data_forward(sizes: Sizes, node: Node) -> Max:
    return Max.of(Affine(), "data are Theta(1)")


def _no_backward(sizes: Sizes, node: Node) -> dict[str, Max]:
    return {}


def _no_change(sizes: Sizes, node: Node) -> Max:
    return Max()


def _sum_of(exponent: Fraction, kappa: Fraction, axis: str, what: str) -> str:
    """Say in words how a sum over the fan-in or fan-out adds up."""
    if not kappa:
        return f"{what} sums over a fixed number of terms"
    law = {HALF: "independent terms, central limit", Fraction(1): "aligned terms, law of large numbers"}
    return f"{what} sums over {axis}: {law.get(exponent, f'alignment {exponent}')}"


def _initial(sizes: Sizes, name: str) -> Affine:
    """Return the exponent of an entry of W_0 = n^-a w_0."""
    return -unknown("a", name) - unknown("b", name)


def _linear_forward(sizes: Sizes, node: Node) -> Max:
    parameter = sizes.architecture.by_name[sizes.parameter(node)]
    kappa = sizes.grows(parameter)[0]
    value = kappa * HALF + _initial(sizes, parameter.name) + sizes.forward[node.inputs[0]]
    return Max.of(value, _sum_of(HALF, kappa, sizes.axis, f"size of {node.name}: W_0 x"))


def _linear_backward(sizes: Sizes, node: Node) -> dict[str, Max]:
    parameter = sizes.architecture.by_name[sizes.parameter(node)]
    kappa, gradient, source = sizes.grows(parameter)[1], sizes.gradient[node.name], node.inputs[0]
    aligned = sizes.alignment.update
    weight = Max.of(
        kappa * HALF + _initial(sizes, parameter.name) + gradient,
        _sum_of(HALF, kappa, sizes.axis, f"gradient before {node.name}: W_0^T G"),
    )
    moved = Max.of(
        kappa * aligned + sizes.update[parameter.name] + gradient,
        _sum_of(aligned, kappa, sizes.axis, f"gradient before {node.name}: (W_t - W_0)^T G"),
    )
    return {source: weight | moved}


def _linear_change(sizes: Sizes, node: Node) -> Max:
    """E = (W_t - W_0) x_0, P = W_0 (x_t - x_0), U = (W_t - W_0)(x_t - x_0)."""
    parameter = sizes.architecture.by_name[sizes.parameter(node)]
    kappa_in, kappa_out = sizes.grows(parameter)
    update, source, align = sizes.update[parameter.name], node.inputs[0], sizes.alignment
    omega = align.propagating(kappa_in, kappa_out)

    def term(exponent: Fraction, value: Affine, what: str) -> Term:
        words = _sum_of(exponent, kappa_in, sizes.axis, f"change of {node.name}: {what}")
        return Term(exponent * kappa_in + value, words)

    effective = term(align.update, update + sizes.forward[source], "effective update (W_t - W_0) x_0")
    sizes.effective[node.name] = effective
    moved = sizes.change[source]
    if moved is None:
        return Max((effective,))
    propagating = term(omega, _initial(sizes, parameter.name) + moved, "propagating update W_0 (x_t - x_0)")
    sizes.propagating[node.name] = propagating
    return Max((effective, propagating, term(align.joint, update + moved, "(W_t - W_0)(x_t - x_0)")))


def _bias_forward(sizes: Sizes, node: Node) -> Max:
    name = sizes.parameter(node)
    own = Max.of(_initial(sizes, name), f"size of {node.name}: the bias itself")
    return Max.of(sizes.forward[node.inputs[0]], f"size of {node.name}: what arrives") | own


def _bias_change(sizes: Sizes, node: Node) -> Max:
    name = sizes.parameter(node)
    own = Term(sizes.update[name], f"change of {node.name}: the update of {name}")
    sizes.effective[node.name] = own
    return _arriving_change(sizes, node) | Max((own,))


def _arriving_change(sizes: Sizes, node: Node) -> Max:
    moved = [(name, sizes.change[name]) for name in sizes.architecture.tensors_of(node)]
    terms = (Term(d, f"change of {node.name}: the change of {name}") for name, d in moved if d is not None)
    return Max(tuple(terms))


def _pass_forward(sizes: Sizes, node: Node) -> Max:
    names = sizes.architecture.tensors_of(node)
    return Max(tuple(Term(sizes.forward[name], f"size of {node.name}: the size of {name}") for name in names))


def _pass_backward(sizes: Sizes, node: Node) -> dict[str, Max]:
    gradient = sizes.gradient[node.name]
    names = sizes.architecture.tensors_of(node)
    return {name: Max.of(gradient, f"gradient before {node.name}: passed on unchanged") for name in names}


def _loss_backward(sizes: Sizes, node: Node) -> dict[str, Max]:
    bounded = Max.of(Affine(), "d loss / d logits is Theta(1)")
    if node.kind == "squared":
        bounded |= Max.of(
            sizes.forward[node.inputs[0]], "squared loss: d loss / d logits is the residual f - y"
        )
    return {node.inputs[0]: bounded}


RULES: dict[str, Rule] = {
    "data": Rule(_data_forward, _no_backward, _no_change),
    "linear": Rule(_linear_forward, _linear_backward, _linear_change),
    "bias": Rule(_bias_forward, _pass_backward, _bias_change),
    "activation": Rule(_pass_forward, _pass_backward, _arriving_change),
    "add": Rule(_pass_forward, _pass_backward, _arriving_change),
    "loss": Rule(_data_forward, _loss_backward, _no_change),
}
