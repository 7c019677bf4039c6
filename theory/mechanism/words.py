"""The derivation of a mechanism in words: every size and every reason is what the calculus has."""

from collections.abc import Iterator
from fractions import Fraction

from scalewright.theory.calculus.rules import RULES
from scalewright.theory.mechanism.result import Mechanism, rows_of
from scalewright.theory.mechanism.updates import Curve
from scalewright.theory.power import SYMBOLS
from scalewright.theory.solver.affine import Affine, Max, Term
from scalewright.theory.solver.system import Definition

#: What the losses are, from which it follows whether their derivative in the logits is bounded.
LOSSES = {
    "cross-entropy": "it is softmax(f) - y, between -1 and 1",
    "brier": "it is the softmax's distance to y, times the softmax's derivative: both between -1 and 1",
    "squared": "it is f - y",
}
#: So many steps are shown where sizes grow with every step.
SHOWN = 4


def derivation(found: Mechanism) -> str:
    """Return the numbered steps of the derivation, from initialisation to the regimes of c."""
    sections = [
        ("At initialisation", _initial(found)),
        ("The loss", _loss(found)),
        ("Gradients, from the loss backwards", _gradients(found)),
        ("Updates of the weights", _updates(found)),
        ("Features", _features(found)),
        ("Logits", _logits(found)),
        ("What comes back through the loss", _feedback(found)),
        ("So", _regimes(found)),
    ]
    lines = [_title(found)]
    for number, (title, body) in enumerate(sections, 1):
        lines += ["", f"{number}. {title}"]
        lines += [f"   {line}" for line in body]
    return "\n".join(lines)


def _title(found: Mechanism) -> str:
    n = SYMBOLS.get(found.axis, found.axis)
    rate = f"the rates of the table times {n}^-c" if found.by_layer else f"one rate {n}^-c for all"
    low, high = _span(found)
    return (
        f"{found.name}, {found.optimizer}, {found.loss}: {rate}.\n"
        f"Each size is a power of {n} = {found.axis}; what stands here is its exponent, for c from {low} to "
        f"{high}."
    )


def _span(found: Mechanism) -> tuple[Fraction, Fraction]:
    """Return the c that are told of: from a little below the edge of the features on."""
    features = found.bounded_features
    if features is None or features >= found.high:
        return found.low, found.high
    return max(found.low, features - Fraction(1, 4)), found.high


def _initial(found: Mechanism) -> Iterator[str]:
    for node in rows_of(found.sizes):
        curve = found.size(found.sizes.forward[node.name], 1)
        reasons = "; ".join(_reasons(found, f"s[{node.name}]"))
        yield f"size of {node.name}: {_write(found, curve)}" + (f"  <- {reasons}" if reasons else "")


def _loss(found: Mechanism) -> Iterator[str]:
    loss = found.sizes.architecture.loss
    (parts,) = RULES["loss"].backward(found.sizes, loss).values()
    terms = parts.own.terms
    for term in terms:
        yield term.reason
    bounded = all(term.value.is_constant for term in terms)
    yield f"{LOSSES[found.loss]}: {'whatever' if bounded else 'as large as'} the logits are"


def _gradients(found: Mechanism) -> Iterator[str]:
    for definition in found.sizes.definitions:
        if definition.name.startswith("G["):
            yield from _told(found, definition.name, definition)


def _updates(found: Mechanism) -> Iterator[str]:
    for node in found.sizes.architecture.trainable:
        name = f"U[{node.name}]"
        (definition,) = (d for d in found.sizes.definitions if d.name == name)
        yield from _told(found, name, definition)


def _features(found: Mechanism) -> Iterator[str]:
    for name in found.features:
        yield from _moves(found, name)


def _logits(found: Mechanism) -> Iterator[str]:
    yield from _moves(found, found.logits)


def _moves(found: Mechanism, tensor: str) -> Iterator[str]:
    """Tell the parts of a tensor's change, and from which c on it is bounded."""
    sizes = found.sizes
    for label, terms in (("effective", sizes.effective), ("propagating", sizes.propagating)):
        term = terms.get(tensor)
        if term is not None:
            name = f"{'E' if label == 'effective' else 'P'}[{tensor}]"
            yield from _told(found, name, _defined(found, name, term), label=f"{label} update of {tensor}")
    yield f"hence the change of {tensor} at the second step {_bound(found, tensor)}"


def _defined(found: Mechanism, name: str, term: Term) -> Definition:
    """Return the definition of a size, or of one that is the term itself."""
    known = (d for d in found.sizes.definitions if d.name == name)
    return next(known, Definition(name, Max((term,))))


def _bound(found: Mechanism, tensor: str) -> str:
    """Say from which c on a change is bounded at the second step, whose gradients see the first update."""
    curve, settled = found.change(tensor, 2), found.settled_from
    if curve is None:
        return "is exactly zero"
    least = curve.nonpositive_from()
    if least is None:
        return f"is not bounded at any c up to {found.high}"
    text = f"is bounded iff c >= {least}" if least > found.low else f"is bounded at every c from {found.low}"
    if settled is not None and settled > least:
        text += f"; for c < {settled} it grows with every step after it"
    return text


def _told(found: Mechanism, name: str, definition: Definition, *, label: str | None = None) -> Iterator[str]:
    """Tell one size: at the first step, at the second, and where it settles; then its terms with reasons."""
    terms = definition.maximum.terms
    form = Affine.unknown(name) if name in found.steps[0] else terms[0].value
    first, second = (_write(found, found.size(form, step)) for step in (1, 2))
    text = f"{label or name}: {first}"
    if first != second:
        text += f" at the first step, {second} at the second"
    text += _settled(found, form)
    if len(terms) == 1:
        yield f"{text}  <- {_because(terms[0].reason)}"
        return
    yield text
    for term in terms:
        late = found.part(definition, term, 1) is None
        curve = _write(found, found.part(definition, term, 2))
        yield f"  {curve}  <- {_because(term.reason)}{' (from the second step on)' * late}"


def _settled(found: Mechanism, form: Affine) -> str:
    """Tell where a size settles and at what, if that is not what it is at the second step."""
    curve, second, settled = found.size(form), found.size(form, 2), found.settled_from
    low, high = _span(found)
    start = low if settled is None else max(low, settled)
    if curve is None or second is None or settled is None or start >= high:
        return ""
    whole = str(curve.restricted(start, high))
    if whole == str(second.restricted(low, high)):
        return ""
    return f"; settles at {whole}" + (f" for c >= {settled}" if settled > low else "")


def _because(reason: str) -> str:
    """Return a reason without the name of what it is the reason for, which stands before it already."""
    head, colon, rest = reason.partition(": ")
    return rest if colon and head.split()[0] in ("effective", "gradient", "update", "change") else reason


def _reasons(found: Mechanism, name: str) -> list[str]:
    terms = [t for d in found.sizes.definitions if d.name == name for t in d.maximum.terms]
    return [term.reason.partition(": ")[2] for term in terms]


def _write(found: Mechanism, curve: Curve) -> str:
    return "exactly zero" if curve is None else str(curve.restricted(*_span(found)))


def _feedback(found: Mechanism) -> Iterator[str]:
    """Tell what would follow if the logits were larger, and how they grow step by step."""
    updates = sorted(name for name in found.reading if name.startswith("U["))
    gradients = sorted(name for name in found.reading if name.startswith("G["))
    if updates:
        yield f"larger logits make larger {', '.join(gradients)}, and with them {', '.join(updates)}:"
        yield "the exponents feed on themselves"
    elif gradients:
        yield f"larger logits make larger {', '.join(gradients)}, but no update reads how large they are:"
        yield f"{found.optimizer} divides by the size of the gradient. The updates close without the logits"
    else:
        yield "nothing reads the size of the logits: the steps above close without them"
    window = _window(found)
    if window is not None:
        curves = (found.change(found.logits, step) for step in range(1, SHOWN + 1))
        shown = "; ".join(str(curve.restricted(*window)) for curve in curves if curve is not None)
        yield f"change of the logits for c from {window[0]} to {window[1]}, step by step: {shown}"


def _window(found: Mechanism) -> tuple[Fraction, Fraction] | None:
    """Return where the logits grow: the window of controlled divergence, or what is next to the edge."""
    logits, features = found.bounded_logits, found.bounded_features
    if logits is None or logits <= found.low:
        return None
    if features is not None and features < logits:
        return features, logits
    last = found.change(found.logits, SHOWN)
    return max(knot for knot in last.knots if knot < logits), logits  # type: ignore[union-attr]


def _regimes(found: Mechanism) -> Iterator[str]:
    features, logits = found.bounded_features, found.bounded_logits
    if features is None or logits is None:
        yield f"no c up to {found.high} keeps {'features' if features is None else 'logits'} bounded"
        if features is None:
            return
    else:
        yield f"c >= {logits}: features and logits are bounded"
    top = found.high if logits is None else logits
    if features < top:
        grow = "logits and gradients" if any(k.startswith("G[") for k in found.reading) else "logits"
        yield (
            f"{features} <= c {'<=' if logits is None else '<'} {top}: controlled divergence: {grow} grow, "
            "features and updates don't"
        )
    if features > found.low:
        why = "sizes grow with every step" if features == found.settled_from else "features grow"
        yield f"c < {features}: catastrophic: {why}"
