"""The rules of operations with a parameter: linear maps, embeddings, biases and gains."""

from fractions import Fraction

from scalewright.theory.calculus.alignment import HALF
from scalewright.theory.calculus.parts import Parts
from scalewright.theory.calculus.rule import Rule, pass_backward, pass_change, pass_forward, sum_of
from scalewright.theory.calculus.sizes import Sizes, unknown
from scalewright.theory.graph.nodes import Node
from scalewright.theory.solver.affine import Affine, Max, Term
from scalewright.theory.solver.system import Constraint


def initial(name: str) -> Affine:
    """Return the exponent of an entry of W_0 = N^-a w_0."""
    return -unknown("a", name) - unknown("b", name)


def _reach(sizes: Sizes, node: Node, kappa: tuple[Fraction, Fraction], entrywise: Fraction) -> Fraction:
    """Return by which exponent an update of the node's weight acts on a vector that it is aligned with.

    An entrywise update sums over the fan-in; a spectral one, of operator norm U, maps a vector of norm
    N^(k/2) to one of that norm, N^((k - m)/2) an entry.
    """
    kappa_in, kappa_out = kappa
    if sizes.optimizer(sizes.parameter(node).name).spectral:
        return (kappa_in - kappa_out) / 2
    return entrywise * kappa_in


def _gradients(sizes: Sizes, node: Node) -> Fraction:
    """Return the exponent of the number of outputs that carry a gradient.

    Cross-entropy over many classes sends a gradient to the label and to the few classes that compete; a
    router sends one to the active experts.
    """
    graph = sizes.architecture
    dimension = graph.dimension_of[node.name]
    if node.name in graph.logits and graph.loss.kind != "squared":
        return Fraction(0)
    for mixture in graph.mixtures:
        if dimension == mixture.shape[0]:
            return sizes.exponent(mixture.shape[1])
    return sizes.exponent(dimension)


def _linear_forward(sizes: Sizes, node: Node) -> Parts:
    parameter = sizes.parameter(node)
    kappa = sizes.fans(node)[0]
    if parameter.starts_at_zero:
        return Parts()
    # A tied readout meets its own rows, which the stream carries from the embedding: an aligned sum.
    law = Fraction(1) if sizes.carries(node.inputs[0], parameter.name) else HALF
    arriving = sizes.parts["s", node.inputs[0]] + (kappa * law + initial(parameter.name))
    return arriving.because(sum_of(law, kappa, sizes.axis.name, f"size of {node.name}: W_0 x"))


def _linear_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    parameter, source = sizes.parameter(node), node.inputs[0]
    kappa_in, _ = sizes.fans(node)
    kappa, gradient = _gradients(sizes, node), sizes.parts["G", node.name]
    found, axis = Parts(), sizes.axis.name
    if not parameter.starts_at_zero:
        why = sum_of(HALF, kappa, axis, f"gradient before {node.name}: W_0^T G")
        found |= (gradient + (kappa * HALF + initial(parameter.name))).because(why)
    if not parameter.is_frozen:
        aligned = sizes.alignment.update
        reach = _reach(sizes, node, (kappa, kappa_in), aligned)
        why = sum_of(aligned, kappa, axis, f"gradient before {node.name}: (W_t - W_0)^T G")
        moved = gradient.coherent() + (reach + unknown("U", parameter.name))
        found |= moved.because(why).delayed()
    return {source: found}


def _effective(sizes: Sizes, node: Node, *, contracts: bool) -> Parts:
    """Return E, the size of (W_t - W_0) x_t: x_0 at the first step, x_0 and its change afterwards."""
    parameter, source = sizes.parameter(node), node.inputs[0]
    if parameter.is_frozen:
        return Parts()
    fans = sizes.fans(node) if contracts else (Fraction(0), sizes.fans(node)[1])
    update, align, axis = unknown("U", parameter.name), sizes.alignment, sizes.axis.name
    found = Parts()
    for size, exponent, what in (
        (_whole(sizes, source), align.update, "x_0"),
        (sizes.parts["D", source].coherent().delayed(), align.joint, "(x_t - x_0)"),
    ):
        why = sum_of(exponent, fans[0], axis, f"effective update of {node.name}: (W_t - W_0) {what}")
        found |= (size + (_reach(sizes, node, fans, exponent) + update)).because(why)
    return found


def _whole(sizes: Sizes, name: str) -> Parts:
    """Return the size of a tensor as one term of its own."""
    value = sizes.forward[name]
    return Parts() if value is None else Parts.of(value, f"s[{name}]")


def _base(sizes: Sizes, node: Node) -> Affine | None:
    """Return the change of the stream of blocks that a tensor is inside of, None outside of blocks."""
    stream = sizes.architecture.block_of.get(node.name)
    return None if stream is None else unknown("D", stream)


def record_effective(sizes: Sizes, node: Node, found: Parts) -> Parts:
    """Give E of a node its name, and return it as what moves the node's output."""
    if not found:
        return found
    whole = sizes.settle("E", node.name, found, _base(sizes, node))
    assert whole is not None
    sizes.effective[node.name] = Term(whole, f"effective update (W_t - W_0) x_t of {node.name}")
    return sizes.parts["E", node.name].because(f"change of {node.name}: effective update (W_t - W_0) x_t")


def _propagated(sizes: Sizes, node: Node, exponent: Fraction, kappa: Fraction, shift: Affine) -> Parts:
    """Return P, the size of W_0 (x_t - x_0), for one alignment."""
    why = sum_of(
        exponent, kappa, sizes.axis.name, f"change of {node.name}: propagating update W_0 (x_t - x_0)"
    )
    return (sizes.parts["D", node.inputs[0]] + (exponent * kappa + shift)).because(why)


def _record_propagating(sizes: Sizes, node: Node, laws: tuple[Fraction, ...], shift: Affine) -> Parts:
    """Return P and record it: the first law holds from the first step on, others later."""
    moved, kappa = sizes.change[node.inputs[0]], sizes.fans(node)[0]
    if moved is None:
        return Parts()
    found = whole = Parts()
    for place, law in enumerate(laws):
        part = _propagated(sizes, node, law, kappa, shift)
        total = Parts.of(moved + (law * kappa + shift), part.total(Affine()).terms[0].reason)
        found |= part.delayed() if place else part
        whole |= total.delayed() if place else total
    form = whole.own.terms[0].value if len(laws) == 1 else sizes.define("P", node.name, whole.own)
    sizes.propagating[node.name] = Term(form, whole.own.terms[-1].reason)
    return found


def _linear_change(sizes: Sizes, node: Node) -> Parts:
    """E = (W_t - W_0) x_t, P = W_0 (x_t - x_0)."""
    parameter = sizes.parameter(node)
    kappa_in, kappa_out = sizes.fans(node)
    found = record_effective(sizes, node, _effective(sizes, node, contracts=True))
    if parameter.starts_at_zero:
        return found
    omega, own = sizes.alignment.propagating(kappa_in, kappa_out), initial(parameter.name)
    # Nothing moves x through these rows before a gradient came through them.
    laws = (sizes.alignment.wide, omega) if node.name in sizes.silent and omega != HALF else (omega,)
    return found | _record_propagating(sizes, node, laws, own)


def _embedding_forward(sizes: Sizes, node: Node) -> Parts:
    parameter = sizes.parameter(node)
    if parameter.starts_at_zero:
        return Parts()
    return Parts.of(initial(parameter.name), f"size of {node.name}: a row of {parameter.name}")


def _embedding_change(sizes: Sizes, node: Node) -> Parts:
    parameter = sizes.parameter(node)
    if parameter.is_frozen:
        return Parts()
    reach = _reach(sizes, node, sizes.fans(node), Fraction(1))
    value = unknown("U", parameter.name) + reach
    found = Parts.of(value, f"effective update of {node.name}: the update of a row of {parameter.name}")
    return record_effective(sizes, node, found)


def _bias_forward(sizes: Sizes, node: Node) -> Parts:
    parameter = sizes.parameter(node)
    arriving = pass_forward(sizes, node)
    if parameter.starts_at_zero:
        return arriving
    return arriving | Parts.of(initial(parameter.name), f"size of {node.name}: the bias itself")


def _bias_change(sizes: Sizes, node: Node) -> Parts:
    parameter = sizes.parameter(node)
    arriving = pass_change(sizes, node)
    if parameter.is_frozen:
        return arriving
    reach = _reach(sizes, node, (Fraction(0), sizes.fans(node)[1]), Fraction(0))
    value = unknown("U", parameter.name) + reach
    own = Parts.of(value, f"effective update of {node.name}: the update of {parameter.name}")
    return arriving | record_effective(sizes, node, own)


def _gain_forward(sizes: Sizes, node: Node) -> Parts:
    """A gain starts at one, so that sizes pass; that it does is a condition."""
    parameter = sizes.parameter(node)
    reason = f"a gain starts at one: {parameter.name}"
    sizes.conditions.append(Constraint(initial(parameter.name), "==", reason))
    return pass_forward(sizes, node)


def _gain_change(sizes: Sizes, node: Node) -> Parts:
    arriving = pass_change(sizes, node)
    source = node.inputs[0]
    if sizes.change[source] is not None:
        sizes.propagating[node.name] = Term(
            _known(sizes.change[source]), f"change of {node.name}: the change of {source}"
        )
    return arriving | record_effective(sizes, node, _effective(sizes, node, contracts=False))


def _known(value: Affine | None) -> Affine:
    assert value is not None
    return value


def _depthwise_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    parameter = sizes.parameter(node)
    gradient, source = sizes.parts["G", node.name], node.inputs[0]
    why = f"gradient before {node.name}: "
    found = (gradient + initial(parameter.name)).because(why + "W_0 G")
    if not parameter.is_frozen:
        moved = gradient.coherent() + unknown("U", parameter.name)
        found |= moved.because(why + "(W_t - W_0) G").delayed()
    return {source: found}


def _depthwise_forward(sizes: Sizes, node: Node) -> Parts:
    parameter = sizes.parameter(node)
    found = sizes.parts["s", node.inputs[0]] + initial(parameter.name)
    return found.because(f"size of {node.name}: W_0 x sums over a fixed number of terms")


def _depthwise_change(sizes: Sizes, node: Node) -> Parts:
    found = record_effective(sizes, node, _effective(sizes, node, contracts=False))
    own = initial(sizes.parameter(node).name)
    return found | _record_propagating(sizes, node, (HALF,), own)


def _embedding_backward(sizes: Sizes, node: Node) -> dict[str, Parts]:
    return {}


def raw_gradient(sizes: Sizes, name: str) -> Max:
    """Return the size of d loss / d w over all uses: N^-a G[y], times x where w multiplies."""
    found = Max()
    for node in sizes.architecture.users_of(name):
        gradient = sizes.gradient[node.name]
        seen = Affine() if node.op in ("bias", "embedding") else sizes.later(node.inputs[0])
        if gradient is None or seen is None:
            continue
        value = gradient + seen - unknown("a", name) + _share(sizes, node)
        found |= Max.of(value, f"gradient of {name} where {node.name} uses it: G x")
    return found


def _share(sizes: Sizes, node: Node) -> Fraction:
    """Return the exponent of the share of the data that reaches an expert's weight, k of E."""
    graph = sizes.architecture
    for mixture in graph.mixtures:
        experts, active = mixture.shape
        if node.name in graph.experts_of[mixture.name] or graph.dimension_of[node.name] == experts:
            return sizes.exponent(active) - sizes.exponent(experts)
    return Fraction(0)


LINEAR = Rule(_linear_forward, _linear_backward, _linear_change)
EMBEDDING = Rule(_embedding_forward, _embedding_backward, _embedding_change)
BIAS = Rule(_bias_forward, pass_backward, _bias_change)
GAIN = Rule(_gain_forward, pass_backward, _gain_change)
DEPTHWISE = Rule(_depthwise_forward, _depthwise_backward, _depthwise_change)
