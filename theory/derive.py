"""The front door: from an architecture, an optimizer and requirements to a parametrization with its proof."""

from collections.abc import Iterable
from fractions import Fraction

from scalewright.theory.calculus.optimizers import Optimizer, optimizer_named
from scalewright.theory.calculus.sizes import Alignment
from scalewright.theory.calculus.walk import measure
from scalewright.theory.desiderata import (
    MAXIMAL_UPDATE,
    Desideratum,
    chosen,
    decay_transfer,
    epsilon_transfer,
)
from scalewright.theory.errors import ScalingError
from scalewright.theory.gauge import Scaling
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import Node
from scalewright.theory.parametrization import Parametrization
from scalewright.theory.power import Power
from scalewright.theory.solver.certificate import AxisCertificate, Certificate
from scalewright.theory.solver.solve import solve


def derive(
    architecture: Architecture,
    optimizer: str = "sgd",
    axes: tuple[str, ...] = ("width",),
    require: Iterable[Desideratum | str] | None = None,
    *,
    alignment: Alignment | None = None,
) -> Parametrization:
    """Derive the exponents that meet the requirements, unique up to gauge, with a certificate.

    Without `require`: the maximal update parametrization (stable, nontrivial, every parameter moves its
    output by Theta(1)). The answer is stated without multipliers; `in_gauge` restates it.

    Args:
        architecture: the graph of the network.
        optimizer: "sgd", "adam" or "adamw".
        axes: the sizes that grow, each solved by itself.
        require: desiderata, as objects of `theory.desiderata` or by name. Epsilon transfer and decay transfer
        are
            added for optimizers that have an epsilon or a decay, unless a requirement settles these.
        alignment: how sums over the fan-in add up; the default is that of Yang and Hu (2021).

    Returns:
        The Parametrization; powers of fixed sizes and gamma stand beside the solved ones by convention.

    Raises:
        Infeasible: the requirements can't hold together; carries the Farkas combination as its certificate.
        NotUnique: they leave an exponent open.
        Unverified: no exact proof could be built.

    Cost: some ms a layer; no linear program at all where every requirement is an equality.

    >>> from scalewright.theory.graph.perceptrons import mlp
    >>> [str(s.lr.only(["width"])) for s in derive(mlp(), "sgd").entries.values()]
    ['n', '1', 'n^-1']
    """
    rule = optimizer_named(optimizer, "derive")
    wanted = complete(MAXIMAL_UPDATE if require is None else chosen(require, "derive"), rule)
    check_axes(architecture, axes)
    parts = tuple(solve(measure(architecture, rule, axis, alignment), wanted) for axis in axes)
    per_parameter = not any(item.name == "one rate" for item in wanted)
    entries = {
        node.name: _scaling(architecture, node, rule, parts, per_parameter)
        for node in architecture.parameters
    }
    name = "mup" if require is None else "derived"
    return Parametrization(
        name, optimizer, architecture, "no-multipliers", tuple(axes), entries, Certificate(parts)
    )


def complete(require: tuple[Desideratum, ...], optimizer: Optimizer) -> tuple[Desideratum, ...]:
    """Return the requirements with those added that settle the optimizer's epsilon and decay.

    Raises ScalingError if one concerns an epsilon or a decay that the optimizer doesn't have.
    """
    settled = {item.concerns for item in require}
    lacking = {"eps": not optimizer.has_eps, "decay": not optimizer.has_decay}
    for item in require:
        if lacking.get(item.concerns):
            raise ScalingError(
                f"derive: require must fit the optimizer; {optimizer.name} has nothing for "
                f"{item.name!r} to settle"
            )
    added: list[Desideratum] = []
    if optimizer.has_eps and "eps" not in settled:
        added.append(epsilon_transfer)
    if optimizer.has_decay and "decay" not in settled:
        added.append(decay_transfer)
    return (*require, *added)


def check_axes(architecture: Architecture, axes: tuple[str, ...]) -> None:
    """Raise ScalingError unless every axis is a size that may grow."""
    if isinstance(axes, str) or not axes or len(set(axes)) != len(axes):
        raise ScalingError(f"derive: axes must be a tuple of distinct axis names; given {axes!r}")
    logits = architecture.size(architecture.dimension_of[architecture.loss.inputs[0]])
    growing = {name: None for _, size in architecture.dimensions for name in size.exponents}
    known = [name for name in growing if not logits.exponent(name)]
    for axis in axes:
        if axis not in known:
            raise ScalingError(
                f"derive: an axis must be a size on which a dimension other than that of the logits depends "
                f"({', '.join(known)}); given {axis!r}"
            )


def _scaling(
    architecture: Architecture,
    node: Node,
    optimizer: Optimizer,
    parts: tuple[AxisCertificate, ...],
    per_parameter: bool,
) -> Scaling:
    solved = {symbol: _solved(parts, symbol, node.name) for symbol in "abcew"}
    std, lr, eps = _conventions(architecture, node, optimizer, tuple(part.axis for part in parts))
    if not per_parameter:
        std, lr, eps = std.only(["inputs"]), Power.one(), Power.one()
    return Scaling(
        multiplier=solved["a"] ** -1,
        init_std=solved["b"] ** -1 * std,
        lr=solved["c"] ** -1 * lr,
        eps=solved["e"] * eps if optimizer.has_eps else None,
        weight_decay=solved["w"] / lr if optimizer.has_decay else None,
    )


def _solved(parts: tuple[AxisCertificate, ...], symbol: str, name: str) -> Power:
    return Power({part.axis: part.values.get(f"{symbol}[{name}]", Fraction(0)) for part in parts})


def _conventions(
    architecture: Architecture, node: Node, optimizer: Optimizer, axes: tuple[str, ...]
) -> tuple[Power, Power, Power]:
    """Return the powers of fixed sizes and gamma in std, rate and epsilon, stated without multipliers.

    A fixed fan-in F is treated as the calculus treats a growing one: std F^-1/2, rate F^-1, epsilon F^0. The
    readout carries gamma^-1, which shrinks the gradient before it by gamma: there epsilon is gamma^-1, the
    rate gamma^2 (SGD) or gamma (Adam), so that a step changes the function by gamma^0.
    """
    fixed = _without(architecture.fan_in(node), axes)
    user = architecture.user_of(node.name)
    before = Power.one() if user.name in architecture.logits else Power({"gamma": 1})
    readout = (
        Power({"gamma": -1}) if user.name in architecture.logits and user.op == "linear" else Power.one()
    )
    return fixed ** Fraction(-1, 2) * readout, fixed**-1 * before**optimizer.gamma, before**-1


def _without(power: Power, axes: tuple[str, ...]) -> Power:
    return Power({name: value for name, value in power.items if name not in axes})
