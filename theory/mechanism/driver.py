"""Why a rate is too large: every size as an exact function of the rate's exponent, step by step."""

from collections.abc import Mapping
from fractions import Fraction

from scalewright.theory.calculus.alignment import Alignment
from scalewright.theory.calculus.optimizers import Assignment, Optimizer, assignment
from scalewright.theory.calculus.sizes import Axis, Sizes
from scalewright.theory.calculus.walk import measure
from scalewright.theory.edges import start_of
from scalewright.theory.errors import expect
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.mechanism.piecewise import Piecewise
from scalewright.theory.mechanism.result import Mechanism
from scalewright.theory.mechanism.updates import Curves, follow
from scalewright.theory.parametrization import Parametrization
from scalewright.theory.power import Exponent
from scalewright.theory.profile import values_of


def mechanism(
    architecture: Architecture,
    parametrization: str | Parametrization = "sp",
    optimizer: str | Optimizer | Assignment | Mapping[str, object] = "sgd",
    loss: str | None = None,
    *,
    alignment: Alignment | None = None,
    rates: tuple[Exponent, Exponent] = (-1, 2),
) -> Mechanism:
    """Follow a network's sizes step by step as functions of c, for all rates n^-c at once.

    Every size of the calculus is a maximum of affine forms, so along one parameter it is a piecewise linear
    function, which is computed exactly. `edges` proves where the edges lie; this shows why: which sum makes a
    layer move, and whether what it makes comes back through the loss.

    Args:
        architecture, parametrization, optimizer, loss, alignment: as in `edges`.
        rates: the interval of c. Where the parametrization gives layers different rates (stated without
            multipliers), n^-c multiplies them, so that c = 0 is the parametrization itself.

    Returns:
        The Mechanism; `explain()` is the derivation in words, `change(tensor)` a curve, `plot_mechanism`
        draws them.

    Raises:
        ScalingError: unknown names.
        TypeError: floats in `rates`, or something else than a pair.
        ValueError: rates that are no interval.

    Cost: 8 steps of the calculus with functions for numbers, about 0.1 s a layer.

    >>> from scalewright.theory import mlp
    >>> found = mechanism(mlp(4), "sp", "sgd", "cross-entropy")
    >>> str(found.bounded_features), str(found.bounded_logits), found.closes
    ('1/2', '1', True)
    >>> str(found.change("readout", step=1))
    'max(3/2 - 4 c, 2 - 3 c, 1 - c)'
    """
    expect(architecture, Architecture, "mechanism: architecture")
    if not isinstance(rates, tuple | list) or len(rates) != 2:
        raise TypeError(f"mechanism: rates must be two exponents, (lowest c, highest c); given {rates!r}")
    graph = architecture if loss is None else architecture.with_loss(loss)
    rules = assignment(optimizer, "mechanism")
    # Without multipliers a rate is that of the weights themselves, whatever the gauge it was stated in.
    given = start_of(graph, parametrization, rules).in_gauge("no-multipliers")
    name = given.axes[0]
    axis = Axis(name, dict(given.grow.get(name, {name: Fraction(1)})))
    sizes = measure(graph, rules, axis, alignment or given.alignment)
    c = Piecewise.identity(*rates)
    values, by_layer = _values(given, sizes, c)
    steps = tuple(follow(sizes, values))
    low, high = c.knots
    return Mechanism(given.name, rules.name, graph.loss.kind, by_layer, low, high, sizes, steps)


def _values(given: Parametrization, sizes: Sizes, c: Piecewise) -> tuple[Curves, bool]:
    """Return the exponents of the parameters as functions of c, and whether rates differ by layer."""
    fixed = values_of(given, sizes)
    rates = {name: value for name, value in fixed.items() if name.startswith("c[") and value is not None}
    by_layer = len(set(rates.values())) > 1
    found: Curves = {}
    for name, value in fixed.items():
        if name in rates:
            found[name] = c + rates[name] if by_layer else c
        else:
            found[name] = None if value is None or name.startswith("e[") else c * 0 + value
    return found, by_layer
